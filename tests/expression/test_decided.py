"""What constants and earlier conditions decide is not asked: how the rest of it reads."""

from __future__ import annotations

import pytest

from .language import emit_told

ANY = "order.test"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        pytest.param(
            "cel.bind(yes, true, yes ? order.name : 'b')", "order.name", id="constant condition"
        ),
        pytest.param("cel.bind(no, false, no && order.test)", "False", id="constant conjunct"),
        pytest.param(
            "cel.bind(yes, true, yes && order.id > 1)",
            "order.id > 1",
            id="constant that says nothing",
        ),
        pytest.param(
            "cel.bind(a, 'a', a == 'b' || order.id > 1)", "order.id > 1", id="constants compared"
        ),
        pytest.param(
            "cel.bind(no, false, intDiv(1, order.id) > 0 && no)",
            "int_div(1, order.id) > 0 and False",
            id="what may fail is asked",
        ),
        pytest.param("cel.bind(x, 'a', x == 'b')", "False", id="constant with a name"),
        pytest.param("cel.bind(x, 'a', x + 'b')", '"ab"', id="constants joined"),
        pytest.param("cel.bind(x, order.id, order.test)", "True", id="name that nobody uses"),
        pytest.param(
            "cel.bind(x, date('2026-01-31'), cel.bind(y, math.least(order.id), order.test))",
            "True",
            id="names of what is read and of what is given",
        ),
        pytest.param("order.test ? 'a' : 'b'", '"a"', id="condition that is known"),
        pytest.param("!order.test ? 'a' : 'b'", '"b"', id="its opposite"),
        pytest.param("order.id > 1 && bool(order.test)", "order.id > 1", id="known conjunct"),
        pytest.param(
            "order.id > 1 ? (order.id > 1 ? 'a' : 'b') : 'c'",
            '"a" if order.id > 1 else "c"',
            id="condition inside itself",
        ),
        pytest.param(
            "cel.bind(no, false, order.tags.filter(t, no).map(t, t + 'a'))",
            "list[Any]()",
            id="loop over what is dropped",
        ),
        pytest.param(
            "cel.bind(no, false, (order.tags.filter(t, no) + order.tags.filter(t, no)).map(t, t))",
            "list[Any]()",
            id="lists of nothing together",
        ),
        pytest.param("[].exists(t, t.trim() == 'a')", "False", id="loop over nothing"),
        pytest.param("{}.exists_one(t, order.name >= t.trim())", "False", id="over no keys"),
        pytest.param("order.id > 1 ? order.test : true", "True", id="either way the same"),
        pytest.param(
            "[order.test, true].min().orValue(false)",
            "bool(min([True, True], default=None))",
            id="least flag",
        ),
    ],
)
def test_nothing_is_asked_twice(words: str, expected: str) -> None:
    """Where the flag is known to be set."""
    assert emit_told(words, ANY, holds=True) == expected


@pytest.mark.parametrize(
    ("condition", "holds", "words", "expected"),
    [
        pytest.param(
            "has(order.po_number)",
            False,
            "order.?po_number.orValue('-')",
            '"-"',
            id="missing member",
        ),
        pytest.param(
            "order.po_number == null", True, "order.?po_number.trim()", "None", id="null member"
        ),
        pytest.param(
            "has(order.customer)",
            False,
            "order.?customer.email.orValue('-')",
            '"-"',
            id="member of what is missing",
        ),
        pytest.param(
            "order.?customer.?email != null",
            False,
            "order.?customer.id",
            "order.customer.id if order.customer is not None else None",
            id="either is missing",
        ),
        pytest.param(
            "has(order.notes)", False, "order.?notes.orValue([]).join('')", '"".join(list[Any]())'
        ),
        pytest.param(
            "order.test || order.id > 1",
            False,
            "order.test ? 'a' : 'b'",
            '"b"',
            id="both alternatives",
        ),
        pytest.param(
            "order.test && order.id > 1",
            False,
            "order.test ? 'a' : 'b'",
            '"a" if order.test else "b"',
            id="one of two conditions",
        ),
        pytest.param(
            "order.line_items.exists(l, l.quantity > 1)",
            True,
            "order.line_items.exists(l, l.quantity > 1) ? 'a' : 'b'",
            '"a" if any(item.quantity > 1 for item in order.line_items) else "b"',
            id="condition with names of its own",
        ),
    ],
)
def test_what_conditions_tell(condition: str, holds: bool, words: str, expected: str) -> None:
    """A condition that holds, or does not, decides others."""
    assert emit_told(words, condition, holds=holds) == expected
