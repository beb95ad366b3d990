"""Files that arrive in a folder: each is taken once, in order, and moved once it is staged."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from mapgen.agreed.feeds import FilesFeed
from mapgen.runtime.aborted import FeedFailed
from mapgen.runtime.delivery import Mapped, deliver
from mapgen.runtime.feeds.files import ArrivingFiles
from mapgen.runtime.feeds.kind import Page, Ways
from mapgen.runtime.ledger import Ledger
from mapgen.runtime.outcome import Outcome
from mapgen.runtime.storage.folder import FolderStorage
from mapgen.runtime.summary import Summary
from tests.runtime_delivery.orders import RULES, Watcher, nothing, order, plan_of
from tests.runtime_delivery.processes import at_once, start
from tests.runtime_delivery.stand_in import StandIn, standing_in
from tests.runtime_delivery.test_feeds import held_at, names


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    found = tmp_path / "in"
    found.mkdir()
    return found


def put(folder: Path, name: str, *numbers: int) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text("".join(f"{number}\n" for number in numbers))
    return path


def of_lines(page: Page) -> Iterator[Outcome]:
    """The orders of a file; one that holds other things fails as a whole."""
    try:
        for line in page.stream:
            yield order(int(line))
    except ValueError:
        page.failed("its first line is no number")


def feed_of(folder: Path, still: float = 0.01) -> ArrivingFiles:
    feed = FilesFeed(folder.name, "orders-*", still=still)
    return ArrivingFiles(FolderStorage(folder.parent), feed)


def run(folder: Path, ledger: Ledger, tenant: StandIn, still: float = 0.01) -> Summary:
    mapped = Mapped(feed_of(folder, still), of_lines, nothing)
    return deliver(mapped, plan_of(), tenant.environment(), ledger, RULES, Watcher())


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.is_file())


def test_files_are_taken_once_and_moved(address: str, folder: Path) -> None:
    """What arrives under one name twice is kept twice; other names are left alone."""
    with standing_in() as tenant, Ledger(address) as ledger:
        put(folder, "orders-2", 3, 4)
        put(folder, "orders-1", 1, 2)
        put(folder, "stock-1", 9)
        assert run(folder, ledger, tenant).created == 4
        assert run(folder, ledger, tenant).read == 0
        put(folder, "orders-1", 4, 5)
        again = run(folder, ledger, tenant)

        assert (again.read, again.created) == (2, 1)
        assert tenant.identities == names(5)
        assert files(folder) == ["stock-1"]
        assert files(folder / "done") == ["orders-1", "orders-1.2", "orders-2"]


def test_files_are_read_in_the_order_of_their_names(folder: Path) -> None:
    """However old each is."""
    for age, name in enumerate(("orders-b", "orders-c", "orders-a")):
        os.utime(put(folder, name, 1), (age, age))
    pages = [page.file for page in feed_of(folder).pages(None, Ways())]
    assert pages == ["orders-a", "orders-b", "orders-c"]


def test_what_is_being_written_is_left_alone(address: str, folder: Path) -> None:
    """A file that grows, one whose name says so, a link, a folder, a pipe."""
    with standing_in() as tenant, Ledger(address) as ledger:
        growing = put(folder, "orders-1", 1)
        for name in ("orders-2.tmp", "orders-3.part", ".orders-4"):
            put(folder, name, 7)
        (folder / "orders-link").symlink_to(put(folder.parent, "elsewhere", 8))
        os.mkfifo(folder / "orders-pipe")
        (folder / "orders-folder").mkdir()
        put(folder, "orders-9", 9)
        is_over = threading.Event()

        def write() -> None:
            with growing.open("a") as stream:
                for number in range(2, 2000):
                    stream.write(f"{number}\n")
                    stream.flush()
                    if is_over.wait(0.01):
                        return

        writer = threading.Thread(target=write)
        writer.start()
        try:
            run(folder, ledger, tenant, still=0.2)
        finally:
            is_over.set()
            writer.join()
        assert tenant.identities == ["9-shop"]
        written = len(growing.read_text().splitlines())
        run(folder, ledger, tenant)
        assert tenant.identities == sorted([*names(written), *(["9-shop"] if written < 9 else [])])


def test_a_file_that_changes_while_it_is_read_stays(folder: Path) -> None:
    """It is read again as it is then."""
    path = put(folder, "orders-1", 1)
    for page in feed_of(folder).pages(None, Ways()):
        put(folder, "orders-1", 1, 2)
        page.taken()
    assert path.exists()


def test_what_fails_as_a_whole_holds_up_no_other(address: str, folder: Path) -> None:
    """It lies in `failed`, with the reason beside it."""
    with standing_in() as tenant, Ledger(address) as ledger:
        put(folder, "orders-1").write_text("what is this\n")
        put(folder, "orders-2", 1)
        run(folder, ledger, tenant)

        assert tenant.identities == names(1)
        assert files(folder / "done") == ["orders-2"]
        assert files(folder / "failed") == ["orders-1", "orders-1.reason.txt"]
        reason = (folder / "failed" / "orders-1.reason.txt").read_text()
        assert reason == "its first line is no number\n"


def test_staged_and_not_moved(address: str, folder: Path) -> None:
    """A file that was staged and could not be moved is read again: nothing is made twice."""
    with standing_in() as tenant, Ledger(address) as ledger:
        put(folder, "orders-1", 1, 2, 3)
        (folder / "done").write_text("a file in the way")
        with pytest.raises(FeedFailed, match="cannot be moved to `done`"):
            run(folder, ledger, tenant)
        (folder / "done").unlink()
        again = run(folder, ledger, tenant)

        assert again.created + again.already_exists + again.unchanged <= 3
        assert tenant.identities == names(3)
        assert files(folder) == []


def test_a_folder_that_is_not_there(folder: Path) -> None:
    """The message names it as the spec does."""
    with pytest.raises(FeedFailed, match="the folder `gone`"):
        list(feed_of(folder / "gone").pages(None, Ways()))


def test_killed_while_files_are_taken(tmp_path: Path) -> None:
    """Killed with SIGKILL at any moment, the next run completes: each once, each file moved."""

    def scene(nth: int, *, is_done: bool) -> None:
        folder = tmp_path / f"{nth}{is_done}"
        folder.mkdir()
        for first in range(1, 61, 10):
            put(folder / "in", f"orders-{first:02}", *range(first, first + 10))
        address = f"sqlite:///{folder}/l.db"
        with standing_in(script=held_at(nth, is_done=is_done)) as tenant:
            child = start(tenant.url, address, 60, "files", str(folder / "in"))
            assert tenant.held.wait(300)
            child.kill()
            tenant.script = lambda _: tenant.go_on.set()
            start(tenant.url, address, 60, "files", str(folder / "in")).finish()
            assert tenant.identities == names(60)
        assert files(folder / "in") == []
        assert len(files(folder / "in" / "done")) == 6

    places = [(nth, done) for nth in (1, 15, 45) for done in (False, True)]
    at_once({f"{place}": partial(scene, place[0], is_done=place[1]) for place in places})


def test_killed_again_and_again(tmp_path: Path) -> None:
    """Killed at arbitrary moments, from its start on."""
    address = f"sqlite:///{tmp_path}/l.db"
    for number in range(1, 41):
        put(tmp_path / "in", f"orders-{number:02}", number)
    with standing_in() as tenant:
        for at in range(3):
            child = start(tenant.url, address, 40, "files", str(tmp_path / "in"))
            deadline = time.monotonic() + 300
            while len(tenant.orders) < at * 10 and time.monotonic() < deadline:
                if not child.is_running:
                    break
                time.sleep(0.02)
            child.kill()
        start(tenant.url, address, 40, "files", str(tmp_path / "in")).finish()
        assert tenant.identities == names(40)
    assert files(tmp_path / "in") == []
