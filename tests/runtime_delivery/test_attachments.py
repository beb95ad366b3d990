"""Files after a document: attached once, from the record, a folder, a place or an API."""

from __future__ import annotations

import base64
import dataclasses
import sqlite3
import time
from collections.abc import Iterable
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from mapgen.agreed.plan import Attached, Plan, Retry, Step
from mapgen.contract.lock import load
from mapgen.contract.model import Contract
from mapgen.runtime.delivery import deliver
from mapgen.runtime.environment import Api, Environment, Limits
from mapgen.runtime.ledger import Ledger
from mapgen.runtime.outcome import Document, Outcome
from mapgen.runtime.rules import Rule, Rules
from mapgen.runtime.summary import Summary
from mapgen.runtime.targets.files import (
    RecordChanged,
    attachment,
    file_of,
    is_of_record,
    with_content,
)
from mapgen.runtime.tenant.attachment import link_for_files, listed_files
from mapgen.sandbox import Sandbox
from mapgen.sandbox.records import AttachedFile
from tests.runtime_delivery.flows import PHOTO, RECEIPT, RELEASED, payments, with_file
from tests.runtime_delivery.orders import RULES, HastyLedger, Watcher
from tests.runtime_delivery.processes import start
from tests.runtime_delivery.stand_in import tenant_of
from tests.runtime_delivery.test_against_sandbox import LOCK, environment_of, tenant
from tests.runtime_delivery.test_documents import ends

LONG = base64.b64encode(b"\x89PNG" * 60_000).decode()


@pytest.fixture(scope="module")
def contract() -> Contract:
    return load(LOCK)


def run(
    sandbox: Sandbox,
    ledger: Ledger,
    outcomes: Iterable[Outcome],
    plan: Plan,
    environment: Environment | None = None,
) -> Summary:
    where = environment or environment_of(sandbox)
    return deliver(outcomes, plan, where, ledger, RULES, Watcher())


def attached(sandbox: Sandbox) -> list[AttachedFile]:
    """The files of all payments."""
    return [file for one in sandbox.records("Payment") for file in sandbox.files(str(one["id"]))]


def told(summary: Summary) -> list[tuple[str, str]]:
    return [(one.code, one.message) for shown in summary.shown for one in shown.errors]


@pytest.mark.parametrize("content", ["aGVsbG8=", LONG], ids=["short", "long"])
def test_attached_once(contract: Contract, address: str, content: str) -> None:
    """The bytes of the record are attached before the next step; again, nothing is."""
    plan = payments(RECEIPT, RELEASED)
    records = [with_file(number, content) for number in (1, 2)]
    with tenant(contract) as sandbox, HastyLedger(address) as ledger:
        first = run(sandbox, ledger, records, plan)
        again = run(sandbox, ledger, records, plan)

        files = attached(sandbox)
        assert sorted((one.name, one.versions) for one in files) == [("1.pdf", 1), ("2.pdf", 1)]
        assert {one.content for one in files} == {base64.b64decode(content)}
        assert sandbox.counts()["PUT files 204"] == 2
    assert ends(first) == {"read": 2, "created": 2, "done": 4}
    assert ends(again) == {"read": 2, "already_exists": 6}


def test_a_ledger_that_was_lost(contract: Contract, address: str, tmp_path: Path) -> None:
    """What the document lists is not attached again."""
    with tenant(contract) as sandbox:
        with HastyLedger(f"sqlite:///{tmp_path}/lost.db") as ledger:
            run(sandbox, ledger, [with_file(1)], payments(RECEIPT))
        with HastyLedger(address) as ledger:
            again = run(sandbox, ledger, [with_file(1)], payments(RECEIPT))
        assert [one.versions for one in attached(sandbox)] == [1]
    assert ends(again) == {"read": 1, "already_exists": 2}


