"""Whether what came is what a shop signed: the raw bytes against the secret, by kinds of shops.

Sources: Shopify and WooCommerce sign the body with HMAC-SHA256 in base64 and name each delivery in
a header; Standard Webhooks signs id, time and body, and refuses what is older than five minutes.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping

import msgspec
from msgspec import Struct

LONGEST_BODY = 8 * 1024 * 1024
_LONGEST_ID = 200


class Sent(Struct, frozen=True):
    """What a shop says of a delivery that is its own: the same name each time, and the topic."""

    delivery: str
    topic: str | None


Headers = Mapping[str, str]
"""Headers of a request; their names are in small letters."""


def verified(kind: str, secret: str, headers: Headers, body: bytes) -> Sent | None:
    """Return what a connection of a kind sent; None for what it has not signed, or does not name.

    `kind` is one of KINDS, and `secret` what the environment has for the connection.
    """
    sent = KINDS[kind](secret, headers, body)
    return sent if sent is not None and 0 < len(sent.delivery) <= _LONGEST_ID else None


def _shopify(secret: str, headers: Headers, body: bytes) -> Sent | None:
    if not _is_signed(secret, headers.get("x-shopify-hmac-sha256"), body):
        return None
    return Sent(headers.get("x-shopify-webhook-id", ""), headers.get("x-shopify-topic"))


def _woocommerce(secret: str, headers: Headers, body: bytes) -> Sent | None:
    if not _is_signed(secret, headers.get("x-wc-webhook-signature"), body):
        return None
    return Sent(headers.get("x-wc-webhook-delivery-id", ""), headers.get("x-wc-webhook-topic"))


def _standard(secret: str, headers: Headers, body: bytes) -> Sent | None:
    from standardwebhooks import Webhook, WebhookVerificationError

    try:
        Webhook(secret).verify(body, dict(headers), json_parse=False)
    except (WebhookVerificationError, ValueError):
        # Headers that are no signature at all raise what their decoding raises.
        return None
    return Sent(headers.get("webhook-id", ""), _type_of(body))


KINDS: Mapping[str, Callable[[str, Headers, bytes], Sent | None]] = {
    "shopify": _shopify,
    "woocommerce": _woocommerce,
    "standard_webhooks": _standard,
}
"""The kinds of connections that send webhooks, and how each shows that it has."""


def is_ping(kind: str, body: bytes) -> bool:
    """Whether WooCommerce tries a new address, which is neither signed nor JSON."""
    return kind == "woocommerce" and body.startswith(b"webhook_id=") and body[11:].isdigit()


def _is_signed(secret: str, signature: str | None, body: bytes) -> bool:
    digest = hmac.new(secret.encode(), body, hashlib.sha256).digest()
    expected = base64.b64encode(digest)
    return hmac.compare_digest(expected, (signature or "").encode())


class _Typed(msgspec.Struct):
    type: str | None = None


def _type_of(body: bytes) -> str | None:
    """Return the topic that is in a body, as Standard Webhooks has it."""
    try:
        return msgspec.json.decode(body, type=_Typed).type
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
