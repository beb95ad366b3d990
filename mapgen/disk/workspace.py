"""The only door to the disk: finds specs, reads and writes files, knows what is stale."""

from __future__ import annotations

import os
import posixpath
from codecs import BOM_UTF8
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from msgspec import Struct, field

from mapgen.disk.boundary import OutsideError, StrangeFileError, inside, plain_file, reason_of
from mapgen.report import Source, Span, Stopped
from mapgen.report.catalogue import project, reading

SPECS = "specs"
GENERATED = "generated"
# What Python and the tools leave there that run the generated tests.
_CACHES = frozenset(("__pycache__", ".pytest_cache", ".hypothesis", ".mypy_cache", ".ruff_cache"))
SPEC_SUFFIX = ".maps.yaml"
DEFAULTS = f"{SPECS}/defaults.yaml"
PARTS_SUFFIX = ".parts.yaml"
# The metadata of a whole tenant stays far below it.
MOST_BYTES = 64 * 1024 * 1024


def from_specs(path: str) -> str:
    """Return a path as specs write it, from `specs/`, as one from the workspace."""
    return posixpath.join(SPECS, path)


class Staleness(Struct, frozen=True):
    """How the folder `generated/` differs from what the specs say. Paths from the workspace.

    `orphaned` are files that an earlier `generate` wrote; `foreign` are those of the author, or
    edited by the author: they are never deleted.
    """

    stale: tuple[str, ...]
    missing: tuple[str, ...]
    orphaned: tuple[str, ...]
    foreign: tuple[str, ...] = ()

    @property
    def is_fresh(self) -> bool:
        return not (self.stale or self.missing or self.orphaned)


