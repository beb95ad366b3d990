"""What samples show of how files of rows are written, and what a draft says of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapgen.agreed.plan import Form
from mapgen.draft.samples import Samples, read_samples
from mapgen.draft.sniffing import formats_of_days

STATEMENT = """\
Kontoauszug Köln;;;;
Zeitraum;01.03.2026 - 31.03.2026;;;
Buchung;Valuta;Nr;Empfänger;Betrag
1.3.2026;02.03.26;005000;Müller & Söhne GmbH;1.234,56
2.3.2026;03.03.26;005001;Bäckerei Größl;4.500,04-
12.3.2026;13.03.26;005002;Poole Ltd;(12,52)
30.3.2026;31.03.26;005003;"Weiß; Jürgen";99
Summe;;;;5.821,64
"""


def read(path: Path, say: Any = lambda _: None) -> Samples:
    return read_samples([path], "entry", (), say)


def members(samples: Samples) -> dict[str, Any]:
    found = samples.drafted("entry")["properties"]
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("encoding", ["windows-1252", "utf-8", "utf-16", "utf-8-sig"])
def test_a_statement(encoding: str, tmp_path: Path) -> None:
    """All of its form is seen, the total is left out and told, and cells keep their spelling."""
    path = tmp_path / "statement.csv"
    path.write_bytes(STATEMENT.replace("\n", "\r\n").encode(encoding))
    told: list[str] = []
    samples = read(path, told.append)

    assert samples.form == Form(
        "csv",
        delimiter=";",
        encoding=encoding.removesuffix("-sig"),
        header_line=3,
        decimal=",",
        thousands=".",
        dates={"Buchung": "d.M.yyyy", "Valuta": "dd.MM.yy"},
    )
    assert [record["Betrag"] for record in samples.records] == [
        "1.234,56",
        "4.500,04-",
        "(12,52)",
        "99",
    ]
    assert len(told) == 1
    assert "record 5 is left out: it looks like a total" in told[0]
    drafted = members(samples)
    assert drafted["Buchung"] == drafted["Valuta"] == {"type": "string", "format": "date"}
    assert drafted["Betrag"] == {"type": "number"}
    assert drafted["Nr"]["type"] == "string"


@pytest.mark.parametrize(
    ("cells", "form"),
    [
        pytest.param(["03/07/2026", "04/08/2026"], Form("csv"), id="two formats fit"),
        pytest.param(["03/17/2026"], Form("csv", dates={"x": "MM/dd/yyyy"}), id="one fits"),
        pytest.param(["31.02.2026"], Form("csv"), id="no day"),
        pytest.param(["1.234", "5.678"], Form("csv"), id="thousands, or decimals"),
        pytest.param(["12.50", "3.00"], Form("csv"), id="as elsewhere"),
        pytest.param(["'1,234.50'", "7.25"], Form("csv"), id="no number"),
        pytest.param(['"1,234.50"', "7.25"], Form("csv", thousands=","), id="in English"),
        pytest.param(['"1,234"', '"5,678"'], Form("csv"), id="in which language?"),
        pytest.param(['"1,25"', "7"], Form("csv", decimal=","), id="a comma"),
        pytest.param(
            ["Sat, 07 Mar 2026 10:00:00 +0000"] * 2, Form("csv", dates={"x": "rfc2822"}), id="mail"
        ),
    ],
)
def test_cells(cells: list[str], form: Form, tmp_path: Path) -> None:
    """What two forms fit, or none, stays text."""
    path = tmp_path / "cells.csv"
    quoted = [cell if cell.startswith('"') else f'"{cell}"' for cell in cells]
    path.write_text("n,x\n" + "".join(f"A{at},{cell}\n" for at, cell in enumerate(quoted)))

    assert read(path).form == form
    is_text = form == Form("csv") and cells[0] not in ("12.50", "1.234")
    assert (members(read(path))["x"]["type"] == "string") == (is_text or bool(form.dates))


def test_many_that_are_left_out(tmp_path: Path) -> None:
    """A few broken records are reported one by one, and the number of all others."""
    path = tmp_path / "broken.csv"
    path.write_text("a,b,c\n1,2,3\n" + "1,2\n" * 30)
    told: list[str] = []
    read(path, told.append)

    assert len(told) == 6
    assert told[-1] == f"{path.as_posix()}: 25 more records are left out"


@given(st.text(max_size=300), st.sampled_from(["utf-8", "utf-16", "windows-1252"]))
def test_any_file(tmp_path_factory: pytest.TempPathFactory, text: str, encoding: str) -> None:
    """Whatever a file holds, its form is one that it can be read in."""
    from mapgen.report import Stopped

    path = tmp_path_factory.mktemp("any") / "any.csv"
    path.write_bytes(text.encode(encoding, "replace"))
    try:
        samples = read(path)
    except Stopped:
        return
    samples.drafted("entry")


def test_formats_of_days() -> None:
    """Of JSON, by path: blank texts count for nothing, and one written otherwise for all."""
    records = [
        {"made": "Sat, 07 Mar 2026 10:00:00 +0000", "sent": "", "lines": [{"due": "31.01.2026"}]},
        {"made": "8 Mar 2026 10:00 EST", "sent": " ", "lines": [{"due": "1.2.2026"}]},
        {"made": "Tue, 07 Mar 2026 10:00:00 +0000", "sent": "31.01.2026", "lines": [{"due": ""}]},
    ]
    assert formats_of_days(records, "order") == {
        "order.made": "rfc2822",
        "order.sent": "dd.MM.yyyy",
        "order.lines[].due": "d.M.yyyy",
    }
    assert formats_of_days([*records, {"made": "2026-01-01"}], "order").keys() == {
        "order.sent",
        "order.lines[].due",
    }
