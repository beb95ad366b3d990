"""Turns a refusal of the ERP into located errors: field, rule, source path."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

import msgspec
from msgspec import Struct

from mapgen.agreed.paths import written_name
from mapgen.runtime.masking import MASKED, Masker, masker
from mapgen.runtime.network.reading import Unreadable, decoded
from mapgen.runtime.outcome import ONLY, ErrorReport
from mapgen.runtime.rules import Rules
from mapgen.runtime.targets import codes
from mapgen.runtime.tenant.verifying import Difference

_MOST_FAULTS = 100
_MOST_SHOWN = 200
_LEAF_MEMBERS = frozenset({"value", "error", "type"})


class _Refused(Struct, frozen=True):
    """One `error` of the body: where, what it says, the value beside it if it is a field."""

    target: str
    message: str
    value: object
    is_field: bool


class Reporter(Struct, frozen=True):
    """Writes the reports of refused documents, personal values masked by the flow's rules.

    `name` is what the flow calls the document.
    """

    rules: Rules
    name: str = ONLY

    def fields(self, answer: bytes, body: bytes) -> tuple[ErrorReport, ...]:
        """Report each `error` in the entity that a 422 echoes, however deep it sits.

        The head of a part only says that something in it is wrong; it is left out where a field in
        it tells what. An answer that is no entity gives no report.
        """
        refused = _refused_in(answer)
        fields = [one for one in refused if one.is_field]
        heads = [one for one in refused if not one.is_field and not _is_told(one, fields)]
        personal = masker(self._personal(body))
        return tuple(self._report(one, personal) for one in (fields + heads)[:_MOST_FAULTS])

    def otherwise(
        self, found: Sequence[Difference], body: bytes, document: str
    ) -> tuple[ErrorReport, ...]:
        """Report what the ERP has not saved as it was sent; `document` is what the ERP calls it."""
        if not found:
            return ()
        personal = masker(self._personal(body))
        return tuple(self._otherwise(one, personal, document) for one in found[:_MOST_FAULTS])

    def _otherwise(self, one: Difference, personal: Masker | None, document: str) -> ErrorReport:
        is_dropped = one.saved is None
        saved = "" if is_dropped else _words(one.saved)
        rule, indices = self.rules.find(one.target, self.name) or (None, ())
        is_personal = rule is not None and rule.is_personal
        saved = MASKED if is_personal else _shortened(_mask(saved, personal))
        sent = MASKED if is_personal else _shortened(_words(one.sent))
        what = "has no value there" if is_dropped else f"has `{saved}` there"
        return ErrorReport(
            codes.SAVED_OTHERWISE,
            f"saved as {document}, but the ERP {what}, not what was sent",
            one.target,
            None if rule is None else rule.source_path(indices),
            sent,
            None if rule is None else rule.spec,
        )

    def document(self, code: str, message: str, body: bytes, *, retry: bool = False) -> ErrorReport:
        """Report an error of the document as a whole, in words that may quote its values."""
        return ErrorReport(code, _mask(message, masker(self._personal(body))), retry=retry)

    def _report(self, refused: _Refused, personal: Masker | None) -> ErrorReport:
        message = _mask(refused.message.strip(), personal)
        if not refused.target:
            return ErrorReport(codes.DOCUMENT_REFUSED, message)
        found = self.rules.find(refused.target, self.name)
        value = None if refused.value is None else _mask(_words(refused.value), personal)
        if found is None:
            # A field that no rule sets holds what the ERP itself put there, of what it was sent.
            return ErrorReport(codes.FIELD_REFUSED, message, refused.target, value=value)
        rule, indices = found
        if rule.is_personal and value:
            message = _mask(message, masker({_words(refused.value)}))
            value = MASKED
        source_path = rule.source_path(indices)
        return ErrorReport(
            codes.FIELD_REFUSED,
            message,
            refused.target,
            source_path,
            value,
            rule.spec,
            rule.may_come,
        )

    def _personal(self, body: bytes) -> set[str]:
        """Return the personal values of a document."""
        return {
            value
            for target, value in _leaves(msgspec.json.decode(body), "")
            if (found := self.rules.find(target, self.name)) is not None and found[0].is_personal
        }


def names_a_field(answer: bytes) -> bool:
    """Whether the entity of an answer has an error on a field."""
    return any(one.is_field for one in _refused_in(answer))


def _refused_in(answer: bytes) -> list[_Refused]:
    try:
        echo: Any = decoded(answer, dict[str, Any])
    except Unreadable:
        return []
    return list(_walk(echo, ""))


def _is_told(head: _Refused, fields: Sequence[_Refused]) -> bool:
    """Whether a field of the part that this is the head of has an error itself."""
    return any(not head.target or one.target.startswith(f"{head.target}.") for one in fields)


def _walk(part: Any, path: str) -> Iterator[_Refused]:
    """Yield every `error` in an entity of the contract-based API."""
    match part:
        case list():
            for at, row in enumerate(part):
                yield from _walk(row, f"{path}[{at}]")
        case dict() if path and part.keys() <= _LEAF_MEMBERS:
            if part.get("error"):
                yield _Refused(path, str(part["error"]), part.get("value"), True)
        case dict():
            if isinstance(part.get("error"), str) and part["error"]:
                yield _Refused(path, part["error"], None, False)
            for name, member in part.items():
                if not name.startswith("_"):
                    yield from _walk(member, f"{path}.{name}" if path else name)
        case _:
            pass


def _leaves(part: Any, path: str) -> Iterator[tuple[str, str]]:
    """Yield the path and the words of each value, wrapped as the ERP wants it or plain."""
    match part:
        case list():
            for at, row in enumerate(part):
                yield from _leaves(row, f"{path}[{at}]" if isinstance(row, dict) else path)
        case dict():
            is_wrapped = "value" in part and part.keys() <= _LEAF_MEMBERS
            for name, member in part.items():
                if not is_wrapped or name == "value":
                    inner = written_name(name)
                    yield from _leaves(member, f"{path}.{inner}" if path else inner)
        case str() | int() | Decimal() | float() if not isinstance(part, bool):
            yield path, _words(part)
        case _:
            pass


def _words(value: object) -> str:
    if isinstance(value, str | Decimal):
        return str(value)
    return msgspec.json.encode(value).decode()


def _shortened(words: str) -> str:
    return words if len(words) <= _MOST_SHOWN else f"{words[:_MOST_SHOWN]}…"


def _mask(message: str, personal: Masker | None) -> str:
    return message if personal is None else personal.masked(message)
