"""The ir of a flow in, the module that transforms its records out, with the rule map beside it."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct, field
from msgspec.structs import replace

from mapgen.emit.python.choice import chosen, operand
from mapgen.emit.python.classes import Class, Member, merged
from mapgen.emit.python.expression import (
    OWN_CALLS,
    ModuleNeeds,
    Namer,
    PythonExpressions,
    called_names,
)
from mapgen.emit.python.fields import (
    LIMIT_FUNCTIONS,
    LIMITS,
    VALUES,
    FieldEmitter,
    Statement,
    decimal_constant,
)
from mapgen.emit.python.names import PartName, part_names
from mapgen.emit.python.rows import block_comment, is_one_to_one
from mapgen.emit.python.types import (
    CUSTOM_WRAPPERS,
    PLAIN,
    WRAPPERS,
    Annotations,
    source_classes,
)
from mapgen.escaping import literal
from mapgen.ir import flow as ir
from mapgen.ir.expression import Constant, Variable, attribute_names
from mapgen.ir.names import RESERVED_CLASSES, local_name, made_name, python_name
from mapgen.ir.walk import nodes
from mapgen.plan import Table

# What is imported and looks like a constant.
_IMPORTED = ("UNSET", "CLEARED")
_RESERVED = ("settings", "lookups", "key", "bind", "value", "document")


class Function(Struct, frozen=True):
    """A function inside `bind`."""

    name: str
    parameters: str
    returns: str
    says: str
    statements: tuple[Statement, ...]
    result: str


class RuleLine(Struct, frozen=True):
    """Where a rule stands in the module: `function.local`, and what it is for.

    `rows_differ`: a row of the document is not the row of the same number in the source.
    `may_come`: what the value refers to may come by another flow, as the spec says.
    """

    code: str
    target: str
    reads: tuple[str, ...]
    pointer: str
    is_personal: bool
    each: str | None
    rows_differ: bool = False
    may_come: bool = False


class Module(Struct, frozen=True):
    """Everything the template places."""

    summary: str
    spec_path: str
    import_groups: tuple[tuple[str, ...], ...]
    constants: tuple[str, ...]
    source_classes: tuple[Class, ...]
    target_classes: tuple[Class, ...]
    settings_classes: tuple[Class, ...]
    source_class: str
    source_name: str
    key_parameter: str
    functions: tuple[Function, ...]
    returns: str
    key: str
    settings_name: str
    lookups_name: str
    rules: tuple[RuleLine, ...]


def transformer(flow: ir.Flow) -> Module:
    """Return the module of a flow, in finished words."""
    emitter = _ModuleEmitter(flow, part_names(flow))
    emitter.needs = ModuleNeeds((*_IMPORTED, *emitter.classes_in_use()))
    return emitter.module()


class _ModuleEmitter(Struct):
    flow: ir.Flow
    names: Mapping[str, PartName]
    needs: ModuleNeeds = field(default_factory=lambda: ModuleNeeds(_IMPORTED))
    functions: list[Function] = field(default_factory=list)
    classes: list[Class] = field(default_factory=list)
    rules: list[RuleLine] = field(default_factory=list)
    in_work: ir.Document | None = None
    # A let, a row or a document can be called like a function that a rule calls further on.
    called: frozenset[str] = frozenset()

    @property
    def annotations(self) -> Annotations:
        """What turns types into annotations."""
        made = {
            made_name(document.name): f"{self.name(document.part).kind} | UnsetType"
            for document in self.flow.documents
            if document.when is not None
        }
        return Annotations(self.needs, self.source_classes, made)

    @property
    def source_classes(self) -> Mapping[str, str]:
        """The classes of source objects."""
        return source_classes(self.flow, (name.kind for name in self.names.values()))

    def name(self, part: ir.Part) -> PartName:
        """Return what a part is called."""
        return self.names[part.pointer]

    @property
    def shared(self) -> frozenset[str]:
        """The classes that several blocks make."""
        counts = Counter(name.kind for name in self.names.values())
        return frozenset(name for name, count in counts.items() if count > 1)

    def classes_in_use(self) -> Iterator[str]:
        """Yield the names that no constant may have."""
        yield from RESERVED_CLASSES
        yield from self.source_classes.values()
        yield from (name.kind for name in self.names.values())

    def module(self) -> Module:
        flow = self.flow
        self.called = frozenset(called_names(flow))
        self.needs.name("msgspec", "Struct")
        self.needs.name("collections.abc", "Callable")
        source_class = self._source_class_name()
        only = flow.only
        transform = self._several() if only is None else self._transform(only)
        returns = "Documents" if only is None else self.name(only.part).kind
        if flow.skips:
            returns += f" | {self.needs.name(VALUES, 'Skip')}"
        return Module(
            summary=flow.summary,
            spec_path=flow.spec_path,
            source_classes=tuple(self._source_class(item) for item in flow.source_objects),
            target_classes=tuple(self.classes),
            settings_classes=(self._settings(), self._lookups()),
            source_class=source_class,
            source_name=flow.plan.source,
            key_parameter=self._key_emitter().names[flow.plan.source],
            functions=(*self.functions, transform),
            returns=returns,
            key=self._key(),
            settings_name="settings" if self._uses_settings() else "_settings",
            lookups_name="lookups" if flow.plan.lookups else "_lookups",
            rules=tuple(self.rules),
            import_groups=tuple(_import_groups(self.needs)),
            constants=tuple(str(constant) for constant in self.needs.constants),
        )

    def _uses_settings(self) -> bool:
        """Tell whether any rule names the settings; a flow without any may do it, too."""
        named = (node.name for node in nodes(self.flow) if isinstance(node, Variable))
        return bool(self.flow.settings) or "settings" in named

    def _key(self) -> str:
        code = self._key_emitter().expressions().value(self.flow.key)
        return f"str({code})" if self.flow.key.type == "int" else code

    def _key_emitter(self) -> FieldEmitter:
        """Return what emits the key of a record, which has one name: the record's."""
        emitter = self._emitter({})
        emitter.names[self.flow.plan.source] = emitter.namer.name(self.flow.plan.source)
        return emitter

    def _source_class_name(self) -> str:
        """Return the class of a record."""
        return self.annotations.named(self.flow.record.name)

    def _source_class(self, item: ir.SourceObject) -> Class:
        members = [
            Member(
                member.attribute,
                self.annotations.of_source(member),
                "None" if member.may_be_missing else None,
                member.name if member.name != member.attribute else None,
            )
            for member in item.fields
        ]
        # A struct takes what has no default first.
        members.sort(key=lambda member: member.default is not None)
        says = f"What the rules read of a source object `{item.name}`."
        return Class(self.annotations.named(item.name), says, tuple(members))

    def _settings(self) -> Class:
        attributes = attribute_names(tuple(setting.name for setting in self.flow.settings))
        members = tuple(
            Member(
                attributes[setting.name],
                self.annotations.named(setting.type),
                encoded_as=setting.name if setting.name != attributes[setting.name] else None,
            )
            for setting in self.flow.settings
        )
        return Class("Settings", "The constants of one environment.", members)

    def _lookups(self) -> Class:
        tables = self.flow.plan.lookups
        if tables:
            self.needs.name("collections.abc", "Mapping")
        members = tuple(Member(name, _table_type(table)) for name, table in tables.items())
        return Class("Lookups", "The tables that translate one value into another.", members)

    def _target_class(self, part: ir.Part, members: Iterable[Member]) -> None:
        says = f"The fields of `{part.entity}` that the rules write."
        name = self.name(part).kind
        made = Class(name, says, tuple(members), name in self.shared)
        before = next((one for one in self.classes if one.name == name), None)
        if before is None:
            self.classes.append(made)
        else:
            self.needs.name("msgspec", "UNSET")
            self.needs.name("msgspec", "UnsetType")
            self.classes[self.classes.index(before)] = merged(before, made)

    def _transform(self, document: ir.Document) -> Function:
        """Return the function that makes the document; those it calls are emitted before it."""
        flow = self.flow
        emitter = self._key_emitter()
        name = emitter.names[flow.plan.source]
        statements = list(self._ahead(emitter))
        members = list(self._members(document.part, emitter, statements))
        kind = self.name(document.part).kind
        built = f"{kind}({', '.join(local for _, local in members)})"
        self._target_class(document.part, (member for member, _ in members))
        result = built
        if document.checks:
            statements.append(Statement(built, "document"))
            emitter.names["document"] = "document"
            statements += self._checks("transform", document.checks, emitter)
            result = "document"
        source, of = self._source_class_name(), _article(flow.plan.source)
        return Function(
            "transform",
            f"{name}: {source}",
            kind + (" | Skip" if flow.skips else ""),
            f"Return the document of {of}, or raise Fault at the first misfit.",
            tuple(statements),
            result,
        )

    def _several(self) -> Function:
        """Return the function that makes several documents, each by a function of its own."""
        flow = self.flow
        for document in flow.documents:
            self.in_work = document
            self._function(document.block, document)
        self.in_work = None
        emitter = self._key_emitter()
        name = emitter.names[flow.plan.source]
        statements = list(self._ahead(emitter))
        members = [self._made(document, emitter, statements) for document in flow.documents]
        of = _article(flow.plan.source)
        says = f"The documents of {of}."
        self.classes.append(Class("Documents", says, tuple(member for member, _ in members)))
        return Function(
            "transform",
            f"{name}: {self._source_class_name()}",
            "Documents" + (" | Skip" if flow.skips else ""),
            f"Return the documents of {of}, or raise Fault at the first misfit.",
            tuple(statements),
            f"Documents({', '.join(local for _, local in members)})",
        )

    def _made(
        self, document: ir.Document, emitter: FieldEmitter, statements: list[Statement]
    ) -> tuple[Member, str]:
        """Return the member for a document, and the local that holds it; `statements` grows."""
        block, when, kind = document.block, document.when, self.name(document.part).kind
        guards = () if when is None else (emitter.expressions().value(when.holds),)
        if document.is_list:
            code = self._rows_of(block, emitter, guards)
            kind = f"list[{kind}]"
        else:
            code = self._call(block.part, emitter.names)
            if when is not None:
                code = emitter.or_unset(code, guards)
                kind = self._or_unset(kind)
        local = emitter.namer.name(document.name)
        emitter.names[made_name(document.name)] = local
        is_decided = document.is_list and when is not None and isinstance(when.holds, Constant)
        statements.append(Statement(code, f"{local}: {kind}" if is_decided else local))
        reads = (*(when.reads if when is not None else ()), *block.reads)
        target = f"document {document.name}"
        self._rule(f"transform.{local}", target, tuple(dict.fromkeys(reads)), document.pointer)
        return Member(document.name, kind), local

    def _ahead(self, emitter: FieldEmitter) -> Iterator[Statement]:
        """Yield the skips and lets: what comes before anything is made."""
        ahead = self.flow.lets_ahead
        yield from self._lets(emitter, ahead)
        yield from self._skips(emitter)
        yield from self._lets(emitter, [let for let in self.flow.lets if let not in ahead])

    def _emitter(self, names: dict[str, str]) -> FieldEmitter:
        namer = Namer()
        namer.reserve(*_RESERVED, *names.values())
        namer.reserve(*self._module_names(), *self.called)
        known = {**names, "settings": "settings"}
        return FieldEmitter(self.needs, namer, known, is_plain=self.flow.is_plain)

    def _module_names(self) -> Iterator[str]:
        """Yield the names that locals would hide: the functions of the runtime, and our own."""
        yield from (*LIMIT_FUNCTIONS, *OWN_CALLS, "currency_places")
        yield from (name.function for name in self.names.values())

    def _skips(self, emitter: FieldEmitter) -> Iterator[Statement]:
        for number, skip in enumerate(self.flow.skips, start=1):
            condition = emitter.expressions().value(skip.when)
            code = f"if {condition}:\n    return Skip({literal(skip.because)})"
            yield Statement(code, None)
            self._rule(f"transform.if{number}", "skip", skip.reads, skip.pointer)

    def _lets(self, emitter: FieldEmitter, lets: Iterable[ir.Let]) -> Iterator[Statement]:
        for let in lets:
            expressions = emitter.expressions()
            code = (
                expressions.optional(let.value)
                if let.of.may_be_missing
                else expressions.value(let.value)
            )
            local = emitter.namer.name(let.name)
            emitter.names[let.name] = local
            yield Statement(code, local)
            self._rule(f"transform.{local}", f"let {let.name}", let.reads, let.pointer)

    def _checks(
        self, function: str, checks: Iterable[ir.Check], emitter: FieldEmitter, prefix: str = ""
    ) -> Iterator[Statement]:
        for number, check in enumerate(checks, start=1):
            yield Statement(self._check(check, emitter.expressions()), None)
            target = f"{prefix}{check.name}"
            self._rule(f"{function}.check{number}", target, check.reads, check.pointer)

    def _check(self, check: ir.Check, expressions: PythonExpressions) -> str:
        name = literal(check.name)
        if check.left is None or check.right is None:
            assert check.condition is not None
            holds = self.needs.name(LIMITS, "holds")
            return f"{holds}({name}, {expressions.value(check.condition)})"
        left, right = expressions.value(check.left), expressions.value(check.right)
        if check.left.type != "decimal":
            return f"{self.needs.name(LIMITS, 'same')}({name}, {left}, {right})"
        equal = self.needs.name(LIMITS, "equal")
        self.needs.name("decimal", "Decimal")
        within = self.needs.constant(*decimal_constant(_shortest(check.within)))
        return f"{equal}({name}, {left}, {right}, {within})"

    def _members(
        self, part: ir.Part, emitter: FieldEmitter, statements: list[Statement]
    ) -> Iterator[tuple[Member, str]]:
        """Yield each member of a part with the Python of its value; `statements` grows."""
        for member in part.members:
            if isinstance(member, ir.Field):
                yield self._field(part, member, emitter, statements)
            else:
                yield self._rows(part, member, emitter, statements)
        if part.note is not None:
            yield self._field(part, part.note, emitter, statements)
        if part.custom:
            yield self._custom(part, emitter, statements)

    def _field(
        self, part: ir.Part, item: ir.Field, emitter: FieldEmitter, statements: list[Statement]
    ) -> tuple[Member, str]:
        added, local = emitter.field(item)
        statements += added
        self._field_rules(part, added)
        kind = self._kind(item)
        if item.clears:
            kind = f"{kind} | {self.needs.name(VALUES, 'Cleared')}"
        elif not item.is_always_set:
            kind = self._or_unset(kind)
        return self._member(item.name, kind), local

    def _member(self, name: str, annotation: str) -> Member:
        """Return a member of a document; the name of one outside the ERP may be no Python name."""
        known_as = python_name(name)
        return Member(known_as, annotation, encoded_as=name if name != known_as else None)

    def _kind(self, item: ir.Field) -> str:
        if isinstance(item.value, ir.Made):
            return "MadeValue | StringValue" if item.on_missing == "replace" else "MadeValue"
        if not self.flow.is_plain:
            return "MultiSelectValue" if item.is_list else WRAPPERS[item.kind]
        module, kind = PLAIN[item.kind]
        if module is not None:
            self.needs.name(module, kind)
        return f"list[{kind}]" if item.is_list else kind

    def _or_unset(self, kind: str) -> str:
        return f"{kind} | {self.needs.name('msgspec', 'UnsetType')}"

    def _field_rules(self, part: ir.Part, added: Iterable[Statement]) -> None:
        for statement in added:
            item = statement.field
            if item is not None:
                code = f"{self.name(part).function}.{statement.local}"
                may_come = isinstance(item.value, ir.Lookup) and item.value.on_miss == "retry"
                self._rule(code, item.target, item.reads, item.pointer, may_come=may_come)

    def _rule(
        self,
        code: str,
        target: str,
        reads: tuple[str, ...],
        pointer: str,
        *,
        may_come: bool = False,
    ) -> None:
        document = self.in_work
        each = None
        if document is not None and document.block.reads:
            each = document.block.reads[0]
        is_personal = self.flow.is_personal(reads)
        line = RuleLine(code, target, reads, pointer, is_personal, each, may_come=may_come)
        self.rules.append(line)

    def _rows(
        self, part: ir.Part, item: ir.Rows, emitter: FieldEmitter, statements: list[Statement]
    ) -> tuple[Member, str]:
        """Add the statement of a member that is made of parts; of several blocks, one for each."""
        before, rows = len(self.rules), []
        kind, function = self.name(item.blocks[0].part).kind, self.name(part).function
        for block in item.blocks:
            self._function(block)
            if len(item.blocks) == 1:
                continue
            code = self._rows_of(block, emitter)
            local = emitter.namer.name(f"{block.alias or 'single'}_{local_name(item.name)}")
            typed = local
            if block.alias is None and isinstance(block.where, Constant):
                # A type checker passes over a row that is never there.
                typed = f"{local}: list[{kind}]"
            statements.append(Statement(code, typed, block_comment(item, block)))
            self._rule(f"{function}.{local}", item.target, block.reads, block.part.pointer)
            rows.append(f"*{local}")
        if item.is_list and not is_one_to_one(item):
            self._rows_differ(before)
        if not item.is_list:
            code = self._object(item.blocks[0], emitter)
        elif rows:
            code = self._limited_rows(f"[{', '.join(rows)}]", item)
        else:
            code = self._limited_rows(self._rows_of(item.blocks[0], emitter), item)
        local = emitter.namer.name(local_name(item.name))
        statements.append(Statement(code, local, item.target))
        self._rule(f"{function}.{local}", item.target, item.reads, item.pointer)
        if item.is_list:
            return self._member(item.name, f"list[{kind}]"), local
        return self._member(item.name, kind if item.is_always_set else self._or_unset(kind)), local

    def _object(self, block: ir.Block, emitter: FieldEmitter) -> str:
        """Return the Python of an object, left out where its source or all of it is missing."""
        guards: tuple[str, ...] = ()
        arguments = dict(emitter.names)
        if block.source is not None and block.alias is not None:
            guarded = emitter.expressions().guarded(block.source)
            guards = guarded.guards
            arguments[block.alias] = guarded.value
        call = self._call(block.part, arguments)
        if block.part.may_be_empty:
            call = f"{self.needs.name(LIMITS, 'unless_empty')}({call})"
        return emitter.or_unset(call, guards)

    def _call(self, part: ir.Part, arguments: dict[str, str]) -> str:
        name = self.name(part)
        given = ", ".join(arguments[parameter] for parameter, _ in name.parameters)
        return f"{name.function}({given})"

    def _rows_of(self, block: ir.Block, emitter: FieldEmitter, guards: tuple[str, ...] = ()) -> str:
        """Return the Python of the rows that a block makes, none where a guard does not hold."""
        if block.source is None or block.alias is None:
            code = f"[{self._call(block.part, emitter.names)}]"
            if block.where is not None:
                guards = (*guards, emitter.expressions().value(block.where))
            return chosen(code, guards, "[]")
        inner = emitter.namer.inner()
        row = inner.name(block.alias)
        names = {**emitter.names, block.alias: row}
        guarded = emitter.expressions().rows(block.source)
        asked = ""
        if block.where is not None:
            test = PythonExpressions(names, self.needs, inner).value(block.where)
            asked = f" if {operand(test)}"
        call = self._call(block.part, names)
        code = f"[{call} for {row} in {operand(guarded.value)}{asked}]"
        return chosen(code, (*guards, *guarded.guards), "[]")

    def _limited_rows(self, code: str, item: ir.Rows) -> str:
        """Return the Python of a list that is held against what the rule asks of it."""
        if item.least:
            code = f"{self.needs.name(LIMITS, 'rows')}({code}, {item.least})"
        for telling in filter(None, dict.fromkeys((item.unique, item.row_key))):
            fields = ", ".join(literal(python_name(name)) for name in telling)
            code = f"{self.needs.name(LIMITS, 'unique')}({code}, {fields})"
        return code

    def _rows_differ(self, start: int) -> None:
        """Note of the rules from a position on that rows of source and document differ."""
        self.rules[start:] = [replace(rule, rows_differ=True) for rule in self.rules[start:]]

    def _function(self, block: ir.Block, document: ir.Document | None = None) -> None:
        """Emit the function of a part, and its class; a whole document has checks."""
        part, called = block.part, self.name(block.part)
        emitter = self._emitter({})
        names = {
            parameter: emitter.namer.name(parameter.removeprefix(made_name("")))
            for parameter, _ in called.parameters
        }
        emitter.names.update(names)
        statements: list[Statement] = []
        members = list(self._members(part, emitter, statements))
        self._target_class(part, (member for member, _ in members))
        parameters = ", ".join(
            f"{names[parameter]}: {self.annotations.of(kind)}"
            for parameter, kind in called.parameters
        )
        says = f"Return `{called.kind}`."
        if block.alias:
            says = f"Return the `{called.kind}` of one {block.alias}."
        is_shared = called.kind in self.shared
        given = (f"{member.name}={local}" if is_shared else local for member, local in members)
        result = f"{called.kind}({', '.join(given)})"
        if document is not None:
            says = f"Return the document `{document.name}`."
        if document is not None and document.checks:
            statements.append(Statement(result, "document"))
            emitter.names["document"] = result = "document"
            statements += self._checks(called.function, document.checks, emitter, document.prefix)
        self.functions.append(
            Function(called.function, parameters, called.kind, says, tuple(statements), result)
        )

    def _custom(
        self, part: ir.Part, emitter: FieldEmitter, statements: list[Statement]
    ) -> tuple[Member, str]:
        given: dict[str, dict[str, str]] = {}
        kinds: dict[str, None] = {}
        for item in part.custom:
            added, local = emitter.field(item.field, is_custom=True)
            statements += added
            self._field_rules(part, added)
            kinds[CUSTOM_WRAPPERS[item.field.kind]] = None
            if item.field.clears:
                kinds["ClearedField"] = None
            given.setdefault(item.view, {})[item.name] = local
        code = _mapping((view, _mapping(fields.items())) for view, fields in given.items())
        local = emitter.namer.name("custom")
        kind = f"dict[str, dict[str, {' | '.join(kinds)}]]"
        is_always_set = all(item.field.is_always_set for item in part.custom)
        if not is_always_set:
            code = f"{self.needs.name(LIMITS, 'set_fields')}({code})"
            kind = self._or_unset(kind)
        # Of several kinds, a type checker would make what they have in common; of a field that a
        # decided condition leaves out, nothing.
        declared = f"{local}: {kind}" if len(kinds) > 1 or not is_always_set else local
        statements.append(Statement(code, declared))
        return Member("custom", kind), local


