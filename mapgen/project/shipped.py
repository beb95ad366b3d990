"""Files that are no code and come with the product: pages, templates, a contract to start with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable

# Where they lie in a checkout; setup.py puts them into the package.
_IN_A_CHECKOUT: Mapping[str, str] = {
    "contracts": "specs/contracts",
    "errors": "docs/errors",
    "templates": "templates",
}


def shipped(name: str) -> Traversable:
    """Return a folder of the installed package, or where a checkout has it."""
    package = files("mapgen")
    installed = package / name
    return installed if installed.is_dir() else package / ".." / _IN_A_CHECKOUT[name]


def texts_below(folder: Traversable, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield the path from a folder, and the text, of each file in it, sorted."""
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        name = f"{path}{entry.name}"
        if entry.is_dir():
            yield from texts_below(entry, f"{name}/")
        else:
            yield name, entry.read_text(encoding="utf-8")
