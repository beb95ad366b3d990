"""The page of differences from CEL: each of its examples comes out as it says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .language import is_alike, outcome, read_json

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "cel.md").read_text("utf-8")
BLOCKS: list[tuple[str, str]] = re.findall(r"^```(\w+(?: \w+)?)\n(.*?)^```$", PAGE, re.M | re.S)
SAMPLE = {name.removeprefix("json "): read_json(text) for name, text in BLOCKS if "json" in name}
EXAMPLES = [
    tuple(line.rsplit(" => ", 1))
    for name, text in BLOCKS
    if name == "mapgen"
    for line in text.splitlines()
]


@pytest.mark.parametrize(
    ("words", "wanted"), [pytest.param(*example, id=example[0]) for example in EXAMPLES]
)
def test_example(words: str, wanted: str) -> None:
    """An example has the value, or the one code, that the page shows."""
    found = outcome(words, SAMPLE["types"], SAMPLE["values"])
    if re.fullmatch("[ER][0-9]{3}", wanted):
        assert str(found).split(" ")[0] == wanted
    else:
        assert is_alike(found, read_json(wanted)), found


def test_every_statement_is_shown() -> None:
    """Whatever the page states in a paragraph of its own is followed by examples."""
    departures = PAGE.partition("## Departures")[2].partition("## Left out")[0]
    paragraphs = re.split(r"\n\n", departures)
    bold = [at for at, text in enumerate(paragraphs) if text.startswith("**")]

    assert len(bold) >= 10
    assert [paragraphs[at] for at in bold if not paragraphs[at + 1].startswith("```mapgen")] == []


def test_block_is_of_a_known_kind() -> None:
    """No block is skipped for a name that no test knows."""
    assert {name for name, _ in BLOCKS} == {"json types", "json values", "mapgen", "console"}
