"""What `serve` has for operators: the console, and who is told of alerts."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.routing import BaseRoute

    from mapgen.runtime.ledger import Ledger
    from mapgen.service.alerts import Watch
    from mapgen.service.flows import ServedFlow
    from mapgen.service.loop import Around
    from mapgen.service.telling import Channel
    from mapgen.spec.model import Environment, Reference


def watch_of(flows: Sequence[ServedFlow], around: Around, environment: Environment) -> Watch:
    """Return what looks after the flows of an environment. Raises Stopped for unset variables."""
    from mapgen.service.alerts import REPEAT, Watch, watched

    looked_after = [watched(one.name, one.book, one.plan.alerts, one.plan.latency) for one in flows]
    notices = environment.alerts
    repeat = REPEAT if notices is None else notices.repeat.seconds
    channels = tuple(_channels(environment))
    name = environment.name.value
    return Watch(around.ledger, looked_after, channels, around.observer, name, repeat=repeat)


def console_of(
    project: Path, flows: Sequence[ServedFlow], around: Around, watch: Watch
) -> BaseRoute:
    """Return the pages of the console, under `/console`."""
    from starlette.applications import Starlette
    from starlette.routing import Mount

    from mapgen.cli.ledgers import trying
    from mapgen.runtime.ledger.reports import Reports
    from mapgen.service.console import Console, Gate, SignIn
    from mapgen.service.replaying import Replayer

    ledger: Ledger = around.ledger
    would_pass = trying(project, ledger, Reports(ledger))
    hands = Replayer(flows, ledger, around.observer, would_pass, around.drain)
    sign_in = SignIn(os.environ.get("MAPGEN_CONSOLE_TOKEN"))
    pages = Starlette(routes=Console(ledger, sign_in, hands, watch.history).routes())
    names = os.environ.get("MAPGEN_CONSOLE_HOSTS", "").split(",")
    hosts = [name.strip() for name in names if name.strip()]
    return Mount("/console", Gate(pages, hosts))


def _channels(environment: Environment) -> Iterator[Channel]:
    from mapgen.report import Stopped
    from mapgen.report.catalogue import project as messages
    from mapgen.service.telling import Mail, Unfit, Webhook

    notices, path = environment.alerts, environment.source.path

    def value(reference: Reference) -> str:
        text = reference.text.value
        found = os.environ.get(text, "") if reference.is_variable else text
        if not found:
            raise Stopped([messages.variable_missing(reference.text, path=path)])
        return found

    try:
        if notices is not None and notices.webhook is not None:
            yield Webhook(value(notices.webhook))
        if notices is not None and notices.email is not None:
            mail = notices.email
            yield Mail(
                value(mail.server),
                mail.sender.value,
                tuple(one.value for one in mail.recipients),
                None if mail.username is None else value(mail.username),
                None if mail.password is None else value(mail.password),
            )
    except Unfit as unfit:
        name, reason = environment.name.value, f"`alerts`: {unfit}"
        raise Stopped(messages.cannot_bind(flow="serve", environment=name, reason=reason)) from None
