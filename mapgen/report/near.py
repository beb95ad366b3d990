"""Near names: what the author may have meant."""

from __future__ import annotations

from collections.abc import Iterable


def distance(left: str, right: str) -> int:
    """Return the edit distance of two names: insertions, deletions, substitutions, swaps."""
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
    return above[-1]


def near_names(name: str, known: Iterable[str], most: int = 3) -> tuple[str, ...]:
    """Return up to `most` known names close to `name`, the closest first.

    Close is an edit distance of at most a third of the length (one at least), case apart, or one
    name standing whole at the end of the other (`Quantity` for `OrderQuantity`).
    """
    folded = name.casefold()
    reach = max(1, len(name) // 3)
    ranked = []
    for candidate in known:
        steps = distance(folded, candidate.casefold())
        if steps <= reach:
            ranked.append((steps, candidate))
        elif len(folded) > 3 and (
            candidate.casefold().endswith(folded) or folded.endswith(candidate.casefold())
        ):
            ranked.append((reach + 1, candidate))
    return tuple(candidate for _, candidate in sorted(ranked)[:most])


def suggestion(name: str, known: Iterable[str]) -> str | None:
    """Return a help line that offers the near names of an unknown one, or None without any."""
    names = near_names(name, known)
    if not names:
        return None
    return "did you mean " + " or ".join(f"`{candidate}`" for candidate in names) + "?"
