"""The kinds of targets: what a spec, a command and the runtime ask of one, a row each."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct


class TargetKind(Struct, frozen=True):
    """What holds for documents that go to a kind of target.

    It `has_contract` where a pinned contract says what they are, else a JSON Schema does. It
    `wraps_values` in objects, `{"value": …}`. It `keeps_documents` where one that was sent is found
    again by its identity: that takes rights, others may write it too, and it can be compared. It
    `is_delivered` where `run` brings documents there; it `takes_portions` where many go at a time,
    and none is asked for again.
    """

    name: str
    has_contract: bool = False
    wraps_values: bool = False
    keeps_documents: bool = False
    is_delivered: bool = False
    takes_portions: bool = False


TARGETS: Mapping[str, TargetKind] = {
    kind.name: kind
    for kind in (
        TargetKind(
            "erp", has_contract=True, wraps_values=True, keeps_documents=True, is_delivered=True
        ),
        TargetKind("json"),
        TargetKind("http", is_delivered=True),
        TargetKind("file", is_delivered=True, takes_portions=True),
    )
}
