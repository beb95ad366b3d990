"""Whole specs over personal records: nothing of a value is in what is reported a record."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from mapgen.check.composing import whole_record
from mapgen.check.model import Checked
from mapgen.check.sources import leaf_paths
from mapgen.disk.workspace import Workspace
from mapgen.project.loading import Project
from mapgen.runtime.lookups import sample_of
from mapgen.runtime.outcome import Document
from mapgen.runtime.sources.records import RawRecord
from mapgen.runtime.transform import Transformer, bound, load_flow
from tests.depth import examples

from . import law, records
from .law import SETTINGS, Tally, furnish
from .specs import LATER, Draft, made_spec

pytestmark = pytest.mark.chance

SEEDS = (*range(70_000, 70_000 + examples(9)), *range(LATER, LATER + examples(3)))
# What everybody sees of a record: its key, its identity, what rows and joins are told apart by.
OPEN = ("id", "ref", "own", "Nbr", "Kind", "LineNbr")
WORD = "Qzxwvkjh"
TEXTS = (WORD, f" {WORD} b ", f"a@{WORD}.org", f"2026-01-31{WORD}", f"12{WORD}", f"{WORD}-{WORD}")
DAMAGE = (None, [WORD], {"a": WORD}, {WORD: 1}, [{"b": WORD}, 1], WORD * 60, 7, True)


def test_nothing_personal_is_told(tmp_path: Path) -> None:
    """No error, reason or place shows any of a value, whatever the rules make of it."""
    furnish(tmp_path)
    refused, leaks = 0, []
    for seed in SEEDS:
        flow = personal_flow(made_spec(seed), tmp_path)
        if flow is None:
            continue
        for text in texts(made_spec(seed)):
            for found in flow.outcomes(RawRecord(1, 1, text), "records.json"):
                if isinstance(found, Document):
                    continue
                refused += 1
                if WORD[:4].lower() in repr(found).lower():
                    leaks.append(f"seed {seed}: {found!r} of {text.decode(errors='replace')}")

    assert leaks == []
    assert refused > 3 * len(SEEDS)


def personal_flow(draft: Draft, folder: Path) -> Transformer | None:
    """Return a flow all of whose fields are personal; None where the spec is refused."""
    accepted = law._accepted(draft, folder, Tally())
    if accepted is None:
        return None
    closed = _closed(*accepted)
    draft.content["security"]["data"] = dict.fromkeys(closed, "personal")
    accepted = law._accepted(draft, folder, Tally())
    assert accepted is not None, f"seed {draft.seed} is refused once its fields are personal"
    law._generated(*accepted, folder)
    loaded = load_flow(folder / "generated" / draft.flow, lambda _: None)
    values = {name: SETTINGS[name] for name in draft.content["mapping"].get("settings", {})}
    return loaded.transformer(bound(loaded, values, folder / "specs", sample_of))


def _closed(checked: Checked, workspace: Workspace) -> Iterator[str]:
    around = Project(workspace).around(checked.spec)
    source = checked.spec.mapping.source
    schema = whole_record(source, around.schema, around.joined, [])
    assert schema is not None
    for path in leaf_paths(schema.record, "order"):
        if path.rpartition(".")[2] not in OPEN:
            yield path


def texts(draft: Draft) -> Iterator[bytes]:
    """Yield records full of personal values, sound and broken ones, and ones cut in the middle."""
    random = Random(draft.seed)
    maker = _Personal(draft, random)
    for kind in ("good", "good", "dirty", "dirty", "hostile", "hostile"):
        text = json.dumps(_opened(maker.record(kind))).encode()
        yield text
        yield text[: random.randint(1, len(text))]


class _Personal(records.Records):
    """Makes records whose texts hold a word that is nowhere else."""

    def _single(self, kind: str, format: str) -> Any:
        found = super()._single(kind, format)
        is_told = isinstance(found, str) and self._random.random() < 0.8
        return self._random.choice(TEXTS) if is_told else found

    def _value(self, schema: Any, *, is_text: bool) -> Any:
        if self._broken():
            return json.loads(json.dumps(self._random.choice(DAMAGE)))
        return super()._value(schema, is_text=is_text)


def _opened(value: Any) -> Any:
    """Return a record without the word where everybody sees the value."""
    match value:
        case dict():
            return {
                name: _plain(one) if name in OPEN else _opened(one) for name, one in value.items()
            }
        case list():
            return [_opened(one) for one in value]
        case _:
            return value


def _plain(value: Any) -> Any:
    return json.loads(json.dumps(value).replace(WORD, "r1"))
