"""`mapgen contract import`: an endpoint's files become a lock, and the command says what it did."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import given

from mapgen.cli.contract import contract
from mapgen.contract.lock import load
from mapgen.contract.metadata import read_keys, read_metadata
from mapgen.report import Source, Stopped

from .invented import diagnostics_of
from .test_openapi import JSON


def run(*arguments: str) -> Result:
    return CliRunner().invoke(contract, ["import", *arguments])


def refused(*arguments: str) -> list[tuple[str, str]]:
    result = run(*arguments)
    assert isinstance(result.exception, Stopped)
    return [(diagnostic.code, diagnostic.message) for diagnostic in result.exception.diagnostics]


ALL = (
    "shop.json",
    "--keys",
    "keys.json",
    "--metadata",
    "metadata.json",
    "--overlay",
    "overlay.yaml",
)


def test_all_files(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lock holds what all files say, and the summary what a reviewer has to know."""
    monkeypatch.chdir(shop)
    (shop / "specs").mkdir()
    result = run(*ALL, "--entities", "Order")

    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "wrote specs/contracts/shop-1.200.001.json",
        "  endpoint  Shop/1.200.001, contract version 4",
        "  entities  4 of 5, 1 top-level, 1 actions",
        "  fields    12, 2 with a length, 2 in keys, 1 with an override flag",
        "  unlike    Default, so that its facts are not taken, are:",
        "            Address: there is no AddressLine1, AddressLine2, Country and 1 more as there",
        "            `like: Address` in the overlay takes those that fit",
        "  overlay   11 facts of overlay.yaml taken",
        "            overruled Order.OrderNbr: 12 instead of 15",
        "  unmatched Gone: in a file, not in the contract",
        "  unmatched Order.Total: in a file, not in the contract",
    ]
    made = load(shop / "specs" / "contracts" / "shop-1.200.001.json")
    assert made.entities["Order"].keys == ("OrderType", "OrderNbr")
    assert made.entities["Order"].fields["OrderNbr"].label == "Order Nbr."
    assert made.entities["Order"].fields["Total"].max_length is None


def test_key_order_nobody_confirmed(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an overlay the key file's order is taken, and the summary says so."""
    monkeypatch.chdir(shop)
    result = run("shop.json", "--keys", "keys.json")
    lines = result.stdout.splitlines()
    at = lines.index("  key order not confirmed, taken from the key file (the overlay may say):")
    assert lines[at + 1].split() == ["Order:", "OrderNbr,", "OrderType"]
    assert (shop / "shop-1.200.001.json").is_file()


def test_from_a_folder_inside_the_workspace(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lock goes to the workspace around the current folder."""
    (shop / "specs" / "deep").mkdir(parents=True)
    monkeypatch.chdir(shop / "specs" / "deep")
    assert run(str(shop / "shop.json")).exit_code == 0
    assert (shop / "specs" / "contracts" / "shop-1.200.001.json").is_file()


def test_to_standard_output(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`--output -` puts the lock, and nothing but the lock, on standard output."""
    monkeypatch.chdir(shop)
    result = run("shop.json", "--output", "-")
    assert json.loads(result.stdout)["endpoint"] == "Shop"
    assert "entities  5 of 5" in result.stderr
    assert not list(shop.glob("shop-*.json"))


def test_a_char_column_gives_no_length(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A char(2) column may hold codes whose displayed text is longer; only the overlay may say."""
    monkeypatch.chdir(shop)
    run("shop.json", "--metadata", "metadata.json", "--output", "lock.json")
    order = load(shop / "lock.json").entities["Order"]
    assert order.fields["OrderType"].max_length is None
    assert order.fields["OrderNbr"].max_length == 15


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        pytest.param(("gone.json",), "E511", "`gone.json` does not exist", id="missing"),
        pytest.param((".",), "E511", "is a folder", id="folder"),
        pytest.param(("overlay.yaml",), "E512", "this is not JSON", id="yaml"),
        pytest.param(("keys.json",), "E401", "neither `openapi", id="another-json"),
        pytest.param(
            ("shop.json", "--keys", "shop.json"), "E513", "a text where an array", id="keys"
        ),
        pytest.param(("shop.json", "--metadata", "keys.json"), "E513", "an array", id="metadata"),
        pytest.param(("shop.json", "--entities", "Ordr"), "E404", "no entity `Ordr`", id="entity"),
        pytest.param(("shop.json", "--output", "folder"), "E510", "is a directory", id="output"),
    ],
)
def test_what_cannot_be_imported(
    shop: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], code: str, words: str
) -> None:
    """A clear error, and no lock is written."""
    monkeypatch.chdir(shop)
    (shop / "folder").mkdir()
    before = sorted(path.name for path in shop.iterdir())

    (found,) = refused(*arguments)
    assert found[0] == code
    assert words in found[1]
    assert sorted(path.name for path in shop.iterdir()) == before


def test_input_that_is_not_utf8(shop: Path) -> None:
    """Bytes that are no UTF-8 are E511."""
    (shop / "latin.json").write_bytes(b'{"a": "\xe9"}')
    ((code, message),) = refused(str(shop / "latin.json"))
    assert code == "E511"
    assert message.endswith("is not UTF-8: byte 7 is wrong")


def test_a_byte_order_mark(shop: Path) -> None:
    """A byte order mark before the JSON is no error: the ERP's own files have one."""
    text = (shop / "shop.json").read_text()
    (shop / "marked.json").write_text(text, encoding="utf-8-sig")
    assert run(str(shop / "marked.json"), "--output", str(shop / "lock.json")).exit_code == 0


def test_names_with_a_gap(shop: Path) -> None:
    """An empty name between commas is a usage mistake."""
    assert run(str(shop / "shop.json"), "--entities", "Order,,Line").exit_code == 2


@given(JSON)
def test_any_json_as_keys_or_metadata(value: object) -> None:
    """Any JSON gives keys and metadata or errors, never another exception."""
    source = Source("a.json", json.dumps(value))
    found = [
        *diagnostics_of(lambda: read_keys(source)),
        *diagnostics_of(lambda: read_metadata(source)),
    ]
    assert all(diagnostic.label is not None for diagnostic in found)
