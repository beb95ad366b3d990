"""Envelopes come off, whatever is beside and however deep; what is in none is said."""

from __future__ import annotations

import io
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapgen.agreed.plan import CircuitBreaker, Form, Plan, Retry
from mapgen.runtime.errors import RuleError, SourceError
from mapgen.runtime.source import patient
from mapgen.runtime.sources.json import JsonFiles
from mapgen.runtime.sources.records import RawRecord, decode

FORM = Form(envelope=("order", "orders", "data", "edges", "node", "record"))
A, B = {"id": 1, "x": "}{]["}, {"id": 2}


def values(data: Any, form: Form = FORM, name: str = "a.json") -> list[Any]:
    """Return what records of a file hold, and of a broken one why it is none."""
    text = data if isinstance(data, str) else json.dumps(data)
    return [
        one.broken or decode(one)
        for one in JsonFiles(form).records(io.BytesIO(text.encode()), name)
    ]


SIDE_BY_SIDE = "`order` and `data` are side by side, each an envelope"


@pytest.mark.parametrize("name", ["a.json", "a.jsonl"])
@pytest.mark.parametrize(
    ("wrapped", "found"),
    [
        pytest.param(A, [A], id="bare"),
        pytest.param({"order": A}, [A], id="alone"),
        pytest.param({"topic": "x", "order": A, "order_id": 7}, [A], id="with others"),
        pytest.param({"orders": [A, B], "next": None}, [A, B], id="page"),
        pytest.param({"orders": []}, [], id="empty page"),
        pytest.param([{"order": A}, B], [A, B], id="each"),
        pytest.param([{"orders": [A]}, {"orders": [B]}], [A, B], id="pages"),
        pytest.param(
            {"data": {"orders": {"edges": [{"node": A}, {"node": B}], "next": {"x": 1}}}, "e": 1},
            [A, B],
            id="GraphQL",
        ),
        pytest.param({"x": {"orders": [B]}, "data": {"y": 1, "order": A}}, [A], id="deeper"),
        pytest.param({"n": 1, "data": json.dumps(A)}, [A], id="text of one"),
        pytest.param({"data": json.dumps({"orders": [A, B]})}, [A, B], id="text of a page"),
        pytest.param({"id": 1, "order": "7", "data": None}, [{"id": 1, "order": "7", "data": None}],
                     id="values are no envelopes"),
        pytest.param({"order": A, "data": B}, [SIDE_BY_SIDE],
                     id="two"),
    ],
)  # fmt: skip
def test_envelopes(wrapped: Any, found: list[Any], name: str) -> None:
    """What is inside comes out, of a file of one value as of lines."""
    if name == "a.jsonl" and isinstance(wrapped, list):
        wrapped = "\n".join(map(json.dumps, wrapped))

    assert values(wrapped, name=name) == found


@pytest.mark.parametrize(
    "wrapped",
    [
        '{"order": {"id": 1}, "order": {"id": 2}}',
        '{"order": {"id": 1}, "t": 1, "\\u006frder": {"id": 2}}',
        '{"data": {"order": null, "order": {"id": 2}}}',
        '{"orders": [{"order": {"id": 1}, "order": {"id": 2}}]}',
    ],
)
def test_a_member_twice(wrapped: str) -> None:
    """None of two records may be lost: an envelope that an object has twice is reported."""
    assert values(wrapped) == ["duplicate key `order` in one object"]


def test_names_of_other_objects() -> None:
    """The name of an envelope may come again, in what it holds."""
    assert values({"data": {"id": 1, "more": {"data": 1, "x": [{"data": 2}]}}}) == [
        {"id": 1, "more": {"data": 1, "x": [{"data": 2}]}}
    ]


def test_escaped_names() -> None:
    """A name may be written with escapes."""
    assert values('{"t": 1, "\\u006frder": {"id": 1}}') == [{"id": 1}]


