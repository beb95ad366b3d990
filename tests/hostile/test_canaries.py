"""Personal values that are out, in each personal field of a flow: who sees them.

Seen in clear: the bodies that the tenant is sent, what is asked of it by a personal key, and the
documents that `transform` is told to write. Nowhere else.
"""

from __future__ import annotations

import contextlib
import json
import re
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.faults.liar import Liar, Raw, Request, answer, lying
from tests.hostile.command import Ended, run
from tests.hostile.tenant import truth
from tests.hostile.test_answers import variables
from tests.hostile.workspace import FILES, SPEC, parcel, write

MAIL, PHONE, STREET = "canary.person@example.org", "+1 555 987 6543", "Canarygasse 17"
NAME, PLACE, WORDS = "Canaria Vogel", "Canaryville", "ring at Kanarienvogel"
# Pieces by which each value would be known again, in any spelling of it.
PIECES = ("canary", "canaria", "vogel", "9876543", "987 6543", "987%206543")
PERSONAL = (
    *("parcel.recipient.street", "parcel.remark", "parcel.depot", "parcel.items.contact"),
    *("parcel.sender.name", "parcel.notes.words"),
)
SENDERS = (
    {"id": "S1", "name": f"{NAME} {PHONE}"},
    {"id": "S2", "name": [NAME]},
    {"id": "S3", "name": NAME},
    {"id": "S3", "name": MAIL},
)
GROUPED = """\
            - each: "parcel.items.groupBy(i, i.?contact.orValue('-'))"
              as: group
              fields:
                Article: {value: "group.key.replace('@', '')", too_long: reject}
                Quantity: {value: group.rows.size(), range: "> 0"}
            - each: parcel.notes
"""


def _spec() -> str:
    personal = ", ".join(f"{path}: personal" for path in PERSONAL)
    text = SPEC
    for old, new in (
        ("            - each: parcel.notes\n", GROUPED),
        ("remark.trim(), too_long: truncate", "remark.trim(), too_long: reject"),
        ("data: {parcel.recipient.street: personal}", f"data: {{{personal}}}"),
    ):
        assert text.count(old) == 1
        text = text.replace(old, new)
    return text


def _files() -> dict[str, str]:
    schema = json.loads(FILES["specs/schemas/parcel.schema.json"])
    items = schema["properties"]["items"]["items"]["properties"]
    items["contact"] = {"type": ["string", "null"]}
    documents = json.loads(FILES["specs/examples/parcel.documents.json"])
    rows = documents["delivery"]["Items"]
    rows.insert(2, {"Article": {"value": "-"}, "Quantity": {"value": 2}})
    return {
        **FILES,
        "specs/parcels.maps.yaml": _spec(),
        "specs/schemas/parcel.schema.json": json.dumps(schema),
        "specs/examples/parcel.documents.json": json.dumps(documents),
        "input/parcels.jsonl": "".join(json.dumps(one) + "\n" for one in records()),
        "input/senders.jsonl": "".join(json.dumps(one) + "\n" for one in SENDERS),
        "input/notes.csv": f'parcel,words\nP-1,{WORDS}\nP-2,{MAIL}\nP-9,{NAME}\n',
    }  # fmt: skip


def records() -> Iterator[Mapping[str, Any]]:
    """Yield records that are right, and ones that each fail at a personal value."""
    right = {"remark": "Canary", "recipient": {"street": STREET}, "depot": PLACE}
    yield from (parcel(at) | right for at in (1, 21, 22, 23, 24, 25))
    items = parcel(0)["items"]
    for at, change in enumerate(
        (
            {"remark": WORDS + MAIL},
            {"recipient": {"street": STREET * 9}},
            {"recipient": {"street": [STREET]}},
            {"recipient": STREET},
            {"items": [items[0] | {"contact": MAIL}, items[1] | {"contact": MAIL}]},
            {"items": [items[0] | {"contact": {MAIL: NAME}}, items[1]]},
            {"depot": [PLACE]},
            {"sender_id": "S2"},
            {"sender_id": "S3"},
            {"value": "8.50"},
            {"service": "none", "depot": f"{NAME}'s"},
        ),
        start=3,
    ):
        yield parcel(at) | right | change


JOINED = ("--join", "sender=input/senders.jsonl", "--join", "notes=input/notes.csv")
INPUT = ("--input", "input/parcels.jsonl", *JOINED)


