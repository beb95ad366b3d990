"""`mapgen sandbox`: what is said where it cannot start."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from tests.cli.conftest import ROOT, mapgen


@pytest.mark.parametrize("options", [("--port",), ("--shop", "--shop-port")])
def test_a_port_that_is_taken(options: tuple[str, ...], tmp_path: Path) -> None:
    """Of the tenant or of the shop, it is reported with the reason."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        run = mapgen("--project", ROOT, "sandbox", *options, str(port), cwd=tmp_path)

    assert run.returncode == 1
    assert run.stderr == f"Error: cannot listen on 127.0.0.1:{port}: address already in use\n"
