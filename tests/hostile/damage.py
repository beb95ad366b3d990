"""Damage: the text of a right file in, the bytes of one that is wrong, strange or malicious out."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterator
from random import Random
from typing import Any, Literal

import yaml

from tests.hostile.texts import NAMES, TEXTS

Form = Literal["json", "lines", "yaml", "csv", "text"]

STRANGE = (*TEXTS, *NAMES, "\x00", "a\x00b", "", "\ufeff", "\x9b31m", "\x1b]0;title\x07", "../../x")
# What no writer of JSON or YAML writes: it takes the place of a value as it is.
RAW = (
    "1e400", "-0", "9" * 5_000, "1e-400", "1e999999999", "0." + "3" * 5_000, "NaN", "-Infinity",
    "[" * 2_000 + "]" * 2_000, '{"a":' * 3_000 + "1" + "}" * 3_000, "[" * 500, "}", '"', "",
    r'"\ud800"', r'"\u0000"', '{"a": 1, "a": 2}', "1, 2", "null, null", "0x1F", "1_000", "+1",
    "2026-02-30", "0000-00-00", "1:30", "~", "yes", "!!python/object/apply:os.system [id]",
    "&a [*a]", "*a", "<<", "- - - -", "? x", "|", ">", "%", "@", "`", "!x y", "# x", "---", "...",
)  # fmt: skip
VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 2**63, -(2**64), 10**40, 1.5, -0.0, [], {}, [[]], {"": {}}, [None],
    ["a", 1, {}], {"a": None}, "x" * 10_000, [[[[[[[[]]]]]]]],
)  # fmt: skip
PIECES = (
    b"\x00", b"\xff", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\xc3", b"\r", b"\n", b"\r\n", b"\t", b'"',
    b"'", b"\\", b"{", b"}", b"[", b"]", b":", b",", b";", b"#", b"&a ", b"*a ", b"\x1b[31m",
    b"\x0c", b"\xe2\x80\xa8", b"\xc2\x85", b"\xe2\x80\xae", b"- ", b"? ", b"%YAML 9\n",
    b"---\n", b"\x1a",
)  # fmt: skip
_RAW_MARK = re.compile(r"[\"']?@@raw(\d+)@@[\"']?")


def damaged(text: str, form: Form, random: Random) -> bytes:
    """Return what is left of a file: a place of it is another, or its bytes are."""
    ways: tuple[Callable[[str, Form, Random], bytes], ...] = (_places, _places, _bytes, _whole)
    if form == "text":
        ways = (_bytes, _bytes, _whole)
    return random.choice(ways)(text, form, random)


def _places(text: str, form: Form, random: Random) -> bytes:
    """Put something else in a place or two."""
    if form == "csv":
        return _cells(text, random)
    if form == "lines":
        lines = text.splitlines()
        at = random.randrange(len(lines))
        lines[at] = _changed(lines[at], "json", random)
        return "\n".join(lines).encode()
    return _changed(text, form, random).encode()


def _changed(text: str, form: Form, random: Random) -> str:
    # As a list of one, so that the whole is a place as well.
    tree = [json.loads(text) if form == "json" else yaml.load(text, yaml.CSafeLoader)]
    for _ in range(random.choice((1, 1, 2))):
        _change(tree, random)
    if form == "json":
        shown = json.dumps(tree[0], ensure_ascii=random.random() < 0.5)
    else:
        shown = yaml.safe_dump(tree[0], sort_keys=False, allow_unicode=random.random() < 0.5)
    return _RAW_MARK.sub(lambda found: RAW[int(found[1])], shown)


def _change(tree: list[Any], random: Random) -> None:
    """Change one place of a tree: its value, its name, or whether it is there."""
    holder, key = random.choice(list(_all_places(tree)))
    way = random.random()
    if way < 0.15 and holder is not tree:
        del holder[key]
    elif way < 0.35 and isinstance(holder, dict):
        name = random.choice(STRANGE)
        items = [(name if one == key else one, value) for one, value in holder.items()]
        holder.clear()
        holder.update(items)
    elif way < 0.45:
        other, at = random.choice(list(_all_places(tree)))
        holder[key] = json.loads(json.dumps(other[at]))
    else:
        holder[key] = _something(random)


def _something(random: Random) -> Any:
    kind = random.random()
    if kind < 0.5:
        return random.choice(STRANGE)
    if kind < 0.75:
        return f"@@raw{random.randrange(len(RAW))}@@"
    return json.loads(json.dumps(random.choice(VALUES)))


def _all_places(tree: Any) -> Iterator[tuple[Any, Any]]:
    keys = list(tree) if isinstance(tree, dict) else range(len(tree))
    for key in keys:
        yield tree, key
        if isinstance(tree[key], (dict, list)):
            yield from _all_places(tree[key])


def _cells(text: str, random: Random) -> bytes:
    delimiter = ";" if ";" in text else ","
    rows = list(csv.reader(io.StringIO(text), delimiter=delimiter))
    row = random.choice(rows)
    strange = random.choice((*STRANGE, "9" * 5_000, "1e400", "x" * 200_000, "=1+1"))
    row[random.randrange(len(row))] = strange.replace("\ud800", "")
    if random.random() < 0.2:
        row.append(random.choice(STRANGE))
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, lineterminator="\n").writerows(rows)
    return out.getvalue().encode()


def _bytes(text: str, _form: Form, random: Random) -> bytes:
    """Put bytes in, take some out, or repeat some."""
    return damaged_bytes(text.encode(), random)


def damaged_bytes(data: bytes, random: Random) -> bytes:
    """Return a file with bytes put in, taken out, or repeated, or cut off."""
    for _ in range(random.choice((1, 1, 2, 3))):
        start = random.randrange(len(data) + 1)
        end = min(len(data), start + random.choice((0, 0, 1, 3, 40)))
        middle = random.choice((b"", random.choice(PIECES), data[start:end] * 2))
        data = data[:start] + middle + data[end:]
    return data[: random.randrange(len(data) + 1)] if random.random() < 0.15 else data


def _whole(text: str, _form: Form, random: Random) -> bytes:
    """Return a whole file of another kind, or in another encoding."""
    return random.choice(
        (
            b"",
            b"\n" * 3,
            b"\xef\xbb\xbf",
            b"\xef\xbb\xbf" + text.encode(),
            text.encode("utf-16"),
            text.encode().replace(b"\n", b"\r"),
            text.encode().replace(b"\n", b"\r\n"),
            text.encode() * 2,
            b"\x00" * 100,
            b"\xff\xfe\x00",
            b"[" * 100_000,
            b'{"a":' * 100_000,
            b"- " * 20_000,
            b"9" * 100_000,
            b'"' + b"x" * 300_000,
            b"null",
            b"[]",
            b"{}",
            b'"text"',
            b"1e999",
            b"---\n---\n",
            b"%PDF-1.7\n\x00\x01",
            b"a,b\n1\n",
            text.encode()[::-1],
            text.upper().encode(),
        )
    )
