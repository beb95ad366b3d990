"""A mapping whose values are made when they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import TypeVar

K = TypeVar("K")
T = TypeVar("T")


class OnDemand(Mapping[K, T]):
    """Values by key; `make` is asked for one as often as it is looked up."""

    def __init__(self, keys: Collection[K], make: Callable[[K], T]) -> None:
        self._keys = keys
        self._make = make

    def __getitem__(self, key: K) -> T:
        """Return the value of a key."""
        if key not in self._keys:
            raise KeyError(key)
        return self._make(key)

    def __contains__(self, key: object) -> bool:
        """Whether there is a value, which is not made for that."""
        return key in self._keys

    def __iter__(self) -> Iterator[K]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)
