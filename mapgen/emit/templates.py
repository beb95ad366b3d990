"""Finished words in, text out: the templates only place what Python has decided."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from mapgen import escaping

# What text of an author goes through on its way into a file.
_DOORS: Mapping[str, Callable[[str], str]] = {
    "cell": escaping.cell,
    "code": escaping.code,
    "comment": escaping.comment,
    "docstring": escaping.in_docstring,
    "literal": escaping.literal,
    "prose": escaping.prose,
    "yaml": escaping.yaml,
}


@cache
def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("mapgen.templates", ""),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # each kind of file has its own doors
    )
    made.filters.update(_DOORS)
    return made


def render(template: str, **words: object) -> str:
    """Return a template filled with words. Raises jinja2.UndefinedError for a missing one."""
    return _environment().get_template(template).render(**words)
