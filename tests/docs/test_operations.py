"""The page for operators: its commands are those of the product, with the options that it names."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from mapgen.cli import cli

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
COMMANDS = sorted(set(re.findall(r"mapgen ([a-z][^`\n]*)", PAGE)))


def _command(words: list[str]) -> tuple[click.Command, list[str]]:
    """Return the command that words name, and the words after it."""
    found: click.Command = cli
    while isinstance(found, click.Group) and words:
        name, *words = words
        inner = found.get_command(click.Context(found), name)
        assert inner is not None, name
        found = inner
    return found, words


@pytest.mark.parametrize("written", COMMANDS)
def test_commands(written: str) -> None:
    """Each command is one, and has the options and arguments that the page gives it."""
    command, words = _command(written.split())
    options = {name for one in command.params for name in one.opts}
    assert {word for word in words if word.startswith("--")} <= options
    given = [word for word in words if not word.startswith("--")]
    takes = [one for one in command.params if isinstance(one, click.Argument)]
    assert len(given) >= sum(one.required for one in takes)


def test_options_of_choosing() -> None:
    """Every way of choosing records that the page names is an option of each that chooses."""
    named = set(re.findall(r"`(--[a-z-]+)`", PAGE.partition("## Scripts")[2])) - {"--json"}
    for name in ("list", "replay", "discard"):
        command, _ = _command(["dlq", name])
        assert named <= {one for param in command.params for one in param.opts}


def test_symptoms_name_a_command() -> None:
    """Every symptom has a command, and a remedy."""
    symptoms = PAGE.partition("## Symptoms")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (.+?) \| (.+?) \| (.+?) \|$", symptoms, flags=re.MULTILINE)[2:]
    assert len(rows) > 8
    assert all(command.startswith("`mapgen ") and remedy for _, command, remedy in rows)
