"""`accept` of a flow that extends another one: the examples of that one are left alone."""

from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import mapgen
from tests.compiler.cases import build


def test_examples_of_the_base(tmp_path: Path) -> None:
    """A document that differs is reported; the file that the base shows is not written over."""
    workspace = build("_overlay", tmp_path)
    overlay = workspace / "specs/clients/acme.maps.yaml"
    words = overlay.read_text("utf-8")
    own = "  mapping.examples.one parcel.gives: {"
    assert own in words
    kept = "\n".join(line for line in words.split("\n") if not line.startswith(own))
    overlay.write_text(kept, encoding="utf-8")
    example = workspace / "specs/examples/parcel.Delivery.json"
    before = example.read_bytes()

    done = mapgen("accept", "acme", "--force", cwd=workspace)

    assert done.returncode == 1
    assert "is an example of `specs/deliveries.maps.yaml`" in done.stderr
    assert example.read_bytes() == before

    overlay.write_text(words, encoding="utf-8")
    done = mapgen("accept", "acme", cwd=workspace)

    assert done.returncode == 0, done.stderr
    assert "ACME-7001-south" in (workspace / "specs/examples/parcel.acme.json").read_text("utf-8")
