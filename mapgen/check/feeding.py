"""Where records come from by themselves: each feed fits the source, and its connection exists."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from mapgen.agreed.feeds import ErpFeed, Feed
from mapgen.check.auth import check_connection_of, check_sender, kind_of
from mapgen.check.filing import check_folder
from mapgen.check.model import Surroundings
from mapgen.contract.source_schema import EntitySource, SourceSchema
from mapgen.ir import types
from mapgen.report import Diagnostic, Text
from mapgen.report.catalogue import feeding as messages
from mapgen.spec import model as spec

CHANGED = ("LastModifiedDateTime", "LastModified")
"""What the ERP calls the field that says when a record was changed, in contract version 4."""

_SELECT = re.compile(r"\s*(select|with)\b", re.IGNORECASE)


def check_feeds(
    flow: spec.Spec, around: Surroundings, schema: SourceSchema | None
) -> Iterator[Diagnostic]:
    """Yield the errors of the feeds of a flow."""
    source = flow.mapping.source
    known: dict[str, spec.Feed] = {}
    for feed in source.feeds:
        first = known.setdefault(feed.plan.name, feed)
        if first is not feed:
            yield messages.feed_twice(feed.span, name=feed.plan.name, first=first.span)
        yield from _form(feed, source)
        if feed.connection is not None:
            is_asked = not feed.plan.is_sent
            takes = feed.plan.connections
            yield from check_connection_of(feed.connection, around, takes, is_asked=is_asked)
            yield from _kind(feed, around)
        yield from _sender(feed, flow.auth, around)
        if isinstance(feed, spec.FilesFeed) and feed.connection is None:
            yield from check_folder(feed.folder)
        if isinstance(feed, spec.SqlFeed) and not _SELECT.match(feed.query.value):
            yield messages.no_query(feed.query)
        if isinstance(feed, spec.SqlFeed | spec.HttpFeed | spec.InquiryFeed) and feed.read:
            since = feed.since if isinstance(feed, spec.HttpFeed) else ()
            yield from (messages.idle_cursor(one) for one in (feed.cursor, since) if one)
        if isinstance(feed, spec.ChangedFeed) and schema is not None and schema.entity is not None:
            yield from _field(feed, schema.entity)
        if isinstance(feed, spec.InquiryFeed) and feed.cursor and schema is not None:
            yield from _column(feed, feed.cursor, schema)
    if source.feeds and not _is_scheduled(flow.performance):
        yield from _unstarted(source.feeds, flow.performance.mode)


def feeds(flow: spec.Spec, schema: SourceSchema) -> Iterator[Feed]:
    """Yield the feeds of a flow; what comes out of the ERP by a schedule is polled by itself."""
    written = flow.mapping.source.feeds
    yield from (feed.plan for feed in written)
    is_polled = any(isinstance(feed.plan, ErpFeed) for feed in written)
    if schema.entity is None or is_polled or not _is_scheduled(flow.performance):
        return
    fields = schema.entity.entity.fields
    yield ErpFeed(next((name for name in CHANGED if name in fields), None))


def _is_scheduled(performance: spec.Performance) -> bool:
    schedule = performance.schedule
    return schedule is not None and not schedule.value.startswith("on demand")


def _unstarted(feeds: Iterable[spec.Feed], mode: Text) -> Iterator[Diagnostic]:
    """Yield what nothing starts where there is no schedule."""
    if mode.value == "batch":
        yield messages.never_started(mode)
        return
    for feed in feeds:
        if not feed.plan.is_sent:
            yield messages.never_looked_at(feed.span)


def _form(feed: spec.Feed, source: spec.SourceClause) -> Iterator[Diagnostic]:
    """Yield why records of a source cannot come by a feed."""
    form = "entity" if source.has_contract else source.form.name
    if form not in feed.plan.formats:
        takes = feed.plan.formats
        yield messages.unfit_feed(feed.span, form=form, takes=takes)
    for join in source.joins:
        if join.file is not None:
            yield messages.nothing_to_join(feed.span, name=join.name.value, join=join.name.span())


def _kind(feed: spec.Feed, around: Surroundings) -> Iterator[Diagnostic]:
    assert feed.connection is not None
    kind = kind_of(feed.connection, around)
    takes = feed.plan.connections
    if kind is not None and kind not in takes:
        yield messages.unfit_connection(feed.connection, kind=kind, takes=takes)


def _sender(feed: spec.Feed, auth: spec.Auth, around: Surroundings) -> Iterator[Diagnostic]:
    """Yield where nothing would show that what comes is sent by the system of a feed."""
    name = feed.connection or auth.target
    takes = feed.plan.connections
    if feed.plan.is_sent and (not takes or kind_of(name, around) in takes):
        yield from check_sender(name, around)


def _column(feed: spec.InquiryFeed, cursor: Text, schema: SourceSchema) -> Iterator[Diagnostic]:
    """Yield the error of a column by which nobody can tell what has changed."""
    columns = schema.record.fields
    moments = [name for name, held in columns.items() if types.present(held) == types.TIMESTAMP]
    if cursor.value not in moments:
        yield messages.no_moment(cursor, entity=feed.inquiry.value, known=moments)


def _field(feed: spec.ChangedFeed, source: EntitySource) -> Iterator[Diagnostic]:
    """Yield the error of a field by which nobody can tell what has changed."""
    moments = [
        name for name, field in source.entity.fields.items() if field.value_type == "datetime"
    ]
    if feed.changed.value not in moments:
        yield messages.no_moment(feed.changed, entity=source.entity.name, known=moments)
