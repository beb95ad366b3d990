"""Commands that messages name, as they would be typed where this one was."""

from __future__ import annotations

from shlex import join

import click


def typed(*words: str) -> str:
    """Return a command of mapgen as a shell takes it, with the ledger that this command was given.

    A password in the address of the ledger is left out.
    """
    context = click.get_current_context(silent=True)
    state = None if context is None else context.params.get("state")
    named = () if state is None else ("--state", _without_password(state))
    env = None if context is None or named or "--env" in words else context.params.get("env")
    if env is not None:
        named = ("--env", env)
    return join(("mapgen", *words, *named))


def _without_password(address: str) -> str:
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        url = make_url(address)
    except ArgumentError:
        return address
    return url.set(password=None).render_as_string(hide_password=False)
