"""Importing a contract: the files of an endpoint come in, the Contract and its lock go out."""

from __future__ import annotations

import os
from pathlib import Path

from msgspec import Struct

from mapgen.contract import lock, metadata, openapi, overlay
from mapgen.contract.model import Contract
from mapgen.report import Source, Stopped
from mapgen.report.catalogue import contract as words


class Inputs(Struct, frozen=True):
    """The files an import reads; only the OpenAPI document is needed."""

    openapi: Path
    keys: Path | None = None
    metadata: Path | None = None
    overlay: Path | None = None


class Imported(Struct, frozen=True):
    """What an import made and what a reviewer has to know about it.

    `overruled` tells where the overlay differs from the files, `unmatched` which names of the files
    the contract does not have, `unordered_keys` which key orders only the key file vouches for.
    """

    contract: Contract
    lock: str
    entities_offered: int
    facts_taken: int
    overruled: tuple[str, ...]
    unmatched: tuple[str, ...]
    unordered_keys: tuple[str, ...]


def import_contract(inputs: Inputs, roots: tuple[str, ...] = ()) -> Imported:
    """Return the contract and the text of its lock; without roots, all entities are taken.

    Raises Stopped: E511 for files that cannot be read, and what the readers of the files raise.
    """
    read: list[lock.Input] = []
    offered = openapi.read_contract(_read("", inputs.openapi, read))
    keys: metadata.Keys = {}
    facts: metadata.Metadata = {}
    if inputs.keys is not None:
        keys = metadata.read_keys(_read("--keys", inputs.keys, read))
    if inputs.metadata is not None:
        facts = metadata.read_metadata(_read("--metadata", inputs.metadata, read))
    merged = metadata.merge(offered, keys, facts)
    kept = frozenset(openapi.select(offered, roots or tuple(offered.entities)).entities)
    if inputs.overlay is None:
        applied = overlay.Applied(merged.contract, 0, ())
        confirmed: frozenset[str] = frozenset()
    else:
        stated = overlay.read_overlay(_read("--overlay", inputs.overlay, read))
        applied = overlay.apply(merged.contract, stated, kept)
        confirmed = overlay.keyed_entities(stated)
    contract = openapi.select(applied.contract, tuple(sorted(kept)))
    return Imported(
        contract,
        lock.write(contract, tuple(read), roots),
        len(offered.entities),
        applied.taken,
        applied.overruled,
        merged.unmatched,
        _unordered(contract, confirmed),
    )


def _read(option: str, path: Path, read: list[lock.Input]) -> Source:
    """Return a file's text, and keep its bytes for the hash in the lock."""
    name = path.as_posix()
    try:
        content = path.read_bytes()
        text = content.decode("utf-8-sig")
    except OSError as error:
        raise Stopped(words.unreadable(path=name, reason=lock.reason_of(error))) from None
    except UnicodeDecodeError as error:
        reason = f"is not UTF-8: byte {error.start} is wrong"
        raise Stopped(words.unreadable(path=name, reason=reason)) from None
    # A lock is UTF-8 text; a name need not be.
    shown = os.fsencode(path.name).decode("utf-8", "replace")
    read.append(lock.Input(option, shown, content))
    return Source(name, text)


def _unordered(contract: Contract, confirmed: frozenset[str]) -> tuple[str, ...]:
    """Return the top-level entities of several keys whose order in a URL nobody has confirmed."""
    return tuple(
        f"{entity.name}: {', '.join(entity.keys)}"
        for entity in contract.entities.values()
        if entity.is_top_level and len(entity.keys) > 1 and entity.name not in confirmed
    )
