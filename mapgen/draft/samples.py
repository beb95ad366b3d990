"""Samples of records, as files have them: JSON, rows of cells, what a Singer tap prints.

What is no record is reported and left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TypeAlias, cast

from msgspec import Struct

from mapgen.agreed.plan import Form
from mapgen.contract.inference import Json, Schema, infer
from mapgen.draft.singer import is_of_singer, refined, stream_of
from mapgen.draft.sniffing import as_elsewhere, before_totals, form_of_rows, with_spelling
from mapgen.report import Stopped
from mapgen.report.catalogue import project as messages
from mapgen.report.catalogue import reading
from mapgen.runtime.errors import RuleError
from mapgen.runtime.sources.cells import HeaderError, Row
from mapgen.runtime.sources.json import JsonFiles
from mapgen.runtime.sources.kinds import files_of
from mapgen.runtime.sources.plain import UnfitBytes, plain
from mapgen.runtime.sources.records import CHUNK, decode_whole

Record: TypeAlias = Mapping[str, Json]
Report: TypeAlias = Callable[[str], None]
_MOST_REPORTED = 5
_TOTAL = 'it looks like a total; the cookbook ("Files of banks and offices") skips such lines'
_MEMBER = re.compile(rb'\s*\{\s*"([^"\\]+)"\s*:\s*[\[{]')
_CELLS = {".csv": "csv", ".tsv": "csv", ".txt": "csv", ".xlsx": "xlsx"}


class Samples(Struct, frozen=True):
    """Records, what files of them are, and their schema where it came with them."""

    records: tuple[Record, ...]
    form: Form = Form()
    schema: Schema | None = None

    def drafted(self, name: str, *, with_enums: bool = False) -> Schema:
        """Return a draft of the schema of a record that is called so."""
        holds_cells = self.form.holds_cells
        if self.schema is None:
            records = as_elsewhere(self.form, self.records) if holds_cells else self.records
            return infer(records, name, holds_cells=holds_cells, with_enums=with_enums)
        found = infer(self.records, name, with_enums=with_enums) if self.records else {}
        return refined(self.schema, found)


def read_samples(
    files: Iterable[Path], name: str, envelope: tuple[str, ...], say: Report
) -> Samples:
    """Return the samples that files hold.

    Args:
        files: JSON, JSON Lines, CSV or Excel; the first says of what form all are.
        name: what a record is called: of what a Singer tap prints, its stream.
        envelope: members that records are wrapped in.
        say: is told what is left out.

    Raises Stopped where there is no record, and no schema either.
    """
    paths = tuple(files)
    kind = _CELLS.get(paths[0].suffix.lower())
    if kind is not None:
        form = _form_of_rows(paths[0]) if kind == "csv" else Form(kind)
        rows = tuple(row for path in paths for row in _rows(path, form, say))
        return _not_empty(Samples(rows, with_spelling(form, rows)), paths)
    all_of_it = [one for path in paths for one in _objects(path, (), lambda _: None)]
    if any(is_of_singer(one) for one in all_of_it):
        stream = stream_of(all_of_it, name, paths[0].as_posix())
        return Samples(stream.records, schema=stream.schema)
    found = [record for path in paths for record in _objects(path, envelope, say)]
    if any(_is_schema(one) for one in found):
        return Samples((), schema=dict(found[0]))
    return _not_empty(Samples(tuple(found), Form(envelope=_wrapping(paths[0], envelope))), paths)


def _not_empty(samples: Samples, paths: tuple[Path, ...]) -> Samples:
    if samples.records:
        return samples
    raise Stopped(
        reading.not_json(path=paths[0].as_posix(), reason="it holds no record", what="the samples")
    )


def _form_of_rows(path: Path) -> Form:
    try:
        return form_of_rows(path)
    except UnfitBytes as error:
        raise _unfit(path, error) from None


def _unfit(path: Path, error: UnfitBytes) -> Stopped:
    reported = messages.unfit_bytes(path=path.as_posix(), reason=str(error), advice=error.advice)
    return Stopped(reported)


def _rows(path: Path, form: Form, say: Report) -> Iterator[Record]:
    """Yield the rows of a file, without lines of totals at its end; say what is left out."""
    found: list[Row] = []
    broken: list[str] = []
    with path.open("rb") as stream:
        try:
            for row in files_of(form).records(plain(stream, form), path.name, ()):
                if isinstance(row, Row):
                    found.append(row)
                else:
                    broken.append(f"record {row.number} is left out: {row.broken}")
        except HeaderError as error:
            raise Stopped(messages.unfit_header(path=path.as_posix(), reason=str(error))) from None
        except UnfitBytes as error:
            raise _unfit(path, error) from None
    rows = [cast(Record, row.named()) for row in found]
    end = before_totals(rows)
    broken += [f"record {row.number} is left out: {_TOTAL}" for row in found[end:]]
    for words in broken[:_MOST_REPORTED]:
        say(f"{path.as_posix()}: {words}")
    if len(broken) > _MOST_REPORTED:
        say(f"{path.as_posix()}: {len(broken) - _MOST_REPORTED} more records are left out")
    yield from rows[:end]


def _objects(path: Path, envelope: tuple[str, ...], say: Report) -> Iterator[Record]:
    """Yield the objects of a file."""
    with path.open("rb") as stream:
        for raw in JsonFiles(Form(envelope=envelope)).records(stream, path.name):
            try:
                record = decode_whole(raw)
                if not isinstance(record, dict):
                    raise RuleError("R101", "it is no object")
            except RuleError as diagnostic:
                say(f"{path.as_posix()}: record {raw.number} is left out: {diagnostic}")
            else:
                yield cast(Record, record)


def _wrapping(path: Path, envelope: tuple[str, ...]) -> tuple[str, ...]:
    """Return the member that the first record of a file is wrapped in, if it is."""
    with path.open("rb") as stream:
        found = _MEMBER.match(stream.read(CHUNK))
    return tuple(name for name in envelope if found is not None and found[1] == name.encode())


def _is_schema(one: Record) -> bool:
    return isinstance(one.get("properties"), dict) and (
        "$schema" in one or one.get("type") == "object"
    )
