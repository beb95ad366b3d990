"""What a file named as the ledger is, is known before anything of it changes."""

from __future__ import annotations

import os
import sqlite3
import stat
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from mapgen.runtime.aborted import LedgerFailed
from mapgen.runtime.ledger import Ledger
from tests.runtime_delivery.orders import order


def _text(path: Path) -> None:
    path.write_text("id;name\n" + "1;somebody\n" * 400)


def _image(path: Path) -> None:
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(5000))


def _short(path: Path) -> None:
    path.write_text("{}")


def _cut_off(path: Path) -> None:
    path.write_bytes(b"SQLite format 3\x00" + bytes(4))


def _database(path: Path) -> None:
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("CREATE TABLE customers (id)")


def _database_of_a_program(path: Path) -> None:
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("PRAGMA application_id = 12345")


def _database_with_a_log(path: Path) -> None:
    """A database whose latest rows are in its log, as a program leaves it that was killed."""
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("CREATE TABLE customers (id)")
        database.execute("INSERT INTO customers VALUES (1)")
        database.commit()
        kept = {f"{path}{suffix}": Path(f"{path}{suffix}").read_bytes() for suffix in ("", "-wal")}
    for name, content in kept.items():
        Path(name).write_bytes(content)


FOREIGN = [
    _text, _image, _short, _cut_off, _database, _database_of_a_program, _database_with_a_log,
]  # fmt: skip


def _seen(path: Path) -> dict[str, tuple[int, bytes]]:
    """Return mode and content of a file and its log; what SQLite shares in memory counts not."""
    files = (path, Path(f"{path}-wal"))
    return {
        file.name: (stat.S_IMODE(file.stat().st_mode), file.read_bytes())
        for file in files
        if file.exists() and file.stat().st_size
    }


@pytest.mark.parametrize("make", FOREIGN, ids=lambda make: make.__name__.strip("_"))
def test_a_foreign_file(make: Callable[[Path], None], tmp_path: Path) -> None:
    """It is refused with a next step, and keeps its mode and each byte."""
    path = tmp_path / "somebody's file.db"
    make(path)
    path.chmod(0o644)
    before = _seen(path)

    with pytest.raises(LedgerFailed) as error:
        Ledger(f"sqlite:///{path}")

    assert _seen(path) == before
    assert "another file" in error.value.help


def test_a_database_of_somebody_who_works_with_it(tmp_path: Path) -> None:
    """Nothing changes for a program that has the file open."""
    path = tmp_path / "shop.db"
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("CREATE TABLE customers (id)")
        database.execute("INSERT INTO customers VALUES (1)")
        database.commit()
        before = _seen(path)
        with pytest.raises(LedgerFailed, match="other tables"):
            Ledger(f"sqlite:///{path}")

        assert _seen(path) == before
        assert database.execute("SELECT * FROM customers").fetchall() == [(1,)]


def test_what_is_no_plain_file(tmp_path: Path) -> None:
    """A pipe is not waited for, a device is not opened."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path in (pipe, Path("/dev/null")):
        with pytest.raises(LedgerFailed, match="no plain file"):
            Ledger(f"sqlite:///{path}")


@pytest.mark.parametrize("address", ["sqlite:///file:{}?uri=true", "sqlite:///{}?mode=ro"])
def test_parameters(address: str, tmp_path: Path) -> None:
    """An address that says more than the file's name is refused: no name could be looked at."""
    with pytest.raises(LedgerFailed, match="no parameters"):
        Ledger(address.format(tmp_path / "ledger.db"))

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("exists", [False, True])
def test_a_ledger_is_its_owners_alone(exists: bool, tmp_path: Path) -> None:
    """A new one from the start, and one of an older version from now on; an empty file is new."""
    path = tmp_path / "ledger #1 100%.db"
    if exists:
        Ledger(f"sqlite:///{path}").close()
    else:
        path.touch()
    path.chmod(0o644)
    with Ledger(f"sqlite:///{path}") as ledger:
        ledger.stage("orders", "a", [order(1)])

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with Ledger(f"sqlite:///{path}") as again:
        assert again.counts("orders") == {"staged": 1}


def test_a_ledger_of_a_run_that_was_killed(tmp_path: Path) -> None:
    """A ledger whose tables are in its log alone is recognised."""
    path, copy = tmp_path / "ledger.db", tmp_path / "copy.db"
    with Ledger(f"sqlite:///{path}") as ledger:
        ledger.stage("orders", "a", [order(1)])
        for suffix in ("", "-wal"):
            Path(f"{copy}{suffix}").write_bytes(Path(f"{path}{suffix}").read_bytes())

    with Ledger(f"sqlite:///{copy}") as left:
        assert left.counts("orders") == {"staged": 1}


def test_opened_while_another_run_makes_it(tmp_path: Path) -> None:
    """Runs that begin at the same moment with a new ledger wait for each other."""
    path = tmp_path / "ledger.db"
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")
        end = threading.Timer(0.3, other.execute, ("ROLLBACK",))
        end.start()

        Ledger(f"sqlite:///{path}").close()

        end.join()
