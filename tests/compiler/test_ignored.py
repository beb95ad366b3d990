"""Source fields that no rule reads: what a pattern catches, and which one catches too much."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapgen.check.sources import Paths, catches_new_fields
from mapgen.disk.workspace import Workspace
from mapgen.emit.documentation import MOST_SHOWN
from mapgen.project.compiler import generate
from tests.compiler.cases import SPEC, build

TOO_MUCH = (
    "* ** *.* order order.* order.** order.*.* order.*[].* order.t* order.*_* order.a*b *.*a*"
)
NAMED = "order.tags order.id order.client_* order.*_id order.customer order.*.name *.tags a.b.*"


@pytest.mark.parametrize("pattern", TOO_MUCH.split())
def test_what_takes_whatever_may_come(pattern: str) -> None:
    """No name in it says what is meant."""
    assert catches_new_fields(pattern)


@pytest.mark.parametrize("pattern", NAMED.split())
def test_what_names_something(pattern: str) -> None:
    """A name, or three signs of one, somewhere below the record."""
    assert not catches_new_fields(pattern)


@given(st.from_regex(r"[a-z*]{1,6}(\.[a-z*]{1,4}){0,3}", fullmatch=True))
def test_no_pattern_takes_fields_of_any_name(pattern: str) -> None:
    """What a release takes catches no field whose name nobody could have meant."""
    if not catches_new_fields(pattern):
        assert not Paths.of(["order.zzq.zzq.zzq"]).under(pattern) or "zzq" in pattern


PATHS = ("o.id", "o.lines[].id", "o.lines[].tax", "o.lines[].taxes[].rate", "o.line", "o.x.y")


@pytest.mark.parametrize(
    ("pattern", "taken"),
    [
        ("o", PATHS),
        ("o.lines", PATHS[1:4]),
        ("o.lines[]", PATHS[1:4]),
        ("o.lines.taxes", PATHS[3:4]),
        ("o.lines[].taxes[].rate", PATHS[3:4]),
        ("o.lin", ()),
        ("o.line", ("o.line",)),
        ("o.*.id", ("o.lines[].id",)),
        ("o.lines.ta*", PATHS[2:4]),
        ("o.*", PATHS),
        ("o.i.", ()),
    ],
)
def test_paths_that_a_pattern_takes(pattern: str, taken: tuple[str, ...]) -> None:
    """A path and all below it; row marks may be left out, a star is part of one name."""
    assert tuple(Paths.of(PATHS).under(pattern)) == taken


def _document(workspace: Path) -> str:
    found = generate(Workspace(workspace), (SPEC,))
    return found["generated/deliveries/DELIVERIES.md"].partition("## Unmapped source fields")[2]


def test_what_a_pattern_caught(tmp_path: Path) -> None:
    """The document has the pattern, the fields and the reason; of many fields the first ones."""
    workspace = build("_base", tmp_path)
    schema = workspace / "specs" / "schemas" / "parcel.schema.json"
    text = schema.read_text()
    more = ", ".join(f'"tag_{number:02}": {{"type": "string"}}' for number in range(20))
    schema.write_text(text.replace('"tags": {"type"', f'{more}, "tags": {{"type"', 1))
    spec = workspace / SPEC
    spec.write_text(spec.read_text().replace("parcel.tags: marketing", "parcel.tag*: marketing"))

    names = ", ".join(f"`tag_{number:02}`" for number in range(MOST_SHOWN))
    assert f"| `parcel.tag*` | 21: {names}, {21 - MOST_SHOWN} more | marketing data |" in _document(
        workspace
    )


def test_a_field_by_its_name(tmp_path: Path) -> None:
    """Of a field that is named itself, nothing is listed."""
    assert re.findall(r"^\| `.*", _document(build("_base", tmp_path)), re.MULTILINE) == [
        "| `parcel.tags` | itself | marketing data |"
    ]