def test_places() -> None:
    """A record inside is where it is in the file."""
    text = '{"topic": "x",\n  "order":\n {"id": 1}}\n{"orders": [\n{"node": {"id": 2}}]}'

    found = list(JsonFiles(FORM).records(io.BytesIO(text.encode()), "a.json"))

    assert [(one.number, one.line, one.column) for one in found] == [(1, 3, 2), (2, 5, 10)]


OWN = Form(envelope=("order", "orders"), own=("order", "orders"))


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({"id": 1, "order": B}, [{"id": 1, "order": B}]),
        ({"id": 1, "orders": [B]}, [{"id": 1, "orders": [B]}]),
        ({"order": B}, [B]),
        ({"orders": [A, B], "next": 1}, [A, B]),
    ],
)
def test_a_member_of_the_record(given: Any, found: list[Any]) -> None:
    """A member that records have themselves is an envelope where it is alone, or first."""
    assert values(given, OWN) == found


MESSAGES = [
    {"type": "SCHEMA", "stream": "orders", "schema": {}, "key_properties": []},
    {"type": "RECORD", "stream": "orders", "record": A},
    {"type": "RECORD", "stream": "items", "record": B},
    {"type": "ACTIVATE_VERSION", "stream": "orders", "version": 1},
    {"type": "STATE", "value": {"orders": 1}},
]


@pytest.mark.parametrize(
    ("form", "found", "passed"),
    [
        (Form(envelope=("record",)), [A, B], {}),
        (Form(stream="orders"), [A], {"RECORD of another stream": 1}),
    ],
)
def test_messages_of_a_tap(form: Form, found: list[Any], passed: dict[str, int]) -> None:
    """RECORD messages of the stream are records; the others are counted."""
    files = JsonFiles(form)
    lines = "\n".join(map(json.dumps, MESSAGES)).encode()
    for _ in range(2):
        records = [decode(one) for one in files.records(io.BytesIO(lines), "tap.jsonl")]

    assert records == found
    assert files.envelope.passed == {"SCHEMA": 1, "STATE": 1, "ACTIVATE_VERSION": 1, **passed}


def test_no_message() -> None:
    """What has the type of a message, and not its members, is a record; a batch is none."""
    form = Form(envelope=("record",))

    assert values({"type": "STATE", "name": "Ohio"}, form) == [{"type": "STATE", "name": "Ohio"}]
    [why] = values({"type": "BATCH", "stream": "a", "manifest": ["f.jsonl"]}, form)
    assert why.startswith("a BATCH message names files of records")


class Order(msgspec.Struct):
    id: int
    note: str | None = None


class Loose(msgspec.Struct):
    note: str | None = None


PLAN = Plan(
    flow="orders",
    form=FORM,
    documents=(),
    endpoint="",
    version="",
    contract_version=4,
    batch_size=1,
    concurrency=1,
    retry=Retry(1, 1, 1),
    circuit_breaker=CircuitBreaker(1, 1, 1),
    dead_letter_days=1,
)


@pytest.mark.parametrize("kind", [Order, Loose])
def test_no_envelope(kind: type[msgspec.Struct]) -> None:
    """An object in no envelope that has no member of a record is none."""
    source = JsonFiles(FORM).source(PLAN, kind)
    [raw] = source.records(io.BytesIO(b'{"topic": "x", "payload": {"id": 1}}'), "a.json")

    assert source.read(raw) is None
    with pytest.raises(RuleError, match="no record in any envelope of `order`"):
        source.doubted(raw)


def test_a_record_by_itself() -> None:
    """A record that lacks a member is reported the member."""
    source = JsonFiles(FORM).source(PLAN, Order)
    [raw] = source.records(io.BytesIO(b'{"id": null, "note": "n"}'), "a.json")

    _, [error] = source.doubted(raw)
    assert (error.path, error.error.code) == ("record.id", "R102")


NAMES = st.sampled_from(["order", "orders", "data", "x", "y"])
LEAVES = st.sampled_from([None, 1, "x", "{", "[]", "{}", "[1]"])
TREES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=12,
)


