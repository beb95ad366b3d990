"""What an import tells: what is known of the contract, what is not, and who has to say it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from mapgen.contract import shipped
from mapgen.contract.difference import Difference, differences
from mapgen.contract.importing import Imported
from mapgen.contract.model import Contract
from mapgen.contract.showing import HEADINGS, EntityLine, aligned, list_entities

_KEY = re.compile(r"Nbr$|ID$|CD$")
_REFERENCE = re.compile(r"^Ext|Ref$|Reference$")

MOST_LINES = 12
"""How many lines of a kind are reported; the rest is counted."""
_INDENT = " " * 12


def summary(done: Imported) -> Iterator[str]:
    """Yield the lines about an import."""
    contract = done.contract
    lines = list_entities(contract)
    fields = [one for entity in contract.entities.values() for one in entity.fields.values()]
    yield (
        f"  endpoint  {contract.endpoint}/{contract.version},"
        f" contract version {contract.contract_version}"
    )
    yield (
        f"  entities  {len(lines)} of {done.entities_offered},"
        f" {sum(line.top_level for line in lines)} top-level,"
        f" {sum(len(line.actions) for line in lines)} actions"
    )
    yield (
        f"  fields    {len(fields)}, {sum(line.lengths for line in lines)} with a length,"
        f" {sum(one.is_key for one in fields)} in keys,"
        f" {sum(line.flags for line in lines)} with an override flag"
    )
    yield from _shipped(done)
    if done.overlay is not None:
        yield f"  overlay   {done.facts_taken} facts of {done.overlay.name} taken"
    yield from (f"{_INDENT}overruled {line}" for line in done.overruled)
    yield from (f"  unmatched {name}: in a file, not in the contract" for name in done.unmatched)
    if done.unordered_keys:
        yield "  key order not confirmed, taken from the key file (the overlay may say):"
        yield from _few(done.unordered_keys)
    yield from _tenant(done)
    yield from _gaps([line for line in lines if line.top_level], contract)


def listed(names: Sequence[str], most: int = MOST_LINES) -> str:
    """Return names in a line; of many the first, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def changes(before: Contract, after: Contract) -> tuple[Difference, ...]:
    """Return what an import changes about a lock: what is lost first, what is new last."""
    found = differences(before, after)
    return tuple(sorted(found, key=lambda one: (not one.is_lost, not one.is_felt)))


def reported_changes(found: tuple[Difference, ...]) -> Iterator[str]:
    """Yield the lines about what an import changes."""
    if found:
        lost = sum(one.is_lost for one in found)
        words = f", {lost} of them lost or of another type" if lost else ""
        yield f"  changes   {len(found)} since the lock that was here{words}:"
        yield from _few(str(one) for one in found)


def _shipped(done: Imported) -> Iterator[str]:
    known, contract = done.shipped, done.contract
    took = [name for name in contract.entities if name in known.entities]
    if not known.version:
        return
    if took:
        of = f"{shipped.ENDPOINT}/{known.version}"
        nearest = f", the nearest to {contract.version}" if _is_other(contract, known) else ""
        count = f"{len(took)} of {len(contract.entities)} entities"
        yield f"  facts     of {of}{nearest}, applied to {count}"
    missing = [name for name in known.missing if name.partition(".")[0] in contract.entities]
    if missing:
        yield f"{_INDENT}not taken, there is no such field, or it is of another type:"
        yield from _few(missing)
    unlike = {name: gone for name, gone in known.unlike.items() if name in contract.entities}
    if unlike:
        yield f"  unlike    {shipped.ENDPOINT}, so that its facts are not taken, are:"
        yield from _few(
            f"{name}: there is no {listed(gone, 3)} as there" for name, gone in unlike.items()
        )
        yield f"{_INDENT}`like: {next(iter(unlike))}` in the overlay takes those that fit"


def _is_other(contract: Contract, known: shipped.Taken) -> bool:
    return contract.endpoint == shipped.ENDPOINT and contract.version != known.version


def _tenant(done: Imported) -> Iterator[str]:
    top = {name: one for name, one in done.tenant.items() if name in done.contract.top_level}
    if not top:
        return
    yield "  tenant    decides who gives the key; `auto_numbered` in the overlay says it:"
    for words, is_auto in (("the ERP", True), ("who sends it", False)):
        names = [name for name, one in top.items() if one is is_auto]
        if names:
            yield f"{_INDENT}assumed is {words}: {listed(names)}"


def _gaps(lines: list[EntityLine], contract: Contract) -> Iterator[str]:
    """Yield a table of entities that no flow can create records of, or address them.

    Those that can do and hold the most come first: inquiries and settings have few fields.
    """
    gaps = [line for line in lines if not (line.keys and line.identities)]
    if not gaps:
        return
    gaps.sort(key=lambda line: (-len(line.actions), -line.fields))
    yield f"  unknown   are keys or an identity of {len(gaps)} of {len(lines)} top-level entities:"
    yield from _few(aligned([HEADINGS, *(line.cells for line in gaps)]), MOST_LINES + 1)
    yield f"  next      say in {contract.overlay} what you know, and run this again:"
    yield from (f"{_INDENT}{line}" for line in _example(contract, gaps[0]))


def _example(contract: Contract, gap: EntityLine) -> Iterator[str]:
    """Yield the lines of an overlay that says what is not known of an entity."""
    fields = contract.entities[gap.name].fields.values()
    texts = [one.name for one in fields if one.value_type == "string"]
    yield from ("overlay: 1", f"contract: {contract.name}", "entities:", f"  {gap.name}:")
    if not gap.keys:
        key = next((name for name in texts if _KEY.search(name)), "FIELD")
        yield f"    - keys: [{key}]  # if the form finds a record by it"
        yield "      source: where you know it from"
    if not gap.identities:
        fit = next((name for name in texts if _REFERENCE.search(name)), "FIELD")
        yield f"    - identities: [{fit}]  # if the ERP never changes it"
        yield "      source: where you know it from"


def _few(lines: Iterable[str], most: int = MOST_LINES) -> Iterator[str]:
    known = list(lines)
    yield from (f"{_INDENT}{line}" for line in known[:most])
    if len(known) > most:
        yield f"{_INDENT}… and {len(known) - most} more"
