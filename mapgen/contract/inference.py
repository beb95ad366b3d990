"""Sample records in, a draft of their JSON Schema out, of the kind that `source_schema` reads.

A general tool learns types and required members. What a mapping needs besides is read off the
values: decimals and moments that travel as text, how dates and amounts are written, words of a
closed vocabulary, objects that are one type in several places, what never changes.

Invariant: nothing personal reaches the schema. Of values, only words are shown that are there again
and again in one letter case, of a member whose name says that it holds a vocabulary and that is in
nothing of a person; of names, none that is a value itself.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import TypeAlias

from msgspec import Struct, field

from mapgen.agreed.paths import holder_of, member_path
from mapgen.contract.personal import (
    is_keyed_by_persons,
    is_value,
    is_vocabulary,
    kind_of_value,
    words_of,
)
from mapgen.ir.names import singular

Json: TypeAlias = "Mapping[str, Json] | list[Json] | str | int | Decimal | bool | None"
Schema: TypeAlias = dict[str, object]

_TYPES: Mapping[type, str] = {
    type(None): "null",
    bool: "boolean",
    int: "integer",
    Decimal: "number",
    str: "string",
    list: "array",
}
MOST_WORDS = 12
MOST_DIGITS = 28
_NUMBER = rf"(?!.{{{MOST_DIGITS + 1}}})-?(0|[1-9][0-9]*)"
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", re.ASCII)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
# What texts may look like.
_FORMS: Mapping[str, Callable[[str], object]] = {
    "decimal": re.compile(rf"{_NUMBER}(\.[0-9]+)?").fullmatch,
    "fraction": re.compile(rf"{_NUMBER}\.[0-9]+").fullmatch,
    "date-time": lambda text: _MOMENT.fullmatch(text) and _is_valid(datetime.fromisoformat, text),
    "date": lambda text: _DATE.fullmatch(text) and _is_valid(date.fromisoformat, text),
    "whole": re.compile(r"-?(0|[1-9][0-9]{0,17})", re.ASCII).fullmatch,
    "flag": frozenset({"true", "false", "True", "False", "TRUE", "FALSE"}).__contains__,
    "comma": re.compile(r"-?(\d{1,3}(\.\d{3})+|\d+),\d+", re.ASCII).fullmatch,
}
# How texts may be written that are days or clocks, with what Python calls it.
_WRITTEN: Mapping[str, str] = {
    "dd.MM.yyyy": "%d.%m.%Y",
    "dd/MM/yyyy": "%d/%m/%Y",
    "MM/dd/yyyy": "%m/%d/%Y",
    "yyyy/MM/dd": "%Y/%m/%d",
    "dd-MM-yyyy": "%d-%m-%Y",
    "yyyy-MM-dd HH:mm:ss": "%Y-%m-%d %H:%M:%S",
    "dd.MM.yyyy HH:mm": "%d.%m.%Y %H:%M",
    "MM/dd/yyyy HH:mm": "%m/%d/%Y %H:%M",
}
_AS_WRITTEN = re.compile(r"\d{2,4}[./-]\d\d[./-]\d{2,4}( \d\d:\d\d(:\d\d)?)?", re.ASCII)
# Names of cells whose digits are no number: they are told apart, not counted.
_CODE = re.compile(
    "account|barcode|code|ean|gtin|iban|isbn|mobile|nbr|no|nr|number|phone|postcode|reference|sku"
    "|telephone|upc|zip"
)
_REVIEW = "Review: is taken to never change, for its name."
_WORD = re.compile(r"[a-z][a-z0-9_-]{0,23}|[A-Z][A-Z0-9_-]{0,23}")
# How much of their members two objects share that are one type in two places.
_ALIKE = 0.8
_FEWEST_MEMBERS = 2
_NEARLY = 0.9


class Texts(Struct):
    """What the texts at one place have in common: how many fit each form, how often words are."""

    count: int = 0
    forms: Counter[str] = field(default_factory=Counter)
    words: Counter[str] = field(default_factory=Counter)

    def take(self, text: str) -> None:
        """Count one text."""
        self.count += 1
        self.forms.update(name for name, fits in _FORMS.items() if fits(text))
        if _AS_WRITTEN.fullmatch(text):
            self.forms.update(
                name for name, form in _WRITTEN.items() if _is_valid(_clock(form), text)
            )
        if _WORD.fullmatch(text) and len(self.words) <= MOST_WORDS:
            self.words[text] += 1

    def merge(self, other: Texts) -> None:
        """Count what another place has."""
        self.count += other.count
        self.forms += other.forms
        self.words += other.words

    def are(self, form: str) -> bool:
        """Whether all texts are written so."""
        return self.forms[form] == self.count

    @property
    def have_decimals(self) -> bool:
        """Whether all are numbers, and some have decimals."""
        return self.are("decimal") and self.forms["fraction"] > 0

    def facts(self) -> Schema:
        """Return the format that all of them have, or the few words that they are."""
        if self.have_decimals:
            return {"format": "decimal"}
        for form in ("date-time", "date"):
            if self.are(form):
                return {"format": form}
        are_words = sum(self.words.values()) == self.count and len(self.words) <= MOST_WORDS
        if are_words and self.count >= 3 * len(self.words):
            return {"examples": sorted(self.words)}
        return self._as_written() or self._nearly()

    def of_cells(self, *, is_code: bool) -> Schema | None:
        """Return the type of cells all of which are written like one, None where they are text."""
        if self.have_decimals:
            return {"type": "number"}
        if self.are("whole") and not is_code:
            return {"type": "integer"}
        return {"type": "boolean"} if self.are("flag") else None

    def _as_written(self) -> Schema:
        """Return words on how all of them are written, where that is how a day or an amount is."""
        forms = [f"`{name}`" for name in _WRITTEN if self.are(name)]
        if forms:
            what = "moment of a clock" if "HH" in forms[0] else "date"
            return {"description": f"A {what}, written {' or '.join(forms)}."}
        if self.are("comma"):
            return {"description": "A number, written with a decimal comma."}
        return {}

    def _nearly(self) -> Schema:
        """Return words on a format that a few samples do not have: they may be mistakes."""
        known = (*(("decimal",) if self.forms["fraction"] else ()), "date-time", "date")
        name = max(known, key=lambda one: self.forms[one])
        count = self.forms[name]
        if self.count > count >= _NEARLY * self.count:
            return {"description": f"A {name} in {count} of {self.count} samples."}
        return {}


class Seen(Struct):
    """All that the samples have at one place; `present` counts a member where it is there.

    `unnamed` is the number of members that are left out, because their names are values.
    """

    counts: Counter[str] = field(default_factory=Counter)
    texts: Texts = field(default_factory=Texts)
    members: dict[str, Seen] = field(default_factory=dict)
    present: Counter[str] = field(default_factory=Counter)
    elements: Seen | None = None
    is_vocabulary: bool = False
    is_code: bool = False
    unnamed: int = 0

    def take(self, value: Json) -> None:
        """Count one value and all inside it."""
        self.counts[_TYPES.get(type(value), "object")] += 1
        match value:
            case str():
                self.texts.take(value)
            case list():
                for element in value:
                    if self.elements is None:
                        self.elements = Seen()
                    self.elements.take(element)
            case Mapping():
                for name, member in value.items():
                    self.present[name] += 1
                    self.members.setdefault(name, Seen()).take(member)

    def merge(self, other: Seen) -> None:
        """Count what another place has."""
        self.counts += other.counts
        self.texts.merge(other.texts)
        self.present += other.present
        self.is_vocabulary = self.is_vocabulary and other.is_vocabulary
        self.unnamed += other.unnamed
        for name, member in other.members.items():
            if name in self.members:
                if self.members[name] is not member:
                    self.members[name].merge(member)
            else:
                self.members[name] = member
        if self.elements is None:
            self.elements = other.elements
        elif other.elements is not None and self.elements is not other.elements:
            self.elements.merge(other.elements)

    def kinds(self) -> list[str]:
        """Return the JSON types seen, null apart."""
        number = ("number",) if self.counts["number"] else ("integer",)
        known = ("object", "array", "string", *number, "boolean")
        return [kind for kind in known if self.counts[kind]]

    def inside(self) -> Iterator[tuple[str, Seen]]:
        """Yield what is directly inside, with its name; the elements of a list have none."""
        yield from self.members.items()
        if self.elements is not None:
            yield "", self.elements


def infer(
    records: Iterable[Mapping[str, Json]],
    name: str,
    *,
    holds_cells: bool = False,
    with_enums: bool = False,
) -> Schema:
    """Return a draft of the schema of records.

    Args:
        records: the samples.
        name: what a record is called.
        holds_cells: whether all values are text, as the rows of a sheet are.
        with_enums: whether words of a closed vocabulary are all that there may be.
    """
    samples = list(records)
    root = Seen()
    for record in samples:
        root.take(record)
    _hide(root)
    _share(root)
    title = name.replace("_", " ")
    writer = _Writer(_names(root), holds_cells, with_enums)
    schema = writer.object(root)
    members = schema["properties"]
    assert isinstance(members, dict)
    for member in _lasting(root, samples, name):
        members[member] = {**members[member], "readOnly": True, "description": _REVIEW}
    definitions = {writer.names[id(seen)]: writer.object(seen) for seen in _shared(root)}
    count = len(samples)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": title[:1].upper() + title[1:],
        "description": f"A draft from {count} sample record{'s' * (count != 1)}: more may be"
        " missing or null than they show, and `readOnly` says what never changes."
        f" {schema.pop('description', '')}".rstrip(),
        **schema,
        **({"$defs": dict(sorted(definitions.items()))} if definitions else {}),
    }


def _lasting(root: Seen, samples: Sequence[Mapping[str, Json]], name: str) -> list[str]:
    """Return the members that are taken to never change, by their names: `id`, `order_id`, `uuid`.

    Where there is none, it is the first whose name ends like that of a number, and of which no two
    samples have the same.
    """
    fit = [
        member
        for member, seen in root.members.items()
        if _never_changes(seen, root.present[member] == root.counts["object"])
    ]
    of_the_record = (("id",), ("uuid",), ("guid",), (*words_of(name), "id"))
    named = [member for member in fit if words_of(member) in of_the_record]
    if named:
        return named
    ends = {"id", "nbr", "no", "nr", "number", "ref", "reference", "sku"}
    return [
        member
        for member in fit
        if words_of(member)[-1:] and words_of(member)[-1] in ends
        if len(samples) > 1 and len({str(one[member]) for one in samples}) == len(samples)
    ][:1]


def _hide(seen: Seen, path: str = "") -> None:
    """Leave out members that values name, and say which texts may be shown."""
    seen.is_vocabulary = is_vocabulary(path)
    seen.is_code = any(map(_CODE.fullmatch, words_of(holder_of(path)[1])[-1:]))
    names = [name for name in seen.members if not is_value(name)]
    kinds = {tuple(seen.members[name].kinds()) for name in names}
    if path and len(kinds) == 1 and is_keyed_by_persons(holder_of(path)[1], names):
        names = []
    seen.unnamed = len(seen.members) - len(names)
    seen.members = {name: seen.members[name] for name in names}
    for name, member in seen.members.items():
        _hide(member, member_path(path, name))
    if seen.elements is not None:
        _hide(seen.elements, path)


def _never_changes(seen: Seen, is_required: bool) -> bool:
    return is_required and not seen.counts["null"] and seen.kinds() in (["integer"], ["string"])


class _Writer(Struct, frozen=True):
    """Writes what was seen as schemas; `names`: what is in `$defs`, by identity."""

    names: Mapping[int, str]
    holds_cells: bool
    with_enums: bool

    def schema(self, seen: Seen) -> Schema:
        if id(seen) in self.names:
            return {"$ref": f"#/$defs/{self.names[id(seen)]}"}
        return self.object(seen)

    def object(self, seen: Seen) -> Schema:
        """Return the schema itself, even of what is in `$defs`."""
        kinds = seen.kinds()
        types = [*kinds, *(["null"] if seen.counts["null"] else [])]
        schema: Schema = {"type": types[0] if len(types) == 1 else types} if types else {}
        if kinds == ["string"]:
            schema |= self._texts(seen)
        elif "array" in kinds and seen.elements is not None:
            schema["items"] = self.schema(seen.elements)
        if "object" in kinds:
            required = [
                name for name in seen.members if seen.present[name] == seen.counts["object"]
            ]
            schema["required"] = required
            schema["properties"] = {
                name: self.schema(member) for name, member in seen.members.items()
            }
            if seen.unnamed:
                count = f"{seen.unnamed} member{'s' * (seen.unnamed != 1)}"
                schema["description"] = f"{count} left out: named by values of the samples."
        return schema

    def _texts(self, seen: Seen) -> Schema:
        """Return what texts say beside that they are some; words only of a vocabulary's."""
        cells = seen.texts.of_cells(is_code=seen.is_code) if self.holds_cells else None
        if cells is not None:
            return {"type": [cells["type"], "null"]} if seen.counts["null"] else cells
        facts = seen.texts.facts()
        words = facts.pop("examples", None)
        if (
            not isinstance(words, list)
            or not seen.is_vocabulary
            or any(is_value(word) or kind_of_value(word) for word in words)
        ):
            return facts
        return facts | {"enum" if self.with_enums else "examples": words}


