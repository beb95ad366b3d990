"""Places of files: a folder, SFTP and S3 do the same, and say what is wrong with them."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from mapgen.agreed.feeds import FilesFeed
from mapgen.cli.extras import reported
from mapgen.report import Stopped
from mapgen.runtime.aborted import EnvironmentInvalid, FeedFailed
from mapgen.runtime.delivery import Mapped, deliver
from mapgen.runtime.environment import FilePlace, FolderPlace, S3Place, SftpPlace
from mapgen.runtime.feeds.files import ArrivingFiles
from mapgen.runtime.feeds.kind import Page, Ways
from mapgen.runtime.ledger import Ledger
from mapgen.runtime.ledger.reports import Choice, Reports
from mapgen.runtime.outcome import ErrorReport, Origin, Outcome, Rejected
from mapgen.runtime.storage.kind import StorageFailed
from mapgen.runtime.storage.opening import check_installed, opened
from mapgen.runtime.summary import Summary
from tests.runtime_delivery.orders import RULES, Watcher, nothing, order, plan_of
from tests.runtime_delivery.stand_in import StandIn, standing_in
from tests.runtime_delivery.storages import PASSWORD, USER, Project, sftp_server
from tests.runtime_delivery.test_feeds import names

FEED = FilesFeed("in", "orders-*", still=0.01)


def of_lines(page: Page) -> Iterator[Outcome]:
    """The orders of a file; a line that is no number is a record that is rejected."""
    for at, line in enumerate(page.stream, start=1):
        if line.strip().isdigit():
            yield order(int(line))
        else:
            page.failed("a line is no number")
            yield Rejected(Origin(page.name, at, at), (ErrorReport("R101", "no number"),))


def run(place: Project, ledger: Ledger, tenant: StandIn) -> Summary:
    mapped = Mapped(ArrivingFiles(place.storage, FEED), of_lines, nothing)
    return deliver(mapped, plan_of(), tenant.environment(), ledger, RULES, Watcher())


def test_taken_once_and_moved(place: Project, tmp_path: Path) -> None:
    """In the order of names; what comes under one name twice is kept twice, what failed apart."""
    with standing_in() as tenant, Ledger(f"sqlite:///{tmp_path}/l.db") as ledger:
        place.put("in/orders-2", "3\n4\n")
        place.put("in/orders-1", "1\n2\n")
        place.put("in/orders-3.part", "9\n")
        place.put("in/stock", "9\n")
        place.put("in/orders-4/not-in-the-folder-itself", "9\n")
        pages = [one.file for one in ArrivingFiles(place.storage, FEED).pages(None, Ways())]
        assert pages == ["orders-1", "orders-2"]
        assert run(place, ledger, tenant).created == 4
        assert run(place, ledger, tenant).read == 0
        place.put("in/orders-1", "4\n5\n")
        place.put("in/orders-5", "what is this\n")
        run(place, ledger, tenant)

        assert tenant.identities == names(5)
    assert place.names("in") == ["orders-3.part", "stock"]
    assert place.names("in/done") == ["orders-1", "orders-1.2", "orders-2"]
    assert place.names("in/failed") == ["orders-5", "orders-5.reason.txt"]
    assert place.text("in/failed/orders-5.reason.txt") == "a line is no number\n"


def test_a_file_that_changes_while_it_is_read_stays(place: Project) -> None:
    """It is read again as it is then."""
    place.put("in/orders-1", "1\n")
    for page in ArrivingFiles(place.storage, FEED).pages(None, Ways()):
        assert page.stream.read() == b"1\n"
        place.put("in/orders-1", "1\n2\n")
        page.taken()
    assert place.names("in") == ["orders-1"]
    assert not place.names("in/done")


def test_files_of_one_name_are_several(place: Project, tmp_path: Path) -> None:
    """A record without a key that was rejected stays when another file of its name comes."""
    with standing_in() as tenant, Ledger(f"sqlite:///{tmp_path}/l.db") as ledger:
        for text in ("first\n", "the second\n"):
            time.sleep(1.1)  # servers and buckets know when a file was written to the second
            place.put("in/orders-daily", text)
            run(place, ledger, tenant)
        found = list(Reports(ledger).records(Choice(states=("rejected",))))
    assert len(found) == 2
    assert all(re.fullmatch(r"orders-daily \(20\S+Z\):1", str(one.place)) for one in found)


@pytest.mark.skipif(not Path("/proc/self/mem").is_file(), reason="no file that fails when read")
def test_a_disk_that_fails_amid_a_file() -> None:
    """It is the feed that fails, and says so."""
    with opened(FolderPlace(Path("/proc"))) as storage:
        pages = ArrivingFiles(storage, FilesFeed("self", "mem", still=0.01)).pages(None, Ways())
        with pytest.raises(FeedFailed, match="a file that arrived cannot be read: Input/output"):
            next(pages).stream.read(1)


@pytest.mark.parametrize("place", ["sftp", "s3"], indirect=True)
def test_a_folder_that_is_not_there(place: Project) -> None:
    """A server says so; in a bucket there are no folders, and nothing has come."""
    feed = ArrivingFiles(place.storage, msgspec.structs.replace(FEED, folder="gone"))
    if place.place is not None and isinstance(place.place, S3Place):
        assert not list(feed.pages(None, Ways()))
    else:
        with pytest.raises(FeedFailed, match="the folder `gone` cannot be read: there is no such"):
            list(feed.pages(None, Ways()))


def test_sftp_connections(tmp_path: Path) -> None:
    """By key or by password; one that broke off is opened again; what is wrong is reported."""
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "orders-1").write_text("1\n")
    with sftp_server(tmp_path) as server:
        by_key = replace(server.place, password=None, private_key=server.private_key)
        with opened(by_key) as storage:
            assert [one.name for one in storage.files("in")] == ["orders-1"]
            server.drop()
            with suppress(StorageFailed):
                storage.files("in")
            assert [one.name for one in storage.files("in")] == ["orders-1"]
        wrong: dict[str, dict[str, object]] = {
            "does not show the key that `host_key` says": {"host_key": server.other_key},
            "`host_key` .* is no public key": {"host_key": "ssh-ed25519 x"},
            "does not let the user in": {"password": "wrong-one"},
            "is no private key": {"private_key": "wrong-one"},
            "gives no answer: Connect": {"port": 1},
        }
        for words, change in wrong.items():
            place = replace(server.place, **change)  # type: ignore[arg-type]
            with opened(place) as storage, pytest.raises(StorageFailed) as error:
                storage.files("in")
            assert re.search(words, error.value.message), error.value.message
            told = f"{error.value.message} {error.value.help} {place}"
            assert not [one for one in (USER, PASSWORD, "wrong-one") if one in told]


def test_s3_that_refuses(s3_address: str, tmp_path: Path) -> None:
    """A bucket that is not there, a server that is not."""
    place = S3Place("partner", s3_address, "elsewhere", "", "the-key", "the-secret")
    for one, words in (
        (place, "no bucket `elsewhere`"),
        (replace(place, url="http://127.0.0.1:1"), "gives no answer"),
    ):
        with opened(one) as storage, pytest.raises(StorageFailed, match=words) as error:
            storage.files("in")
        assert "the-" not in f"{error.value.message} {error.value.help} {one}"


def test_broken_off_before_a_file_is_moved(tmp_path: Path) -> None:
    """What was staged is known when the file is read again, and then it is moved."""
    with (
        standing_in() as tenant,
        Ledger(f"sqlite:///{tmp_path}/l.db") as ledger,
        sftp_server(tmp_path) as server,
        opened(server.place) as storage,
    ):
        place = Project(storage, server.place, tmp_path)
        place.put("in/orders-1", "1\n2\n")

        def breaking(page: Page) -> Iterator[Outcome]:
            yield from of_lines(page)
            server.drop()

        mapped = Mapped(ArrivingFiles(storage, FEED), breaking, nothing)
        with suppress(FeedFailed):
            deliver(mapped, plan_of(), tenant.environment(), ledger, RULES, Watcher())
        run(place, ledger, tenant)

        assert tenant.identities == names(2)
        assert (place.names("in"), place.names("in/done")) == ([], ["orders-1"])


@pytest.mark.parametrize(
    ("kind", "package", "extra"), [(SftpPlace, "asyncssh", "sftp"), (S3Place, "boto3", "s3")]
)
def test_without_its_package(
    kind: type[FilePlace], package: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a place leads is looked up before anything runs: the extra is named then."""
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.delitem(sys.modules, f"mapgen.runtime.storage.{extra}", raising=False)
    with pytest.raises(ImportError) as missing:
        check_installed(kind)
    error = reported(missing.value)
    assert isinstance(error, Stopped)
    assert f"the extra `{extra}`" in str(error.diagnostics[0].message)


