"""Processes that die or compete: nothing is lost, nothing is there twice."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from tests.runtime_delivery.processes import LONG, at_once, start
from tests.runtime_delivery.stand_in import Asked, Drop, Hold, Misdeed, StandIn, standing_in


def held_at(kind: str, nth: int, *, is_done: bool = False) -> Callable[[Asked], Misdeed]:
    return lambda asked: Hold(is_done) if (asked.kind, asked.nth) == (kind, nth) else None


def going_on(tenant: StandIn) -> Callable[[Asked], Misdeed]:
    """Let what was under way when a process died be done only now, while the next run begins."""

    def script(asked: Asked) -> Misdeed:
        tenant.go_on.set()
        return None

    return script


PLACES: Mapping[str, Callable[[Asked], Misdeed]] = {
    "staged, intent written, nothing asked": held_at("token", 1),
    "intent written, at the look-up": held_at("find", 1),
    "first document under way, not done": held_at("put", 1),
    "first document done, not answered": held_at("put", 1, is_done=True),
    "amid a group of acknowledgements, not done": held_at("put", 31),
    "amid a group of acknowledgements, done": held_at("put", 37, is_done=True),
    "last document done, not answered": held_at("put", 60, is_done=True),
    "all done, at the sign-out": held_at("logout", 1),
}


def test_killed_and_started_again(tmp_path: Path) -> None:
    """Killed with SIGKILL at any place, the next run completes: each order once."""

    def scene(name: str) -> None:
        address = f"sqlite:///{tmp_path}/{name}.db"
        with standing_in(script=PLACES[name]) as tenant:
            child = start(tenant.url, address)
            assert tenant.held.wait(300)
            child.kill()
            tenant.script = going_on(tenant)

            counts = start(tenant.url, address).finish()

            assert counts["read"] == 60 == counts["created"] + counts["already_exists"]
            assert tenant.identities == sorted(f"{number}-shop" for number in range(1, 61))

    at_once({name: partial(scene, name) for name in PLACES})


def test_killed_at_any_moment_again_and_again(address: str) -> None:
    """Killed at four arbitrary moments in a row, the last run completes: each order once."""
    with standing_in() as tenant:
        for at in range(4):
            child = start(tenant.url, address, 40)
            # Moments spread over start, staging and delivery, by what the tenant has seen.
            deadline = time.monotonic() + 300
            while len(tenant.orders) < at * 9 and time.monotonic() < deadline:
                if not child.is_running:
                    break
                time.sleep(0.02)
            child.kill()

        counts = start(tenant.url, address, 40).finish()

        assert counts["read"] == 40 == counts["created"] + counts["already_exists"]
        assert tenant.identities == sorted(f"{number}-shop" for number in range(1, 41))


def test_two_processes_share_a_ledger(address: str) -> None:
    """Two processes with the same input deliver each order once, and share the work."""
    with standing_in() as tenant:
        children = [start(tenant.url, address, settle=LONG) for _ in range(2)]

        counts = [child.finish() for child in children]

        assert tenant.identities == sorted(f"{number}-shop" for number in range(1, 61))
        assert sum(count["created"] for count in counts) == 60
        for count in counts:
            assert count["read"] == 60 == count["created"] + count["already_exists"]


def test_one_of_two_processes_is_killed(address: str) -> None:
    """The survivor finishes what the dead one had in hand, without doubling it."""

    def script(asked: Asked) -> Misdeed:
        return Hold(is_done=True) if (asked.kind, asked.nth) == ("put", 10) else None

    with standing_in(script=script) as tenant:
        first = start(tenant.url, address)
        assert tenant.held.wait(300)
        second = start(tenant.url, address)
        first.kill()

        counts = second.finish()

        assert counts["read"] == 60 == counts["created"] + counts["already_exists"]
        assert tenant.identities == sorted(f"{number}-shop" for number in range(1, 61))


def test_ledger_is_lost(tmp_path: Path) -> None:
    """Without its ledger a run finds everything in the tenant and creates nothing."""
    with standing_in() as tenant:
        start(tenant.url, f"sqlite:///{tmp_path}/first.db").finish()

        counts = start(tenant.url, f"sqlite:///{tmp_path}/second.db").finish()

        assert (counts["created"], counts["already_exists"]) == (0, 60)
        assert len(tenant.orders) == 60


def test_terminated(tmp_path: Path) -> None:
    """SIGTERM ends a run with its session signed out; the next one completes."""
    address = f"sqlite:///{tmp_path}/ledger.db"

    def script(asked: Asked) -> Misdeed:
        return Hold() if asked.kind == "put" and asked.nth >= 5 else None

    with standing_in(script=script) as tenant:
        child = start(tenant.url, address)
        assert tenant.held.wait(300)
        # All that it sends from now on stays without an answer until its time is over.
        assert child.process.pid is not None
        os.kill(child.process.pid, signal.SIGTERM)
        child.end()

        assert tenant.sign_outs == 1
        assert tenant.count("put") < 60
        tenant.script = going_on(tenant)
        counts = start(tenant.url, address).finish()
        assert counts["read"] == 60 == counts["created"] + counts["already_exists"]
        assert len(tenant.orders) == 60


def test_connections_lost_in_a_storm(tmp_path: Path) -> None:
    """With every fourth connection cut, before or after the work, each order is there once."""

    def script(asked: Asked) -> Misdeed:
        return (
            Drop(is_done=asked.nth % 8 == 0)
            if asked.kind == "put" and not (asked.nth % 4)
            else None
        )

    with standing_in(script=script) as tenant:
        counts = start(tenant.url, f"sqlite:///{tmp_path}/ledger.db").finish()

        assert counts["created"] == 60
        assert len(set(tenant.identities)) == len(tenant.identities) == 60
