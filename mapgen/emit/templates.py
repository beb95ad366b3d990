"""Finished words in, text out: the templates only place what Python has decided."""

from __future__ import annotations

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("mapgen.templates", ""),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )


def render(template: str, **words: object) -> str:
    """Return a template filled with words. Raises jinja2.UndefinedError for a missing one."""
    return _environment().get_template(template).render(**words)
