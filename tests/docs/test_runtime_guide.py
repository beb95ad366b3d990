"""The runtime guide: its tables, queries and lines of the log are those of the product."""

from __future__ import annotations

import json
import re
import sqlite3
from pathlib import Path
from typing import get_args

from mapgen import cli
from mapgen.cli.reference import reference
from mapgen.cli.run import _FORMER_NAMES
from mapgen.runtime.events import EventOutcome
from mapgen.runtime.ledger import Ledger, State
from mapgen.runtime.summary import Summary
from mapgen.sandbox import Credentials, ShopSettings

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "runtime.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")


def _section(title: str) -> str:
    return PAGE.partition(f"## {title}\n")[2].partition("\n## ")[0]


def _first_column(title: str) -> list[str]:
    rows = re.findall(r"^\| (.*?) \|", _section(title), flags=re.MULTILINE)
    return [word for row in rows[1:] for word in row.split(", ")]


def test_states() -> None:
    """Every state of the ledger is explained once."""
    explained = [word.strip("`") for word in _first_column("The ledger")]

    assert sorted(explained) == sorted(get_args(State))


# What a record ends as; the other counts of a run are of something else.
ENDS = [
    "skipped",
    "rejected",
    "created",
    "updated",
    "already_exists",
    "unchanged",
    "dead_lettered",
    "deferred",
]


def test_exit_codes() -> None:
    """Every exit code of the command line is explained once."""
    codes = {0, cli.FAULTS, cli.USAGE, cli.STALE, cli.STILL_OPEN, cli.BUG, 129, 130, 143}

    assert sorted(map(int, _first_column("Exit codes"))) == sorted(codes)


def test_limits() -> None:
    """Every limit of an environment is explained once."""
    explained = [word.strip("`") for word in _first_column("Limits")]

    assert explained == re.findall(r"^\| `limits\.(\w+)`", reference(), flags=re.MULTILINE)


def test_variables() -> None:
    """The variables are those that the sandbox sets and the local environment names."""
    explained = [word.strip("`") for word in _first_column("Variables")]
    url = "http://127.0.0.1"
    local = (ROOT / "specs/environments/local.yaml").read_text(encoding="utf-8")

    given = [*Credentials().environment(url), *ShopSettings().environment(url)]
    assert explained == given
    assert explained == re.findall(r"\{env: (\w+)\}", local)


def test_query(tmp_path: Path) -> None:
    """The query runs on a ledger."""
    (query,) = re.findall(r"^```sql\n(.*?)^```", PAGE, flags=re.MULTILINE | re.DOTALL)
    with Ledger(f"sqlite:///{tmp_path / 'ledger.db'}"):
        pass

    connection = sqlite3.connect(tmp_path / "ledger.db")
    try:
        assert connection.execute(query).fetchall() == []
    finally:
        connection.close()


def test_lines_for_programs() -> None:
    """The line of the log and the line of `--json` have the members of real ones."""
    event, counts = (json.loads(line) for line in re.findall(r"^\{.*\}$", PAGE, flags=re.MULTILINE))
    told = re.search(r"`outcome` is (.*?);", PAGE, flags=re.DOTALL)

    assert told is not None
    assert tuple(re.findall(r"`([^`]+)`", told[1])) == get_args(EventOutcome)
    assert event["outcome"] in get_args(EventOutcome)
    assert list(counts) == [*Summary(flow="flow").counts(), *_FORMER_NAMES]
    ends = sum(value for name, value in counts.items() if name in ENDS)
    assert counts["read"] == ends


def test_readme_leads_to_every_page() -> None:
    """The README links each page of the documentation, and each link leads to a page."""
    pages = {f"docs/{page.name}" for page in (ROOT / "docs").glob("*.md")}
    linked = set(re.findall(r"\((docs/[\w.]+\.md)\)", README))

    assert linked == pages


def test_links_lead_somewhere() -> None:
    """Each link from one page to a file leads to a file."""
    for page in (ROOT / "docs").glob("*.md"):
        for link in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / link).exists(), f"{page.name}: {link}"