ADDRESSES = [
    pytest.param(SftpPlace, "sftp://h.example:2022/a/b/", ("h.example", 2022, "/a/b"), id="sftp"),
    pytest.param(SftpPlace, "sftp://h.example/~/a", ("h.example", 22, "a"), id="own folder"),
    pytest.param(SftpPlace, "sftp://h.example", ("h.example", 22, ""), id="no folder"),
    pytest.param(
        S3Place, "https://s3.eu.example/b/p/q", ("https://s3.eu.example", "b", "p/q"), id="s3"
    ),
]


@pytest.mark.parametrize(("kind", "url", "parts"), ADDRESSES)
def test_addresses(kind: type[FilePlace], url: str, parts: tuple[object, ...]) -> None:
    """What an address says, part by part."""
    others = {"username": "u", "password": "p"}
    if kind is SftpPlace:
        others["host_key"] = "k"
    found = kind.of("partner", url, **others)
    names = ("host", "port", "path") if kind is SftpPlace else ("url", "bucket", "prefix")
    assert tuple(getattr(found, name) for name in names) == parts


@pytest.mark.parametrize(
    ("kind", "url"),
    [(SftpPlace, "ssh://h"), (SftpPlace, "sftp://u:p@h/x"), (S3Place, "https://s3.eu.example/")],
)
def test_addresses_that_are_none(kind: type[FilePlace], url: str) -> None:
    """Nothing is asked then."""
    with pytest.raises(EnvironmentInvalid, match="`partner`"):
        kind.of("partner", url, username="u", password="p")