def inside(value: Any) -> list[Any]:
    """Return what an object holds, as the language says it."""
    if not isinstance(value, dict):
        return [value]
    held = []
    for name in ("order", "orders", "data"):
        inner = value.get(name)
        if isinstance(inner, str) and inner[:1] in ("{", "["):
            try:
                inner = json.loads(inner)
            except ValueError:
                return ["broken"]
        if isinstance(inner, dict | list):
            held.append(inner)
    if len(held) != 1:
        return ["two"] if held else [value]
    inner = held[0]
    return (
        [one for each in inner for one in inside(each)]
        if isinstance(inner, list)
        else inside(inner)
    )


@given(TREES.filter(lambda tree: isinstance(tree, dict)))
def test_any_tree(tree: Any) -> None:
    """Lines, and values cut out of a file, hold the same records, those that the language says."""
    form = Form(envelope=("order", "orders", "data"))
    expected = inside(tree)
    if "broken" in expected or "two" in expected:
        return

    assert values(json.dumps(tree), form, "a.jsonl") == expected
    assert values(json.dumps(tree), form, "a.json") == expected


ORDERS = st.fixed_dictionaries(
    {"id": st.integers(0, 9) | LEAVES}, optional={"x": TREES, "order": TREES, "note": LEAVES}
)
LINES = st.lists(
    st.one_of(
        ORDERS,
        st.builds(lambda order: {"order": order}, ORDERS),
        st.builds(lambda order: {"order": order, "y": 1}, ORDERS),
        st.builds(lambda orders: {"t": 1, "orders": orders}, st.lists(ORDERS, max_size=3)),
        TREES.filter(lambda tree: isinstance(tree, dict)),
    ),
    max_size=6,
)


@given(LINES, st.sampled_from([None, 1]), st.sampled_from(["a.jsonl", "a.json"]))
def test_records_that_are_decoded_at_once(lines: list[Any], indent: int | None, name: str) -> None:
    """They are those that are looked into, in their places, and decoded rightly."""
    form = Form(envelope=("order", "orders", "data"), own=())
    text = "\n".join(json.dumps(one, indent=indent if name == "a.json" else None) for one in lines)
    source = JsonFiles(form).source(msgspec.structs.replace(PLAN, form=form), Order)

    quick = list(source.records(io.BytesIO(text.encode()), name))
    slow = list(JsonFiles(form).records(io.BytesIO(text.encode()), name))

    records = [one for one in quick if isinstance(one, RawRecord)]
    assert [msgspec.structs.replace(one, decoded=None, errors=()) for one in records] == slow
    for one in records:
        found: Any = one.decoded
        if one.errors:
            _, errors = patient(decode(one), Order, "record")
            assert list(map(told, one.errors)) == list(map(told, errors))
        elif found is not None:
            assert Order(found.id, found.note) == msgspec.json.decode(one.data, type=Order)


def told(error: SourceError) -> tuple[str, str, str]:
    return error.path, error.error.code, error.error.message


def test_a_record_with_errors_is_bare_too() -> None:
    """What is wrong inside it says that it is no envelope: it is not read once more."""
    source = JsonFiles(FORM).source(PLAN, Order)
    [raw, wrapped] = source.records(
        io.BytesIO(b'{"id": 1, "note": 2}\n{"order": {"id": 1, "note": 2}, "y": 1}'), "a.jsonl"
    )
    assert isinstance(raw, RawRecord)
    assert isinstance(wrapped, RawRecord)

    assert list(map(told, raw.errors)) == list(map(told, wrapped.errors))
    assert source.read(raw) is None
    record, [error] = source.doubted(raw)
    assert record.id == 1
    assert (error.path, error.error.code) == ("record.note", "R102")


@pytest.mark.parametrize("note", ["a", "\u00e9"])
def test_a_message_without_a_record(note: str) -> None:
    """It is none of another stream, whatever else is in it."""
    message = {"type": "RECORD", "stream": "items", "note": note}

    assert values(message, Form(stream="orders")) == [message]
