"""How word of an alert goes out: a POST of JSON, or a mail."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from typing import Protocol
from urllib.parse import SplitResult, urlsplit

import httpx2

from mapgen.escaping import one_line
from mapgen.runtime.environment import LOOPBACK
from mapgen.runtime.ledger.alerts import Alert
from mapgen.runtime.summary import plain_facts

_LONGEST = 10.0
_PORTS = {"smtp": 587, "smtps": 465}


class NotTold(Exception):
    """Word could not be sent; the reason holds neither an address nor a secret."""


class Unfit(ValueError):
    """An address that word cannot be sent to; the reason does not show it."""


class Channel(Protocol):
    """A way to send word of an alert."""

    @property
    def name(self) -> str:
        """What it is called."""

    def send(self, alert: Alert, environment: str) -> None:
        """Send word of an alert. Raises NotTold."""


def facts_of(alert: Alert, environment: str) -> dict[str, object]:
    """Return what is said of an alert, as plain data."""
    names = ("state", "flow", "tenant", "value", "threshold", "fired_at", "resolved_at", "number")
    facts = {"alert": alert.name, "environment": environment, **plain_facts(alert, *names)}
    return {**facts, "text": sentence(alert, environment)}


def sentence(alert: Alert, environment: str) -> str:
    """Return an alert in one line for people."""
    where = f"{alert.of.flow} ({environment})"
    if alert.state == "resolved":
        return one_line(f"{where}: {alert.name.replace('_', ' ')} is over")
    return one_line(f"{where}: {alert.words}")


def _address(url: str, schemes: Collection[str], what: str, form: str) -> SplitResult:
    """Return the parts of an address. Raises Unfit for one of another form."""
    try:
        found = urlsplit(url)
        is_fit = found.scheme in schemes and bool(found.hostname) and found.port != 0
    except ValueError:
        is_fit = False
    if not is_fit:
        raise Unfit(f"{what} is not of the form {form}")
    return found


@dataclass(frozen=True, slots=True)
class Webhook:
    """A POST of JSON to an address, which may hold a secret and is not shown.

    The body has `text`, which chats show, and the facts one by one. Raises Unfit for an address
    without https, but on this machine.
    """

    url: str = field(repr=False)
    name: str = "webhook"

    def __post_init__(self) -> None:
        found = _address(self.url, ("http", "https"), "the address", "https://HOST/PATH")
        if found.scheme == "http" and found.hostname not in LOOPBACK:
            raise Unfit("the address has no encryption: use https")

    def send(self, alert: Alert, environment: str) -> None:
        """Send word of an alert. Raises NotTold."""
        try:
            answer = httpx2.post(self.url, json=facts_of(alert, environment), timeout=_LONGEST)
        except httpx2.HTTPError as error:
            raise NotTold(type(error).__name__) from None
        if not answer.is_success:
            raise NotTold(f"status {answer.status_code}")


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail by a server: `smtps://HOST` (TLS from the start), or `smtp://HOST` (STARTTLS).

    On this machine a server may do without TLS. Raises Unfit for another form of address.
    """

    server: str
    sender: str
    recipients: tuple[str, ...]
    username: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)
    name: str = "email"

    def __post_init__(self) -> None:
        found = _address(self.server, _PORTS, "the mail server", "smtps://HOST:PORT")
        if found.username or found.password:
            raise Unfit("the mail server is not of the form smtps://HOST:PORT")

    def send(self, alert: Alert, environment: str) -> None:
        """Send word of an alert. Raises NotTold."""
        try:
            with self._open() as server:
                if self.username is not None:
                    server.login(self.username, self.password or "")
                refused = server.send_message(self._message(alert, environment))
        except smtplib.SMTPResponseException as error:
            raise NotTold(f"status {error.smtp_code}") from None
        except (OSError, smtplib.SMTPException) as error:
            raise NotTold(type(error).__name__) from None
        if refused:
            raise NotTold(f"{len(refused)} of {len(self.recipients)} addresses were refused")

    def _open(self) -> smtplib.SMTP:
        found = urlsplit(self.server)
        host, port = found.hostname or "", found.port or _PORTS[found.scheme]
        context = ssl.create_default_context()
        if found.scheme == "smtps":
            return smtplib.SMTP_SSL(host, port, timeout=_LONGEST, context=context)
        server = smtplib.SMTP(host, port, timeout=_LONGEST)
        try:
            server.ehlo()
            if server.has_extn("starttls"):
                server.starttls(context=context)
                server.ehlo()
            elif host not in LOOPBACK:
                raise smtplib.SMTPNotSupportedError("no TLS")
        except BaseException:
            server.close()
            raise
        return server

    def _message(self, alert: Alert, environment: str) -> EmailMessage:
        facts: Mapping[str, object] = facts_of(alert, environment)
        message = EmailMessage()
        message["From"], message["To"] = self.sender, ", ".join(self.recipients)
        message["Date"], message["Message-ID"] = formatdate(), make_msgid(domain="mapgen.invalid")
        message["Subject"] = one_line(f"[mapgen] {alert.state}: {sentence(alert, environment)}")[
            :200
        ]
        lines = [f"{name}: {value}" for name, value in facts.items() if value is not None]
        look = "mapgen status; mapgen errors"
        if alert.name == "unreconciled":
            look = f"mapgen reconcile {alert.of.flow} --env {environment}"
        advice = one_line(f"{look}; mapgen alerts ack {alert.number}")
        message.set_content("\n".join([*map(one_line, lines), "", advice, ""]))
        return message
