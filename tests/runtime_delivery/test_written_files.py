"""Files as a target: each document in one published file, whole, whatever dies meanwhile."""

from __future__ import annotations

import csv
import io
import json
import resource
import threading
from pathlib import Path
from typing import Any

import msgspec
import pytest

from mapgen.agreed.paths import written_name
from mapgen.runtime.aborted import FilesFailed
from mapgen.runtime.environment import FilePlace, FolderPlace
from mapgen.runtime.ledger import Ledger, book_of
from mapgen.runtime.ledger.reports import Choice, Reports
from mapgen.runtime.masking import MASKED
from mapgen.runtime.rules import Rule, Rules
from mapgen.runtime.storage.folder import FolderStorage
from mapgen.runtime.storage.kind import UNFINISHED
from mapgen.runtime.targets.file import FileTarget
from tests.runtime_delivery.storages import Bucket, Project, sftp_server
from tests.runtime_delivery.written import (
    CELLS,
    items_in,
    plan_of,
    price,
    prices,
    write_all,
)


def place_of(project: Project) -> FilePlace | FolderPlace:
    """The place as an environment has it; its folder `out` is there."""
    project.put("out/.keep", "")
    return project.place or FolderPlace(project.root)


def items(project: Project) -> list[str]:
    """What the files of a place hold, in the order of their names."""
    names = [one for one in project.names("out") if not one.startswith(".")]
    lines = [line for one in names for line in project.text(f"out/{one}").splitlines()]
    return [json.loads(line)["item"] for line in lines]


def test_written_and_known(place: Project, tmp_path: Path) -> None:
    """Ten documents are three files, in order; what is known is written no more."""
    where, ledger = place_of(place), f"sqlite:///{tmp_path}/l.db"
    assert write_all(where, ledger, prices(10)).created == 10
    names = [one for one in place.names("out") if one.startswith("prices-")]
    assert [len(place.text(f"out/{one}").splitlines()) for one in names] == [4, 4, 2]
    assert items(place) == [f"I-{number}" for number in range(1, 11)]
    assert not place.names(f"out/{UNFINISHED}")
    with Ledger(ledger) as opened:
        book = book_of("prices", where.name, where.address)
        [of_first] = {opened.number_of(book, "document", f"I-{one}") for one in range(1, 5)}
    assert of_first == names[0]

    again = write_all(where, ledger, prices(11))
    assert (again.created, again.already_exists) == (1, 10)
    assert len(items(place)) == 11


def test_a_newer_state_goes_into_a_later_file(tmp_path: Path) -> None:
    """Of an upsert each state is written once; an unchanged one makes no file."""
    (tmp_path / "out").mkdir()
    where, ledger = FolderPlace(tmp_path), f"sqlite:///{tmp_path}/l.db"
    plan = plan_of(operation="upsert")
    write_all(where, ledger, prices(3), plan)
    assert write_all(where, ledger, prices(3), plan).unchanged == 3
    assert write_all(where, ledger, [price(2, "2.75"), price(2, "3.00")], plan).created == 1
    first, second = sorted(one for one in (tmp_path / "out").iterdir() if one.is_file())
    assert len(first.read_text().splitlines()) == 3
    assert second.read_text() == '{"item": "I-2", "amount": 3.00}\n'
    assert items_in(tmp_path / "out") == ["I-1", "I-2", "I-3", "I-2"]


def test_cells(tmp_path: Path) -> None:
    """Every digit stays, a missing value is an empty cell, what would run is refused by name."""
    (tmp_path / "out").mkdir()
    where, ledger = FolderPlace(tmp_path), f"sqlite:///{tmp_path}/l.db"
    given = [
        price(1, "12345678901234567.10", text='a;"b"\nc', is_new=True),
        price(2, "-0.50", text="+49 (30) 123-4", is_new=None),
        price(3, "1e3"),
    ]
    dangerous = ["=1+1", "@SUM(A1)", "\t=1", "-2+3+cmd|' /C calc'!A0", "+A1", "＝1"]
    given += [price(10 + at, text=one) for at, one in enumerate(dangerous)]
    summary = write_all(where, ledger, given, plan_of(CELLS, batch_size=20))

    assert (summary.created, summary.rejected) == (3, 6)
    [file] = [one for one in (tmp_path / "out").iterdir() if one.is_file()]
    text = file.read_bytes().decode()
    assert text.startswith("item;amount;text;is_new\r\n")
    rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=";"))
    assert rows[1:] == [
        ["I-1", "12345678901234567.10", 'a;"b"\nc', "true"],
        ["I-2", "-0.50", "+49 (30) 123-4", ""],
        ["I-3", "1000", "", ""],
    ]
    with Ledger(ledger) as opened:
        found = list(Reports(opened).records(Choice(states=("rejected",))))
    assert {(one.errors[0].code, one.errors[0].target) for one in found} == {("R418", "text")}

    kept = plan_of(msgspec.structs.replace(CELLS, formulas="keep"))
    assert write_all(where, f"sqlite:///{tmp_path}/k.db", given[3:], kept).created == 6


