"""Standard output, and the file that an option names instead.

Invariant: whatever a command writes to a path goes through here, so that no file of the author's is
lost: what mapgen did not write itself is replaced with `--force` alone.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TypeVar

import click

from mapgen.cli.options import STANDARD_OUTPUT
from mapgen.disk.boundary import reason_of
from mapgen.escaping import lines, visible

if TYPE_CHECKING:
    from mapgen.report import Diagnostic

Write = Callable[[bytes], object]
IsOurs = Callable[[bytes], bool]
T = TypeVar("T")
# How each line of documents and rejects begins: with where its record is.
_FIRST_OF_A_LINE = b'{"source":{"file":'


def say(words: str, *, nl: bool = True, err: bool = False) -> None:
    """Print words in which texts of authors and records may be: they steer no terminal."""
    click.echo(lines(words), nl=nl, err=err)


def tell(words: str) -> None:
    """Print words beside what a command is for: to standard error."""
    say(words, err=True)


def tell_row(*cells: str) -> None:
    """Print what belongs to one thing in a line, with tabs between."""
    click.echo("\t".join(map(visible, cells)))


def tell_facts(
    facts: Iterable[tuple[str, object]], width: int, indent: int = 2, *, err: bool = False
) -> None:
    """Print facts that are known, one a line, below what they are about."""
    for name, reported in facts:
        if reported is not None:
            click.echo(f"{'':<{indent}}{name:<{width}} {visible(str(reported))}", err=err)


def piped(text: str, *, nl: bool = True, err: bool = False) -> None:
    """Print data for a program as it is, or as a person may see it where a terminal shows it."""
    stream = sys.stderr if err else sys.stdout
    click.echo(lines(text) if stream.isatty() else text, nl=nl, err=err)


def piped_json(data: object) -> None:
    """Print data for a program as JSON, in one line."""
    import json

    piped(json.dumps(data, ensure_ascii=False))


def give(text: str, output: Path | None, *, force: bool, is_ours: IsOurs | None = None) -> None:
    """Print a text, or write it. Takes what `place` takes, raises what it raises."""
    if output is None or output == STANDARD_OUTPUT:
        piped(text, nl=False)
    elif place(text, output, force=force, is_ours=is_ours):
        say(f"wrote {visible(output.as_posix())}")
    else:
        say(f"{visible(output.as_posix())} holds this already")


def place(
    text: str, path: Path, *, force: bool, is_ours: IsOurs | None = None, is_private: bool = False
) -> bool:
    """Write a file, whole or not at all; return whether there was something to write.

    Args:
        text: what the file will hold.
        path: where.
        force: whether a file of the author's may be lost.
        is_ours: says of a content whether mapgen wrote it, so that it may be replaced.
        is_private: only the file's owner may read it.

    Raises Stopped where the file is the author's (E533) or cannot be written (E510).
    """
    from mapgen.report import Stopped

    content = text.encode()
    found = refusal(path, force=force, is_ours=lambda old: old == content or _is(is_ours, old))
    if found is not None:
        raise Stopped(found)
    with contextlib.suppress(OSError):
        if path.is_file() and path.read_bytes() == content:
            return False
    with writing(path, is_private=is_private) as write:
        write(content)
    return True


def _is(is_ours: IsOurs | None, content: bytes) -> bool:
    return is_ours is not None and is_ours(content)


def refusal(
    path: Path, *, force: bool, is_ours: IsOurs | None = None, shown: str = ""
) -> Diagnostic | None:
    """Return why a path may not be written: there is a file of the author's; None where it may.

    An empty file holds nothing that could be lost, and a device or a pipe keeps nothing. `shown` is
    the path in the message, where it is another than that which was given.
    """
    from mapgen.disk.whole import is_stream
    from mapgen.report.catalogue import project

    shown = shown or path.as_posix()
    if force or is_stream(path):
        return None
    try:
        if path.stat().st_size == 0 or (is_ours is not None and is_ours(path.read_bytes())):
            return None
    except (FileNotFoundError, NotADirectoryError):
        return None  # what is in the way of a folder is reported when the file is made
    except OSError as error:
        return project.cannot_write(path=shown, reason=reason_of(error))
    if path.is_dir():
        return project.cannot_write(path=shown, reason="is a directory")
    return project.authors_file(path=shown)


def stop_for(found: Iterable[Diagnostic | None]) -> None:
    """Raise Stopped where anything has been found."""
    from mapgen.report import Stopped

    if errors := [one for one in found if one is not None]:
        raise Stopped(errors)


def spare_lines(paths: Iterable[Path | None], *, force: bool) -> None:
    """Raise Stopped where a file is not of lines that `transform` or `run` wrote before."""
    stop_for(refusal(path, force=force or _holds_lines(path)) for path in paths if path is not None)


def _holds_lines(path: Path) -> bool:
    with contextlib.suppress(OSError):
        if path.is_file():  # a pipe would be waited for
            with path.open("rb") as stream:
                return stream.read(len(_FIRST_OF_A_LINE)) == _FIRST_OF_A_LINE
    return False


def in_the_way(paths: Iterable[Path]) -> list[Diagnostic]:
    """Return what is where a folder would have to be for one of the paths, each once."""
    from mapgen.report.catalogue import project

    met = {next(filter(os.path.lexists, path.parents), path.parent) for path in paths}
    return [
        project.cannot_write(path=one.as_posix(), reason="not a directory")
        for one in sorted(met)
        if not one.is_dir()
    ]


def make_folder(folder: Path) -> None:
    """Make a folder, and those around it. Raises Stopped (E510)."""
    from mapgen.report import Stopped
    from mapgen.report.catalogue import project

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Stopped(
            project.cannot_write(path=folder.as_posix(), reason=reason_of(error))
        ) from None


@contextlib.contextmanager
def listening_at(host: str, port: int, advice: str = "") -> Iterator[None]:
    """Raise ClickException where a place is taken that something begins to listen at inside."""
    try:
        yield
    except OSError as error:
        words = f"cannot listen on {host}:{port}: {reason_of(error)}{advice}"
        raise click.ClickException(words) from None


@contextlib.contextmanager
def writing(
    path: Path | None, otherwise: BinaryIO | None = None, *, is_private: bool = False
) -> Iterator[Write]:
    """Give what writes to a file, which is there whole after the block, or to a stream instead.

    A terminal shows lines of JSON, without what it would obey.

    Raises Stopped (E510). What `refusal` says has been asked before.
    """
    from mapgen.disk.whole import whole_file
    from mapgen.runtime.lines import shown_json

    if path is None or path == STANDARD_OUTPUT:
        stream = otherwise if path is None and otherwise is not None else sys.stdout.buffer
        seen = shown_json if stream.isatty() else bytes
        yield lambda content: _reported(path, stream.write, seen(content))
        _reported(path, stream.flush)
        return
    file = whole_file(path, is_private=is_private)
    opened = _reported(path, file.__enter__)
    try:
        yield partial(_reported, path, opened.write)
    except BaseException as error:
        with contextlib.suppress(OSError):
            file.__exit__(type(error), error, error.__traceback__)
        raise
    _reported(path, file.__exit__, None, None, None)


def _reported(path: Path | None, write: Callable[..., T], *given: object) -> T:
    try:
        return write(*given)
    except BrokenPipeError:
        raise  # whoever read has seen enough
    except OSError as error:
        from mapgen.report import Stopped
        from mapgen.report.catalogue import project

        shown = "standard output" if path is None else path.as_posix()
        raise Stopped(project.cannot_write(path=shown, reason=reason_of(error))) from None
