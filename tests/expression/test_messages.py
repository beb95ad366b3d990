"""The messages about expressions: each error once, at the smallest place, with what to do."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

from mapgen.report.catalogue import expression as catalogue

from .language import messages

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = Path(__file__).with_name("messages.txt")


def cases() -> list[tuple[str, list[str]]]:
    blocks = GOLDEN.read_text(encoding="utf-8").split("\n\n")[1:]
    split = [block.strip("\n").split("\n") for block in blocks]
    return [(head, [line.strip() for line in rest]) for head, *rest in split]


@pytest.mark.parametrize(("words", "expected"), cases(), ids=[words for words, _ in cases()])
def test_message(words: str, expected: list[str]) -> None:
    """The message says what was found, what was expected, and the next step."""
    assert messages(words) == expected


def test_style() -> None:
    """Messages are lower case without a full stop; code is in backticks."""
    for _, found in cases():
        for line in found:
            message = line.split("]: ", 1)[1].split(" | ")[0]
            assert not message.endswith("."), message
            assert message[0] in "`_" or message[0].islower(), message


def codes() -> set[str]:
    return set(re.findall(r'"(E\d{3})\b', inspect.getsource(catalogue)))


def test_every_code_has_a_page() -> None:
    """`mapgen explain` finds a page for every code, with a before and an after."""
    for code in sorted(codes()):
        page = (ROOT / "docs" / "errors" / f"{code}.md").read_text(encoding="utf-8")
        assert page.startswith(f"# {code}: ")
        assert "**Before**" in page
        assert "**After**" in page


def test_every_code_has_a_case() -> None:
    """Every code of types and names is shown by a case."""
    shown = {line[:4] for _, found in cases() for line in found}
    wanted = {code for code in codes() if code >= "E200"}
    assert shown >= wanted


def test_one_mistake_one_message() -> None:
    """What follows from a mistake is not reported again."""
    assert len(messages("order.nmae.trim().size() + 1 > 2 ? order.nothing.x : 3")) == 2


def test_all_mistakes_at_once() -> None:
    """Mistakes that have nothing to do with each other are all reported."""
    found = messages("[order.x, order.y].map(o, o.z) == [order.id / 2]")
    assert [line[:4] for line in found] == ["E301", "E301", "E208"]
