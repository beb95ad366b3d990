"""What holds for all tests: no law is broken by a slow machine, nor by who started the tests."""

from __future__ import annotations

import gc
import os
import signal
from collections.abc import Iterator
from tempfile import mkdtemp

import pytest
from hypothesis import settings

from tests.depth import examples

settings.register_profile("unhurried", deadline=None, max_examples=examples(40))
settings.load_profile("unhurried")

# A shell starts what runs in the background with SIGINT ignored, and children inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
# `nohup` does the same with SIGHUP.
if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)

# What mapgen remembers of workspaces is no business of the user's who runs the tests.
os.environ["XDG_CACHE_HOME"] = mkdtemp(prefix="mapgen-cache")


@pytest.fixture(autouse=True)
def _collector() -> Iterator[None]:
    """Turn the garbage collector on again: a command that ends its process leaves it off."""
    yield
    if not gc.isenabled():
        gc.enable()
        gc.unfreeze()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest, so that no process works alone at the end."""
    items.sort(key=lambda item: not item.nodeid.startswith(("tests/wheel/", "tests/specs_law/")))