def test_bytes_lie_in_the_ledger_once(contract: Contract, tmp_path: Path) -> None:
    """A long file of a record is not kept beside the record; once attached, neither is."""
    path = tmp_path / "l.db"
    plan = payments(RECEIPT, retry=Retry(2, 0.02, 0.05))

    def held() -> tuple[int, int]:
        with sqlite3.connect(path) as database:
            words = "SELECT sum(length(body)), sum(length(record)) FROM mapgen_records"
            body, record = database.execute(words).fetchone()
        return body or 0, record or 0

    errors = ["unavailable@PUT:files:1,2"]
    with tenant(contract, *errors) as sandbox, HastyLedger(f"sqlite:///{path}") as ledger:
        run(sandbox, ledger, [with_file(1, LONG)], plan)
        body, record = held()
        assert body < 1_000 < len(LONG) < record
        summary = run(sandbox, ledger, [with_file(1, LONG)], plan)
        assert held() == (0, 0)
    assert ends(summary) == {"read": 1, "already_exists": 1, "done": 1}


@pytest.mark.parametrize(
    ("error", "puts"), [("drop", 1), ("deadlock-after", 1), ("refuse", 2), ("unavailable", 2)]
)
def test_no_answer(contract: Contract, address: str, error: str, puts: int) -> None:
    """A file without an answer is looked for before it is put again."""
    with tenant(contract, f"{error}@PUT:files:1") as sandbox, HastyLedger(address) as ledger:
        summary = run(sandbox, ledger, [with_file(1)], payments(RECEIPT))

        assert [one.versions for one in attached(sandbox)] == [1]
        asked = sandbox.counts().items()
        assert sum(count for line, count in asked if line.startswith("PUT files")) == puts
    assert ends(summary) == {"read": 1, "created": 1, "done": 1}


def test_attached_as_the_erp_says_and_not_listed(contract: Contract, address: str) -> None:
    """A 204 is not believed where the document lists no such file; the next run attaches it."""
    with tenant(contract, "no-effect@PUT:files:1") as sandbox, HastyLedger(address) as ledger:
        first = run(sandbox, ledger, [with_file(1)], payments(RECEIPT))
        second = run(sandbox, ledger, [with_file(1)], payments(RECEIPT))

        assert len(attached(sandbox)) == 1
    assert [code for code, _ in told(first)] == ["R422"]
    assert ends(second) == {"read": 1, "already_exists": 1, "done": 1}


@pytest.mark.parametrize("moment", ["PUT Payment 200", "PUT files 204"])
def test_killed(contract: Contract, tmp_path: Path, moment: str) -> None:
    """Killed between a document and its file, and amid the files: each is attached once."""
    address = f"sqlite:///{tmp_path}/l.db"
    with tenant(contract) as sandbox:
        child = start(sandbox.url, address, 3, "attached")
        deadline = time.monotonic() + 300
        while not sandbox.counts().get(moment) and time.monotonic() < deadline:
            time.sleep(0.005)
        child.kill()
        counts = start(sandbox.url, address, 3, "attached").finish()

        files = attached(sandbox)
        assert sorted((one.name, one.versions) for one in files) == [
            (f"{number}.pdf", 1) for number in (1, 2, 3)
        ]
    assert (counts["read"], counts["dead_lettered"], counts["rejected"]) == (3, 0, 0)


def test_new_content(contract: Contract, address: str) -> None:
    """Of a document that is updated the file follows its content; of others the first one stays."""
    for operation, versions in (("upsert", 2), ("create", 1)):
        plan = payments(RECEIPT, flow=operation, operation=operation)
        with tenant(contract) as sandbox, HastyLedger(address) as ledger:
            run(sandbox, ledger, [with_file(1)], plan)
            run(sandbox, ledger, [with_file(1, "bmV3IQ==")], plan)
            run(sandbox, ledger, [with_file(1, "bmV3IQ==")], plan)
            (file,) = attached(sandbox)
            assert (file.versions, file.content == b"new!") == (versions, versions == 2)


@pytest.mark.parametrize(
    ("said", "done"),
    [
        ({"receipt file": "1.pdf"}, 1),
        ({"receipt file": "1.pdf", "receipt content": "aGk=", "ReleasePayment when": False}, 1),
        ({"receipt file": "1.pdf", "ReleasePayment when": False}, 0),
    ],
    ids=["no content", "when", "neither"],
)
def test_steps_that_a_record_does_not_want(
    contract: Contract, address: str, said: dict[str, object], done: int
) -> None:
    """What a record has no file for, or does not want, is not done; what follows does not wait."""
    release = replace(RELEASED, told=("when",))
    record = with_file(1, **{"ReleasePayment when": True} | said)
    with tenant(contract) as sandbox, HastyLedger(address) as ledger:
        summary = run(sandbox, ledger, [record], payments(RECEIPT, release))
        assert summary.left == 0
    assert summary.done == done