def _mapping(entries: Iterable[tuple[str, str]]) -> str:
    """Return the Python of a dict: texts, and what stands for each."""
    return f"{{{', '.join(f'{literal(name)}: {code}' for name, code in entries)}}}"


def _table_type(table: Table) -> str:
    columns = ", ".join("str" for _ in table.key)
    return f"Mapping[tuple[{columns}], str]" if len(table.key) > 1 else "Mapping[str, str]"


def _import_groups(needs: ModuleNeeds) -> Iterator[tuple[str, ...]]:
    """Yield the import lines as isort groups them: standard library, libraries, mapgen."""
    groups: dict[str, list[str]] = {"standard": [], "library": [], "mapgen": []}
    for module, names in sorted(needs.imports.items()):
        root = module.partition(".")[0]
        group = "standard" if root in sys.stdlib_module_names else "library"
        ordered = sorted(names, key=lambda name: (not name.isupper(), name.lower() == name, name))
        line = f"from {module} import {', '.join(ordered)}" if names else f"import {module}"
        groups["mapgen" if root == "mapgen" else group].append(line)
    for lines in groups.values():
        if lines:
            yield tuple(sorted(lines, key=lambda line: (line.startswith("from"), line)))


def _article(name: str) -> str:
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


def _shortest(number: str) -> str:
    """Return a decimal without idle zeros: `0.00` -> `0`."""
    return number.rstrip("0").rstrip(".") or "0" if "." in number else number
