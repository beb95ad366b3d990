"""The kinds of systems that connections lead to: what an environment says of one, a row each."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct


class Value(Struct, frozen=True):
    """A value by which an environment leads to a system; one that is secret names a variable."""

    purpose: str
    is_secret: bool = False


VALUES: Mapping[str, Value] = {
    "url": Value(
        "the address, `https://…`; `http` only for this machine; `sftp://HOST:PORT/FOLDER`, or"
        " `https://…/BUCKET/PREFIX`, of places of files"
    ),
    "tenant": Value("the tenant's name"),
    "client_id": Value("of the connected application"),
    "client_secret": Value("of the connected application", is_secret=True),
    "username": Value("the user, or the key, by which requests are let in"),
    "password": Value("the user's password, or the secret of the key", is_secret=True),
    "private_key": Value("of the user, the text of the file", is_secret=True),
    "host_key": Value("the key that the host has to show, `ssh-ed25519 AAAA…`"),
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
    "password": SignIn(("username", "password")),
    "key": SignIn(("username", "private_key")),
}
"""Ways that have a name; a header of the system's own holds the token as it is."""
_OF_REQUESTS = ("bearer", "basic", "none")
_OF_SSH = ("password", "key")


class ConnectionKind(Struct, frozen=True):
    """What holds for systems of a kind.

    `needs` are the values of an environment without which nothing leads there. Where requests are
    let in each by itself, it is by `sign_in`; None where the connection says how, by one of the
    `sign_ins`, or a session is opened. It `takes_requests` with documents where a target may send
    them there. It `sends` what changes by itself, signed or with a secret. It `holds_files` where
    it is a place of them. `address` is what its `url` looks like.
    """

    name: str
    needs: tuple[str, ...]
    sign_in: SignIn | None = None
    takes_requests: bool = False
    sends: bool = False
    holds_files: bool = False
    sign_ins: tuple[str, ...] = ()
    address: str = "the address, `https://…`; `http` only for this machine"

    def is_let_in(self, way: str | None) -> bool:
        """Whether a connection may say that it is let in by a way; None for a header of its own."""
        return way in self.sign_ins if way is not None else self.takes_requests


CONNECTIONS: Mapping[str, ConnectionKind] = {
    kind.name: kind
    for kind in (
        ConnectionKind(
            "acumatica",
            ("url", "tenant", "client_id", "client_secret", "username", "password"),
            sends=True,
        ),
        ConnectionKind("http", ("url",), takes_requests=True, sign_ins=_OF_REQUESTS),
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
        ConnectionKind(
            "sftp",
            ("url", "host_key"),
            holds_files=True,
            sign_ins=_OF_SSH,
            address="the address of the folder, `sftp://HOST:PORT/FOLDER`",
        ),
        ConnectionKind(
            "s3",
            ("url",),
            SignIn(("username", "password")),
            holds_files=True,
            address="the address in the bucket, `https://…/BUCKET/PREFIX`",
        ),
    )
}
