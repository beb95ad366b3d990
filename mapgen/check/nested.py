"""Identities inside the parts of a document outside the ERP: their fields become rules there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from mapgen.agreed.paths import names_along, written_name
from mapgen.contract.model import Contract, Entity, Field
from mapgen.ir import flow as ir
from mapgen.report import Diagnostic, Text
from mapgen.report.catalogue import mapping as messages
from mapgen.spec import model as spec


def is_nested(part: spec.IdentityPart, contract: Contract, entity: Entity) -> bool:
    """Whether a field of an identity lies inside a part of the document."""
    path = part.field.value
    return contract.is_plain and path not in entity.fields and len(names_along(path)) > 1


def identity_paths(document: spec.Document, entity: Entity) -> tuple[str, ...]:
    """Return the paths of the fields of an identity, the first one first."""
    names = (part.field.value for part in document.identity.parts)
    return tuple(written_name(name) if name in entity.fields else name for name in names)


def field_inside(
    part: spec.IdentityPart, entity: Entity, contract: Contract, diagnostics: list[Diagnostic]
) -> Field | None:
    """Return the field of an identity inside a part; None where none fits, which is noted."""
    inner: Entity | None = entity
    *around, last = _names(part.field)
    for name in around:
        field = None if inner is None else inner.fields.get(name.value)
        if inner is not None and field is None:
            fields = inner.fields
            diagnostics.append(messages.unknown_member(name, entity=inner.name, known=fields))
            return None
        is_object = field is not None and field.shape == "linked"
        inner = contract.entities.get(field.entity or "") if field and is_object else None
    if inner is not None and last.value not in inner.fields:
        diagnostics.append(messages.unknown_member(last, entity=inner.name, known=inner.fields))
        return None
    found = None if inner is None else inner.fields[last.value]
    if found is None or not found.may_identify:
        known = (*entity.identities, *_identities(entity, contract))
        diagnostic = messages.unfit_identity(
            part.field, entity=entity.name, known=known, way="outside", all="", overlay=""
        )
        diagnostics.append(diagnostic)
        return None
    return found


def _identities(
    entity: Entity, contract: Contract, above: str = "", around: tuple[str, ...] = ()
) -> Iterator[str]:
    """Yield the paths inside the parts of a document that may carry an identity."""
    for field in entity.fields.values():
        path = f"{above}{written_name(field.name)}"
        if above and field.may_identify:
            yield path
        inner = contract.entities.get(field.entity or "") if field.shape == "linked" else None
        if inner is not None and inner.name not in around:
            yield from _identities(inner, contract, f"{path}.", (*around, inner.name))


def with_rules_inside(
    document: spec.Document, entity: Entity, contract: Contract, diagnostics: list[Diagnostic]
) -> spec.Document:
    """Return a document whose parts have rules for what its identity has in them."""
    part = document.part
    for one in document.identity.parts:
        if is_nested(one, contract, entity) and field_inside(one, entity, contract, []) is not None:
            part = _with_rule(part, _names(one.field), one, diagnostics)
    return document if part is document.part else replace(document, part=part)


def identity_inside(
    made: ir.Part, entity: str, part: spec.IdentityPart, diagnostics: list[Diagnostic]
) -> ir.Field | None:
    """Return what was made of the field of an identity; one that may be left out is noted."""
    names = _names(part.field)
    for name in names[:-1]:
        rows = made.member(name.value)
        assert isinstance(rows, ir.Rows)
        if not rows.is_always_set:
            help = f"`{name.value}` may be left out, and an identity is in every document"
            diagnostics.append(
                messages.unfit_identity(
                    part.field, entity=entity, known=(), way="", all="", overlay="", help=help
                )
            )
            return None
        made = rows.blocks[0].part
    field = made.member(names[-1].value)
    assert isinstance(field, ir.Field)
    return field


def _names(path: Text) -> Sequence[Text]:
    """Return the names along a path, each with its place."""
    return [*_parts(path)]


def _parts(path: Text) -> Iterator[Text]:
    at = 0
    for name in names_along(path.value):
        written = written_name(name)
        if not path.value.startswith(written, at):  # in backquotes that it does not need
            written = "`{}`".format(name.replace("`", "``"))
        yield replace(path.part(at, at + len(written)), value=name)
        at += len(written) + 1


def _with_rule(
    part: spec.Part,
    names: Sequence[Text],
    identity: spec.IdentityPart,
    diagnostics: list[Diagnostic],
) -> spec.Part:
    """Return a part with the rule of an identity in it, or in a part of it."""
    first, *rest = names
    known = next((one for one in part.fields if one.target.value == first.value), None)
    if not rest:
        if known is not None:
            diagnostic = messages.two_rules(known.target, field=first.value, first=identity.field)
            diagnostics.append(diagnostic)
        rule = _rule(first, spec.Value(expression=identity.value), identity)
        others = (one for one in part.fields if one is not known)
        return replace(part, fields=(rule, *others))
    if known is None:
        inner = _with_rule(spec.Part.plain(), rest, identity, diagnostics)
        kind = replace(spec.Fixed.plain(), part=inner, key=first, pointer=identity.pointer)
        return replace(part, fields=(*part.fields, _rule(first, kind, identity)))
    if not isinstance(known.kind, spec.Object):
        return part  # that it is no object is reported
    inside = replace(known.kind, part=_with_rule(known.kind.part, rest, identity, diagnostics))
    return replace(
        part,
        fields=tuple(replace(one, kind=inside) if one is known else one for one in part.fields),
    )


def _rule(target: Text, kind: spec.RuleKind, identity: spec.IdentityPart) -> spec.Rule:
    return spec.Rule(
        target=target,
        kind=kind,
        modifiers=spec.Modifiers.plain(),
        span=identity.field.span(),
        pointer=identity.pointer,
    )