class Workspace(Struct, frozen=True):
    """A folder that holds `specs/`, and reads nothing outside of it for a spec.

    `drafts` are read instead of what the disk has, by path; `given` are paths of the user's own, of
    a command line, which may lie anywhere.
    """

    root: Path
    drafts: Mapping[str, str] = field(default_factory=dict)
    given: frozenset[str] = frozenset()

    @classmethod
    def find(cls, start: Path) -> Workspace:
        """Return the workspace of the nearest folder with `specs/`. Raises Stopped (E501)."""
        absolute = Path(os.path.realpath(start))  # never raises, as `resolve` does for a loop
        for folder in (absolute, *absolute.parents):
            if (folder / SPECS).is_dir():
                return cls(folder)
        raise Stopped(project.no_workspace(path=str(start)))

    def spec_paths(self) -> tuple[str, ...]:
        """Return the paths of all specs, sorted."""
        found = (self.root / SPECS).rglob(f"*{SPEC_SUFFIX}")
        return tuple(sorted(path.relative_to(self.root).as_posix() for path in found))

    def has(self, path: str) -> bool:
        """Whether there is something at a path, readable or not."""
        return path in self.drafts or os.path.lexists(self.root / path)

    def parts_paths(self) -> tuple[str, ...]:
        """Return the paths of all files of parts, sorted."""
        found = (self.root / SPECS).rglob(f"*{PARTS_SUFFIX}")
        return tuple(sorted(path.relative_to(self.root).as_posix() for path in found))

    def named(self, folder: str, ending: str) -> tuple[str, ...]:
        """Return the names of the files with an ending in a folder of `specs/`, sorted."""
        found = (self.root / SPECS / folder).glob(f"*{ending}")
        return tuple(sorted(path.name.removesuffix(ending) for path in found))

    def relative(self, path: Path) -> str:
        """Return a path as messages show it: from the workspace where it lies inside."""
        absolute = Path(os.path.abspath(path))
        if absolute.is_relative_to(self.root):
            return absolute.relative_to(self.root).as_posix()
        return str(path)

    def read(self, path: str, what: str, asked_at: Span | None = None) -> Source:
        """Return a text file as a source.

        Args:
            path: from the workspace.
            what: what it is, for messages (`the source schema`).
            asked_at: where a spec names it.

        Raises Stopped where it is missing, no UTF-8 text, outside of the workspace, or too large.
        """
        if path in self.drafts:
            return Source(path, self.drafts[path])
        file = self.file(path, what, asked_at)
        try:
            with file.open("rb") as stream:
                data = stream.read(MOST_BYTES + 1)
        except OSError as error:
            raise Stopped(reading.file_unreadable(path=path, reason=reason_of(error))) from None
        if len(data) > MOST_BYTES:
            reason = f"it has more than {MOST_BYTES:,} bytes"
            raise Stopped(reading.file_unreadable(path=path, reason=reason))
        try:
            return Source(path, data.decode("utf-8-sig"))
        except UnicodeDecodeError as error:
            reason = f"byte {data[error.start]:#04x} at {error.start} is not UTF-8"
            raise Stopped(reading.file_unreadable(path=path, reason=reason)) from None

    def beside(self, path: str) -> str | None:
        """Return the text of a file that another refers to, None where it cannot be read."""
        try:
            return self.read(path, "the schema").text
        except Stopped:
            return None

    def file(self, path: str, what: str, asked_at: Span | None = None) -> Path:
        """Return where a file lies that is there and may be read: of this workspace, and plain.

        Takes what `read` takes. Raises Stopped (E101, E102, E132).
        """
        try:
            path.encode()
            return self.root / path if path in self.given else plain_file(self.root, path)
        except UnicodeEncodeError:
            reason = "its name is not UTF-8"
            raise Stopped(reading.file_unreadable(asked_at, path=path, reason=reason)) from None
        except OutsideError as error:
            raise Stopped(
                reading.file_outside(asked_at, path=path, what=what, reason=str(error))
            ) from None
        except (FileNotFoundError, NotADirectoryError):
            raise Stopped(reading.file_missing(path, what, asked_at)) from None
        except StrangeFileError as error:
            raise Stopped(reading.file_unreadable(asked_at, path=path, reason=str(error))) from None
        except OSError as error:
            raise Stopped(
                reading.file_unreadable(asked_at, path=path, reason=reason_of(error))
            ) from None

    def staleness(self, files: Mapping[str, str], written: Mapping[str, str]) -> Staleness:
        """Compare what lies in `generated/` with what should.

        Args:
            files: the contents that it should have, by path.
            written: the SHA-256 of what an earlier `generate` wrote, by path.
        """
        stale = []
        missing = []
        for path, text in sorted(files.items()):
            try:
                if (self.root / path).read_bytes() != text.encode():
                    stale.append(path)
            except (FileNotFoundError, NotADirectoryError):
                missing.append(path)
            except OSError:
                stale.append(path)  # why it cannot be read is reported when it is written
        others = [path for path in self._generated() if path not in files]
        orphaned = tuple(path for path in others if self._hash(path) == written.get(path))
        foreign = tuple(path for path in others if path not in orphaned)
        return Staleness(tuple(stale), tuple(missing), orphaned, foreign)

    def _hash(self, path: str) -> str:
        from hashlib import sha256

        return sha256((self.root / path).read_bytes()).hexdigest()

    def write(self, files: Mapping[str, str], staleness: Staleness) -> None:
        """Write what is stale or missing, each file whole or not at all; delete the orphaned.

        Raises Stopped (E510), before anything is written where a link leads out of the workspace.
        """
        changed = (*staleness.stale, *staleness.missing)
        for path in changed:
            self._keep_inside(path)
        for path in changed:
            self._write(path, files[path])
        for path in staleness.orphaned:
            (self.root / path).unlink()
            self._remove_empty(self.root / PurePosixPath(path).parent)

    def rewrite(self, path: str, before: str, text: str) -> None:
        """Write a file of the author's anew, whole or not at all; a byte order mark stays.

        Raises Stopped (E510) where it cannot be written, or holds something else than `before`.
        """
        try:
            found = (self.root / path).read_bytes()
        except OSError as error:
            raise Stopped(project.cannot_write(path=path, reason=reason_of(error))) from None
        if found.removeprefix(BOM_UTF8) != before.encode():
            raise Stopped(
                project.cannot_write(path=path, reason="it has changed since it was checked")
            )
        mark = "\ufeff" if found.startswith(BOM_UTF8) else ""
        self._write(path, mark + text)

    def _generated(self) -> list[str]:
        return sorted(
            path.relative_to(self.root).as_posix()
            for path in (self.root / GENERATED).rglob("*")
            if path.is_file() and _CACHES.isdisjoint(path.parts)
        )

    def _keep_inside(self, path: str) -> None:
        try:
            inside(self.root, path)
        except (OutsideError, OSError) as error:
            reason = reason_of(error) if isinstance(error, OSError) else str(error)
            raise Stopped(project.cannot_write(path=path, reason=reason)) from None

    def _write(self, path: str, text: str) -> None:
        from mapgen.disk.whole import whole_file  # most commands write nothing

        file = self.root / path
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            with whole_file(file) as stream:
                stream.write(text.encode())
        except OSError as error:
            raise Stopped(project.cannot_write(path=path, reason=reason_of(error))) from None

    def _remove_empty(self, folder: Path) -> None:
        """Remove a folder that holds nothing but what Python and its tools have cached there."""
        while folder != self.root / GENERATED and folder.is_dir():
            if any(child.name not in _CACHES for child in folder.iterdir()):
                return
            from shutil import rmtree

            rmtree(folder)
            folder = folder.parent
