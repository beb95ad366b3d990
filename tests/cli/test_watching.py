"""What somebody sees who waits: why nothing happens, once for each reason."""

from __future__ import annotations

import pytest

from mapgen.cli.watching import watching
from mapgen.runtime.events import Plain, TechnicalEvent


def test_a_flow_that_fails(capsys: pytest.CaptureFixture[str]) -> None:
    """The reason is said once, another one again, and that it is over."""
    gone: dict[str, Plain] = {"flow": "items", "code": "R508", "message": "no such table"}
    refused: dict[str, Plain] = {**gone, "message": "not let in", "help": "see the password"}
    with watching(None, None) as seen:
        for facts in (gone, gone, refused, refused, {"flow": "stock", "code": "KeyError"}):
            seen.on_event(TechnicalEvent("cycle failed", "error", facts))
        seen.on_event(TechnicalEvent("cycle recovered", "info", {"flow": "items"}))
        seen.on_event(TechnicalEvent("cycle failed", "error", gone))
    assert capsys.readouterr().err.splitlines() == [
        "items: R508: no such table",
        "items: R508: not let in",
        "  help: see the password",
        "stock: KeyError",
        "items: runs again",
        "items: R508: no such table",
    ]