def seen_in(text: str) -> list[str]:
    """Return the pieces of personal values that a text shows."""
    return [piece for piece in PIECES if piece in text.lower()]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The workspace, generated, and a folder of its own for what is kept on disk meanwhile."""
    (tmp_path / "meanwhile").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "meanwhile"))
    write(_files(), tmp_path / "work")
    ended = run(tmp_path / "work", "generate")
    assert ended.code == 0, ended.err
    return tmp_path / "work"


def assert_unseen(ended: Ended, folder: Path) -> None:
    """No word of a command, and no file but what it was given, shows a personal value."""
    assert seen_in(ended.out + ended.err) == []
    for path in folder.parent.rglob("*"):
        if path.is_file() and path.parent.name != "input":
            assert seen_in(path.read_bytes().decode("utf-8", "replace")) == [], path


def test_rejects(folder: Path) -> None:
    """What is reported records that fail at personal values shows none of them."""
    output = folder.parent / "meanwhile" / "documents.jsonl"
    ended = run(
        folder, "transform", "parcels", "--sample-lookups", *INPUT, "--output", str(output),
        "--rejects", "rejects.jsonl",
    )  # fmt: skip

    assert ended.code == 1, ended
    rejects = (folder / "rejects.jsonl").read_text("utf-8").splitlines()
    assert len(rejects) > 8
    assert "canary" in output.read_text("utf-8").lower()
    output.unlink()
    assert_unseen(ended, folder)


def _truth(request: Request) -> Any:
    """Know each depot that is asked for."""
    said = truth(request)
    name = re.search(r"Name eq '((?:[^']|'')*)'", request.query)
    return said if name is None else [said[0] | {"Name": {"value": name[1].replace("''", "'")}}]


def _echo(liar: Liar, request: Request) -> Raw:
    """Refuse the documents of some records, with all that they hold."""
    if request.kind != "put" or request.order["Reference"]["value"][:2] not in ("22", "23", "24"):
        return answer(200, _truth(request))
    words = json.dumps(request.order, ensure_ascii=False)
    refused = {"message": words, "exceptionMessage": words, "exceptionType": "PX.Data.PXException"}
    if request.order["Reference"]["value"].startswith("22"):
        return answer(500, refused)
    return answer(422, request.order | {"error": words, "Reference": {"value": "", "error": words}})


LIES = {"truly": lambda _, request: answer(200, _truth(request)), "with what it is sent": _echo}
# Content of documents is kept for thirty days where the ERP has it not.
AGED = "UPDATE mapgen_records SET open_since = open_since - 40 * 86400"


@pytest.mark.parametrize("name", LIES)
def test_a_run(name: str, folder: Path) -> None:
    """Ledger, log and summary show none; nor does an address but where a key is asked for."""
    (folder / "none.jsonl").touch()
    with lying(LIES[name]) as tenant:

        def deliver(*given: str) -> Ended:
            words = ("run", "parcels", "--env", "test", *given, "--json", "--log", "log.jsonl")
            return run(folder, *words, variables=variables(tenant.url))

        first, again = deliver(*INPUT), deliver(*INPUT)
        kept = _ledger(folder, "SELECT * FROM mapgen_records")
        _ledger(folder, AGED)
        last = deliver("--input", "none.jsonl", *JOINED)

    counts = json.loads(first.out.splitlines()[-1])
    assert (counts["created"] > 3, counts["rejected"] > 10) == (True, True)
    assert any(seen_in(request.body.decode()) for request in tenant.requests)
    asked = {
        request.query.partition("?")[0] for request in tenant.requests if seen_in(request.query)
    }
    assert {path.rpartition("/")[2] for path in asked} == {"Depot"}
    for row in kept:
        assert [name for name, value in row.items() if seen_in(value)] in ([], ["body"]), row
    assert any(seen_in(row["body"]) for row in kept) == (name != "truly")
    for ended in (first, again, last, run(folder, "queue", "list")):
        assert_unseen(ended, folder)


def _ledger(folder: Path, statement: str) -> list[dict[str, str]]:
    """Return the rows that a statement gives, value by value as text."""
    with contextlib.closing(sqlite3.connect(folder / ".mapgen/ledger.db")) as ledger, ledger:
        ledger.row_factory = sqlite3.Row
        ledger.execute("PRAGMA secure_delete = ON")
        return [
            {name: one.decode() if isinstance(one, bytes) else str(one) for name, one in row}
            for row in (
                zip(found.keys(), found, strict=True) for found in ledger.execute(statement)
            )
        ]


def test_a_schema_of_samples(folder: Path) -> None:
    """A draft shows no value of a member that holds something of a person."""
    (folder / "sample.jsonl").write_text(
        "".join(
            json.dumps({"email": MAIL, "phone": PHONE, "street": STREET, "name": NAME}) + "\n"
            for _ in range(30)
        )
    )
    ended = run(folder, "schema", "infer", "sample.jsonl")
    (folder / "sample.jsonl").unlink()

    assert ended.code == 0
    assert_unseen(ended, folder)
