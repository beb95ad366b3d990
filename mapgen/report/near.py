"""Near names: what the author may have meant."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from functools import lru_cache

from mapgen.escaping import visible

# A longer name is no slip of the pen: comparing two takes time by the product of their lengths.
_LONGEST_NAME = 100
_WORDS = re.compile(r"\d+|[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[^\W\d_]+")
# One letter for another makes another word of these: `date` and `rate`.
_SHORT_WORD = 4


def distance(left: str, right: str, most: int = sys.maxsize) -> int:
    """Return the edit distance of two names: insertions, deletions, substitutions, swaps.

    A distance beyond `most` is not counted to its end: any number beyond `most` stands for it.
    """
    if abs(len(left) - len(right)) > most:
        return most + 1
    before: list[int] = []
    above = list(range(len(right) + 1))
    for row, letter in enumerate(left, start=1):
        current = [row]
        for column, other in enumerate(right, start=1):
            cost = min(
                above[column] + 1, current[column - 1] + 1, above[column - 1] + (letter != other)
            )
            if row > 1 and column > 1 and letter == right[column - 2] and left[row - 2] == other:
                cost = min(cost, before[column - 2] + 1)
            current.append(cost)
        before, above = above, current
        if min(*before, *above) > most:
            return most + 1
    return above[-1]


def near_names(name: str, known: Iterable[str], most: int = 3) -> tuple[str, ...]:
    """Return up to `most` known names close to `name`, the closest first.

    Close is an edit distance of at most a third of the length (one at least), case apart, or one
    name standing whole at the end of the other (`Quantity` for `OrderQuantity`). Nothing is close
    to a name of more than 100 characters.
    """
    return _near(name, tuple(known))[:most] if len(name) <= _LONGEST_NAME else ()


# A message asks for the same name several times: for its help, its notes, and its fix.
@lru_cache(maxsize=64)
def _near(name: str, known: tuple[str, ...]) -> tuple[str, ...]:
    folded = name.casefold()
    reach = max(1, len(name) // 3)
    ranked = []
    for candidate in known:
        other = candidate.casefold()
        if (steps := distance(folded, other, reach)) <= reach:
            ranked.append((steps, candidate))
        elif len(folded) > 3 and other and (other.endswith(folded) or folded.endswith(other)):
            ranked.append((reach + 1, candidate))
    return tuple(candidate for _, candidate in sorted(ranked))


def is_slip(name: str, other: str) -> bool:
    """Return whether a name is another one but for a slip of the pen, so that both mean the same.

    A slip is one letter too many, too few, swapped or wrong; case and separators count for nothing.
    `min_price` is near `max_price`, and `address2` near `address1`, but they mean something else.
    """
    mine, theirs = (_WORDS.findall(one) for one in (name, other))
    if [one for one in mine if one.isdigit()] != [one for one in theirs if one.isdigit()]:
        return False
    left, right = ("".join(words).casefold() for words in (mine, theirs))
    if len(mine) == len(theirs) and len(left) == len(right):
        pairs = zip(mine, theirs, strict=True)
        if any(len(one) <= _SHORT_WORD and _is_other_letter(one, two) for one, two in pairs):
            return False
    return distance(left, right, 1) <= 1


def _is_other_letter(one: str, two: str) -> bool:
    one, two = one.casefold(), two.casefold()
    return one != two and sorted(one) != sorted(two)


def suggestion(name: str, known: Iterable[str]) -> str | None:
    """Return a help line that offers the near names of an unknown one, or None without any."""
    return offered(near_names(name, known))


def offered(names: Iterable[str]) -> str | None:
    """Return the help line that asks whether one of these was meant, or None without any."""
    shown = " or ".join(map(as_code, names))
    return f"did you mean {shown}?" if shown else None


def as_code(words: str) -> str:
    """Return words as code, on one line: in backquotes, unless they have some of their own."""
    shown = visible(words)
    return shown if "`" in shown else f"`{shown}`"
