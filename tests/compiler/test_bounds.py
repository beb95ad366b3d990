"""What has no bounds by itself is given one: an error, and no crash."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from mapgen.disk.workspace import Workspace
from mapgen.project.compiler import check_specs
from tests.compiler.cases import SPEC, build


def _codes(workspace: Path) -> set[str]:
    found = Workspace(workspace)
    return {one.code for one in check_specs(found, found.spec_paths()).diagnostics}


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("Weight: parcel.weight", "Weight: {const: " + "9" * 10_000 + "}", "E117"),
        ("Weight: parcel.weight", "Weight: {const: 1e999999999}", "E117"),
        ("per_day: 2000", "per_day: " + "9" * 10_000, "E117"),
        ("per_day: 2000", "per_day: 1e999999999", "E117"),
        ("maps: 1", "maps: " + "1" * 10_000, "E117"),
        ("parcel.weight\n", "(" * 4_000 + "1.0" + ")" * 4_000 + "\n", "E126"),
    ],
)
def test_number_without_bounds(tmp_path: Path, old: str, new: str, code: str) -> None:
    """A number that nobody means is an error where it is."""
    workspace = build("../cases/_base", tmp_path)
    spec = workspace / SPEC
    text = spec.read_text()
    assert old in text
    spec.write_text(text.replace(old, new, 1))

    assert code in _codes(workspace)


def _circle() -> dict[str, object]:
    node = {"$ref": "#/$defs/node"}
    rows = {"type": "array", "items": node}
    return {"node": {"type": "object", "properties": {"one": node, "many": rows}}}


def _chain(length: int) -> dict[str, object]:
    ends: dict[str, object] = {f"node{length}": {"type": "string"}}
    steps = {f"node{at}": {"$ref": f"#/$defs/node{at + 1}"} for at in range(length)}
    return {**ends, **steps, "node": {"$ref": "#/$defs/node0"}}


def _nested(way: str) -> dict[str, object]:
    inner: object = True
    for _ in range(150):
        inner = {way: inner}
    return {"node": inner}


def _branches() -> dict[str, object]:
    def node(at: int) -> dict[str, object]:
        below = {"$ref": f"#/$defs/node{at + 1}"} if at < 30 else {"type": "string"}
        return {"type": "object", "properties": dict.fromkeys("abcd", below)}

    steps = {f"node{at}": node(at) for at in range(31)}
    return {**steps, "node": {"$ref": "#/$defs/node0"}}


def _lists(length: int) -> dict[str, object]:
    ends: dict[str, object] = {f"node{length}": {"type": "string"}}
    for at in range(length):
        ends[f"node{at}"] = {"type": "array", "items": {"$ref": f"#/$defs/node{at + 1}"}}
    return {**ends, "node": {"$ref": "#/$defs/node0"}}


def _alternatives(length: int) -> dict[str, object]:
    """Return alternatives of alternatives: read one by one, they are three to the length."""
    ends: dict[str, object] = {f"node{length}": {"type": "string"}}
    for at in range(length):
        below = {"$ref": f"#/$defs/node{at + 1}"}
        ends[f"node{at}"] = {"anyOf": [below, below, {"type": "integer"}]}
    return {**ends, "node": {"$ref": "#/$defs/node0"}}


def _product(length: int) -> dict[str, object]:
    """Return so many choices at once, of four each."""
    choices = [
        {"anyOf": [{"properties": {f"of{at}_{way}": {"type": "string"}}} for way in range(4)]}
        for at in range(length)
    ]
    return {"node": {"type": "object", "allOf": choices}}


def _subsets(count: int) -> dict[str, object]:
    """Return objects of which each set is another object, and one leads to all of them."""
    refs = [{"$ref": f"#/$defs/of{at}"} for at in range(count)]
    made: dict[str, object] = {
        f"of{at}": {
            "type": "object",
            "properties": {
                f"and{other}": {"allOf": [refs[at], refs[other]]} for other in range(count)
            },
        }
        for at in range(count)
    }
    return {**made, "node": refs[0]}


def _tree(depth: int) -> object:
    if not depth:
        return {"type": "string"}
    return {"type": "object", "properties": {name: _tree(depth - 1) for name in "abcd"}}


@pytest.mark.parametrize(
    ("definitions", "code"),
    [
        pytest.param(_circle(), "E431", id="an object in itself"),
        pytest.param(_chain(5_000), "E431", id="references to references"),
        pytest.param(_branches(), "E431", id="objects that share objects"),
        pytest.param({"node": _tree(6)}, "E431", id="thousands of fields"),
        pytest.param(_lists(200), "E130", id="lists of lists"),
        pytest.param(_alternatives(30), "E421", id="alternatives of alternatives"),
        pytest.param(_product(30), "E421", id="choices at once"),
        pytest.param(_subsets(14), "E421", id="all sets of objects"),
        *(
            pytest.param(_nested(way), "E130", id=f"{way} in {way}")
            for way in ("items", "additionalProperties", "not")
        ),
    ],
)
def test_schema_that_goes_on(tmp_path: Path, definitions: object, code: str) -> None:
    """References are followed to their end, objects made once; what grows without end is reported.

    None of them keeps the compiler busy for minutes: all are read up to a number of places.
    """
    workspace = build("../cases/_base", tmp_path)
    path = workspace / "specs/schemas/parcel.schema.json"
    schema = json.loads(path.read_text())
    schema["$defs"] = {**schema.get("$defs", {}), **definitions}  # type: ignore[dict-item]
    schema["properties"]["node"] = {"$ref": "#/$defs/node"}
    path.write_text(json.dumps(schema))
    started = time.process_time()

    assert _codes(workspace) == {code}
    assert time.process_time() - started < 60


def _in_mapping(text: str, count: int) -> str:
    """A flow mapping of unknown keys, all on one line."""
    keys = "".join(f", k{at:05}: 1" for at in range(count))
    return text.replace("Weight: parcel.weight\n", f"Weight: {{const: 1{keys}}}\n", 1)


def _twice(text: str, count: int) -> str:
    return text + "twice: 1\n" * count


def _fields(text: str, count: int) -> str:
    fields = "".join(f"    K{at:05}: parcel.weight\n" for at in range(count))
    return text.replace("  fields:\n", f"  fields:\n{fields}", 1)


def _unknown_names(text: str, count: int) -> str:
    fields = "".join(f"    Note{at:05}: parcel.k{at:05}\n" for at in range(count))
    return text.replace("  fields:\n", f"  fields:\n{fields}", 1)


def _entries(text: str, count: int) -> str:
    entries = "".join(f"        k{at:05}: S1\n" for at in range(count))
    table = f"    ways:\n      inline:\n{entries}    carriers:"
    return text.replace("    carriers:", table, 1)


Widened = Callable[[str, int], str]


def _steps(workspace: Path) -> int:
    """Return how many lines of Python a check runs."""
    count = 0

    def trace(_frame: object, event: str, _argument: object) -> object:
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)  # type: ignore[arg-type]
    try:
        _codes(workspace)
    finally:
        sys.settrace(before)
    return count


@pytest.mark.parametrize("widened", [_in_mapping, _twice, _fields, _unknown_names, _entries])
def test_twice_the_keys_are_twice_the_work(tmp_path: Path, widened: Widened) -> None:
    """What a check does grows as its files do, whatever is wrong in them."""
    workspace = build("../cases/_base", tmp_path)
    text = (workspace / SPEC).read_text()
    steps = []
    for count in (1, 1, 150, 300):
        (workspace / SPEC).write_text(widened(text, count))
        steps.append(_steps(workspace))
    del steps[0]  # what is loaded and compiled once is no work of a file
    once, twice = steps[1] - steps[0], steps[2] - steps[0]

    assert twice < 2.3 * once, steps


@pytest.mark.parametrize("widened", [_in_mapping, _fields, _unknown_names])
def test_mapping_of_too_many_keys(tmp_path: Path, widened: Widened) -> None:
    """Of a mapping beyond all use, one diagnostic is enough."""
    workspace = build("../cases/_base", tmp_path)
    text = (workspace / SPEC).read_text()
    (workspace / SPEC).write_text(widened(text, 20_000))

    assert _codes(workspace) == {"E111"}
