"""Importing a contract: the files of an endpoint come in, the Contract and its lock go out."""

from __future__ import annotations

import os
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

from msgspec import Struct

from mapgen.contract import lock, metadata, openapi, overlay, refining, shipped
from mapgen.contract.difference import overruled
from mapgen.contract.model import Contract
from mapgen.report import Source


class Inputs(Struct, frozen=True):
    """The files an import reads; only the OpenAPI document is needed.

    `folder`: where the lock goes; an overlay of its name there is taken if none is given.
    `with_facts`: whether the facts about Default that come with the product are taken.
    """

    openapi: Path
    keys: Path | None = None
    metadata: Path | None = None
    overlay: Path | None = None
    folder: Path | None = None
    with_facts: bool = True


class Imported(Struct, frozen=True):
    """What an import made and what a reviewer has to know about it.

    `overruled` tells where the files differ from the facts that come with the product, and the
    overlay from both; `unmatched` which names of the files the contract does not have;
    `unordered_keys` which key orders only the key file vouches for; `tenant` of which entities a
    tenant decides the numbering, and no overlay says how, with what is assumed.
    """

    contract: Contract
    lock: str
    entities_offered: int
    facts_taken: int
    overlay: Path | None
    shipped: shipped.Taken
    overruled: tuple[str, ...]
    unmatched: tuple[str, ...]
    unordered_keys: tuple[str, ...]
    tenant: Mapping[str, bool]


def import_contract(inputs: Inputs, roots: tuple[str, ...] = ()) -> Imported:
    """Return the contract and the text of its lock; without roots, all entities are taken.

    Raises Stopped: E511 for files that cannot be read, and what the readers of the files raise.
    """
    read: list[lock.Input] = []
    offered = openapi.read_contract(_read("", inputs.openapi, read))
    kept = frozenset(openapi.select(offered, roots or tuple(offered.entities)).entities)
    keys, described = _of_files(inputs, read)
    path = inputs.overlay or _beside(inputs.folder, offered.name)
    option = None if inputs.overlay is None else "--overlay"
    stated = None if path is None else overlay.read_overlay(_read(option, path, read))
    known = (shipped.take if inputs.with_facts else shipped.leave)(offered, stated)
    merged = metadata.merge(known.contract, keys, described)
    applied = refining.Applied(merged.contract, 0)
    if stated is not None:
        applied = refining.apply(merged.contract, stated, kept)
    contract = openapi.select(applied.contract, tuple(sorted(kept)))
    decided = frozenset() if stated is None else stated.stated("auto_numbered")
    layers = (known.contract, merged.contract, applied.contract)
    return Imported(
        contract,
        lock.write(contract, tuple(read), roots, with_facts=inputs.with_facts),
        len(offered.entities),
        applied.taken,
        path,
        known,
        tuple(line for two in pairwise(layers) for line in overruled(*two, kept)),
        merged.unmatched,
        _unordered(contract, known.contract, stated),
        {name: one for name, one in known.numbering.items() if name in kept - decided},
    )


def _of_files(inputs: Inputs, read: list[lock.Input]) -> tuple[metadata.Keys, metadata.Metadata]:
    keys: metadata.Keys = {}
    described: metadata.Metadata = {}
    if inputs.keys is not None:
        keys = metadata.read_keys(_read("--keys", inputs.keys, read))
    if inputs.metadata is not None:
        described = metadata.read_metadata(_read("--metadata", inputs.metadata, read))
    return keys, described


def _beside(folder: Path | None, name: str) -> Path | None:
    """Return the overlay that lies where the lock goes, if there is one."""
    path = None if folder is None else folder / f"{name}.overlay.yaml"
    return path if path is not None and path.is_file() else None


def _read(option: str | None, path: Path, read: list[lock.Input]) -> Source:
    """Return a file's text, and keep its bytes for the hash in the lock."""
    source, content = lock.source_of(path, path.as_posix())
    # A lock is UTF-8 text; a name need not be.
    shown = os.fsencode(path.name).decode("utf-8", "replace")
    read.append(lock.Input(option, shown, content))
    return source


def _unordered(
    contract: Contract, known: Contract, stated: overlay.Overlay | None
) -> tuple[str, ...]:
    """Return the top-level entities of several keys whose order in a URL nobody has confirmed."""
    confirmed = frozenset() if stated is None else stated.stated("keys")
    return tuple(
        f"{entity.name}: {', '.join(entity.keys)}"
        for entity in contract.entities.values()
        if entity.is_top_level
        and len(entity.keys) > 1
        and entity.name not in confirmed
        and known.entities[entity.name].keys != entity.keys
    )
