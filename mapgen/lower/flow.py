"""A Checked flow in, the ir of it out: nothing is left to decide, nothing can fail any more."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal, cast

from msgspec import Struct, field
from msgspec.structs import replace

from mapgen.check import model as checked
from mapgen.check.rules import WHOLE_RANGES
from mapgen.check.sources import Paths, leaf_paths
from mapgen.escaping import code
from mapgen.expression import Binding, Scope, Typed, compile_expression, types
from mapgen.expression.tree import Method
from mapgen.expression.types import Type, optional, present
from mapgen.ir import expression as tree
from mapgen.ir import flow as ir
from mapgen.ir.names import RESERVED_CLASSES, class_name, local_name, made_name
from mapgen.lower.deciding import decided_flow
from mapgen.lower.expression import lower_expression
from mapgen.lower.reading import entity_reads
from mapgen.lower.rewriting import over_document, renumbered, substituted, variables
from mapgen.lower.samples import Samples, path_of_rows, rule_examples
from mapgen.lower.source import group, joins, needed_joins, source_objects
from mapgen.lower.tables import tables
from mapgen.lower.types import parameter_type
from mapgen.report import Text
from mapgen.spec import model as spec
from mapgen.spec.nodes import ScalarNode

_KINDS: dict[str, ir.ValueKind] = {
    "string": "string",
    "guid": "string",
    "single_select": "select",
    "multi_select": "select",
    "decimal": "decimal",
    "double": "decimal",
    "int": "int",
    "short": "int",
    "byte": "int",
    "long": "int",
    "boolean": "boolean",
    "date": "date",
    "datetime": "datetime",
}


def lower(flow: checked.Checked, samples: Samples) -> ir.Flow:
    """Return the ir of a flow.

    Args:
        flow: the flow, found right.
        samples: its examples and rejects, read from the files beside the spec.
    """
    section = flow.spec.mapping
    lowering = _Lowering(flow)
    lets = tuple(lowering.let(let) for let in flow.lets)
    documents = tuple(lowering.documents())
    key = lower_expression(flow.key)
    skips = tuple(
        ir.Skip(lower_expression(skip.typed), skip.because, skip.reads, skip.pointer)
        for skip in flow.skips
    )
    objects = source_objects(flow.schema, (*flow.reads, *needed_joins(section.source)))
    source = flow.schema.entity
    found = ir.Flow(
        name=flow.spec.flow.value,
        summary=flow.spec.summary.value,
        owner=flow.spec.owner.value,
        spec_path=flow.spec.source.path,
        source_name=section.source.name.value,
        envelope=section.source.form.envelope,
        format="csv" if section.source.is_csv else "json",
        delimiter=section.source.form.cells_end_at,
        is_quoted=section.source.form.is_quoted,
        joins=tuple(joins(section.source, flow.schema.record, lowering.is_personal)),
        group=group(section.source),
        source_objects=objects,
        endpoint=flow.contract.endpoint,
        endpoint_version=flow.contract.version,
        contract_version=flow.contract.contract_version,
        settings=tuple(ir.Setting(name, str(kind)) for name, kind in flow.settings.items()),
        tables=tuple(tables(section, flow.contract)),
        lets=lets,
        skips=skips,
        key=key,
        key_is_number=flow.key.type == types.INT,
        documents=documents,
        personal=flow.personal,
        ignored=tuple(_ignored(section, flow.schema.record)),
        examples=samples.examples,
        rejects=samples.rejects,
        rule_examples=tuple(
            example
            for document in flow.documents
            for example in rule_examples(document.part, path_of_rows(document.rows))
        ),
        test_settings=samples.settings,
        operations=_operations(flow),
        reads=None if source is None else entity_reads(source, flow.schema.record, flow.reads),
    )
    return decided_flow(found)


def _ignored(section: spec.MappingSection, record: types.Object) -> Iterator[ir.Ignored]:
    leaves = Paths.of(leaf_paths(record, section.source.name.value))
    for ignore in section.ignores:
        caught = tuple(leaves.under(ignore.path.value))
        yield ir.Ignored(ignore.path.value, ignore.reason.value, caught)


def _with_identity(document: checked.CheckedDocument) -> checked.CheckedPart:
    part = document.part
    members = (document.identity, *part.members)
    return checked.CheckedPart(part.entity, members, part.custom, part.note)


class _Lowering(Struct, frozen=True):
    """Lowers the parts of one flow; `flow` tells the types of what parts share.

    `names` are the classes of parts given out so far, `blocks` those of parts that blocks share by
    their target, `functions` what builds the parts of blocks.
    """

    flow: checked.Checked
    names: set[str] = field(default_factory=set)
    blocks: dict[str, str] = field(default_factory=dict)
    functions: set[str] = field(default_factory=set)

    def documents(self) -> Iterator[ir.Document]:
        """Yield the documents that a record becomes, in the order of the flow."""
        classes = document_classes(self.flow.documents)
        self.names.update(classes.values())
        if self.flow.documents[0].name != ir.ONLY:
            self.names.add("Documents")
            self.names.update(class_name(document.name) for document in self.flow.documents)
        for document in self.flow.documents:
            yield self._document(document, classes[document.name])

    def _document(self, document: checked.CheckedDocument, name: str) -> ir.Document:
        entity, rows = document.entity, document.rows
        outer: dict[str, Type] = {}
        if rows is not None:
            outer[rows.alias] = cast(types.ListOf, present(rows.source.type)).element
        emptied = _emptied(document.part)
        checks = tuple(self.check(check, emptied) for check in document.checks)
        is_only = document.name == ir.ONLY
        function = "transform" if is_only else f"{document.name}_from"
        part = self.part(_with_identity(document), name, function, outer)
        if not is_only:
            part = replace(part, parameters=self._parameters(outer, (part, checks)))
        return ir.Document(
            name=document.name,
            pointer=document.spec.pointer,
            entity=entity.name,
            entity_keys=entity.keys,
            operation=document.spec.target.operation.value,
            identity=document.identity.field.name,
            identity_scope=document.constant_keys,
            part=part,
            checks=checks,
            when=_condition(document),
            rows=_document_rows(document),
            after=tuple(name.value for name in document.spec.after),
            owner=None if document.spec.owner is None else document.spec.owner.value,
        )

    def part(
        self, part: checked.CheckedPart, name: str, function: str, outer: dict[str, Type]
    ) -> ir.Part:
        """Return an entity under construction.

        Args:
            part: its members.
            name: its class.
            function: what builds it.
            outer: the names of rows and objects around it.
        """
        note = None if part.note is None else self.field(part.note)
        members = tuple(self._member(member, outer) for member in part.members)
        custom = tuple(self._custom(rule) for rule in part.custom)
        parameters = self._parameters(outer, (members, custom, note))
        return ir.Part(
            part.entity.name, class_name(name), function, parameters, members, custom, note
        )

    def _parameters(self, outer: dict[str, Type], code: object) -> tuple[ir.Parameter, ...]:
        """Return what the code of a part uses of what it may use."""
        kinds = {**self._shared(), **outer}
        known = {name: parameter_type(kind) for name, kind in kinds.items()}
        made = [made_name(one.name) for one in self.flow.documents]
        known |= {name: ir.ParameterType(name) for name in made}
        used = dict.fromkeys(variables(code))
        return tuple(
            ir.Parameter(variable, kind) for variable, kind in known.items() if variable in used
        )

    def _shared(self) -> dict[str, Type]:
        """Return what every part may use besides the settings: the record and the lets."""
        source = self.flow.spec.mapping.source.name.value
        lets = {let.name: let.typed.type for let in self.flow.lets}
        return {source: self.flow.schema.record, **lets}

    def _member(self, member: checked.Member, outer: dict[str, Type]) -> ir.Member:
        match member:
            case checked.CheckedRule():
                return self.field(member)
            case checked.CheckedObject():
                return self._object(member, outer)
            case checked.CheckedEach():
                return self._rows(member, outer)
            case checked.CheckedBlocks():
                return self._blocks(member, outer)

    def _object(self, member: checked.CheckedObject, outer: dict[str, Type]) -> ir.ObjectPart:
        local = local_name(member.field.name)
        source, alias = member.source, member.alias
        inner = dict(outer)
        if source is not None and alias is not None:
            inner[alias] = present(source.type)
        name = self._new_name(member.field.name, member.target)
        part = self.part(member.part, name, self._new_function(f"{local_name(name)}_from"), inner)
        return ir.ObjectPart(
            target=member.target,
            name=member.field.name,
            local=local,
            source=None if source is None else lower_expression(source),
            may_be_missing=source is not None and isinstance(source.type, types.Optional),
            alias=alias,
            part=part,
            reads=member.reads,
            pointer=member.rule.pointer,
            is_written_once=member.rule.modifiers.write_once is not None,
        )

    def _rows(self, member: checked.CheckedEach, outer: dict[str, Type]) -> ir.RowsPart:
        local = local_name(member.field.name)
        listed = cast(types.ListOf, present(member.source.type))
        inner = {**outer, member.alias: listed.element}
        name = self._new_name(member.part.entity.name, member.target)
        function = self._new_function(f"{local_name(name)}_from")
        return ir.RowsPart(
            target=member.target,
            name=member.field.name,
            local=local,
            source=lower_expression(member.source),
            may_be_missing=isinstance(member.source.type, types.Optional),
            alias=member.alias,
            where=None if member.where is None else lower_expression(member.where),
            where_words=_condition_words(cast(spec.Each, member.rule.kind).where),
            at_least=max(member.at_least, member.field.least),
            unique=member.unique,
            row_key=member.row_key,
            part=self.part(member.part, name, function, inner),
            reads=member.reads,
            pointer=member.rule.pointer,
            is_written_once=member.rule.modifiers.write_once is not None,
        )

    def _blocks(self, member: checked.CheckedBlocks, outer: dict[str, Type]) -> ir.BlocksPart:
        entity = member.blocks[0].part.entity.name
        name = self._new_name(entity, member.target)
        return ir.BlocksPart(
            target=member.target,
            name=member.field.name,
            local=local_name(member.field.name),
            blocks=tuple(
                self._block(member, block, name, outer, _condition_words(written.condition))
                for block, written in zip(
                    member.blocks, cast(spec.Blocks, member.rule.kind).blocks, strict=True
                )
            ),
            at_least=member.at_least,
            unique=member.unique,
            row_key=member.row_key,
            reads=member.reads,
            pointer=member.rule.pointer,
            is_written_once=member.rule.modifiers.write_once is not None,
        )

    def _block(
        self,
        member: checked.CheckedBlocks,
        block: checked.CheckedBlock,
        name: str,
        outer: dict[str, Type],
        words: str | None,
    ) -> ir.Block:
        local, source, inner = local_name(member.field.name), block.source, dict(outer)
        function = f"single_{local_name(name)}"
        if source is not None and block.alias is not None:
            inner[block.alias] = cast(types.ListOf, present(source.type)).element
            function = f"{local_name(name)}_from_{block.alias}"
        for target in _targets(block.part):
            self.blocks.setdefault(target, "")
        return ir.Block(
            local=f"{block.alias or 'single'}_{local}",
            source=None if source is None else lower_expression(source),
            may_be_missing=source is not None and isinstance(source.type, types.Optional),
            alias=block.alias,
            condition=None if block.condition is None else lower_expression(block.condition),
            words=words,
            part=self.part(block.part, name, self._new_function(function), inner),
            reads=block.reads,
            pointer=block.pointer,
        )

    def _new_function(self, name: str) -> str:
        """Return a name for what builds a part: blocks share a class, and not what builds it."""
        candidate, number = name, 1
        while candidate in self.functions:
            number += 1
            candidate = f"{name}_{number}"
        self.functions.add(candidate)
        return candidate

    def _new_name(self, name: str, target: str) -> str:
        """Return a class name for a part: its own, or that of its whole path where it is taken.

        The parts that blocks make at one target are of one class.
        """
        if target in self.blocks:
            self.blocks[target] = self.blocks[target] or self._unused_name(name, target)
            return self.blocks[target]
        return self._unused_name(name, target)

    def _unused_name(self, name: str, target: str) -> str:
        long = class_name(target.replace("[]", ""))
        number = 1
        candidate = class_name(name)
        while candidate in self.names or candidate in RESERVED_CLASSES:
            candidate = long if number == 1 else f"{long}{number}"
            number += 1
        self.names.add(candidate)
        return candidate

    def _custom(self, rule: checked.CheckedRule) -> ir.CustomField:
        view, _, name = rule.field.name.partition(".")
        return ir.CustomField(view, name, self.field(rule))

    def field(self, rule: checked.CheckedRule) -> ir.Field:
        """Return one field."""
        kind = _kind(rule, self.flow.contract.contract_version)
        is_list = isinstance(present(rule.type), types.ListOf)
        is_amount = kind in ("decimal", "decimal_text") and not is_list
        inner = types.DECIMAL if is_amount else present(rule.type)
        on_missing: ir.OnMissing = "never"
        if isinstance(rule.type, types.Optional):
            on_missing = "omit" if rule.if_missing is None else "replace"
            on_missing = "reject" if rule.if_missing == "reject" else on_missing
        replacement = None
        if isinstance(rule.if_missing, Typed):
            replacement = lower_expression(rule.if_missing, inner)
        instead = None
        if isinstance(rule.on_error, Typed):
            instead = lower_expression(rule.on_error, inner)
        because, if_missing = rule.rule.modifiers.because, rule.rule.modifiers.if_missing
        return ir.Field(
            target=rule.target,
            name=rule.field.name,
            local=local_name(rule.field.name),
            kind=kind,
            value=_value(rule.value, rule.type, inner),
            on_missing=on_missing,
            replacement=replacement,
            on_error="reject" if rule.on_error is None else "replace" if instead else "omit",
            instead=instead,
            clears=rule.clears,
            is_written_once=rule.rule.modifiers.write_once is not None,
            omit_if=None if rule.omit_if is None else lower_expression(rule.omit_if),
            limits=_limits(rule, kind, is_plain=self.flow.contract.is_plain),
            is_always_set=rule.is_always_set,
            reads=rule.reads,
            is_personal=self.is_personal(rule.reads),
            pointer=rule.rule.pointer,
            because=because.value if because else None,
            words=_words(rule.rule),
            missing_words=_one_line(if_missing) if if_missing is not None else None,
            error_words=_error_words(rule),
            places_words=_places_words(rule.rule),
            is_list=is_list,
        )

    def is_personal(self, reads: Iterable[str]) -> bool:
        """Whether one of these source paths is personal or confidential."""
        return any(ir.covers(one, path) for one in self.flow.personal for path in reads)

    def let(self, let: checked.CheckedLet) -> ir.Let:
        """Return a named value."""
        may_be_missing = isinstance(let.typed.type, types.Optional)
        return ir.Let(
            let.name,
            lower_expression(let.typed),
            may_be_missing,
            str(let.typed.type),
            let.reads,
            let.pointer,
        )

    def check(self, check: checked.CheckedCheck, emptied: frozenset[tuple[str, str]]) -> ir.Check:
        """Return a check; an equality keeps its two sides, to show both when they differ."""
        is_plain = self.flow.contract.is_plain
        condition = over_document(lower_expression(check.typed), emptied, is_plain=is_plain)
        left = right = None
        if isinstance(condition, tree.Operation) and condition.operator == "==":
            left, right = condition.left, condition.right
        return ir.Check(
            check.name,
            condition,
            left,
            right,
            check.within or "0",
            check.reads,
            check.pointer,
        )


def _emptied(part: checked.CheckedPart) -> frozenset[tuple[str, str]]:
    """Return the fields that are sent to empty them: the type of the part, the name."""
    found: set[tuple[str, str]] = set()
    for member in part.members:
        for inner in checked.parts_of(member):
            found |= _emptied(inner)
        if isinstance(member, checked.CheckedRule) and member.clears:
            found.add((f"document {part.entity.name}", member.field.name))
    return frozenset(found)


def _targets(part: checked.CheckedPart) -> Iterator[str]:
    """Yield the targets of all parts inside a part."""
    for member in part.members:
        inner = checked.parts_of(member)
        if inner:
            yield member.target
        for one in inner:
            yield from _targets(one)


def _kind(rule: checked.CheckedRule, contract_version: int) -> ir.ValueKind:
    if rule.field.allowed.is_text:
        return "decimal_text"
    kind = _KINDS[rule.field.value_type or "string"]
    if kind == "decimal" and isinstance(present(rule.type), types.ListOf):
        return "int" if _element(rule.type) == types.INT else kind
    # Contract version 4 has the displayed text of a drop-down for its value.
    return "string" if kind == "select" and contract_version < 5 else kind


def _element(kind: Type) -> Type:
    """Return what a list is of, or what a single value is."""
    inner = present(kind)
    return present(inner.element) if isinstance(inner, types.ListOf) else inner


def _value(value: checked.RuleValue, kind: Type, inner: Type) -> ir.Value:
    wanted = optional(inner) if isinstance(kind, types.Optional) else inner
    match value:
        case checked.Constant(text=text):
            return ir.Constant(text)
        case checked.Formula(typed, blank_is_missing):
            if blank_is_missing:
                return ir.Formula(_non_blank(lower_expression(_untrimmed(typed))))
            return ir.Formula(lower_expression(typed, wanted))
        case checked.First(typed=several):
            return ir.Formula(_first_of([_non_blank(lower_expression(one)) for one in several]))
        case checked.Decision():
            return ir.Formula(_decision(value, wanted))
        case checked.TableValue():
            return _lookup(value)
        case checked.MadeKey(document, field, may_be_missing, _):
            name = made_name(document)
            return ir.Made(document, field, tree.Variable(name, name) if may_be_missing else None)


def _condition(document: checked.CheckedDocument) -> ir.Condition | None:
    when, written = document.when, document.spec.when
    if when is None or written is None:
        return None
    return ir.Condition(lower_expression(when.typed), when.reads, _span(written))


def _document_rows(document: checked.CheckedDocument) -> ir.DocumentRows | None:
    rows, written = document.rows, document.spec.rows
    if rows is None or written is None:
        return None
    words = _span(written.source)
    if written.where is not None:
        words += f" where {_span(written.where)}"
    return ir.DocumentRows(
        lower_expression(rows.source),
        isinstance(rows.source.type, types.Optional),
        rows.alias,
        None if rows.where is None else lower_expression(rows.where),
        rows.reads,
        words,
    )


def document_classes(documents: Iterable[checked.CheckedDocument]) -> dict[str, str]:
    """Return the class of each document: its entity, told apart where two have the same."""
    entities = [document.entity.name for document in documents]
    return {
        document.name: (
            _document_class(document.entity.name)
            if entities.count(document.entity.name) == 1
            else _document_class(f"{document.name} {document.entity.name}")
        )
        for document in documents
    }


def _document_class(name: str) -> str:
    found = class_name(name)
    return f"{found}Document" if found in RESERVED_CLASSES else found


def _lookup(value: checked.TableValue) -> ir.Lookup:
    keys = tuple(
        ir.LookupKey(
            tuple(
                ir.KeyPart(
                    lower_expression(part),
                    isinstance(part.type, types.Optional),
                    present(part.type) == types.INT,
                )
                for part in key.parts
            )
        )
        for key in value.keys
    )
    otherwise = None if value.otherwise is None else lower_expression(value.otherwise, types.STRING)
    on_miss: ir.OnMiss = value.on_miss if otherwise is None else "replace"
    return ir.Lookup(value.table.name.value, keys, on_miss, otherwise, value.table.entries)


def _untrimmed(typed: Typed) -> Typed:
    """Return what a rule trims: what makes blank text missing trims it, too."""
    method = cast(Method, typed.tree)
    return replace(typed, tree=method.operand, type=typed.types[method.operand])


def _non_blank(expression: tree.Expression) -> tree.Expression:
    """Return the text of an expression, missing where it is blank."""
    name = "text"
    kind = types.optional(types.STRING) if tree.is_optional(expression) else types.STRING
    scope = Scope({name: Binding(kind)})
    typed = compile_expression(Text.plain(f"nonBlank({name})"), scope, [])
    assert typed is not None
    template = lower_expression(typed)
    return substituted(renumbered(template, expression), name, expression)


def _first_of(expressions: list[tree.Expression]) -> tree.Expression:
    first, *others = expressions
    for other in others:
        behind = renumbered(other, first)
        first = tree.OrElse(first, behind, "string?")
    return first


def _decision(value: checked.Decision, wanted: Type) -> tree.Expression:
    decided = lower_expression(value.otherwise, wanted)
    for when, then in reversed(value.cases):
        condition = renumbered(lower_expression(when), decided)
        chosen = renumbered(lower_expression(then, wanted), (decided, condition))
        decided = tree.Conditional(condition, chosen, decided, str(wanted))
    return decided


def _limits(rule: checked.CheckedRule, kind: ir.ValueKind, *, is_plain: bool) -> ir.Limits:
    if isinstance(rule.value, checked.Constant | checked.MadeKey):
        return ir.Limits()
    said = rule.rule.modifiers
    places = said.places.whole if isinstance(said.places, ScalarNode) else rule.field.places
    bounds = () if said.range is None else said.range.bounds
    allowed = rule.field.allowed
    is_whole = kind == "int" and not is_plain
    return ir.Limits(
        max_length=rule.field.max_length if kind == "string" else None,
        truncates=said.too_long is not None and said.too_long.value == "truncate",
        places=places if present(rule.type) == types.DECIMAL else None,
        currency=None if rule.currency is None else lower_expression(rule.currency),
        rounding=cast(Literal["half_up"], said.rounding.value) if said.rounding else None,
        range=(*allowed.bounds, *((sign, str(bound)) for sign, bound in bounds)),
        whole=WHOLE_RANGES.get(rule.field.value_type or "") if is_whole else None,
        choices=allowed.choices,
        pattern=allowed.pattern,
        least=rule.field.least,
    )


def _words(rule: spec.Rule) -> str:
    """Return the rule as the spec has it, for readers of the mapping."""
    match rule.kind:
        case spec.Const(value):
            return f"always {code(value.value)}"
        case spec.Value(expression):
            return _span(expression)
        case spec.Lookup(table, keys, _, otherwise):
            tried = ", then ".join(_key_words(key) for key in keys)
            last = f", otherwise {_span(otherwise)}" if otherwise else ""
            return f"{table.value} at {tried}{last}"
        case spec.Made(document, field):
            return f"{code(field.value)} of the document {code(document.value)}"
        case spec.FirstOf(expressions):
            return "first of " + ", ".join(_span(text) for text in expressions)
        case spec.Cases(cases, otherwise):
            lines = [f"{_span(case.then)} when {_span(case.when)}" for case in cases]
            return "; ".join([*lines, f"else {_span(otherwise)}"])
        case _:
            return ""


def _error_words(rule: checked.CheckedRule) -> str | None:
    text = rule.rule.modifiers.on_error
    if text is None:
        return None
    return "left out" if rule.on_error == "omit" else _span(text)


def _places_words(rule: spec.Rule) -> str | None:
    places = rule.modifiers.places
    if not isinstance(places, spec.CurrencyPlaces):
        return None
    return f"as many decimal places as {_span(places.currency)} has"


def _key_words(key: spec.LookupKey) -> str:
    return " with ".join(_span(part.expression) for part in key.parts)


def _condition_words(written: Text | None) -> str | None:
    return None if written is None else _span(written)


def _one_line(text: Text) -> str:
    return " ".join(text.value.split())


def _span(text: Text) -> str:
    """Return an expression as readers of the mapping see it."""
    return code(text.value)


def _operations(flow: checked.Checked) -> ir.Operations:
    auth, performance, security = flow.spec.auth, flow.spec.performance, flow.spec.security
    retry, breaker, rollback = security.retry, security.circuit_breaker, security.rollback
    return ir.Operations(
        connection=auth.target.value,
        access=tuple(
            (access.entity.value, tuple(right.value for right in access.rights))
            for access in auth.access
        ),
        mode=performance.mode.value,
        schedule=performance.schedule.value if performance.schedule else None,
        peak_per_minute=performance.volume.peak_per_minute.whole,
        per_day=performance.volume.per_day.whole,
        p95=performance.latency.p95.seconds if performance.latency else None,
        batch_size=performance.batch_size.whole,
        concurrency=performance.concurrency.whole if performance.concurrency else 4,
        alerts=tuple((name.value, threshold.value) for name, threshold in performance.alerts),
        attempts=retry.attempts.whole,
        first_wait=retry.first.seconds,
        longest_wait=retry.ceiling.seconds,
        breaker_failures=breaker.failures.whole,
        breaker_within=breaker.within.seconds,
        breaker_cool_down=breaker.cool_down.seconds,
        dead_letter_days=security.dead_letter.days,
        verify=security.verify.value if security.verify else "warn",
        undo=rollback.undo.action.value if isinstance(rollback, spec.Undo) else None,
        irreversible=(
            rollback.irreversible.value if isinstance(rollback, spec.Irreversible) else None
        ),
    )
