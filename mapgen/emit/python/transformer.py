"""The ir of a flow in, the module that transforms its records out, with the rule map beside it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct, field
from msgspec.structs import replace

from mapgen.agreed.escaped import carried
from mapgen.agreed.plan import STEPS, Table
from mapgen.emit.python.choice import chosen, operand
from mapgen.emit.python.classes import Class, Member, merged
from mapgen.emit.python.expression import (
    OWN_CALLS,
    ModuleNeeds,
    Namer,
    PythonExpressions,
    called_names,
)
from mapgen.emit.python.fields import LIMIT_FUNCTIONS, VALUES, FieldEmitter, Statement
from mapgen.emit.python.names import PartName, part_names
from mapgen.emit.python.rows import block_comment, is_one_to_one
from mapgen.emit.python.types import CUSTOM_WRAPPERS, WRAPPERS, Annotations, source_classes
from mapgen.escaping import literal
from mapgen.ir import flow as ir
from mapgen.ir.expression import Constant, Lookup, Operation, Variable, attribute_names
from mapgen.ir.names import RESERVED_CLASSES, local_name, made_name, python_name
from mapgen.ir.types import DECIMAL, INT, ROWS, Object, Optional
from mapgen.ir.walk import nodes

# What is imported and looks like a constant.
_IMPORTED = ("UNSET", "CLEARED")
_RESERVED = ("settings", "lookups", "key", "bind", "value", "document")


class Function(Struct, frozen=True):
    """A function inside `bind`."""

    name: str
    parameters: str
    returns: str
    doc: str
    statements: tuple[Statement, ...]
    result: str


class RuleLine(Struct, frozen=True):
    """Where a rule is in the module: `function.local`, and what it is for.

    `rows_differ`: a row of the document is not the row of the same number in the source.
    `may_come`: what the value refers to may come by another flow, as the spec says.
    `relies_on` are the numbers of the skips that have decided something in it. `warns`: what fails
    there keeps no record out.
    """

    code: str
    target: str
    reads: tuple[str, ...]
    pointer: str
    is_personal: bool
    each: str | None
    rows_differ: bool = False
    may_come: bool = False
    relies_on: tuple[int, ...] = ()
    warns: bool = False


class Module(Struct, frozen=True):
    """Everything the template places."""

    summary: str
    spec_path: str
    import_groups: tuple[tuple[str, ...], ...]
    constants: tuple[str, ...]
    source_classes: tuple[Class, ...]
    target_classes: tuple[Class, ...]
    settings_classes: tuple[Class, ...]
    row_classes: tuple[Class, ...]
    source_class: str
    source_name: str
    key_parameter: str
    join_keys: tuple[Function, ...]
    functions: tuple[Function, ...]
    returns: str
    key: str
    settings_name: str
    lookups_name: str
    rules: tuple[RuleLine, ...]


def transformer(flow: ir.Flow) -> Module:
    """Return the module of a flow, in finished words."""
    emitter = _ModuleEmitter(flow, part_names(flow))
    emitter.needs = ModuleNeeds((*_IMPORTED, *emitter.classes_in_use()), emitter.source_classes)
    return emitter.module()


class _ModuleEmitter(Struct):
    """Collects the functions, classes and rules of one module."""

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
        flow, source = self.flow, self.flow.plan.source
        self.called = frozenset(called_names(flow))
        self.needs.name("msgspec", "Struct")
        self.needs.name("collections.abc", "Callable")
        transform = self._transform()
        body = self.body("key", [source])
        key = body.emitter.expressions().value(flow.key)
        return Module(
            summary=flow.summary,
            spec_path=flow.spec_path,
            source_classes=tuple(self._source_class(item) for item in flow.source_objects),
            target_classes=tuple(self.classes),
            settings_classes=(self._settings(), self._lookups()),
            row_classes=tuple(map(self._row_class, flow.rows)),
            source_class=self.annotations.named(flow.record.name),
            source_name=source,
            key_parameter=body.emitter.names[source],
            join_keys=tuple(map(self._join_key, flow.join_keys)),
            functions=(*self.functions, transform),
            returns=transform.returns,
            key=f"str({key})" if flow.key.type == INT else key,
            settings_name="settings" if self._uses_settings() else "_settings",
            lookups_name="lookups" if self._asks_tables() else "_lookups",
            rules=tuple(self.rules),
            import_groups=self.needs.import_groups,
            constants=tuple(str(constant) for constant in self.needs.constants),
        )

    def _join_key(self, key: ir.JoinKey) -> Function:
        """Return the function that calculates what a member of joined records has to equal."""
        source = self.flow.plan.source
        body = self.body(key.function, [source])
        expressions = body.emitter.expressions()
        write = expressions.optional if isinstance(key.of, Optional) else expressions.value
        named = {node.name for node in nodes(key.value) if isinstance(node, Variable)}
        asks = any(isinstance(node, Lookup) for node in nodes(key.value))
        parameters = (
            f"{'' if source in named else '_'}{body.emitter.names[source]}: "
            f"{self.annotations.named(self.flow.record.name)}",
            f"{'' if 'settings' in named else '_'}settings: Settings",
            f"{'' if asks or 'lookups' in named else '_'}lookups: Lookups",
        )
        doc = f"Return what `{key.member}` of `{key.join}` has to equal."
        returns = self.annotations.of(key.of)
        return Function(key.function, ", ".join(parameters), returns, doc, (), write(key.value))

    def _uses_settings(self) -> bool:
        """Tell whether any rule names the settings; a flow without any may do it, too."""
        rules = replace(self.flow, join_keys=())
        named = (node.name for node in nodes(rules) if isinstance(node, Variable))
        is_any = bool(self.flow.settings) and not self.flow.join_keys
        return is_any or "settings" in named

    def _asks_tables(self) -> bool:
        """Tell whether any rule asks a table: keys of joins are given them by themselves."""
        rules = replace(self.flow, join_keys=())
        is_any = bool(self.flow.plan.lookups)
        return is_any and (
            not self.flow.join_keys or any(isinstance(node, Lookup) for node in nodes(rules))
        )

    def _source_class(self, item: ir.SourceObject) -> Class:
        members = [
            Member(
                member.attribute,
                self.annotations.of_source(member.held),
                "None" if member.held.may_be_missing else None,
                None if member.name == member.attribute else carried(member.name),
            )
            for member in item.fields
        ]
        # A struct takes what has no default first.
        members.sort(key=lambda member: member.default is not None)
        doc = f"What the rules read of a source object `{item.name}`."
        return Class(self.annotations.named(item.name), doc, tuple(members))

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
        rows = {row.name.removeprefix(ROWS): self.annotations.of(row) for row in self.flow.rows}
        members = tuple(
            Member(name, _table_type(table, rows.get(name, "str")))
            for name, table in tables.items()
        )
        return Class("Lookups", "The tables that translate one value into another.", members)

    def _row_class(self, row: Object) -> Class:
        attributes = attribute_names(tuple(row.fields))
        members = (
            Member(attributes[name], self.annotations.of(of)) for name, of in row.fields.items()
        )
        doc = f"What the table `{row.name.removeprefix(ROWS)}` has for a key."
        return Class(self.annotations.of(row), doc, tuple(members))

    def target_class(self, part: ir.Part, members: Iterable[Member]) -> None:
        """Note the class of a part; blocks may share it."""
        doc = f"The fields of `{part.entity}` that the rules write."
        name = self.name(part).kind
        made = Class(name, doc, tuple(members), name in self.shared)
        before = next((one for one in self.classes if one.name == name), None)
        if before is None:
            self.classes.append(made)
        else:
            self.needs.name("msgspec", "UNSET")
            self.needs.name("msgspec", "UnsetType")
            self.classes[self.classes.index(before)] = merged(before, made)

    def body(self, name: str, parameters: Iterable[str]) -> _Body:
        """Return the body of a function, empty still, in which no name hides another."""
        namer = Namer()
        namer.reserve(*_RESERVED, *LIMIT_FUNCTIONS, *OWN_CALLS, "currency_places")
        namer.reserve(*(called.function for called in self.names.values()), *self.called)
        names = {one: namer.name(one.removeprefix(made_name(""))) for one in parameters}
        emitter = FieldEmitter(
            self.needs,
            namer,
            {**names, "settings": "settings"},
            wraps_values=self.flow.wraps_values,
        )
        return _Body(self, name, emitter)

    def _transform(self) -> Function:
        """Return the function that makes documents; those that it calls are emitted before it."""
        flow, source, only = self.flow, self.flow.plan.source, self.flow.only
        for document in flow.documents if only is None else ():
            self.in_work = document
            self.function(document.block, document)
        self.in_work = None
        body, of = self.body("transform", [source]), _article(source)
        parameter = f"{body.emitter.names[source]}: {self.annotations.named(flow.record.name)}"
        body.ahead(flow)
        if only is not None:
            kind, result = self.name(only.part).kind, body.result(only.part, only)
        else:
            kind, members = "Documents", [body.document(document) for document in flow.documents]
            result = f"Documents({', '.join(local for _, local in members)})"
            doc = f"The documents of {of}."
            self.classes.append(Class("Documents", doc, tuple(member for member, _ in members)))
        returns = f"{kind} | {self.needs.name(VALUES, 'Skip')}" if flow.skips else kind
        what = "documents" if only is None else "document"
        doc = f"Return the {what} of {of}, or raise RuleError at the first error."
        return Function("transform", parameter, returns, doc, tuple(body.statements), result)

    def function(
        self, block: ir.Block, document: ir.Document | None = None, target: str = ""
    ) -> None:
        """Emit the function of a part, and its class; `target` is what paths inside start with."""
        called = self.name(block.part)
        body = self.body(called.function, (parameter for parameter, _ in called.parameters))
        parameters = [
            f"{body.emitter.names[parameter]}: {self.annotations.of(kind)}"
            for parameter, kind in called.parameters
        ]
        doc = f"Return `{called.kind}`."
        if block.alias:
            doc = f"Return the `{called.kind}` of one {block.alias}."
        if document is not None:
            doc = f"Return the document `{document.name}`."
        result, given = body.result(block.part, document, target), ", ".join(parameters)
        self.functions.append(
            Function(called.function, given, called.kind, doc, tuple(body.statements), result)
        )


class _Body(Struct):
    """The body of a function: its statements so far, and the names in force behind them."""

    module: _ModuleEmitter
    function: str
    emitter: FieldEmitter
    statements: list[Statement] = field(default_factory=list)
    checks: int = 0

    @property
    def needs(self) -> ModuleNeeds:
        return self.module.needs

    def add(self, code: str, name: str, comment: str | None = None, annotation: str = "") -> str:
        """Add a statement that gives a new local its value, and return the local."""
        local = self.emitter.namer.name(name)
        declared = f"{local}: {annotation}" if annotation else local
        self.statements.append(Statement(code, declared, comment))
        return local

    def rule(
        self, local: str, target: str, reads: tuple[str, ...], pointer: str, **said: bool
    ) -> None:
        """Note where a rule is, and what is `said` of it."""
        document = self.module.in_work
        each = None
        if document is not None and document.block.reads:
            each = document.block.reads[0]
        code, flow = f"{self.function}.{local}", self.module.flow
        is_personal, relies_on = flow.is_personal(reads), dict(flow.relying).get(pointer, ())
        line = RuleLine(code, target, reads, pointer, is_personal, each, relies_on=relies_on)
        self.module.rules.append(replace(line, **said))

    def ahead(self, flow: ir.Flow) -> None:
        """Add the skips and lets: what comes before anything is made."""
        ahead = flow.lets_ahead
        self._lets(ahead)
        for number, skip in enumerate(flow.skips, start=1):
            condition = self.emitter.expressions().value(skip.when)
            doc = literal(skip.because)
            if skip.says is not None:
                doc = self.emitter.expressions().value(skip.says)
            code = f"if {condition}:\n    return Skip({doc})"
            self.statements.append(Statement(code, None))
            self.rule(f"if{number}", "skip", skip.reads, skip.pointer)
        self._lets([let for let in flow.lets if let not in ahead])

    def _lets(self, lets: Iterable[ir.Let], inside: str = "") -> None:
        for let in lets:
            expressions = self.emitter.expressions()
            write = expressions.optional if isinstance(let.of, Optional) else expressions.value
            local = self.add(write(let.value), let.name)
            self.emitter.names[let.name] = local
            self.rule(local, f"{inside}let {let.name}", let.reads, let.pointer)

    def document(self, document: ir.Document) -> tuple[Member, str]:
        """Add the statement of a document, and return its member and its local."""
        block, when, kind = document.block, document.when, self.module.name(document.part).kind
        guards = () if when is None else (self.emitter.expressions().value(when.holds),)
        if document.is_list:
            code = self._rows_of(block, guards)
            kind = f"list[{kind}]"
        else:
            code = self._call(block.part, self.emitter.names)
            if when is not None:
                code = self.emitter.or_unset(code, guards)
                kind = self._or_unset(kind)
        is_decided = document.is_list and when is not None and isinstance(when.holds, Constant)
        local = self.add(code, document.name, None, kind if is_decided else "")
        self.emitter.names[made_name(document.name)] = local
        reads = (*(when.reads if when is not None else ()), *block.reads)
        target = f"document {document.name}"
        self.rule(local, target, tuple(dict.fromkeys(reads)), document.pointer)
        return Member(document.name, kind), local

    def result(self, part: ir.Part, document: ir.Document | None = None, target: str = "") -> str:
        """Add the statements of a part, and return what it is; checks of a document hold for it."""
        self._lets(part.lets, inside=target)
        members = list(self._members(part))
        kind = self.module.name(part).kind
        if document is not None and document.told:
            members.append(self._unsent(document.told, f"StepsOf{kind}"))
        self.module.target_class(part, (member for member, _ in members))
        is_shared = kind in self.module.shared
        given = (f"{member.name}={local}" if is_shared else local for member, local in members)
        result = f"{kind}({', '.join(given)})"
        checks = part.checks if document is None else document.checks
        if not checks:
            return result
        made = "value" if document is None else "document"
        prefix = target if document is None else document.prefix
        self.statements.append(Statement(result, made))
        self.emitter.names[made] = made
        for check in checks:
            code = self._check(check, self.emitter.expressions())
            self.statements.append(Statement(code, None))
            self.rule(
                self._next_check(),
                f"{prefix}{check.name}",
                check.reads,
                check.pointer,
                warns=check.warns,
            )
        return made

    def _unsent(self, unsent: Iterable[ir.Field], kind: str) -> tuple[Member, str]:
        """Add what the record says of the steps after a document: a struct of its own."""
        members = []
        for one in unsent:
            member, local = self._field(one)
            members.append((replace(member, name=local, encoded_as=one.name), local))
        doc = "What the record says of the steps after it, which is not sent."
        self.module.classes.append(Class(kind, doc, tuple(member for member, _ in members)))
        given = ", ".join(local for _, local in members)
        return Member(STEPS, self._or_unset(kind)), self.add(f"{kind}({given})", STEPS)

    def _next_check(self) -> str:
        """Return how the rule map calls the next statement that gives no value."""
        self.checks += 1
        return f"check{self.checks}"

    def _check(self, check: ir.Check, expressions: PythonExpressions) -> str:
        name = literal(check.name)
        condition = check.condition
        said = () if check.says is None else (f"lambda: {expressions.value(check.says)}",)
        if not isinstance(condition, Operation) or condition.operator != "==":
            return self.emitter.call("holds", name, expressions.value(condition), *said)
        left, right = expressions.value(condition.left), expressions.value(condition.right)
        if condition.left.type != DECIMAL:
            return self.emitter.call("same", name, left, right, *said)
        within = self.needs.decimal(_shortest(check.within))
        return self.emitter.call("equal", name, left, right, within, *said)

    def _members(self, part: ir.Part) -> Iterator[tuple[Member, str]]:
        """Yield each member of a part with the Python of its value."""
        notes = () if part.note is None else (part.note,)
        known = {member.name: member for member in part.members}
        waiting = [one for one in part.members if isinstance(one, ir.Field) and one.sent_with]
        found: dict[str, tuple[Member, str]] = {}
        for member in (*part.members, *notes):
            if isinstance(member, ir.Rows):
                found[member.name] = self._rows(member)
            elif not member.sent_with:
                found[member.name] = self._field(member)
            ready = [one for one in waiting if {path[0] for path in one.sent_with} <= found.keys()]
            for flag in ready:
                waiting.remove(flag)
                found[flag.name] = self._flag(flag, known, found)
        for member in (*part.members, *notes):
            yield found[member.name]
        if part.custom:
            yield self._custom(part)

    def _flag(
        self,
        flag: ir.Field,
        known: Mapping[str, ir.Member],
        found: Mapping[str, tuple[Member, str]],
    ) -> tuple[Member, str]:
        """Add the statement of a field that is sent with others, which have theirs before it."""
        guards = [self._sent(known[path[0]], found[path[0]][1], path) for path in flag.sent_with]
        statement, local = self.emitter.sent_with(flag, guards)
        self.statements.append(statement)
        self.rule(local, flag.target, flag.reads, flag.pointer)
        return _member(flag.name, self._or_unset(self._kind(flag))), local

    def _sent(self, member: ir.Member, code: str, path: tuple[str, ...]) -> str:
        """Return the Python of whether what a path leads to is sent; the code is its first step."""
        unset, tests = self.needs.name("msgspec", "UNSET"), []
        for name in (*path[1:], ""):
            if not member.is_always_set:
                tests.append(f"{code} is not {unset}")
            if name and isinstance(member, ir.Rows):
                code = f"{code}.{python_name(name)}"
                member = member.blocks[0].part.member(name)
        return " and ".join(tests)

    def _field(self, item: ir.Field) -> tuple[Member, str]:
        local = self._statements_of(item)
        kind = self._kind(item)
        if item.clears:
            kind = f"{kind} | {self.needs.name(VALUES, 'Cleared')}"
        elif not item.is_always_set:
            kind = self._or_unset(kind)
        return _member(item.name, kind), local

    def _statements_of(self, item: ir.Field, *, is_custom: bool = False) -> str:
        """Add the statements of a field, and return the Python of its value."""
        added, local = self.emitter.field(item, is_custom=is_custom)
        self.statements += added
        lookups = (one for one in nodes(item.value) if isinstance(one, Lookup))
        may_come = any(one.on_miss == "retry" for one in lookups)
        for one in added:
            if one.field is not None and one.local is None:
                self.rule(self._next_check(), item.target, item.reads, item.pointer, warns=True)
            elif one.field is not None and one.local is not None:
                self.rule(one.local, item.target, item.reads, item.pointer, may_come=may_come)
        return local

    def _kind(self, item: ir.Field) -> str:
        if isinstance(item.value, ir.Made):
            return "MadeValue" if item.value.otherwise is None else "MadeValue | StringValue"
        if self.module.flow.wraps_values:
            return "MultiSelectValue" if item.is_list else WRAPPERS[item.kind]
        return self.module.annotations.of(item.of)

    def _or_unset(self, kind: str) -> str:
        return f"{kind} | {self.needs.name('msgspec', 'UnsetType')}"

    def _rows(self, item: ir.Rows) -> tuple[Member, str]:
        """Add the statement of a member that is made of parts; of several blocks, one for each."""
        (first, *others), before, rows = item.blocks, len(self.module.rules), []
        kind, name = self.module.name(first.part).kind, local_name(item.name)
        for block in item.blocks:
            self.module.function(block, target=f"{item.target}{'[]' * item.is_list}.")
            if others:
                # A type checker skips a row that is never there.
                is_decided = block.alias is None and isinstance(block.where, Constant)
                annotation = f"list[{kind}]" if is_decided else ""
                code, comment = self._rows_of(block), block_comment(item, block)
                local = self.add(code, f"{block.alias or 'single'}_{name}", comment, annotation)
                self.rule(local, item.target, block.reads, block.part.pointer)
                rows.append(f"*{local}")
        if item.is_list and not is_one_to_one(item):
            # A row of the document is not the row of the same number in the source.
            inside = self.module.rules[before:]
            self.module.rules[before:] = [replace(rule, rows_differ=True) for rule in inside]
        if not item.is_list:
            code = self._object(first)
            kind = kind if item.is_always_set else self._or_unset(kind)
        else:
            code = self._limited(f"[{', '.join(rows)}]" if others else self._rows_of(first), item)
            kind = f"list[{kind}]"
            if not item.is_always_set:
                code, kind = self._left_out(code, item), self._or_unset(kind)
        local = self.add(code, name, item.target)
        self.rule(local, item.target, item.reads, item.pointer)
        return _member(item.name, kind), local

    def _left_out(self, code: str, item: ir.Rows) -> str:
        """Return the Python of rows that a condition leaves out, or that there are none of."""
        unset = self.needs.name("msgspec", "UNSET")
        if item.omit_if is not None:
            local = self.add(code, f"{local_name(item.name)}_rows")
            self.rule(local, item.target, item.reads, item.pointer)
            inner = replace(self.emitter, names={**self.emitter.names, "value": local})
            omitted = inner.expressions().value(item.omit_if.holds)
            kept = local if item.sends_empty else f"{local} or {unset}"
            return f"{unset} if {operand(omitted)} else {kept}"
        return self.needs.filled("{0} or {1}", code, unset)

    def _object(self, block: ir.Block) -> str:
        """Return the Python of an object, left out where its source or all of it is missing."""
        guards: tuple[str, ...] = ()
        arguments = dict(self.emitter.names)
        if block.where is not None:
            guards = (self.emitter.expressions().value(block.where),)
        for one in block.taken:
            arguments[one.name] = self.emitter.expressions().value(one.value)
        if block.source is not None and block.alias is not None:
            guarded = self.emitter.expressions().guarded(block.source)
            guards = (*guards, *guarded.guards)
            arguments[block.alias] = guarded.value
        call = self._call(block.part, arguments)
        if block.part.may_be_empty:
            call = self.emitter.call("unless_empty", call)
        return self.emitter.or_unset(call, guards)

    def _call(self, part: ir.Part, arguments: Mapping[str, str]) -> str:
        name = self.module.name(part)
        given = ", ".join(arguments[parameter] for parameter, _ in name.parameters)
        return f"{name.function}({given})"

    def _rows_of(self, block: ir.Block, guards: tuple[str, ...] = ()) -> str:
        """Return the Python of the rows that a block makes, none where a guard does not hold."""
        emitter = self.emitter
        if block.source is None or block.alias is None:
            code = f"[{self._call(block.part, emitter.names)}]"
            if block.where is not None:
                guards = (*guards, emitter.expressions().value(block.where))
            return chosen(code, guards, "[]")
        inner, names, over = emitter.namer.inner(), dict(emitter.names), ""
        for one in block.around:
            # What is within each other is never missing: no guard is asked there.
            rows = PythonExpressions(names, self.needs, inner).rows(one.source).value
            names[one.alias] = inner.name(one.alias)
            over += f" for {names[one.alias]} in {operand(rows)}"
        guarded = PythonExpressions(names, self.needs, inner).rows(block.source)
        row = names[block.alias] = inner.name(block.alias)
        asked = ""
        if block.where is not None:
            test = PythonExpressions(names, self.needs, inner).value(block.where)
            asked = f" if {operand(test)}"
        call = self._call(block.part, names)
        code = f"[{call}{over} for {row} in {operand(guarded.value)}{asked}]"
        return chosen(code, (*guards, *guarded.guards), "[]")

    def _limited(self, code: str, item: ir.Rows) -> str:
        """Return the Python of a list that is validated against what the rule asks of it."""
        if item.least:
            code = self.emitter.call("rows", code, item.least)
        for telling in filter(None, dict.fromkeys((item.unique, item.row_key))):
            fields = (literal(python_name(name)) for name in telling)
            code = self.emitter.call("unique", code, *fields)
        return code

    def _custom(self, part: ir.Part) -> tuple[Member, str]:
        given: dict[str, dict[str, str]] = {}
        kinds: dict[str, None] = {}
        for item in part.custom:
            local = self._statements_of(item.field, is_custom=True)
            kinds[CUSTOM_WRAPPERS[item.field.kind]] = None
            if item.field.clears:
                kinds["ClearedField"] = None
            given.setdefault(item.view, {})[item.name] = local
        code = _mapping((view, _mapping(fields.items())) for view, fields in given.items())
        kind = f"dict[str, dict[str, {' | '.join(kinds)}]]"
        is_always_set = all(item.field.is_always_set for item in part.custom)
        if not is_always_set:
            code = self.emitter.call("set_fields", code)
            kind = self._or_unset(kind)
        # Of several kinds, a type checker would make what they have in common; of a field that a
        # decided condition leaves out, nothing.
        is_unsent = len(kinds) > 1 or not is_always_set
        return Member("custom", kind), self.add(code, "custom", None, kind if is_unsent else "")


def _member(name: str, annotation: str) -> Member:
    """Return a member of a document; the name of one outside the ERP may be no Python name."""
    known_as = python_name(name)
    return Member(known_as, annotation, encoded_as=name if name != known_as else None)


def _mapping(entries: Iterable[tuple[str, str]]) -> str:
    """Return the Python of a dict: texts, and what stands for each."""
    return f"{{{', '.join(f'{literal(name)}: {code}' for name, code in entries)}}}"


def _table_type(table: Table, value: str) -> str:
    columns = ", ".join("str" for _ in table.key)
    return f"Mapping[tuple[{columns}], {value}]" if len(table.key) > 1 else f"Mapping[str, {value}]"


def _article(name: str) -> str:
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


def _shortest(number: str) -> str:
    """Return a decimal without idle zeros: `0.00` -> `0`."""
    return number.rstrip("0").rstrip(".") or "0" if "." in number else number
