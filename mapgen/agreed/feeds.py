"""The kinds of feeds: where records come from by themselves, a struct each, as `flow.json` has it.

What holds for all feeds of a kind is said by its class: from which formats of sources records may
come (`formats`), which kinds of connections it takes (none: it goes by that of the flow), and
whether records come by themselves (`is_sent`), or are looked for by the schedule.
"""

from __future__ import annotations

import hashlib
from typing import ClassVar

from msgspec import Struct

_MINUTES = 60.0


class _Kind(Struct, frozen=True, omit_defaults=True, tag_field="kind"):
    """What holds for the feeds of a kind that says nothing else."""

    formats: ClassVar[tuple[str, ...]] = ("json",)
    connections: ClassVar[tuple[str, ...]] = ()
    is_sent: ClassVar[bool] = False


class WebhookFeed(_Kind, frozen=True, tag="webhook"):
    """What a connection sends when something changes; of `topics`, or all of it."""

    connections: ClassVar[tuple[str, ...]] = ("shopify", "woocommerce", "standard_webhooks")
    is_sent: ClassVar[bool] = True

    connection: str
    topics: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What tells it from other feeds of its flow."""
        return f"webhook {self.connection}"


class ErpFeed(_Kind, frozen=True, tag="erp"):
    """Records of the ERP that were changed since the last poll by `changed`; without it, all.

    Each poll looks back for `overlap` seconds: what was being saved then has an older time.
    """

    formats: ClassVar[tuple[str, ...]] = ("entity",)

    changed: str | None = None
    overlap: float = 10 * _MINUTES

    @property
    def name(self) -> str:
        """What tells it from other feeds of its flow."""
        return "erp"


class PushFeed(_Kind, frozen=True, tag="push"):
    """Push notifications of the ERP for a query, whose rows hold the keys of changed records."""

    formats: ClassVar[tuple[str, ...]] = ("entity",)
    is_sent: ClassVar[bool] = True

    query: str

    @property
    def name(self) -> str:
        """What tells it from other feeds of its flow."""
        return f"push {self.query}"


class FilesFeed(_Kind, frozen=True, tag="files"):
    """Files that arrive in a folder, and are moved to `done` in it once they are taken.

    The folder is one of the workspace, or of the place that `at` leads to, a connection. A file is
    whole once it has been as it is for `still` seconds.
    """

    formats: ClassVar[tuple[str, ...]] = ("json", "csv", "xlsx")
    connections: ClassVar[tuple[str, ...]] = ("sftp", "s3")

    folder: str
    pattern: str = "*"
    done: str = "done"
    still: float = 2.0
    at: str | None = None

    @property
    def name(self) -> str:
        """What tells it from other feeds of its flow."""
        where = self.folder if self.at is None else f"{self.at}:{self.folder}"
        return f"files {where}/{self.pattern}"


class TapFeed(_Kind, frozen=True, tag="tap"):
    """A stream of a Singer tap, a program of its own; its STATE is the cursor.

    One that says nothing for `timeout` seconds is ended.
    """

    command: tuple[str, ...]
    stream: str
    timeout: float = 10 * _MINUTES

    @property
    def name(self) -> str:
        """What tells it from other feeds of its flow."""
        return f"tap {self.command[0]} {self.stream}"


class SqlFeed(_Kind, frozen=True, tag="sql"):
    """Rows of a database that a query gives: those changed since the last poll by a column.

    Without the column `cursor`, all rows each time. Each poll looks back: for `overlap` seconds
    where the column holds moments, by `back` where it holds numbers.
    """

    connections: ClassVar[tuple[str, ...]] = ("sql",)

    connection: str
    query: str
    cursor: str | None = None
    overlap: float | None = None
    back: int | None = None

    @property
    def name(self) -> str:
        """What tells it from other feeds of its flow; another query begins anew."""
        words = " ".join((*self.query.split(), self.cursor or ""))
        return f"sql {self.connection} {hashlib.sha256(words.encode()).hexdigest()[:8]}"


class Pages(Struct, frozen=True, omit_defaults=True):
    """How the pages of a list follow each other, by its `Link` header where nothing is said.

    `next` is the member of an answer with the address of the next page, or with what `parameter`
    takes for it. Without it, `parameter` counts pages from `first` on, or records (`is_offset`).
    """

    next: str | None = None
    parameter: str | None = None
    first: int = 1
    is_offset: bool = False


class HttpFeed(_Kind, frozen=True, tag="http"):
    """Records of an API: those changed since the last poll by the member `cursor`.

    They are asked for by the parameter `since`; without a cursor, all records come each time. Each
    poll looks back: for `overlap` seconds where the member is a moment, by `back` where it is a
    number. `records` is the member of an answer that holds their list; without it, the answer is.
    """

    connections: ClassVar[tuple[str, ...]] = ("http", "shopify", "woocommerce")

    connection: str
    path: str
    parameters: dict[str, str] = {}
    records: str | None = None
    cursor: str | None = None
    since: str | None = None
    overlap: float | None = None
    back: int | None = None
    pages: Pages = Pages()

    @property
    def name(self) -> str:
        """What tells it from other feeds of its flow; other parameters begin anew."""
        asked = repr((sorted(self.parameters.items()), self.cursor, self.since))
        return (
            f"http {self.connection} {self.path} {hashlib.sha256(asked.encode()).hexdigest()[:8]}"
        )


class InquiryFeed(_Kind, frozen=True, tag="inquiry"):
    """Rows of a generic inquiry of the ERP, by OData: those changed since by the column `cursor`.

    Without a cursor, all rows come each time. Each poll looks back for `overlap` seconds.
    """

    inquiry: str
    cursor: str | None = None
    overlap: float = 10 * _MINUTES

    @property
    def name(self) -> str:
        """What tells it from other feeds of its flow; another cursor begins anew."""
        return f"inquiry {self.inquiry} {self.cursor or 'all'}"


Feed = InquiryFeed | WebhookFeed | ErpFeed | PushFeed | FilesFeed | TapFeed | SqlFeed | HttpFeed
