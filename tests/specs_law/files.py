"""Records through files: rows of CSV, rows of one key, joined files, held against a nested loop."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from random import Random
from typing import Any

from mapgen.agreed.plan import Form
from mapgen.cli.inputs import open_input
from mapgen.disk.workspace import Workspace
from mapgen.project.binding import BoundFlow
from mapgen.runtime.outcome import Document, Outcome, Rejected, Skipped
from mapgen.runtime.sources.records import RawRecord
from mapgen.runtime.transform import LoadedFlow, Transformer

from .records import Records
from .specs import Draft

IDS = (1, 2, 3)
REFS = ("TEA", "a-b", " b ", 'say "so"', "it's; x")
Row = dict[str, Any]


def through_files(
    draft: Draft, flow: LoadedFlow, transformer: Transformer, folder: Path
) -> Iterator[str]:
    """Yield where what comes of records in files is not what comes of them put together by hand."""
    files = _Files(draft, Random(draft.seed))
    rows, joined = files.rows(), files.joined()
    source = folder / f"{draft.flow}.{'csv' if files.is_csv else 'jsonl'}"
    files.write(source, rows, files.schema, flow.plan.form)
    paths = {}
    for name, join in files.joins.items():
        is_csv = join.get("format") == "csv"
        paths[name] = folder / f"{draft.flow}.{name}.{'csv' if is_csv else 'jsonl'}"
        known = flow.plan.joins[name]
        schema = files.schema_of(join)
        files.write(paths[name], joined[name], schema, known.form)
    bound = BoundFlow(Workspace(folder), flow, None, transformer)  # type: ignore[arg-type]
    with open_input(bound, source, paths) as records:
        found = list(records.outcomes())
    by_record: dict[int, list[Outcome]] = {}
    for one in found:
        assert one.origin.file == source.name, f"a sound joined record is refused: {one}"
        by_record.setdefault(one.origin.record, []).append(one)
    records = files.grouped(rows)
    if len(by_record) != len(records):
        yield f"{len(records)} records in the file, {len(by_record)} come out"
        return
    for number, record in enumerate(records, 1):
        whole, is_lacking = files.whole(record, joined)
        text = json.dumps(whole, ensure_ascii=False)
        if is_lacking:
            if any(isinstance(one, Document) for one in by_record[number]):
                yield f"nothing is joined, and it is a document: {by_record[number]} of {text}"
            continue
        same = transformer.outcomes(RawRecord(number, 1, text.encode()), source.name)
        if list(map(_shown, same)) != list(map(_shown, by_record[number])):
            yield f"{by_record[number]} out of files, {same} by hand: {text}"


def _shown(found: Outcome) -> object:
    match found:
        case Document(entity=entity, identity=identity, body=body, document=document):
            return entity, identity, body, document
        case Rejected(errors=diagnostics):
            return sorted((one.code, one.source_path or "", one.value or "") for one in diagnostics)
        case Skipped(reason=reason):
            return reason
    raise AssertionError(found)


class _Files:
    """Makes the records of the files of one spec."""

    def __init__(self, draft: Draft, random: Random) -> None:
        self._draft, self._random = draft, random
        self._source = draft.content["mapping"]["source"]
        self._maker = Records(draft, random)
        self.is_csv = self._source.get("format") == "csv"
        self.joins: Mapping[str, Any] = self._source.get("joins", {})
        self.schema = self.schema_of(self._source)
        self.by: list[str] = self._source.get("group", {}).get("by", [])

    def schema_of(self, clause: Mapping[str, Any]) -> Any:
        return json.loads(self._draft.files[clause["schema"]])

    def rows(self) -> list[Row]:
        """Return the rows of the input; those of one key are together."""
        rows = [self._row(self.schema, is_text=self.is_csv) for _ in range(7)]
        for row in rows:
            row["id"], row["ref"] = self._key("id", self.is_csv), self._key("ref", self.is_csv)
        keys = [tuple(row[name] for name in self.by) for row in rows]
        order = sorted(range(len(rows)), key=lambda at: keys.index(keys[at]) if self.by else at)
        return [rows[at] for at in order]

    def joined(self) -> dict[str, list[Row]]:
        """Return the records of the joined files; of one to be joined there is one for each key."""
        found = {}
        for name, join in self.joins.items():
            schema, is_text = self.schema_of(join), join.get("format") == "csv"
            (member, of), *_ = key_of(join)
            values = list(IDS if of == "id" else REFS)
            self._random.shuffle(values)
            if join["takes"] == "many":
                values = [self._random.choice(values) for _ in range(6)]
            rows = [self._row(schema, is_text=is_text) for _ in values[:-1]]
            for row, value in zip(rows, values, strict=False):
                row[member] = str(value) if is_text else value
            found[name] = rows
        return found

    def _key(self, name: str, is_text: bool) -> Any:
        value = self._random.choice(IDS if name == "id" else REFS)
        return str(value) if is_text else value

    def _row(self, schema: Any, *, is_text: bool) -> Row:
        self._maker._damage = self._random.choice((0.0, 0.0, 0.05))
        self._maker._is_good = self._random.random() < 0.6
        for _ in range(20):
            found = self._maker._value(schema, is_text=is_text)
            if not isinstance(found, dict):
                continue
            return {name: _cell(one) for name, one in found.items()} if is_text else found
        return {}

    def write(self, path: Path, rows: list[Row], schema: Any, form: Form) -> None:
        with path.open("w", encoding="utf-8", newline="") as file:
            if not form.holds_cells:
                file.writelines(f"{json.dumps(self._wrapped(row, form))}\n" for row in rows)
                return
            columns = [*schema["properties"]]
            self._random.shuffle(columns)
            if form.is_quoted:
                writer = csv.writer(file, delimiter=form.delimiter)
                writer.writerows(
                    [columns, *([row.get(one, "") for one in columns] for row in rows)]
                )
                return
            for row in ({one: one for one in columns}, *rows):
                file.write(form.delimiter.join(row.get(one, "") for one in columns) + "\r\n")

    def _wrapped(self, row: Row, form: Form) -> Row:
        """Return a record as a sender may wrap it."""
        ways: tuple[Row, ...] = (row,)
        for name in form.envelope:
            ways = (row, {name: row}, {"topic": "x", name: row}, {name: json.dumps(row), "n": 1})
        return self._random.choice(ways)

    def grouped(self, rows: list[Row]) -> list[Row]:
        """Return the records that rows make."""
        if not self.by:
            return rows
        found: dict[tuple[Any, ...], Row] = {}
        for row in rows:
            key = tuple(row[name] for name in self.by)
            record = {**dict(zip(self.by, key, strict=True)), "lines": []}
            found.setdefault(key, record)["lines"].append(row)
        return list(found.values())

    def whole(self, record: Row, joined: Mapping[str, list[Row]]) -> tuple[Row, bool]:
        """Return a record with what belongs to it, and whether something has to and does not."""
        whole, is_lacking = dict(record), False
        for name, join in self.joins.items():
            (member, of), *_ = key_of(join)
            own = [row for row in joined[name] if _same(row[member], record.get(of))]
            if join["takes"] == "many":
                whole[name] = own
            elif own:
                whole[name] = own[0]
            else:
                whole.pop(name, None)
                is_lacking |= join["on_missing"] != "omit"
        return whole, is_lacking


def _cell(value: Any) -> str:
    return (
        "" if value is None else value if isinstance(value, str) else re.sub(r"\W", "", str(value))
    )


def key_of(join: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the members that a join compares, whether as a name or as an expression."""
    for member, of in join["on"].items():
        yield member, of.removeprefix("order.")


def _same(one: Any, other: Any) -> bool:
    return str(one) == str(other)
