"""`mapgen explain`: pages for a terminal, from a checkout and from an installed package."""

from __future__ import annotations

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from mapgen.cli import USAGE
from mapgen.cli.explain import as_terminal_text, codes, error_pages, explain

PROJECT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("code", ["E412", "e412", " E412 "])
def test_a_code(code: str) -> None:
    """The page is printed, whatever the case of the code."""
    result = CliRunner().invoke(explain, [code])

    assert result.exit_code == 0
    assert result.output.startswith("E412: a field that the entity does not have\n")
    assert "\n    Details:\n      fields:\n        Quantity: line.quantity\n" in result.output


def test_no_code() -> None:
    """All codes are listed, each with its title."""
    result = CliRunner().invoke(explain, [])
    lines = result.output.splitlines()

    assert result.exit_code == 0
    assert [line.split()[0] for line in lines] == list(codes(error_pages()))
    assert "E412  a field that the entity does not have" in lines
    assert min(len(line.split()) for line in lines) > 1


@pytest.mark.parametrize(
    ("code", "help_line"),
    [
        pytest.param("E4122", "did you mean `E122` or `E412` or `E422`?", id="one digit too many"),
        pytest.param("R5O1", "did you mean `R501`?", id="a letter for a digit"),
        pytest.param("nonsense", "`mapgen explain` lists all codes", id="nothing near"),
        pytest.param("../../README", "`mapgen explain` lists all codes", id="a path"),
        pytest.param("", "`mapgen explain` lists all codes", id="an empty one"),
    ],
)
def test_an_unknown_code(code: str, help_line: str) -> None:
    """A code without a page is a usage mistake, with what may have been meant."""
    result = CliRunner().invoke(explain, [code])

    assert result.exit_code == USAGE
    assert f"no message has the code `{code}`; {help_line}" in result.output


@pytest.mark.parametrize(
    ("markdown", "shown"),
    [
        pytest.param("# E101: gone", "E101: gone", id="a title"),
        pytest.param("**Before**", "Before", id="a heading"),
        pytest.param("```yaml\na:\n  b: 1\n\n```", "    a:\n      b: 1\n", id="code"),
        pytest.param("```\n# **no** title\n```", "    # **no** title", id="code as it is"),
        pytest.param("in *Users* (SM201010)", "in Users (SM201010)", id="emphasis"),
        pytest.param("`a * b * c` and *d*", "`a * b * c` and d", id="inline code stays"),
        pytest.param("2 * 3 * 4", "2 * 3 * 4", id="no emphasis"),
        pytest.param("see [the list](README.md)", "see the list", id="a link"),
    ],
)
def test_markdown_on_a_terminal(markdown: str, shown: str) -> None:
    """Marks go, words and code stay."""
    assert click.unstyle(as_terminal_text(markdown)) == shown
