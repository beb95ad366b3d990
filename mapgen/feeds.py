"""The kinds of feeds: where records come from by themselves, a struct each, as `flow.json` has it.

What holds for all feeds of a kind is said by its class: from which formats of sources records may
come (`formats`), whether other files may be joined to them, and which kinds of connections it takes
(none: it goes by that of the flow).
"""

from __future__ import annotations

from typing import ClassVar

from msgspec import Struct

_MINUTES = 60.0


class WebhookFeed(Struct, frozen=True, omit_defaults=True, tag_field="kind", tag="webhook"):
    """What a connection sends when something changes; of `topics`, or all of it."""

    formats: ClassVar[tuple[str, ...]] = ("json",)
    connections: ClassVar[tuple[str, ...]] = ("shopify", "woocommerce", "standard_webhooks")

    connection: str
    topics: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What tells it from other feeds of its flow."""
        return f"webhook {self.connection}"


class ErpFeed(Struct, frozen=True, omit_defaults=True, tag_field="kind", tag="erp"):
    """Records of the ERP that were changed since the last poll by `changed`; without it, all.

    Each poll looks back for `overlap` seconds: what was being saved then has an older time.
    """

    formats: ClassVar[tuple[str, ...]] = ("entity",)
    connections: ClassVar[tuple[str, ...]] = ()

    changed: str | None = None
    overlap: float = 10 * _MINUTES

    @property
    def name(self) -> str:
        """What tells it from other feeds of its flow."""
        return "erp"


class PushFeed(Struct, frozen=True, omit_defaults=True, tag_field="kind", tag="push"):
    """Push notifications of the ERP for a query, whose rows hold the keys of changed records."""

    formats: ClassVar[tuple[str, ...]] = ("entity",)
    connections: ClassVar[tuple[str, ...]] = ()

    query: str

    @property
    def name(self) -> str:
        """What tells it from other feeds of its flow."""
        return f"push {self.query}"


Feed = WebhookFeed | ErpFeed | PushFeed
