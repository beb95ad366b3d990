"""The text of an example stays text in the fixture that is made of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.hostile.command import run
from tests.hostile.texts import TEXTS
from tests.hostile.workspace import FILES, parcel, write

LIKE_OURS = ("\0number:1", '\0number:1}, {"a": 1', "\0", *TEXTS[::5])
NUMBERS = ("1.50", "0.10", "100000000000000000000000000000000000000001", "1e2", "-0.0")


@pytest.mark.parametrize("text", LIKE_OURS)
def test_a_text_that_looks_like_what_we_write(text: str, tmp_path: Path) -> None:
    """What a fixture is given is what its example says, text by text."""
    given = json.loads(FILES["specs/examples/parcel.json"]) | {"tags": text}
    write(dict(FILES) | {"specs/examples/parcel.json": json.dumps(given)}, tmp_path)

    assert run(tmp_path, "generate").code == 0
    fixture = (tmp_path / "generated/parcels/fixtures/one-parcel.json").read_text("utf-8")
    assert json.loads(fixture)["given"] == given


@pytest.mark.parametrize("number", NUMBERS)
def test_a_number_keeps_its_digits(number: str, tmp_path: Path) -> None:
    """No digit of an example's number is another in the fixture."""
    schema = FILES["specs/schemas/parcel.schema.json"].replace(
        '"tags": {"type": "string"}', '"tags": {"type": "number"}'
    )
    given = json.dumps(parcel(1) | json.loads(FILES["specs/examples/parcel.json"]))
    changed = {
        "specs/schemas/parcel.schema.json": schema,
        "specs/examples/parcel.json": given.replace('"spring"', number),
    }
    write(dict(FILES) | changed, tmp_path)

    ended = run(tmp_path, "generate")
    assert ended.code == 0, ended
    fixture = (tmp_path / "generated/parcels/fixtures/one-parcel.json").read_text("utf-8")
    assert f'"tags": {number}' in fixture
