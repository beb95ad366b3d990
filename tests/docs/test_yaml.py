"""What we hand out is YAML for every loader: libyaml takes a `?` in braces, others do not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.cli.conftest import mapgen

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = tuple(sorted((ROOT / "specs").rglob("*.yaml")))
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
# Of pages that show YAML that cannot be read, the boxes that are meant so.
FAULTY = {"E105.md", "E107.md"}
_BOX = re.compile(r"^```ya?ml[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SCHEMAS = (
    ("schemas/shopify-order.schema.json", "SalesOrder"),
    ("schemas/shopify-customer.schema.json", "Customer"),
    ("schemas/woocommerce-order.schema.json", "SalesOrder"),
    ("schemas/stripe-charge.schema.json", "Payment"),
)


def _plain_in_braces(text: str) -> Iterator[str]:
    """Yield what has a `?` and no quotes inside braces or brackets. Raises yaml.YAMLError."""
    around: list[bool] = []
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        match event:
            case yaml.SequenceStartEvent() | yaml.MappingStartEvent():
                around.append(bool(event.flow_style))
            case yaml.SequenceEndEvent() | yaml.MappingEndEvent():
                around.pop()
            case yaml.ScalarEvent(style=style, value=value):
                if around and around[-1] and not style and "?" in value:
                    yield value


def _boxes() -> Iterator[object]:
    for page in PAGES:
        for number, text in enumerate(_BOX.findall(page.read_text("utf-8")), start=1):
            yield pytest.param(page, text, id=f"{page.name} {number}")


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_specs(path: Path) -> None:
    """Each file of specs/ is read by the loader that Python has without libyaml, to the same."""
    text = path.read_text("utf-8")

    assert list(_plain_in_braces(text)) == []
    assert yaml.load(text, Loader=yaml.SafeLoader) == yaml.load(text, Loader=yaml.CSafeLoader)


@pytest.mark.parametrize(("page", "text"), tuple(_boxes()))
def test_boxes(page: Path, text: str) -> None:
    """Each box of a page that libyaml can read, the other loader can read too."""
    try:
        found = list(_plain_in_braces(text))
    except yaml.YAMLError:
        assert page.name in FAULTY or "…" in text or "[[" in text, "a box that is no YAML"
        return

    assert found == []
    list(yaml.parse(text, Loader=yaml.SafeLoader))


@pytest.mark.parametrize(("schema", "entity"), SCHEMAS)
def test_drafts(schema: str, entity: str) -> None:
    """A draft is read by every loader."""
    assert (ROOT / "specs" / schema).is_file()
    done = mapgen("suggest", "--source", schema, "--entity", entity, cwd=ROOT)
    drafted = done.stdout

    assert done.returncode == 0
    assert "?" in drafted
    assert list(_plain_in_braces(drafted)) == []
    assert yaml.load(drafted, Loader=yaml.SafeLoader)["maps"] == 1