def _share(root: Seen) -> None:
    """Make objects that are alike one object that is in several places."""
    while (pair := _pair(root)) is not None:
        kept, gone = pair
        kept.merge(gone)
        _replace(root, gone, kept)


def _pair(root: Seen) -> tuple[Seen, Seen] | None:
    """Return two objects alike, neither inside the other; the shallower ones first."""
    places = [seen for _, seen in _places(root) if _is_plain_object(seen)]
    for at, first in enumerate(places):
        for second in places[at + 1 :]:
            if _are_alike(first, second) and not (_holds(first, second) or _holds(second, first)):
                return first, second
    return None


def _is_plain_object(seen: Seen) -> bool:
    return seen.kinds() == ["object"] and len(seen.members) >= _FEWEST_MEMBERS


def _are_alike(first: Seen, second: Seen) -> bool:
    both = first.members.keys() & second.members.keys()
    if len(both) < _ALIKE * len(first.members.keys() | second.members.keys()):
        return False
    return all(_fit(first.members[name], second.members[name]) for name in both)


def _fit(first: Seen, second: Seen) -> bool:
    """Whether two members are of one type, as far as both show one."""
    ours, others = first.kinds(), second.kinds()
    if not ours or not others:
        return True
    if ours == others == ["string"]:
        formats = [seen.texts.facts().get("format") for seen in (first, second)]
        return formats[0] == formats[1]
    return ours == others


