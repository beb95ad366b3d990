"""What a source schema says of values holds at reading: the same as jsonschema says of them."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Annotated, Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct, ValidationError

from mapgen.check.records import source_objects
from mapgen.contract.source_schema import read_source_schema
from mapgen.runtime.constraints import Constraints, problem_of
from mapgen.runtime.source import patient, strict


class Row(Struct):
    """A row that asks something of its text."""

    sku: Annotated[str, Constraints(shortest=2, pattern="^[A-Z]+$")]


class Record(Struct):
    """A record with something asked at each depth, and one that holds itself."""

    count: Annotated[int, Constraints(bounds=((">=", "1"),))]
    rows: Annotated[list[Row], Constraints(fewest=1)]
    codes: list[Annotated[str, Constraints(choices=("A", "B"))]] | None = None
    inner: Record | None = None


GOOD: dict[str, Any] = {"count": 1, "rows": [{"sku": "AB"}], "codes": ["A"], "inner": None}


@pytest.mark.parametrize(
    ("change", "paths"),
    [
        ({"count": 0}, ["r.count"]),
        ({"rows": []}, ["r.rows"]),
        (
            {"rows": [{"sku": "AB"}, {"sku": "A"}, {"sku": "ab"}]},
            ["r.rows[1].sku", "r.rows[2].sku"],
        ),
        ({"codes": ["A", "C"]}, ["r.codes[1]"]),
        ({"inner": {**GOOD, "count": -1}}, ["r.inner.count"]),
        ({"count": 0, "codes": ["C"]}, ["r.count", "r.codes[0]"]),
        ({"count": 0, "rows": [{"sku": 7}]}, ["r.count", "r.rows[0].sku"]),
    ],
)
def test_places(change: dict[str, Any], paths: list[str]) -> None:
    """The fast way refuses what the complete way finds, each at its place."""
    record = {**GOOD, **change}

    with pytest.raises(ValidationError):
        strict(record, Record)
    _, errors = patient(record, Record, "r")

    assert sorted(error.path for error in errors) == sorted(paths)
    assert {error.error.code for error in errors} <= {"R102", "R108"}


def test_what_keeps_to_it_is_taken() -> None:
    """A record that honours all is read by both ways, and null is a value that is missing."""
    assert strict(GOOD, Record).rows[0].sku == "AB"
    assert patient({**GOOD, "codes": None, "inner": GOOD}, Record, "r")[1] == ()


_TEXTS = st.text("AB1 é\n", max_size=4)
_NUMBERS = st.integers(-5, 5) | st.sampled_from([Decimal("0.5"), Decimal("1.25"), Decimal("2.0")])
_SCHEMAS = st.one_of(
    st.fixed_dictionaries(
        {"type": st.just("string")},
        optional={
            "enum": st.lists(_TEXTS | st.integers(0, 1) | st.none(), min_size=1, max_size=3),
            "const": _TEXTS,
            "minLength": st.integers(0, 3),
            "maxLength": st.integers(0, 4),
            "pattern": st.sampled_from(["^A", "B", "^[AB1]{1,3}", "A|é", "^A.*1"]),
        },
    ),
    st.fixed_dictionaries(
        {"type": st.just("number")},
        optional={
            "enum": st.lists(_NUMBERS | st.booleans(), min_size=1, max_size=3),
            "minimum": _NUMBERS,
            "exclusiveMinimum": _NUMBERS,
            "maximum": _NUMBERS,
            "exclusiveMaximum": _NUMBERS,
            "multipleOf": st.sampled_from([Decimal("0.25"), 1, 2, Decimal("0.01")]),
        },
    ),
    st.fixed_dictionaries({"type": st.just("boolean")}, optional={"const": st.booleans()}),
    st.fixed_dictionaries(
        {
            "type": st.just("array"),
            "items": st.fixed_dictionaries(
                {"type": st.just("string")}, optional={"maxLength": st.integers(0, 2)}
            ),
        },
        optional={
            "minItems": st.integers(0, 2),
            "maxItems": st.integers(0, 3),
            "uniqueItems": st.booleans(),
        },
    ),
)
_VALUES = {
    "string": _TEXTS,
    "number": _NUMBERS,
    "boolean": st.booleans(),
    "array": st.lists(st.text("AB", max_size=3), max_size=4),
}


@given(st.data())
def test_agreement_with_jsonschema(data: st.DataObject) -> None:
    """A value of the type is taken exactly where jsonschema takes it."""
    said = data.draw(_SCHEMAS)
    value = data.draw(_VALUES[said["type"]])
    whole = {"type": "object", "required": ["v"], "properties": {"v": said}}
    text = json.dumps(whole, default=float)
    stated = read_source_schema("s.json", text, "r").stated.get(("r", "v"))
    own = () if stated is None else stated.own
    of_elements = () if stated is None or stated.inner is None else stated.inner.own

    found = [problem_of(one, value) for one in own]
    rows = value if isinstance(value, list) else []
    found += [problem_of(one, row) for one in of_elements for row in rows]

    exact = json.loads(json.dumps(said, default=float), parse_float=Decimal)
    assert (not any(found)) == jsonschema.Draft202012Validator(exact).is_valid(value)


def test_only_what_is_read_is_held() -> None:
    """A member that no rule reads has no place in a source class, whatever is said of it."""
    schema = {"type": "object", "properties": {"a": {"type": "string", "minLength": 1}}}
    found = read_source_schema("s.json", json.dumps(schema), "r")

    assert [item.fields for item in source_objects(found, ())] == [()]


@pytest.mark.parametrize(
    ("form", "good", "bad"),
    [
        ("email", "a@b.example", "a b@c"),
        ("uuid", "123e4567-e89b-12d3-a456-426614174000", "123e4567e89b12d3a456426614174000"),
        ("ipv4", "192.0.2.1", "192.0.2.256"),
        ("ipv6", "2001:db8::1", "fe80::1%eth0"),
        ("time", "09:30:00Z", "09:30:00"),
        ("uri", "https://shop.example/a?b=c", "shop.example/a"),
        ("hostname", "shop.example", "-shop.example"),
    ],
)
def test_formats(form: str, good: str, bad: str) -> None:
    """A text has the format, or not."""
    constraints = Constraints(format=form)

    assert problem_of(constraints, good) is None
    assert problem_of(constraints, bad) is not None
    assert problem_of(constraints, bad + "\n") is not None
