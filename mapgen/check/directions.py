"""Which way a flow goes: into the ERP, or out of it; and what holds only for one of the two."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from operator import ge, gt, le, lt

from mapgen.agreed.feeds import InquiryFeed
from mapgen.contract.model import Comparison, Contract, Field
from mapgen.contract.source_schema import SourceSchema
from mapgen.ir.names import python_name
from mapgen.report import Diagnostic, Span, Text
from mapgen.report.catalogue import mapping, outward, schemas
from mapgen.runtime.patterns import Pattern
from mapgen.spec import model as spec
from mapgen.spec.nodes import ScalarNode

HOLDS: Mapping[Comparison, Callable[[Decimal, Decimal], bool]] = {
    "<": lt,
    "<=": le,
    ">": gt,
    ">=": ge,
}


def contract_of_the_erp(contract: Contract | None, schema: SourceSchema | None) -> Contract | None:
    """Return the ERP's contract: the target's, else that of what comes from there."""
    if contract is not None and not contract.is_plain:
        return contract
    if schema is None:
        return None
    sources = (schema.entity, *schema.joined.values())
    return next((one.contract for one in sources if one is not None), None)


def nothing_of_the_erp(section: spec.MappingSection) -> Iterator[Diagnostic]:
    """Yield the error of a flow that neither comes out of the ERP nor goes into it."""
    target = section.documents[0].target
    is_joined = any(join.entity is not None for join in section.source.joins)
    is_inquired = any(isinstance(one.plan, InquiryFeed) for one in section.source.feeds)
    is_asked = section.source.has_contract or is_joined or is_inquired
    if not (target.kind.has_contract or is_asked):
        yield outward.nothing_of_the_erp(target.contract, source=section.source.schema)


def idle_verify(security: spec.Security, section: spec.MappingSection) -> Iterator[Diagnostic]:
    """Yield the error of a comparison with what the ERP saved in a flow that writes elsewhere."""
    if security.verify is not None and not all(
        one.target.kind.keeps_documents for one in section.documents
    ):
        why = "has no effect: documents that go elsewhere are not compared with an answer"
        yield mapping.unfit_modifier(security.verify, name="verify", why=why)


def idle_ignores(ignores: Iterable[spec.Ignore]) -> Iterator[Diagnostic]:
    """Yield the errors of ignores of records of the ERP: what no rule reads is not asked for."""
    for ignore in ignores:
        why = "has no effect: only what the rules read is asked of the ERP"
        yield mapping.unfit_modifier(ignore.path, name="ignore", why=why)


def only_in_the_erp(part: spec.Part, contract: Contract) -> Iterator[Diagnostic]:
    """Yield the parts of a plain document that only records of the ERP have."""
    if contract.is_plain:
        names: list[tuple[Text, str]] = [(rule.target, "custom") for rule in part.custom]
        names += [(part.note.target, "note")] if part.note is not None else []
        for name, what in names:
            yield outward.only_in_the_erp(name, what=what)


def meeting_members(part: spec.Part, contract: Contract) -> Iterator[Diagnostic]:
    """Yield the members of a plain document that would be one member in Python."""
    seen: dict[str, Text] = {}
    for rule in part.fields if contract.is_plain else ():
        first = seen.setdefault(python_name(rule.target.value), rule.target)
        if first.value != rule.target.value:
            yield outward.members_that_meet(rule.target, first=first)


# What names of members are written without: it would have to be escaped in JSON.
_UNWRITABLE = re.compile(r'["\\\x00-\x1f\ud800-\udfff]')


def unusable_members(names: Iterable[Text]) -> Iterator[Diagnostic]:
    """Yield the errors of members of a document that generated code cannot write."""
    for name in names:
        if _UNWRITABLE.search(name.value):
            yield schemas.unusable_name(name, name=name.value)


def disallowed(value: ScalarNode, field: Field) -> Iterator[Diagnostic]:
    """Yield the error of a constant that a target schema does not allow."""
    if not _is_allowed(value, field):
        choices = field.allowed.choices
        yield outward.not_allowed(
            value.span, field=field.name, it=value.value, known=choices, form=_form(field)
        )


def disallowed_entries(texts: Iterable[str], span: Span, field: Field) -> Iterator[Diagnostic]:
    """Yield the errors of what an inline table gives and a target schema does not allow."""
    choices = field.allowed.choices
    for value in dict.fromkeys(texts) if choices else ():
        if value not in choices:
            yield outward.not_allowed(
                span, field=field.name, it=value, known=choices, form=_form(field)
            )


def _is_allowed(value: ScalarNode, field: Field) -> bool:
    """Whether a constant is one of those that a target schema allows."""
    allowed = field.allowed
    if allowed.choices and value.value not in allowed.choices:
        return False
    if allowed.pattern is not None and not Pattern(allowed.pattern).is_in(value.value):
        return False
    if not allowed.bounds or value.kind not in ("integer", "number"):
        return True
    number = Decimal(value.value)
    return all(HOLDS[sign](number, Decimal(bound)) for sign, bound in allowed.bounds)


def _form(field: Field) -> str:
    """Return what a value has to be, in words: a pattern, or bounds."""
    if field.allowed.pattern is not None:
        return f"text of the pattern `{field.allowed.pattern}`"
    return "a number " + " and ".join(f"{sign} {bound}" for sign, bound in field.allowed.bounds)
