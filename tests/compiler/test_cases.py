"""Every error of a spec and of the files around it, as `mapgen check` shows it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.compiler.cases import CASES, EXPECTED, build, command, names, speak

CATALOGUE = Path(__file__).resolve().parents[2] / "mapgen" / "report" / "catalogue"
SAID_ELSEWHERE = {
    "E401": "`mapgen contract import` says it, see tests/contract",
    "E402": "`mapgen contract import` says it, see tests/contract",
    "E403": "`mapgen contract import` says it, see tests/contract",
    "E404": "`mapgen contract import` says it, see tests/contract",
    "E407": "`mapgen contract import` says it, see tests/contract",
    "E408": "`mapgen contract import` says it, see tests/contract",
    "E409": "`mapgen contract import` says it, see tests/contract",
    "E503": "`mapgen transform` and `mapgen run` say it",
    "E505": "`mapgen transform` and `mapgen run` say it",
    "E508": "`mapgen transform` and `mapgen run` say it",
    "E509": "`mapgen run` says it, see tests/runtime_delivery",
    "E510": "`mapgen generate` says it, see test_generate",
    "E511": "`mapgen contract import` says it, see tests/contract",
    "E513": "`mapgen contract import` says it, see tests/contract",
    "E517": "`mapgen transform` and `mapgen run` say it",
    "E518": "`mapgen transform` and `mapgen run` say it",
    "E519": "`mapgen transform` and `mapgen run` say it",
    "E528": "`mapgen transform` and `mapgen run` say it, see tests/cli",
    "E529": "`mapgen transform` and `mapgen run` say it, see tests/cli/test_encodings.py",
    "E531": "every command whose extra is missing says it, see tests/wheel",
    "E532": "`mapgen generate` says it, see test_generate",
    "E717": "`mapgen rebase` says it, see test_overlays",
    "E533": "every command that writes a file says it, see tests/cli/test_targets.py",
    "E541": "`mapgen init` says it, see tests/cli/test_init.py",
    "E542": "`mapgen schema infer` says it, see tests/draft/test_samples.py",
    "E594": "`mapgen transform` and `mapgen run` say it, see tests/cli",
    "E596": "`mapgen schema inquiry` says it, see tests/contract",
    "E597": "`mapgen schema inquiry` says it, see tests/contract",
    "E567": "`mapgen transform` says it, see tests/cli/test_lookups.py",
    "E521": "`mapgen sandbox` says it, see tests/sandbox",
    "E522": "`mapgen sandbox` says it, see tests/sandbox",
    "E523": "`mapgen sandbox` says it, see tests/sandbox",
    "E524": "`mapgen sandbox` says it, see tests/sandbox",
}


@pytest.mark.parametrize("case", names())
def test_case(
    case: str,
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A faulty workspace is told apart from a sound one by exactly the words expected."""
    spoken = speak(build(case, tmp_path), monkeypatch, capsys, *command(case))

    expected = CASES / case / EXPECTED
    if request.config.getoption("--update", default=False):
        expected.write_text(spoken.errors, encoding="utf-8")
    assert expected.exists(), f"{case} has no {EXPECTED}: run `pytest tests/compiler --update`"
    assert spoken.errors == expected.read_text(encoding="utf-8")
    assert spoken.code == 1
    assert spoken.words == ""
    assert "Traceback" not in spoken.errors


@pytest.mark.parametrize(
    ("base", "flows"),
    [
        ("_base", "1 flow"),
        ("_documents", "1 flow"),
        ("_parts", "1 flow"),
        ("_siblings", "2 flows"),
        ("_overlay", "2 flows"),
    ],
)
def test_base(
    base: str,
    flows: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """What all cases are changes of has no error itself."""
    spoken = speak(build(base, tmp_path), monkeypatch, capsys, "check")

    assert spoken.errors == ""
    assert spoken.words == f"{flows} checked: all fine\n"
    assert spoken.code == 0


@pytest.mark.parametrize("case", [name for name in names() if "-and-" not in name])
def test_one_mistake_one_message(case: str) -> None:
    """A case without `-and-` in its name holds one mistake, and one message says it."""
    said = (CASES / case / EXPECTED).read_text(encoding="utf-8")

    assert len(re.findall(r"^(?:error|warning)\[", said, re.MULTILINE)) == 1


def test_every_code_has_a_case() -> None:
    """Every message of the catalogue that `mapgen check` can say is shown by a case."""
    prose = "".join(path.read_text(encoding="utf-8") for path in CATALOGUE.glob("*.py"))
    catalogue = set(re.findall(r'"(E\d{3})\b', prose))
    said = "".join((CASES / name / EXPECTED).read_text(encoding="utf-8") for name in names())
    shown = set(re.findall(r"^(?:error|warning)\[(E\d{3})\]", said, re.MULTILINE))

    assert catalogue - shown == set(SAID_ELSEWHERE)


def test_no_folder_is_orphaned() -> None:
    """Every folder of cases changes something."""
    for name in names():
        folder = CASES / name
        assert (folder / "change.yaml").exists() or (folder / "specs").is_dir(), name