@pytest.mark.parametrize("name", ["tag[0]", "a.b", "a`b", ""])
def test_a_formula_in_a_column_of_any_name(tmp_path: Path, name: str) -> None:
    """It is placed and masked by the rule of that column."""
    rule = Rule(written_name(name), ("c.email",), lambda: "o.yaml:1:1", is_personal=True)
    about = Rule("tag", ("c.name",), lambda: "o.yaml:2:1")
    target = FileTarget(
        FolderStorage(tmp_path), plan_of(CELLS), stop=threading.Event(), tell=lambda _: None
    )
    body = msgspec.json.encode({name: "=SECRET()"})
    (error,) = target.errors(body, Rules({one.target: one for one in (rule, about)}))
    assert (error.target, error.source_path) == (written_name(name), "c.email")
    assert error.value == MASKED


def begun(
    project: Project, tmp_path: Path, at: str, *, after: bool = False, operation: str = "create"
) -> tuple[FilePlace | FolderPlace, str]:
    """Begin to write three prices, and fall over at a step of the storage, or after it.

    What is in hand stays so, as when a process is killed: nothing of it is put back.
    """

    class Fallen(BaseException):
        """Nobody catches it, as nobody catches SIGKILL."""

    where, ledger = place_of(project), f"sqlite:///{tmp_path}/l.db"
    method = getattr(type(project.storage), at)

    def falling(*given: object) -> None:
        if after:
            method(*given)
        raise Fallen

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(type(project.storage), at, falling)
        patched.setattr(Ledger, "release", lambda *_: None)
        with pytest.raises(Fallen):
            write_all(where, ledger, prices(3), plan_of(operation=operation))
    return where, ledger


@pytest.mark.parametrize(
    ("at", "after"), [("write", False), ("write", True), ("publish", False), ("publish", True)]
)
def test_fallen_over(place: Project, tmp_path: Path, at: str, after: bool) -> None:
    """Whoever comes next finishes what there is, once; nothing half done stays."""
    where, ledger = begun(place, tmp_path, at, after=after)
    write_all(where, ledger, prices(5))
    assert sorted(items(place)) == [f"I-{number}" for number in range(1, 6)]
    assert not place.names(f"out/{UNFINISHED}")


def test_picked_up_before_it_was_noted(place: Project, tmp_path: Path) -> None:
    """A published file that a partner took meanwhile is not written again."""
    where, ledger = begun(place, tmp_path, "publish", after=True)
    assert len(items(place)) == 3
    place.remove_all("out")
    assert write_all(where, ledger, prices(4)).created == 4
    assert items(place) == ["I-4"]


def test_a_place_that_is_not_mounted(tmp_path: Path) -> None:
    """Nobody takes what is not to be seen for published: the run says so, and goes on later."""
    root = tmp_path / "place"
    root.mkdir()
    project = Project(FolderStorage(root), None, root)
    where, ledger = begun(project, tmp_path, "publish")
    (root / "out").rename(root / "elsewhere")
    (root / "out").mkdir()
    with pytest.raises(FilesFailed, match="is gone, in which") as told:
        write_all(where, ledger, [])
    assert "not mounted" in told.value.help
    (root / "out" / ".keep").unlink(missing_ok=True)
    (root / "out").rmdir()
    (root / "elsewhere").rename(root / "out")
    write_all(where, ledger, [])
    assert items(project) == ["I-1", "I-2", "I-3"]


def test_a_name_that_is_taken(place: Project, tmp_path: Path) -> None:
    """What somebody else wrote stays; the run says so, and the documents wait."""
    where, ledger = begun(place, tmp_path, "publish")
    [name] = place.names(f"out/{UNFINISHED}")
    place.put(f"out/{name}", "mine\n")
    with pytest.raises(FilesFailed, match="was not written by this flow"):
        write_all(where, ledger, [])
    assert place.text(f"out/{name}") == "mine\n"
    place.remove_all("out")
    write_all(where, ledger, [])
    assert items(place) == ["I-1", "I-2", "I-3"]


