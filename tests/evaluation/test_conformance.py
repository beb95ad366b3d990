"""What CEL's specification demands of expressions, asked of the emitted code in the profile `cel`.

A line of `conformance.jsonl` has `expr`, the `types` and `bindings` that it reads, and its `value`,
or `error: true` where it must have none. `differs` says why it is known to come out otherwise.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

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


def _is_met(case: dict[str, Any]) -> bool:
    found = outcome(case["expr"], case.get("types"), case.get("bindings"), "cel")
    if case.get("error"):
        return isinstance(found, str) and CODE.match(found) is not None
    return is_alike(found, case["value"])


@pytest.mark.parametrize("area", AREAS)
def test_area(area: str) -> None:
    """Every case comes out as specified, but for those that are known to differ."""
    cases = [case for case in CASES if case["area"] == area]

    assert [case["expr"] for case in cases if _is_met(case) is ("differs" in case)] == []


def test_cases_are_many_and_each_its_own() -> None:
    """All areas are asked about, none twice in the same words."""
    counts = Counter(case["area"] for case in CASES)

    assert set(counts) == set(AREAS)
    assert min(counts.values()) >= 20
    assert len(LINES) == len(set(LINES))


def test_page_counts_the_cases() -> None:
    """The page of differences says how many cases there are, and how many differ."""
    differing = sum("differs" in case for case in CASES)
    found = re.search(r"in\s+(\d+) cases;\s+(\d+) more", PAGE)

    assert found is not None
    assert (int(found[1]), int(found[2])) == (len(CASES) - differing, differing)


def test_page_gives_the_reasons() -> None:
    """Every reason why a case differs stands on the page of differences, in bold."""
    reasons = {case["differs"] for case in CASES if "differs" in case}

    assert {reason for reason in reasons if f"**{reason}**" not in PAGE} == set()