def test_a_step_wanted_later(contract: Contract, address: str) -> None:
    """A document that is made without a step has it done once its record comes and wants it."""
    release = replace(RELEASED, told=("when",))
    with tenant(contract) as sandbox, HastyLedger(address) as ledger:
        for wants in (False, True, True):
            record = with_file(1, **{"ReleasePayment when": wants})
            summary = run(sandbox, ledger, [record], payments(release))
        assert [one["Status"] for one in sandbox.records("Payment")] == ["Open"]
        assert sandbox.counts()["POST Payment/ReleasePayment 204"] == 1
    assert ends(summary) == {"read": 1, "already_exists": 2}


def _photo(path: str) -> Document:
    return with_file(1, **{"photo file": "1.jpg", "photo path": path})


@pytest.mark.parametrize(
    ("path", "code", "words"),
    [
        ("a.jpg", None, ""),
        ("deep/b.jpg", None, ""),
        ("none.jpg", "R423", "is without the file of `photo`: no such file or directory"),
        ("../outside.jpg", "R423", "its path leads to no file below its folder"),
        ("deep/../../outside.jpg", "R423", "its path leads to no file below its folder"),
        ("/etc/hostname", "R423", "its path leads to no file below its folder"),
        ("link.jpg", "R423", "its path leads to no file below its folder"),
        ("deep", "R423", "its path leads to no file below its folder"),
        ("large.jpg", "R423", "it has more than 25000 KiB"),
        ("x" * 300, "R423", "no file has so long a name"),
    ],
)
def test_a_folder(
    contract: Contract, tmp_path: Path, path: str, code: str | None, words: str
) -> None:
    """A path leads to a file below its folder, whatever the record says; one may come later."""
    photos = tmp_path / "photos"
    (photos / "deep").mkdir(parents=True)
    for name in ("photos/a.jpg", "photos/deep/b.jpg", "outside.jpg"):
        (tmp_path / name).write_bytes(b"JPEG")
    (photos / "link.jpg").symlink_to(tmp_path / "outside.jpg")
    with (photos / "large.jpg").open("wb") as large:
        large.truncate((25_000 << 10) + 1)
    with tenant(contract) as sandbox, HastyLedger(f"sqlite:///{tmp_path}/l.db") as ledger:
        where = dataclasses.replace(environment_of(sandbox), root=tmp_path)
        summary = run(sandbox, ledger, [_photo(path)], payments(PHOTO), where)
        if path == "none.jpg":
            (photos / path).write_bytes(b"JPEG")
            late = run(sandbox, ledger, [_photo(path)], payments(PHOTO), where)
            assert ends(late) == {"read": 1, "already_exists": 1, "done": 1}
        files = attached(sandbox)
    if code is None:
        assert [(one.name, one.content) for one in files] == [("1.jpg", b"JPEG")]
    else:
        ((found, message),) = told(summary)
        assert found == code
        assert words in message
        assert path not in message
        assert summary.deferred == (path == "none.jpg")


@pytest.mark.parametrize(
    ("address_of", "words"),
    [
        ("/sandbox", None),
        ("{url}/sandbox", None),
        ("http://127.0.0.2:1/sandbox", "at another host"),
        ("//127.0.0.2:1/sandbox", "status 404"),
        ("/absent", "status 404"),
    ],
)
def test_an_api(contract: Contract, tmp_path: Path, address_of: str, words: str | None) -> None:
    """A file is fetched from the host of its connection, and from no other."""
    step = Step("photo", attached=Attached(has_path=True, at="shop"), told=("file", "path"))
    plan = payments(step, retry=Retry(2, 0.02, 0.05))
    with tenant(contract) as sandbox, HastyLedger(f"sqlite:///{tmp_path}/l.db") as ledger:
        api = Api("shop", sandbox.url, {"Authorization": "Bearer secret"})
        where = dataclasses.replace(environment_of(sandbox), asked={"shop": api})
        record = _photo(address_of.format(url=sandbox.url))
        summary = run(sandbox, ledger, [record], plan, where)
        files = attached(sandbox)
    assert len(files) == (words is None)
    if words is not None:
        ((code, message),) = told(summary)
        assert code == "R423"
        assert words in message