def test_a_disk_that_fails(tmp_path: Path) -> None:
    """Nothing half written stays, nothing is lost, and the message says what failed."""
    (tmp_path / "out").mkdir()
    where, ledger = FolderPlace(tmp_path), f"sqlite:///{tmp_path}/l.db"
    write, limit = FolderStorage.write, resource.getrlimit(resource.RLIMIT_FSIZE)

    def without_room(*given: Any) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (30, limit[1]))
        try:
            write(*given)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limit)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(FolderStorage, "write", without_room)
        with pytest.raises(FilesFailed, match="cannot be written into `out`: File too large"):
            write_all(where, ledger, prices(2))
    with Ledger(ledger) as opened:
        assert opened.counts() == {"staged": 2}
    assert not list((tmp_path / "out" / UNFINISHED).iterdir())
    write_all(where, ledger, [])
    assert items_in(tmp_path / "out") == ["I-1", "I-2"]


def test_a_folder_that_is_not_there(place: Project, tmp_path: Path) -> None:
    """It is not made: a slip of the pen would hide what is written. In a bucket there are none."""
    where = place.place or FolderPlace(place.root)
    if isinstance(place, Bucket):
        pytest.skip("in a bucket there are no folders")
    with pytest.raises(FilesFailed, match=r"cannot be written into `out`: (N|there is n)o such"):
        write_all(where, f"sqlite:///{tmp_path}/l.db", prices(1))


def test_two_workers(address: str, tmp_path: Path) -> None:
    """Two runs of one flow at a time write each document once."""
    (tmp_path / "out").mkdir()
    plan = plan_of(batch_size=3)
    with Ledger(address) as ledger:
        ledger.stage(
            book_of("prices", "workspace", "folders"), "before", list(prices(60)), rules=""
        )
    threads = [
        threading.Thread(target=write_all, args=(FolderPlace(tmp_path), address, [], plan))
        for _ in range(2)
    ]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sorted(items_in(tmp_path / "out")) == sorted(f"I-{one}" for one in range(1, 61))
    assert not list((tmp_path / "out" / UNFINISHED).iterdir())


@pytest.mark.parametrize("at", ["write", "publish"])
@pytest.mark.parametrize("operation", ["create", "upsert"])
def test_newer_rules_and_a_newer_state(tmp_path: Path, at: str, operation: str) -> None:
    """A file that was whole is published as it was; what was in none is what its record gives."""
    root = tmp_path / "place"
    root.mkdir()
    project = Project(FolderStorage(root), None, root)
    where, ledger = begun(project, tmp_path, at, operation=operation)
    plan = plan_of(operation=operation, rules="of today")
    write_all(where, ledger, [price(2, "9.99")], plan)
    write_all(where, ledger, [price(number, "9.99") for number in (1, 2, 3)], plan)

    files = [one for one in project.names("out") if one.endswith(".jsonl")]
    found = [json.loads(line) for one in files for line in project.text(f"out/{one}").splitlines()]
    amounts = [(one["item"], one["amount"]) for one in found]
    old = [(f"I-{number}", 1.5) for number in (1, 2, 3)]
    new = [(f"I-{number}", 9.99) for number in (2, 1, 3)]
    expected = {
        ("write", "create"): new,
        ("write", "upsert"): new,
        ("publish", "create"): old,
        ("publish", "upsert"): old + new,
    }
    assert sorted(amounts) == sorted(expected[at, operation])
    assert amounts.index(("I-2", 9.99) if at == "write" else ("I-2", 1.5)) < 2
    assert not project.names(f"out/{UNFINISHED}")


@pytest.mark.parametrize("at", ["write", "publish"])
def test_a_connection_that_breaks_off(
    at: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is opened again, and the step done once more: it comes to the same."""
    (tmp_path / "out").mkdir()
    with sftp_server(tmp_path) as server:
        storage = pytest.importorskip("mapgen.runtime.storage.sftp").SftpStorage
        method, calls = getattr(storage, at), []

        def breaking(*given: Any) -> None:
            calls.append(at)
            if len(calls) == 1:
                method(*given)
                server.drop()
            method(*given)

        monkeypatch.setattr(storage, at, breaking)
        summary = write_all(server.place, f"sqlite:///{tmp_path}/l.db", prices(3))
        assert summary.created == 3
    assert items_in(tmp_path / "out") == ["I-1", "I-2", "I-3"]
    assert not list((tmp_path / "out" / UNFINISHED).iterdir())
