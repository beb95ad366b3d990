"""What CEL's specification demands of expressions, asked of the emitted code.

A line of `conformance.jsonl` has `expr`, the `types` and `bindings` that it reads, and its `value`,
or `error: true` where it must have none. A double of CEL is a decimal here. `differs` is the kind
of difference, on the page of differences, by which the dialect is known to answer otherwise.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from mapgen.project.evaluation import NotThatType

from .language import CODE, is_alike, outcome, read_json

HERE = Path(__file__).resolve().parent
PAGE = (HERE.parents[1] / "docs" / "cel.md").read_text("utf-8")
LINES = (HERE / "conformance.jsonl").read_text("utf-8").splitlines()
CASES: list[dict[str, Any]] = [read_json(line) for line in LINES]
AREAS = (
    *("integer_math", "fp_math", "math", "string", "string_ext", "lists", "maps", "macros"),
    *("macros2", "optionals", "timestamps", "logic", "comparisons", "conversions", "parse"),
    "bindings",
)
ANSWERS = ("another value", "refused", "rejected")


def _answer(case: dict[str, Any]) -> str:
    """Return how a case is answered: `as specified`, or one of the other ANSWERS."""
    try:
        found = outcome(case["expr"], case.get("types"), case.get("bindings"))
    except NotThatType:
        found = "E"
    is_code = found == "E" or (isinstance(found, str) and CODE.match(found) is not None)
    if is_code:
        refusal = "refused" if found.startswith("E") else "rejected"
        return "as specified" if case.get("error") else refusal
    is_met = not case.get("error") and is_alike(found, case["value"])
    return "as specified" if is_met else "another value"


def _kinds(section: str) -> list[str]:
    """Return the kinds of difference that a section of the page lists, in bold."""
    text = re.split(r"^## ", PAGE.partition(f"\n## {section}\n")[2], maxsplit=1, flags=re.M)[0]
    return re.findall(r"^(?:- )?\*\*(.+?)\.?\*\*", text, re.M)


@pytest.mark.parametrize("area", AREAS)
def test_area(area: str) -> None:
    """Every case comes out as specified, but for those that are known to differ."""
    cases = [case for case in CASES if case["area"] == area]

    assert [
        case["expr"] for case in cases if (_answer(case) == "as specified") is ("differs" in case)
    ] == []


def test_cases_are_many_and_each_its_own() -> None:
    """All areas are asked about, none twice in the same words."""
    counts = Counter(case["area"] for case in CASES)

    assert set(counts) == set(AREAS)
    assert min(counts.values()) >= 20
    assert len(LINES) == len(set(LINES))


def test_kinds_are_those_of_the_page() -> None:
    """Every kind by which a case differs is on the page, and no other does."""
    kinds = {case["differs"] for case in CASES if "differs" in case}
    listed = [*_kinds("Departures"), *_kinds("Left out")]

    assert len(listed) == len(set(listed))
    assert kinds == set(listed)


def test_page_counts_the_cases() -> None:
    """The page says how many cases there are, and how many differ in which way by which kind."""
    counts = Counter((case["differs"], _answer(case)) for case in CASES if "differs" in case)
    listed = [*_kinds("Departures"), *_kinds("Left out")]
    rows = [
        f"| {kind} | " + " | ".join(str(counts[kind, answer] or "") for answer in ANSWERS) + " |"
        for kind in listed
    ]
    met = f"{len(CASES) - counts.total()} of {len(CASES)} cases"

    assert re.sub(r" +", " ", "\n".join(rows)) in re.sub(r" +", " ", PAGE)
    assert met in PAGE


def test_what_is_left_out_is_refused() -> None:
    """Another value than CEL's is given only under a departure, whose paragraph says which."""
    left_out = _kinds("Left out")
    answers = {_answer(case) for case in CASES if case.get("differs") in left_out}

    assert answers == {"refused"}
