"""The complete way of a small module, statement by statement."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from mapgen.runtime.collecting import Collector, error_collecting_build
from mapgen.runtime.errors import RuleError
from mapgen.runtime.limits import attempted_or, required
from mapgen.runtime.source import ErrorValue

TEXT = '''
def bind(settings, lookups):
    def line_from(line):
        """Return a line."""
        first = next((tag for tag in line["tags"]), None)
        seen = any(tag == "b" for tag in line["tags"])
        sku = required(line["sku"])
        price = required(line["price"])
        return (sku, price)

    def transform(order):
        """Return an order."""
        if order["cancelled"] is not None:
            return "skipped"
        head = required(order["head"])
        again = head + 1
        lines = [line_from(line) for line in order["lines"]]
        check = sum(price for _, price in lines)
        when = calendar(order["year"])
        weight = total([required(box["weight"]) for box in order["boxes"]])
        labels = [required(box["label"]).strip() for box in order["boxes"] if box["weight"] != 7]
        name = attempted_or(
            lambda: [required(line["name"]) + head for line in order["lines"]],
            lambda: [required(name) for name in order["names"]],
        )
        return (head, lines, check, when, name)

    return transform
'''


def calendar(year: int) -> int:
    if year > 9999:
        raise OverflowError("date value out of range")
    return year


@pytest.fixture
def twin() -> Iterator[tuple[ModuleType, Collector]]:
    module = ModuleType("small")
    module.__dict__.update(
        required=required, calendar=calendar, total=sum, attempted_or=attempted_or
    )
    exec(compile(TEXT, "small", "exec"), module.__dict__)
    yield error_collecting_build(module, TEXT)
    sys.modules.pop("small", None)


def order(**changes: object) -> dict[str, object]:
    line = {"sku": "AB-1", "price": 2, "name": 1, "tags": ["a", "b", "c"]}
    plain = {
        "cancelled": None,
        "head": 1,
        "lines": [dict(line) for _ in range(3)],
        "year": 2026,
        "boxes": [],
        "names": [7],
    }
    return {**plain, **changes}


def line(sku: str | None, price: int | None, name: int | None = 1) -> dict[str, object]:
    return {"sku": sku, "price": price, "name": name, "tags": ["a", "b", "c"]}


def found(
    twin: tuple[ModuleType, Collector], record: dict[str, object], *known: RuleError
) -> list[tuple[str, tuple[int | None, ...], str]]:
    module, collector = twin
    collector.start(known, record, "order")
    module.bind(None, None)(record)
    return [(code, spot.numbers, error.code) for code, spot, error in collector.found]


def test_sound_record(twin: tuple[ModuleType, Collector]) -> None:
    """A record without an error gives what the module gives, and no error is found."""
    module, collector = twin
    collector.start((), None, "order")

    result = module.bind(None, None)(order())

    assert result == (1, [("AB-1", 2)] * 3, 6, 2026, [2, 2, 2])
    assert collector.found == []


def test_row_after_a_list_that_was_left(twin: tuple[ModuleType, Collector]) -> None:
    """A error has the number of its row, whatever lists were looked into and left before."""
    record = order(lines=[line("AB-1", 1), line(None, 1), line(None, None)])

    assert found(twin, record) == [
        ("line_from.sku", (1,), "R201"),
        ("line_from.sku", (2,), "R201"),
        ("line_from.price", (2,), "R201"),
    ]


def test_every_element_of_a_list(twin: tuple[ModuleType, Collector]) -> None:
    """What is made of each row of a list is looked at in all rows, in a sum as well."""
    boxes = [{"weight": 1, "label": "A"}, {"weight": None, "label": None}]
    boxes += [{"weight": 7, "label": None}, {"weight": None, "label": "B"}]

    assert found(twin, order(boxes=boxes)) == [
        ("transform.weight", (1,), "R201"),
        ("transform.weight", (3,), "R201"),
        ("transform.labels", (1,), "R201"),
    ]


def test_consequence(twin: tuple[ModuleType, Collector]) -> None:
    """What cannot be reckoned because of an error is no error of its own."""
    assert found(twin, order(head=None)) == [("transform.head", (), "R201")]


def test_poison_is_neither_there_nor_missing(twin: tuple[ModuleType, Collector]) -> None:
    """A broken value that is only asked whether it is there decides nothing."""
    error = RuleError("R102", "broken")

    assert found(twin, order(cancelled=ErrorValue(error), head=None), error) == [
        ("transform.head", (), "R201")
    ]


def test_a_error_that_tells_of_a_poison() -> None:
    """A error whose value holds a broken one is a consequence: the broken one is the error."""
    broken = RuleError("R102", "broken")
    collector = Collector()
    collector.start((broken,), None, "order")

    collector.failed(
        "transform.head", RuleError("R221", "no such element", [ErrorValue(broken)]), 0
    )

    assert collector.found == []


def test_a_step_that_may_fail(twin: tuple[ModuleType, Collector]) -> None:
    """What stands for a step that fails is no error; in it, rows are counted from the first."""
    lines = [line("A", 1), line("B", 1, None)]

    assert found(twin, order(lines=lines)) == []
    assert found(twin, order(lines=lines, names=[1, None])) == [("transform.name", (1,), "R201")]


def test_a_step_over_a_error(twin: tuple[ModuleType, Collector]) -> None:
    """The error of another statement is not what a step was attempted for."""
    assert found(twin, order(head=None, names=[None])) == [("transform.head", (), "R201")]


def test_overflow(twin: tuple[ModuleType, Collector]) -> None:
    """A date beyond the calendar is an error, not the end of the run."""
    assert found(twin, order(year=10_000)) == [("transform.when", (), "R218")]


def test_our_own_mistake(twin: tuple[ModuleType, Collector]) -> None:
    """What no record can cause is not treated as an error of the record."""
    with pytest.raises(TypeError):
        found(twin, order(lines=[line("AB-1", "text")]))  # type: ignore[arg-type]


def test_records_do_not_mix(twin: tuple[ModuleType, Collector]) -> None:
    """The errors of one record are forgotten with the next."""
    assert found(twin, order(head=None)) == [("transform.head", (), "R201")]
    assert found(twin, order()) == []


@pytest.mark.parametrize(
    "touch",
    [
        pytest.param(lambda value: value + 1, id="add"),
        pytest.param(lambda value: 1 + value, id="add from the right"),
        pytest.param(lambda value: value == 1, id="compare"),
        pytest.param(lambda value: value < 1, id="order"),
        pytest.param(lambda value: bool(value), id="condition"),
        pytest.param(lambda value: f"{value}", id="text"),
        pytest.param(lambda value: {value: 1}, id="key"),
        pytest.param(lambda value: value.strip, id="member"),
        pytest.param(lambda value: value[0], id="element"),
        pytest.param(lambda value: list(value), id="rows"),
        pytest.param(lambda value: len(value), id="length"),
        pytest.param(lambda value: 1 in value, id="contains"),
        pytest.param(lambda value: -value, id="sign"),
        pytest.param(lambda value: abs(value), id="abs"),
    ],
)
def test_touching_a_poison(touch: object) -> None:
    """Whatever touches an ErrorValue meets the error that it stands for."""
    error = RuleError("R102", "broken")
    assert callable(touch)

    with pytest.raises(RuleError) as caught:
        touch(ErrorValue(error))

    assert caught.value is error


def test_generated_flow_has_a_name_for_each_statement() -> None:
    """The rule map of the generated flow names every statement that its twin guards."""
    folder = Path(__file__).resolve().parents[2] / "generated" / "shopify_orders"
    text = (folder / "transformer.py").read_text(encoding="utf-8")
    module = ModuleType("generated")
    named = (folder / "map.json").read_text(encoding="utf-8")
    codes: list[str] = []

    import ast

    from mapgen.runtime import collecting

    tree = ast.parse(text)
    [bind] = [one for one in tree.body if isinstance(one, ast.FunctionDef) and one.name == "bind"]
    for function in bind.body:
        if isinstance(function, ast.FunctionDef):
            counts: dict[str, int] = {}
            codes += [
                f"{function.name}.{collecting._statement_name(statement, counts)}"
                for statement in function.body
                if not isinstance(statement, ast.Return) and not collecting._is_docstring(statement)
            ]

    # These two only put together what has been evaluated, and cannot fail.
    assembling = {"transform.document", "transform.custom"}
    assert module.__name__ == "generated"
    assert {code for code in codes if f'"{code}"' not in named} <= assembling
