"""Patterns: one engine for all of them, which no pattern and no text can keep busy."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapgen.contract.target_schema import read_target_schema
from mapgen.expression.patterns import regex_error
from mapgen.report import Stopped
from mapgen.runtime.errors import RuleError
from mapgen.runtime.limits import matching
from mapgen.runtime.patterns import Pattern, PatternError


# Each takes longer than the age of the world where every way to match is tried.
@pytest.mark.parametrize(
    "pattern", ["^(a+)+$", "^(a|a)*$", "^(a|aa)+$", "^(a*)*$", "^(.*a){25}$", "^((a?){30}a{30})*$"]
)
def test_engine_does_not_go_back(pattern: str) -> None:
    """What would try every way to share a text answers at once: it is not there."""
    assert regex_error(pattern) is None
    assert not Pattern(pattern).is_in("a" * 40 + "b")
    with pytest.raises(RuleError):
        matching("a" * 100_000 + "b", Pattern(pattern))


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("a$", "a\n", False),
        ("(?m)a$", "a\nb", True),
        ("^b", "a\nb", False),
        (r"\d", "٣", False),
        ("ä+", "Bär", True),
        (r"\x{1F600}", "😀", True),
        ("a.b", "a\0b", True),
        ("", "", True),
        ("a", "\ud800a", False),
    ],
)
def test_what_is_found(pattern: str, text: str, expected: bool) -> None:
    """`^` and `$` are the ends of the text, classes are those of ASCII, letters are any."""
    assert Pattern(pattern).is_in(text) is expected


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("(?=a)", "looks ahead"),
        ("(?<!a)b", "looks ahead or behind"),
        (r"(a)\1", "refers back"),
        ("a++", "possessive"),
        ("(?>a)", "atomic"),
        (r"a\Z", "`$`"),
        ("a{1001}", "repetition size"),
        ("(a{1000}){1000}", "repetition size"),
        ("((a{100}){100}){100}", ""),
        ("a" * 20_000, "10,000 characters"),
        ("\ud800", "surrogate"),
        ("[", "missing ]"),
    ],
)
def test_what_is_no_pattern(pattern: str, why: str) -> None:
    """What RE2 has not is named, and nothing of any size is a crash."""
    error = regex_error(pattern)

    assert error is not None
    assert why in error


@pytest.mark.parametrize("pattern", ["(?=a)", "[", "(" * 3_000])
def test_pattern_of_a_target_schema(pattern: str) -> None:
    """A pattern that the engine has not is an error of the schema."""
    member = {"type": "string", "pattern": pattern}
    schema = json.dumps({"type": "object", "properties": {"a": member}, "required": ["a"]})

    with pytest.raises(Stopped) as raised:
        read_target_schema("t.json", schema, "Order")
    assert [error.code for error in raised.value.diagnostics] == ["E421"]


@given(st.text(alphabet="ab()[]{}*+?|\\^$.-,19:=!<>PpdZzQE\n ä😀", max_size=30), st.text())
def test_any_text_as_a_pattern(words: str, text: str) -> None:
    """Whatever stands for a pattern is one or is refused in words; it is found or it is not."""
    error = regex_error(words)

    if error is None:
        assert Pattern(words).is_in(text) in (True, False)
    else:
        assert error
        with pytest.raises(PatternError):
            Pattern(words)
