"""The kinds of systems that connections lead to: what an environment says of one, a row each."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct


class Value(Struct, frozen=True):
    """A value by which an environment leads to a system; one that is secret names a variable."""

    purpose: str
    is_secret: bool = False


VALUES: Mapping[str, Value] = {
    "url": Value("the address, `https://…`; `http` only for this machine"),
    "tenant": Value("the tenant's name"),
    "client_id": Value("of the connected application"),
    "client_secret": Value("of the connected application", is_secret=True),
    "username": Value("the user, or the key, by which requests are let in"),
    "password": Value("the user's password, or the secret of the key", is_secret=True),
    "token": Value("what lets requests in", is_secret=True),
    "database": Value(
        "the address of the database, `postgresql+psycopg://USER:PASSWORD@HOST/DATABASE`",
        is_secret=True,
    ),
    "webhook_secret": Value("by which it shows that what comes is sent by it", is_secret=True),
}
WEBHOOK_SECRET = "webhook_secret"
"""The value without which nothing is taken from a system that sends."""


class SignIn(Struct, frozen=True):
    """How requests are let in: by which values, in which header, each of them by itself."""

    needs: tuple[str, ...]
    header: str = "Authorization"


SIGN_INS: Mapping[str, SignIn] = {
    "none": SignIn(()),
    "bearer": SignIn(("token",)),
    "basic": SignIn(("username", "password")),
}
"""Ways that have a name; a header of the system's own holds the token as it is."""


class ConnectionKind(Struct, frozen=True):
    """What holds for systems of a kind.

    `needs` are the values of an environment without which nothing leads there. Where requests are
    let in each by itself, it is by `sign_in`; None where the connection says how, or a session is
    opened. It `takes_requests` with documents where a target may send them there. It `sends` what
    changes by itself, signed or with a secret.
    """

    name: str
    needs: tuple[str, ...]
    sign_in: SignIn | None = None
    takes_requests: bool = False
    sends: bool = False
    chooses_sign_in: bool = False


CONNECTIONS: Mapping[str, ConnectionKind] = {
    kind.name: kind
    for kind in (
        ConnectionKind(
            "acumatica",
            ("url", "tenant", "client_id", "client_secret", "username", "password"),
            sends=True,
        ),
        ConnectionKind("http", ("url",), takes_requests=True, chooses_sign_in=True),
        ConnectionKind(
            "shopify",
            ("url",),
            SignIn(("token",), "X-Shopify-Access-Token"),
            takes_requests=True,
            sends=True,
        ),
        ConnectionKind("woocommerce", ("url",), SIGN_INS["basic"], takes_requests=True, sends=True),
        ConnectionKind("standard_webhooks", (), sends=True),
        ConnectionKind("sql", ("database",)),
    )
}