def test_a_record_that_changed(contract: Contract, tmp_path: Path) -> None:
    """A file is not cut out of a record that is another one by now: it waits for that."""
    path = tmp_path / "l.db"
    plan = payments(RECEIPT, retry=Retry(2, 0.02, 0.05))
    errors = ["unavailable@PUT:files:1,2"]
    with tenant(contract, *errors) as sandbox, HastyLedger(f"sqlite:///{path}") as ledger:
        run(sandbox, ledger, [with_file(1, LONG)], plan)
        with sqlite3.connect(path) as database:
            database.execute("UPDATE mapgen_records SET state = 'staged' WHERE body NOT NULL")
            database.execute("UPDATE mapgen_records SET record = NULL")
        changed = run(sandbox, ledger, [], plan)
        assert attached(sandbox) == []
    assert [code for code, _ in told(changed)] == ["R424"]


def test_the_place_in_a_record() -> None:
    """A long content is a place in its record; one that is written otherwise is kept itself."""
    for letters in ("/" * 5_000, "\\/" * 5_000):
        said = {"file": b'{"value":"a.pdf"}', "content": b'{"value":"%b"}' % (b"/" * 5_000)}
        data = b'{"pdf":"%b"}' % letters.encode()
        raws = {name: msgspec.Raw(value) for name, value in said.items()}
        kept = msgspec.json.encode(attachment(Attached(), raws, data))
        assert is_of_record(kept) == (letters[0] == "/")
        assert file_of(with_content(kept, data)).content == "/" * 5_000
        if is_of_record(kept):
            with pytest.raises(RecordChanged):
                with_content(kept, b'{"pdf":"%b"}' % (b"+" * 5_000))


@pytest.mark.parametrize(
    ("row", "files"),
    [
        ({}, {}),
        ({"files": None}, {}),
        ({"files": [None, 7, {}, {"filename": 7}]}, {}),
        ({"files": [{"filename": "Payments (P1)\\\\A.PDF ", "comment": 7}]}, {"a.pdf": ""}),
        ({"files": [{"filename": "a.pdf", "comment": "sha256 1"}]}, {"a.pdf": "sha256 1"}),
    ],
)
def test_lists_of_an_odd_tenant(row: dict[str, object], files: dict[str, str]) -> None:
    """What is no list of files has none; a name is what is behind that of the document."""
    assert listed_files(row) == files


@pytest.mark.parametrize(
    "links",
    [None, [], {}, {"files:put": 7}, {"files:put": "/no/hole"}, {"files:put": "\n{filename}"}],
)
def test_links_of_an_odd_tenant(links: object) -> None:
    """What is no link is none: the file goes behind the keys of the document."""
    assert link_for_files({"_links": links}) is None


def test_a_personal_name(contract: Contract, tmp_path: Path) -> None:
    """The name of a file is masked where the ERP repeats it, and is in no log."""
    rule = Rule("then receipt file", ("payment.name",), "specs/o.yaml:1:1", is_personal=True)
    rules = Rules({rule.target: rule}, {}, ("payment.name",))
    name = f"Ada Lovelace{'x' * 240}.pdf"
    record = with_file(1, **{"receipt file": name, "receipt content": "aGk="})
    watcher = Watcher()
    with tenant(contract) as sandbox, HastyLedger(f"sqlite:///{tmp_path}/l.db") as ledger:
        where = Environment("test", tenant_of(sandbox.url), Limits(None, 4, 30.0, 90.0))
        summary = deliver([record], payments(RECEIPT), where, ledger, rules, watcher)
    assert summary.rejected == 1
    assert "Ada" not in repr((told(summary), watcher.events))
