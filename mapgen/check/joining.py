"""What records are joined by where that is calculated: expressions in, the ir of the keys out."""

from __future__ import annotations

from collections.abc import Iterator

from mapgen.check.composing import is_calculated, kind_words
from mapgen.check.formulas import Formulas
from mapgen.contract.source_schema import SourceSchema
from mapgen.expression.scope import Binding, Scope, at
from mapgen.expression.typed import Typed
from mapgen.ir import flow as ir
from mapgen.ir import types
from mapgen.report.catalogue import sources as words
from mapgen.spec import model as spec

_JOINABLE = (types.STRING, types.INT)


def join_keys(
    section: spec.MappingSection, schema: SourceSchema, formulas: Formulas, scope: Scope
) -> Iterator[ir.JoinKey]:
    """Yield the keys of joins that are calculated, of what a record has before anything is joined.

    Args:
        section: with the joins.
        schema: of a record with all that is joined.
        formulas: compiles the expressions; its errors grow.
        scope: what rules may name.
    """
    source = section.source
    joined = {join.name.value for join in source.joins}
    own = {name: kind for name, kind in schema.record.fields.items() if name not in joined}
    name = source.name.value
    inner = scope.with_(name, Binding(types.Object(schema.record.name, own), at(name)))
    for number, join in enumerate(source.joins):
        of = types.held(schema.record.fields[join.name.value])
        known = of.fields if isinstance(of, types.Object) else {}
        for place, pair in enumerate(join.on):
            if pair.member.value not in known or not is_calculated(pair, source, schema.record):
                continue
            typed = formulas.whole(pair.of, inner)
            if typed is not None and _is_fit(pair, typed, known[pair.member.value], formulas):
                function = f"join_key_{number + 1}_{place + 1}"
                code, kind = typed.code, typed.type
                yield ir.JoinKey(
                    join.name.value, pair.member.value, function, code, kind, typed.reads
                )


def _is_fit(pair: spec.JoinKey, typed: Typed, member: types.Type, formulas: Formulas) -> bool:
    """Whether an expression may equal a member; if not, it is reported."""
    kind, other = types.present(typed.type), types.present(member)
    if kind == types.ERROR or other == types.ERROR:
        return False
    if kind not in _JOINABLE:
        formulas.refuse(pair.of, typed, "a part of a key", "a string or an int")
    elif kind != other and other in _JOINABLE:
        diagnostic = words.key_types_differ(
            pair.of, member=pair.member, kind=kind_words(other), other=kind_words(kind)
        )
        formulas.diagnostics.append(diagnostic)
    return kind == other
