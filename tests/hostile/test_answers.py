"""Whatever a tenant answers, a run ends in order, and tells nothing that steers a terminal."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.hostile.command import run
from tests.hostile.tenant import damaging
from tests.hostile.test_files import EXAMPLES, JOINED, right
from tests.hostile.texts import TEXTS
from tests.runtime_delivery.stand_in import tenant_of

NAMES = ("tenant", "client_id", "client_secret", "username", "password")
STRANGE_VARIABLES = (
    *(text for text in TEXTS[:31:2] if "\0" not in text),
    *("\udc9b", "\udcff" * 2, "", "http://[", "http://127.0.0.1:99999", "file:///etc/passwd"),
)
RUN = ("run", "parcels", "--env", "test", "--input", "input/parcels.jsonl", *JOINED)


def variables(url: str) -> dict[str, str]:
    """Return the variables that the environment names."""
    tenant = tenant_of(url)
    return {"DEPOT_URL": url} | {f"DEPOT_{name.upper()}": getattr(tenant, name) for name in NAMES}


def test_right_answers(made: Path) -> None:
    """A tenant that answers truly gets each document."""
    with damaging(Random(1), 0.0) as tenant:
        ended = run(made, *RUN, "--json", variables=variables(tenant.url))

    right(ended, made)
    assert json.loads(ended.out.splitlines()[-1])["created"] == 6
    shutil.rmtree(made / ".mapgen")


@pytest.mark.parametrize("text", STRANGE_VARIABLES)
def test_strange_variables(text: str, made: Path) -> None:
    """What the environment of a process holds is refused, or sent as the text that it is."""
    name = ("DEPOT_URL", *(f"DEPOT_{one.upper()}" for one in NAMES))[len(text) % 6]
    with damaging(Random(1), 0.0) as tenant:
        given = variables(tenant.url) | {name: text}
        if name == "DEPOT_TENANT":
            given["DEPOT_CLIENT_ID"] = f"app@{text}"
        for words in (RUN, ("queue", "list"), ("queue", "drop", "parcels", "--tenant", text)):
            right(run(made, *words, variables=given), made)
    shutil.rmtree(made / ".mapgen", ignore_errors=True)


def test_damaged_answers(made: Path, tmp_path: Path) -> None:
    """Any answer is reported, or does no harm; so is the run after it."""

    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.integers(0, 2**32))
    def ends_well(seed: int) -> None:
        random = Random(seed)
        folder = tmp_path / "work"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(made, folder)
        with damaging(random, random.choice((0.2, 0.5, 1.0))) as tenant:
            for _ in range(2):
                right(
                    run(folder, *RUN, "--log", "log.jsonl", variables=variables(tenant.url)), folder
                )
        for line in (folder / "log.jsonl").read_text("utf-8").splitlines():
            assert isinstance(json.loads(line), dict)
        right(run(folder, "queue", "list"), folder)

    ends_well()