def _holds(outer: Seen, inner: Seen) -> bool:
    return any(seen is inner for _, seen in _places(outer))


def _places(root: Seen) -> list[tuple[str, Seen]]:
    """Return all that is inside, each once, breadth first, by the name of its first place."""
    found: list[tuple[str, Seen]] = []
    known = {id(root)}
    waiting = [("", root)]
    for above, holder in waiting:
        for name, seen in holder.inside():
            if id(seen) not in known:
                known.add(id(seen))
                found.append((name or singular(above), seen))
                waiting.append(found[-1])
    return found


def _replace(root: Seen, gone: Seen, kept: Seen) -> None:
    for holder in (root, *(seen for _, seen in _places(root))):
        for name, member in holder.members.items():
            if member is gone:
                holder.members[name] = kept
        if holder.elements is gone:
            holder.elements = kept


def _shared(root: Seen) -> list[Seen]:
    """Return the objects that are in several places."""
    holders = (root, *(seen for _, seen in _places(root)))
    counts = Counter(id(seen) for holder in holders for _, seen in holder.inside())
    return [
        seen for _, seen in _places(root) if counts[id(seen)] > 1 and seen.kinds() == ["object"]
    ]


def _names(root: Seen) -> dict[int, str]:
    """Return what the shared objects are called: by the words that end all names of theirs."""
    holders = [("", root), *_places(root)]
    called: dict[int, list[str]] = {}
    for above, holder in holders:
        for name, seen in holder.inside():
            called.setdefault(id(seen), []).append(name or singular(above))
    names: dict[int, str] = {}
    for seen in _shared(root):
        base = _common_end(called[id(seen)])
        taken = sum(name == base or name.startswith(f"{base}_v") for name in names.values())
        names[id(seen)] = f"{base}_v{taken + 1}" if taken else base
    return names


def _common_end(names: list[str]) -> str:
    words = [words_of(name) for name in names]
    first = words[0]
    length = 0
    while length < min(map(len, words)) and all(
        found[-1 - length] == first[-1 - length] for found in words
    ):
        length += 1
    return "_".join(first[len(first) - length :] if length else first) or "object"


def _clock(form: str) -> Callable[[str], object]:
    return lambda text: datetime.strptime(text, form)


def _is_valid(read: Callable[[str], object], text: str) -> bool:
    try:
        read(text)
    except ValueError:
        return False
    return True
