"""Macros over a map go through its keys: generated code, `eval` and the reference agree."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mapgen.cli.flows import open_flow
from mapgen.disk.workspace import Workspace
from mapgen.expression import Binding, Scope, compile_expression
from mapgen.project.compiler import generate
from mapgen.project.evaluation import evaluate as evaluated
from mapgen.project.evaluation import read_types
from mapgen.report import Text
from mapgen.runtime.lookups import sample_of
from mapgen.runtime.outcome import Document
from mapgen.runtime.sources.records import RawRecord
from tests.compiler.cases import SPEC, build
from tests.expression.reference import evaluate as interpreted

TYPES = {"parcel": {"service": "string", "number": "string", "remark?": "string", "id": "int"}}
PARCEL = {"service": "express", "number": "P-7001", "remark": None, "id": 7001}
# Each gives a text; `service` is `express`, and the remark is missing.
CASES = {
    "{'a': 1, 'b': 2}.map(k, k).join(',')": "a,b",
    "{'b': 1, 'a': 2}.map(k, k + '!').join(',')": "b!,a!",
    "{parcel.service: 1, 'x': 2}.filter(k, k != 'x').join(',')": "express",
    "{parcel.service: 1, 'x': 2}.map(k, k != 'x', k + k).join(',')": "expressexpress",
    "string({parcel.service: 1}.exists(k, k == 'express'))": "true",
    "string({parcel.service: 1, 'x': 1}.all(k, k == 'express'))": "false",
    "string({parcel.service: 1, 'x': 1}.exists_one(k, k.size() > 1))": "true",
    "string({parcel.service: 1, 'x': 2}.exists(k, n, k == 'x' && n == 2))": "true",
    "string({parcel.service: 1, 'x': 2}.all(k, n, n > 1))": "false",
    "string({parcel.service: 1, 'x': 2}.exists_one(k, n, n > 1))": "true",
    "{1: 'a', 2: 'b'}.map(k, string(k * 2)).join(',')": "2,4",
    "{parcel.id: 'a'}.filter(k, k > 7).map(k, string(k)).join()": "7001",
    "{true: 1, false: 2}.map(k, string(k)).join(',')": "true,false",
    "{'a': 1, parcel.service: 2}.transformMap(k, n, n + 1).map(k, k).join(',')": "a,express",
    "string({'a': 1, parcel.service: 2}.transformMap(k, n, n + 1)['express'])": "3",
    "{'a': 1, 'b': 2}.transformList(k, n, k + string(n)).join(',')": "a1,b2",
    "{'b': 1, 'a': 2}.sortBy(k, k).join(',')": "a,b",
    "{'a': {'b': 1}}.map(k, {'c': k}.map(l, k + l).join()).join()": "ac",
    "{?'a': nonBlank(parcel.?remark.orValue('')), 'b': 'c'}.map(k, k).join()": "b",
    "string({parcel.service: 1, 'x': 2}.size()) + string('x' in {'x': 1})": "2true",
    "{}.map(k, 'x').join()": "",
}
OVER_A_LOOKUP = {
    "{parcel.service: lookups.carriers[?parcel.service].orValue('-')}.map(k, k).join()": "express",
    "{'a': lookups.carriers[?parcel.service]}.map(k, k).join()": "a",
    "{'a': lookups.carriers[?'express'].orValue('-')}.transformList(k, v, k + v).join()": "aFAST",
}


@pytest.mark.parametrize("words", CASES)
def test_eval_and_reference(words: str) -> None:
    """`eval` and an interpreter that knows nothing of generated code give the same."""
    types = read_types(TYPES)
    typed = compile_expression(
        Text.plain(words), Scope({name: Binding(kind) for name, kind in types.items()}), []
    )

    assert typed is not None
    assert interpreted(typed.tree, {"parcel": PARCEL}, _text) == CASES[words]
    given = {"parcel": {name: one for name, one in PARCEL.items() if one is not None}}
    assert evaluated(Text.plain(words), types, given).value == CASES[words]


def _text(tree: Any, names: Any, values: list[Any]) -> tuple[Any] | None:
    """Join without a separator, and what has to be written as text, as the reference does not."""
    if getattr(tree, "name", "") == "join":
        return ("".join(values[0]) if len(values) == 1 else values[1].join(values[0]),)
    return None


def test_generated_code(tmp_path: Path) -> None:
    """A transformer gives the same, and so it does where a lookup gives the values of a map."""
    cases = CASES | OVER_A_LOOKUP
    folder = build("../cases/_base", tmp_path)
    spec = folder / SPEC
    text = spec.read_text()
    rows = "'" + f"[{', '.join(cases)}]".replace("'", "''") + "'"
    items = text[text.index("      each: parcel.items") : text.index("  checks:")]
    fields = "fields: {Article: {const: A}, Note: item}"
    text = text.replace(items, f"      each: {rows}\n      as: item\n      {fields}\n")
    text = text.replace(
        "parcel.tags: marketing data",
        "parcel.tags: x\n    parcel.items[].sku: x\n    parcel.items[].quantity: x",
    )
    spec.write_text(text)
    place = Workspace(folder)
    for name, content in generate(place, [SPEC]).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content, encoding="utf-8")
    flow = open_flow(folder, "deliveries", None, {}, sample_of).transformer
    record = json.loads((folder / "specs" / "examples" / "parcel.json").read_text())
    raw = RawRecord(1, 1, json.dumps({**record, **PARCEL}).encode())

    [found] = flow.outcomes(raw, "parcels.json")

    assert isinstance(found, Document), found
    rows_made = [row.get("Note", {}).get("value", "") for row in json.loads(found.body)["Items"]]
    assert dict(zip(cases, rows_made, strict=True)) == cases
