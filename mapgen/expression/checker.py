"""From a tree and the names in scope to types and the ir; every mistake becomes one diagnostic."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import assert_never, get_args

from msgspec import Struct
from msgspec.structs import replace

from mapgen.expression import fixes
from mapgen.expression.calls import Chosen, MayBeMissing, Miscount, TypeMismatch, Unfit, choose
from mapgen.expression.functions import CALLS, FORM_NAMES, FORMS, METHODS, REFUSED
from mapgen.expression.hints import element_hint, hint
from mapgen.expression.lineage import trace
from mapgen.expression.narrowing import NOTHING, Known, facts, met, stable_path
from mapgen.expression.operators import are_comparable, binary_type
from mapgen.expression.parser import parse
from mapgen.expression.passing import Unlike, at_use, seen_as, unfit
from mapgen.expression.patterns import FORMAT_FAULTS, format_error
from mapgen.expression.refinements import REFINEMENTS
from mapgen.expression.rounding import Fate, divides, fate_in
from mapgen.expression.scope import Binding, Named, Path, Scope, Values
from mapgen.expression.signature import NAMESPACES, build
from mapgen.expression.tree import (
    Binary,
    Call,
    Conditional,
    Constant,
    Has,
    Index,
    ListTree,
    Macro,
    MapTree,
    Method,
    Name,
    Select,
    Tree,
    Unary,
    children,
)
from mapgen.expression.typed import Part, Typed
from mapgen.expression.units import UNITS, converted, mismatch, near_units
from mapgen.ir import building
from mapgen.ir import expression as ir
from mapgen.ir.rewriting import rewritten
from mapgen.ir.types import (
    BOOL,
    BY_NAME,
    DATE,
    DECIMAL,
    ERROR,
    INT,
    NULL,
    NUMBERS,
    ORDERED,
    STRING,
    TIMEZONE,
    ErrorType,
    ListOf,
    MapOf,
    Object,
    Optional,
    Scalar,
    Table,
    Type,
    group_of,
    has_unknown,
    is_assignable,
    join,
    optional,
    present,
)
from mapgen.report import REPORTED_ELSEWHERE, Diagnostic, Span, Text
from mapgen.report.catalogue import expression as catalogue
from mapgen.report.catalogue import reuse
from mapgen.report.catalogue.mapping import unknown_lookup

# Beside these a name is one for sure; anywhere else a text may have lost its quotes.
_OPERATOR_BEFORE = re.compile(r"(?:[-+*/%<>]|[<>]=|&&|\|\||(?<!!)!)\s*\Z")
_OPERATOR_AFTER = re.compile(r"\s*(?:[-+*/%<>.\[]|&&|\|\|)")
_LOOPS: dict[str, ir.LoopKind] = {
    "all": "all",
    "exists": "any",
    "exists_one": "one",
    "filter": "list",
    "map": "list",
    "sortBy": "sorted",
    "groupBy": "grouped",
    "transformList": "list",
    "transformMap": "map",
}
_OPERATORS: dict[str, ir.Operator] = {operator: operator for operator in get_args(ir.Operator)}


class Env(Struct, frozen=True):
    """What holds at one place of the tree: the names, and the paths known to be present.

    `values` are those that may be at paths. `fate` is where the value goes of what is there,
    in `around`.
    """

    scope: Scope
    present: frozenset[Path] = NOTHING
    values: Mapping[Path, Values] = {}
    fate: Fate = "result"
    around: Tree | None = None

    def knowing(self, known: Known) -> Env:
        values = met(self.values, known.values)
        return replace(self, present=self.present | known.present, values=values)


class Passage(Struct, frozen=True):
    """What a selection, an index or a call goes into: `inside` stands for it once it is there.

    `whole` is a value that may be missing, with which the result is left out.
    """

    type: Type
    inside: ir.Expression
    whole: ir.Expression | None = None

    def entry(self, key: ir.Expression, found: Type, *, is_soft: bool) -> ir.Call:
        """Return what a list or a map has at an index; missing where it may have nothing."""
        kind = "list[{}index]" if isinstance(self.type, ListOf) else "map[{}key]"
        function = kind.format("?" if is_soft else "")
        given = optional(found) if is_soft else found
        return ir.Call(function, (self.inside, key), given, is_fallible=not is_soft)

    def result(self, found: Type, code: ir.Expression, *, is_chained: bool = False) -> Part:
        """Return what comes out: left out when what it goes into is missing."""
        if self.whole is None:
            return Part(found, code, is_chained)
        assert isinstance(self.inside, ir.Local)
        kind = optional(found)
        return Part(kind, ir.WhenPresent(self.whole, self.inside, code, kind), is_chained=True)


# What stands for a part with an error, of which nobody needs the code.
_NO_CODE = ir.Variable("", ERROR)
BROKEN = Part(ERROR, _NO_CODE)


class Checker:
    """Walks one tree once; collects what is found out about its parts, and errors."""

    def __init__(self, text: Text, diagnostics: list[Diagnostic]) -> None:
        self.text = text
        self.diagnostics = diagnostics
        self.parts: dict[Tree, Part] = {}
        self.numbers = itertools.count(1)
        self.divisions: list[tuple[Tree, Fate]] = []
        # Where words are parts of a name, as has been reported.
        self.meant: list[tuple[int, int]] = []

    def whole(self, tree: Tree, scope: Scope) -> Typed | None:
        """Return the checked expression, or None when any error was found."""
        found = self.check(tree, Env(scope, scope.present, scope.values))
        if not self.diagnostics and any(part.type == ERROR for part in self.parts.values()):
            self.diagnostics.extend(
                map(catalogue.never_there, map(self.span, self.never_there(tree)))
            )
        spans = []
        for division, fate in self.divisions:
            if self.parts[division].type == ERROR:
                continue
            if fate == "used":
                self.diagnostics.append(catalogue.division_not_rounded(self.span(division)))
            else:
                spans.append(self.span(division))
        if self.diagnostics:
            return None
        return Typed(
            tree=tree,
            type=found.type,
            code=found.code,
            parts=self.parts,
            lineage=trace(found.code, scope),
            division=spans[0] if spans else None,
        )

    def never_there(self, tree: Tree) -> list[Tree]:
        """Return what is of no known type: elements of what is empty, but not what is made of them.

        A macro over an empty list has such a variable, and its body is never evaluated. Of what
        comes from a broken schema the schema tells.
        """
        inner = [found for child in children(tree) for found in self.never_there(child)]
        is_unknown = tree in self.parts and self.parts[tree].type == ERROR
        return inner or ([tree] if is_unknown and not self.has_unknown_name(tree) else [])

    def has_unknown_name(self, tree: Tree) -> bool:
        if isinstance(tree, Name):
            return has_unknown(self.parts.get(tree, BROKEN).type, with_untyped=True)
        return any(map(self.has_unknown_name, children(tree)))

    def span(self, tree: Tree) -> Span:
        return self.text.span(tree.start, tree.end)

    def words(self, tree: Tree) -> str:
        return self.text.value[tree.start : tree.end]

    def name_span(self, tree: Call | Method | Macro) -> Span:
        return self.text.span(tree.name_start, tree.name_end)

    def report(self, diagnostic: Diagnostic, found: Type = ERROR) -> Part:
        """Note an error and answer with the type that fits everywhere, or one that is plain."""
        self.diagnostics.append(diagnostic)
        return Part(found, _NO_CODE)

    def local(self, hint: str, of: Type) -> ir.Local:
        return ir.Local(next(self.numbers), hint, of)

    def as_type(self, part: Part, wanted: Type) -> ir.Expression:
        return building.coerced(part.code, part.type, wanted, self.numbers)

    def check(self, tree: Tree, env: Env) -> Part:
        """Return what is found out about a part whose value is used as it is."""
        found = self.inner(tree, env)
        return self.bare_table(tree) if is_table(tree, found.type) else found

    def inner(self, tree: Tree, env: Env) -> Part:
        """Return what is found out about a part through which a path only passes."""
        fate = fate_in(env.around, tree, env.fate)
        if fate != "rounded" and divides(tree):
            self.divisions.append((tree, fate))
        found = self.infer(tree, Env(env.scope, env.present, env.values, fate, tree))
        self.parts[tree] = found
        return found

    def infer(self, tree: Tree, env: Env) -> Part:
        match tree:
            case Constant():
                return constant(tree)
            case Name():
                return self.name(tree, env)
            case Select():
                return self.select(tree, env)
            case Index():
                return self.index(tree, env)
            case Has():
                return self.has(tree, env)
            case Call():
                return self.call(tree, env)
            case Method():
                return self.method(tree, env)
            case Macro():
                return self.macro(tree, env)
            case Unary():
                return self.unary(tree, env)
            case Binary(operator="&&" | "||"):
                return self.logic(tree, env)
            case Binary():
                return self.binary(tree, env)
            case Conditional():
                return self.conditional(tree, env)
            case ListTree():
                return self.list(tree, env)
            case MapTree():
                return self.map(tree, env)
            case _:
                assert_never(tree)

    # Names

    def name(self, tree: Name, env: Env) -> Part:
        binding = env.scope.bindings.get(tree.name)
        if binding is None and any(start < tree.start < end for start, end in self.meant):
            return BROKEN
        if binding is None:
            owners = {
                name: present(known.type.fields[tree.name])
                for name in env.scope.names
                for known in (env.scope.bindings[name],)
                if isinstance(known.type, Object) and tree.name in known.type.fields
            }
            text = self.meant_as_text(tree) if STRING in owners.values() else None
            return self.report(
                catalogue.unknown_name(
                    self.span(tree), tree.name, env.scope.names, [*owners], text=text
                )
            )
        if (tree.name,) in env.scope.taken:
            return self.taken((tree.name,), env)
        found = present(binding.type) if (tree.name,) in env.present else binding.type
        if binding.local is not None:
            return Part(found, replace(binding.local, type=found))
        if binding.argument is not None:
            return Part(found, self.argument(binding.argument, found))
        return Part(found, ir.Variable(tree.name, found))

    def taken(self, path: Path, env: Env) -> Part:
        """Return a value that a condition around the part has shown to be there."""
        name = env.scope.taken[path]
        found = env.scope.bindings[name].type
        return Part(found, ir.Variable(name, found))

    def argument(self, code: ir.Expression, found: Type) -> ir.Expression:
        """Return what a parameter stands for, its locals being others each time."""
        numbers: dict[int, int] = {}

        def change(node: object) -> object:
            if not isinstance(node, ir.Local) or node.number not in bound:
                return node
            if node.number not in numbers:
                numbers[node.number] = next(self.numbers)
            return replace(node, number=numbers[node.number])

        bound = building.bound_in(code)
        fresh = rewritten(code, change)
        if found == fresh.type:
            return fresh
        if isinstance(fresh, ir.Variable | ir.Field | ir.Local):
            return replace(fresh, type=found)
        return ir.Call("optional.value()", (fresh,), found)

    def meant_as_text(self, tree: Name) -> str | None:
        """Return how a name is written in the spec if it is a text, None beside an operator."""
        before, after = self.text.value[: tree.start], self.text.value[tree.end :]
        if _OPERATOR_BEFORE.search(before) or _OPERATOR_AFTER.match(after):
            return None
        is_all = not (before.strip() or after.strip())
        # YAML takes the quotes of a scalar away.
        return f"\"'{tree.name}'\"" if is_all else f"'{tree.name}'"

    def through(self, tree: Select | Index, env: Env) -> Passage:
        """Return what a selection goes into, and whether it may be left out with it."""
        is_soft = tree.is_optional and not isinstance(tree.operand, Select)
        return self.passage(tree, self.inner(tree.operand, env), is_soft=is_soft)

    def passage(
        self, tree: Select | Index | Method | Macro, operand: Part, *, is_soft: bool = False
    ) -> Passage:
        """Return a value that something hangs on; `is_soft`: that is left out where it is missing.

        So it is with what hangs on something that is left out itself.
        """
        if not isinstance(operand.type, Optional):
            return Passage(operand.type, operand.code)
        if operand.is_chained or is_soft:
            inside = self.local(hint(tree.operand), operand.type.of)
            return Passage(operand.type.of, inside, operand.code)
        self.report(self.may_be_missing(tree.operand, operand.type, followed_by=tree))
        return Passage(ERROR, _NO_CODE)

    def select(self, tree: Select, env: Env, *, is_asked_for: bool = False) -> Part:
        """Return what a field is; `is_asked_for` inside `has()`, where `.?` is not needed."""
        operand = self.through(tree, env)
        declared = self.field(tree, operand.type, is_asked_for=is_asked_for)
        path = stable_path(tree)
        is_taken = path is not None and path in env.scope.taken
        is_tagged = self.is_tagged(tree, operand.type, env)
        if is_tagged is None:
            return BROKEN
        is_demanded = is_tagged and path not in env.present
        is_known = is_taken or is_demanded or path in env.present
        found = present(declared) if is_known else declared
        is_left_out = operand.whole is not None
        is_missing = is_left_out or isinstance(found, Optional)
        is_needless = tree.is_optional and not (is_missing or is_asked_for)
        if is_needless and not isinstance(found, ErrorType):
            span = self.text.span(tree.name_start - 2, tree.end)
            return self.report(
                catalogue.needless_question(
                    span, words=self.words(tree), found=str(found), is_known=is_known
                )
            )
        if path is not None and is_taken:
            return self.taken(path, env)
        code = field_code(operand, tree.field, declared if is_demanded else found)
        if is_demanded and isinstance(declared, Optional):
            name = ir.Constant(tree.field, STRING)
            code = ir.Call("of its kind(T?, name)", (code, name), found, is_fallible=True)
        return operand.result(found, code, is_chained=tree.is_optional and is_missing)

    def is_tagged(self, tree: Select, operand: Type, env: Env) -> bool | None:
        """Tell whether all that an object can be here has a field; None: none has, as is reported.

        What it can be is known by the value of another field, which conditions have asked for.
        """
        holder = stable_path(tree.operand)
        if not isinstance(operand, Object) or holder is None or tree.field not in operand.fields:
            return False
        for tag, alternatives in operand.tags.items():
            values = env.values.get((*holder, tag))
            if values is None or tag == tree.field:
                continue
            fit = [one for value, one in alternatives.items() if values.allow(value)]
            if not any(tree.field in one.fields for one in fit):
                span = self.text.span(tree.name_start, tree.end)
                known = sorted({name for one in fit for name in one.fields})
                if fit or not self.diagnostics:
                    self.report(self.no_alternative(span, tree, tag, values, operand, known))
                return None
            if all(tree.field in one.required for one in fit):
                return True
        return False

    def no_alternative(
        self, span: Span, tree: Select, tag: str, values: Values, owner: Object, known: list[str]
    ) -> Diagnostic:
        """Return the error of a field that nothing has which an object can be here."""
        tags = ", ".join(f"`{one}`" for one in sorted(owner.tags[tag]))
        help = None if known else f"`{tag}` is one of {tags}"
        return catalogue.field_of_another(
            span,
            it=tree.field,
            owner=owner.name,
            tag=tag,
            named=sorted(values.named),
            are_others=values.are_others,
            known=known,
            help=help,
        )

    def field(self, tree: Select, operand: Type, *, is_asked_for: bool) -> Type:
        """Return the declared type of a field."""
        span = self.text.span(tree.name_start, tree.end)
        match operand:
            case ErrorType():
                return ERROR
            case Table():
                return self.bare_table(tree).type
            case Object(fields=fields) if is_table(tree.operand, operand):
                known = fields.get(tree.field)
                return known or self.report(unknown_lookup(span, it=tree.field, known=fields)).type
            case Object(fields=fields):
                found = fields.get(tree.field)
                untyped = found is not None and isinstance(present(found), ErrorType)
                return ERROR if untyped else found or self.unknown_field(tree, span, operand)
            case MapOf(key=Scalar("string"), value=value):
                if tree.is_optional or is_asked_for:
                    return optional(value)
                return value
            case _:
                diagnostic = catalogue.no_fields(
                    span,
                    tree.field,
                    operand,
                    self.words(tree.operand),
                    is_list=isinstance(operand, ListOf),
                )
                return self.report(diagnostic).type

    def unknown_field(self, tree: Select, span: Span, owner: Object) -> Type:
        rows = owner.fields.get("rows")
        if owner.name.startswith("group(") and isinstance(rows, ListOf):
            row = present(rows.element)
            if isinstance(row, Object) and tree.field in row.fields:
                words = self.words(tree.operand)
                return self.report(
                    catalogue.field_of_rows(span, field=tree.field, words=words)
                ).type
        help = None if owner.fields else "the schema gives it no fields at all"
        longer = fixes.longer_name(self.text.value, tree, owner.fields)
        if longer is not None:
            help = fixes.with_backquotes(self.text.value, tree, longer)
            self.meant.append((tree.name_start, tree.name_start + len(longer)))
        known = sorted(owner.fields)
        return self.report(
            catalogue.unknown_field(span, it=tree.field, owner=owner.name, known=known, help=help)
        ).type

    def index(self, tree: Index, env: Env) -> Part:
        operand = self.through(tree, env)
        if isinstance(operand.type, Table):
            return self.table_entry(tree, operand.type, env)
        position = self.sure(tree.index, env)
        match operand.type:
            case ListOf(element):
                wanted: Type = INT
                found = element
            case MapOf(key, value):
                wanted, found = key, value
            case ErrorType():
                return never(Part(ERROR, operand.inside), position)
            case _:
                return self.report(self.no_index(tree, operand.type))
        if not is_assignable(position.type, wanted):
            return self.report(
                catalogue.wrong_type(
                    self.span(tree.index),
                    taker="the index",
                    wanted=str(wanted),
                    found=position.type,
                )
            )
        is_soft = tree.is_optional or operand.whole is not None
        code = operand.entry(position.code, found, is_soft=is_soft)
        return operand.result(code.type, code, is_chained=is_soft)

    def no_index(self, tree: Index, found: Type) -> Diagnostic:
        fields = found.fields if isinstance(found, Object) else ()
        help = fixes.field_instead(self.text.value, tree, fields)
        return catalogue.no_index(self.span(tree.operand), found=found, help=help)

    def table_entry(self, tree: Index, table: Table, env: Env) -> Part:
        """Return what a table has for a key: a value, or a row, that may be missing."""
        trees: tuple[Tree, ...] = (tree.index,)
        if isinstance(tree.index, ListTree) and len(table.columns) > 1:
            trees = tuple(element.value for element in tree.index.elements)
        parts = [self.sure(part, env) for part in trees]
        if not tree.is_optional:
            return self.bare_table(tree.operand)
        if len(parts) != max(1, len(table.columns)):
            return self.report(
                catalogue.wrong_table_key(
                    self.span(tree.index),
                    table=table.name,
                    columns=table.columns,
                    is_one=len(table.columns) < 2,
                    form=", ".join(table.columns),
                )
            )
        for part, found, column in zip(trees, parts, table.columns or ("",), strict=True):
            is_number = column in table.numbers
            if found.type not in ((INT, ERROR) if is_number else (STRING, INT, ERROR)):
                wanted = (INT, "int") if is_number else (STRING, "string or int")
                return self.report(self.mistyped(part, "a lookup key", found.type, *wanted))
        key = (
            ir.Call("string(int)", (part.code,), STRING) if part.type == INT else part.code
            for part in parts
        )
        found_row = optional(table.row)
        code = ir.Lookup(table.name, (tuple(key),), "omit", table.entries, found_row)
        return Part(code.type, code, is_chained=True)

    def bare_table(self, tree: Tree) -> Part:
        """Report a table that is asked for anything but the entry of a key."""
        while isinstance(tree, Select) and isinstance(tree.operand, Select):
            tree = tree.operand
        name = tree.field if isinstance(tree, Select) else "NAME"
        return self.report(catalogue.table_without_key(self.span(tree), name=name))

    def has(self, tree: Has, env: Env) -> Part:
        found = self.select(tree.path, env, is_asked_for=True)
        if isinstance(found.type, Table):
            found = self.bare_table(tree.path)
        self.parts[tree.path] = found
        if isinstance(found.type, ErrorType | Optional):
            return Part(BOOL, ir.IsPresent(found.code))
        is_known = self.is_known(tree.path, env)
        words, shown = self.words(tree.path), str(found.type)
        return self.report(
            catalogue.needless_has(self.span(tree), words=words, found=shown, is_known=is_known)
        )

    def may_be_missing(
        self,
        tree: Tree,
        found: Type,
        followed_by: Select | Index | Method | Macro | None = None,
        taken_by: Call | Method | None = None,
    ) -> Diagnostic:
        """Return the error of a value that may be missing where it has to be there.

        `followed_by` is what hangs on the value, `taken_by` what has it as an argument: either
        could be left out with it.
        """
        words, path = self.words(tree), stable_path(tree)
        chained = None
        if followed_by is not None:
            chained = fixes.left_out_with(self.text.value, tree, followed_by)
        elif taken_by is not None:
            chained = fixes.left_out_as_argument(self.text.value, tree, taken_by)
        asked = None
        if path is not None:
            asked = f"has({words})" if isinstance(tree, Select) else f"{words} != null"
        has_literal = isinstance(present(found), Scalar | ListOf)
        return catalogue.may_be_missing(
            self.span(tree), words, found, chained, asked, has_literal=has_literal
        )

    def is_known(self, tree: Tree, env: Env) -> bool:
        """Tell whether a condition has shown that a value is there."""
        path = stable_path(tree)
        return path in env.present or (path is not None and path in env.scope.taken)

    def sure(self, tree: Tree, env: Env) -> Part:
        """Return what is found out about a part that must not be missing."""
        found = self.check(tree, env)
        if isinstance(found.type, Optional):
            return self.report(self.may_be_missing(tree, found.type))
        if found.type == NULL:
            return self.report(catalogue.null_value(self.span(tree)))
        return found

    # Operators

    def unary(self, tree: Unary, env: Env) -> Part:
        operand = self.sure(tree.operand, env)
        found = operand.type
        if tree.operator == "!":
            if found not in (BOOL, ERROR):
                self.report(
                    catalogue.no_condition(self.span(tree.operand), found=found, kind=_kind(found))
                )
            return Part(BOOL, building.negated(operand.code))
        if found not in (*NUMBERS, ERROR):
            sign = self.text.span(tree.start, tree.start + 1)
            return self.report(catalogue.no_operator(sign, operator="-", types=found))
        return Part(found, building.negative(operand.code, found))

    def condition(self, tree: Tree, env: Env) -> ir.Expression:
        """Return a part that decides: a bool that is there, and that can turn out either way."""
        found = self.sure(tree, env)
        if found.type not in (BOOL, ERROR):
            kind = _kind(found.type)
            self.report(catalogue.no_condition(self.span(tree), found=found.type, kind=kind))
        elif env.scope.bindings and not env.scope.of_part and building.is_constant(found.code):
            self.report(catalogue.constant_condition(self.span(tree)))
        return found.code

    def logic(self, tree: Binary, env: Env) -> Part:
        is_both = tree.operator == "&&"
        left, known = self.condition(tree.left, env), facts(tree.left)
        right = self.condition(tree.right, env.knowing(known.held if is_both else known.failed))
        both = building.all_of if is_both else building.any_of
        return Part(BOOL, both(left, right))

    def conditional(self, tree: Conditional, env: Env) -> Part:
        condition, known = self.condition(tree.condition, env), facts(tree.condition)
        then = self.check(tree.then, env.knowing(known.held))
        otherwise = self.check(tree.otherwise, env.knowing(known.failed))
        both = join(then.type, otherwise.type)
        if both is None:
            return self.report(
                catalogue.branches_differ(
                    self.span(tree.otherwise),
                    then=self.span(tree.then),
                    left=then.type,
                    right=otherwise.type,
                )
            )
        branches = self.as_type(then, both), self.as_type(otherwise, both)
        return Part(both, ir.Conditional(condition, *branches, both))

    def binary(self, tree: Binary, env: Env) -> Part:
        if tree.operator in ("==", "!="):
            return self.equality(tree, env)
        left, right = self.sure(tree.left, env), self.sure(tree.right, env)
        found = binary_type(tree.operator, left.type, right.type)
        if tree.operator == "/" and found == DECIMAL:
            self.divisor(tree.right)
        if found is not None:
            return Part(found, self.operation(tree, left, right, found))
        sign, (one, other) = self.operator_span(tree), (
            self.words(tree.left),
            self.words(tree.right),
        )
        if tree.operator == "/" and left.type == right.type == INT:
            return self.report(catalogue.int_division(self.span(tree), left=one, right=other))
        if tree.operator == "%":
            fits = left.type == right.type == INT
            return self.report(
                catalogue.remainder(sign, help=f"write `intMod({one}, {other})`" if fits else None)
            )
        fix = fixes.alike(self.text.value, tree, left.type, right.type)
        diagnostic = catalogue.no_operator(
            sign, operator=tree.operator, types=f"{left.type} and {right.type}", help=fix
        )
        return self.report(
            diagnostic, BOOL if tree.operator in ("<", "<=", ">", ">=", "in") else ERROR
        )

    def operation(self, tree: Binary, left: Part, right: Part, found: Type) -> ir.Expression:
        """Return an operation that works on its operands."""
        if ERROR in (left.type, right.type):
            return never(left, right).code
        match tree.operator, found:
            case "+", Scalar("string"):
                return building.concatenated(left.code, right.code)
            case "+", ListOf():
                return building.one_list(self.as_type(left, found), self.as_type(right, found))
            case "in", _ if isinstance(right.type, MapOf):
                return ir.Call("key in map", (left.code, right.code), BOOL)
            case operator, _:
                return ir.Operation(_OPERATORS[operator], left.code, right.code, found)

    def operator_span(self, tree: Binary) -> Span:
        return self.text.span(tree.operator_start, tree.operator_start + len(tree.operator))

    def divisor(self, tree: Tree) -> None:
        """Check what a quotient is divided by: a literal is known not to be zero."""
        if isinstance(tree, Constant) and tree.value == 0:
            self.report(catalogue.division_by_zero(self.span(tree)))

    def equality(self, tree: Binary, env: Env) -> Part:
        left, right = self.check(tree.left, env), self.check(tree.right, env)
        is_equal = tree.operator == "=="
        found = Part(BOOL, building.equality(left.code, right.code, is_equal=is_equal))
        if NULL in (left.type, right.type):
            other, side = (left, tree.left) if right.type == NULL else (right, tree.right)
            if not isinstance(other.type, Optional | ErrorType) and env.scope.bindings:
                is_known = self.is_known(side, env)
                diagnostic = catalogue.needless_null(
                    self.span(tree),
                    words=self.words(side),
                    found=str(other.type),
                    answer=not is_equal,
                    is_known=is_known,
                )
                return self.report(diagnostic, BOOL)
            return found
        for side, part in ((tree.left, left), (tree.right, right)):
            if isinstance(part.type, Optional):
                return self.report(self.may_be_missing(side, part.type), BOOL)
        if not are_comparable(left.type, right.type):
            fix = fixes.alike(self.text.value, tree, left.type, right.type)
            diagnostic = catalogue.different_types(
                self.operator_span(tree),
                operator=tree.operator,
                left=left.type,
                right=right.type,
                help=fix,
            )
            return self.report(diagnostic, BOOL)
        never = self.never_that(tree.left, tree.right) or self.never_that(tree.right, tree.left)
        return found if never is None else self.report(never, BOOL)

    def never_that(self, side: Tree, other: Tree) -> Diagnostic | None:
        """Return the error of a constant that the tag of an object is compared with, and never is.

        What stands for one that is missing is no such constant.
        """
        if not isinstance(other, Constant) or other.value is None:
            return None
        if isinstance(side, Method) and side.name == "orValue":
            (default,) = side.arguments
            if isinstance(default, Constant) and default.value == other.value:
                return None
            side = side.operand
        owner = present(self.parts[side.operand].type) if isinstance(side, Select) else ERROR
        if not isinstance(side, Select) or not isinstance(owner, Object):
            return None
        known, value = owner.tags.get(side.field, {}), str(other.value)
        if not known or value in known:
            return None
        return catalogue.never_that(
            self.span(other), field=self.words(side), it=value, known=sorted(known)
        )

    # Calls

    def call(self, tree: Call, env: Env) -> Part:
        if tree.name == "coalesce":
            return self.coalesce(tree, env)
        if tree.name in env.scope.functions and tree.name not in CALLS:
            return self.named(tree, env.scope.functions[tree.name], env)
        return self.chosen_function(tree, tree.name, None, tree.arguments, env)

    def named(self, tree: Call, called: Named, env: Env) -> Part:
        """Return what an expression gives that is called by its name."""
        if called.is_open:
            return self.report(reuse.expression_in_circle(self.name_span(tree)))
        parts = [self.check(argument, env) for argument in tree.arguments]
        if called.takes and len(parts) != len(called.takes):
            shown = (f"{called.name.value}({', '.join(called.takes)})",)
            diagnostic = catalogue.wrong_count(self.name_span(tree), name=tree.name, shown=shown)
            return self.report(diagnostic)
        if not called.is_right:
            return self.report(REPORTED_ELSEWHERE)
        if any(part.type == ERROR for part in parts):
            return never(*parts)
        bindings, bound = dict[str, Binding](), list[tuple[Part, ir.Local]]()
        for argument, part, (name, wanted) in zip(
            tree.arguments, parts, called.takes.items(), strict=True
        ):
            seen = seen_as(part.type, wanted, name, called.reads)
            if not isinstance(seen, Unlike):
                code = self.as_type(part, seen)
                if not isinstance(code, ir.Variable | ir.Field | ir.Local | ir.Constant):
                    bound.append((Part(seen, code), self.local(name, seen)))
                    code = bound[-1][1]
                bindings[name] = Binding(seen, argument=code)
                continue
            if seen.is_missing and seen.path == name:
                self.report(self.may_be_missing(argument, part.type))
            else:
                span = self.span(argument)
                self.report(unfit(span, tree.name, name, seen, called.reads, called.name.span()))
        if len(bindings) < len(parts):
            return BROKEN
        return self.expanded(tree, called, env.scope.inside(bindings, called.functions), bound)

    def expanded(
        self, tree: Call, called: Named, scope: Scope, bound: list[tuple[Part, ir.Local]]
    ) -> Part:
        """Return what a named expression is for its arguments."""
        diagnostics: list[Diagnostic] = []
        inner = Checker(called.text, diagnostics)
        inner.numbers = self.numbers
        body = parse(called.text)
        if isinstance(body, Diagnostic):
            return BROKEN  # told where it is written
        found = inner.check(body, Env(scope))
        for diagnostic in diagnostics:
            self.report(at_use(diagnostic, self.name_span(tree)))
        code = found.code
        for part, local in reversed(bound):
            code = ir.Bound(part.code, local, code, found.type)
        return Part(found.type, code)

    def method(self, tree: Method, env: Env) -> Part:
        operand = tree.operand
        if (
            isinstance(operand, Name)
            and operand.name in NAMESPACES
            and operand.name not in env.scope.bindings
        ):
            return self.namespaced(tree, operand.name, env)
        if tree.name in OPTIONAL_METHODS:
            return self.optional_method(tree, env)
        return self.chosen_function(tree, tree.name, operand, tree.arguments, env)

    def namespaced(self, tree: Method, namespace: str, env: Env) -> Part:
        name = f"{namespace}.{tree.name}"
        if name == "optional.none" and not tree.arguments:
            return Part(NULL, ir.Constant(None, NULL))
        if name == "optional.of" and len(tree.arguments) == 1:
            found = self.sure(tree.arguments[0], env)
            return Part(optional(found.type), found.code)
        return self.chosen_function(tree, name, None, tree.arguments, env)

    def receiver(self, tree: Method | Macro, env: Env) -> Passage:
        """Return what a method is called on, and whether the call may be left out with it."""
        operand = self.check(tree.operand, env)
        if operand.type == NULL:
            operand = self.report(catalogue.null_value(self.span(tree.operand)))
        return self.passage(tree, operand)

    def chosen_function(
        self,
        tree: Call | Method,
        name: str,
        operand: Tree | None,
        arguments: tuple[Tree, ...],
        env: Env,
    ) -> Part:
        """Return what the function gives that the name and the operands choose from the table."""
        rows = (CALLS if operand is None else METHODS).get(name)
        plain = name.rpartition(".")[2]
        if rows is None and plain in REFUSED:
            return self.report(
                catalogue.refused_function(self.name_span(tree), name=name, instead=REFUSED[plain])
            )
        trees, parts = list(arguments), list[Part]()
        passage = Passage(ERROR, _NO_CODE)
        if operand is not None:
            assert isinstance(tree, Method)
            passage = self.receiver(tree, env)
            trees.insert(0, operand)
            parts.append(Part(passage.type, passage.inside))
        parts.extend(self.check(argument, env) for argument in arguments)
        if rows is None:
            return self.report(self.unknown_function(tree, name, env.scope.functions))
        types = [part.type for part in parts]
        if ERROR in types:
            return never(*parts)
        choice = choose(rows, types)
        if not isinstance(choice, Chosen):
            return self.report(self.unfit(tree, name, trees, types, choice))
        found = build(choice.function.signature.result, choice.bound)
        known = len(self.diagnostics)
        is_proven = self.examine(choice, trees)
        code: ir.Expression = _NO_CODE
        if len(self.diagnostics) == known:
            code = self.called(choice, trees, parts, found, is_proven=is_proven)
        return replace(passage.result(found, code), function=choice.function)

    def called(
        self, choice: Chosen, trees: list[Tree], parts: list[Part], found: Type, *, is_proven: bool
    ) -> ir.Expression:
        """Return the call of a function, each argument of the type that it takes."""
        function = choice.function
        patterns = function.signature.patterns(len(trees)) or ()
        codes = [
            (
                translated(tree, str(pattern))
                if isinstance(tree, Constant) and str(pattern) in TRANSLATED
                else self.as_type(part, build(pattern, choice.bound))
            )
            for tree, part, pattern in zip(trees, parts, patterns, strict=True)
        ]
        if function.name == "convertUnit":
            return converted(*codes)
        is_fallible = function.is_fallible and not is_proven
        return ir.Call(function.signature.key, tuple(codes), found, is_fallible)

    def examine(self, choice: Chosen, trees: list[Tree]) -> bool:
        """Look at the literal arguments; return whether they prove that the call cannot fail."""
        patterns = choice.function.signature.patterns(len(trees)) or ()
        is_proven = False
        for tree, name in zip(trees, map(str, patterns), strict=True):
            refinement = REFINEMENTS.get(name)
            if refinement is None:
                continue
            if not isinstance(tree, Constant):
                is_zone = name == "zone" and self.parts[tree].type == TIMEZONE
                if refinement.must_be_literal or (name == "zone" and not is_zone):
                    self.report(catalogue.no_literal(self.span(tree), wanted=refinement.wanted))
                continue
            if name.endswith("_text"):
                is_proven = True
            words = refinement.diagnostic(tree.value) if isinstance(tree.value, str | int) else None
            if words is not None:
                help = _instead_of_literal(name, str(tree.value))
                self.report(
                    catalogue.bad_literal(
                        self.span(tree), wanted=refinement.wanted, why=words, help=help
                    )
                )
        if choice.function.name == "convertUnit":
            self.units(trees[1], trees[2])
        divisors = trees[1:] if choice.function.name in ("intDiv", "intMod") else []
        for tree in divisors:
            self.divisor(tree)
            is_proven = isinstance(tree, Constant)
        return is_proven

    def units(self, source: Tree, target: Tree) -> None:
        """Check that a factor leads from one unit to the other."""
        names = [
            tree.value
            for tree in (source, target)
            if isinstance(tree, Constant) and isinstance(tree.value, str) and tree.value in UNITS
        ]
        words = mismatch(*names) if len(names) == 2 else None
        if words is not None:
            wanted = f"the unit to convert `{names[0]}` to"
            self.report(catalogue.bad_literal(self.span(target), wanted=wanted, why=words))

    def unknown_function(
        self, tree: Call | Method, name: str, functions: Iterable[str]
    ) -> Diagnostic:
        is_method = isinstance(tree, Method) and "." not in name
        known = METHODS if is_method else {*CALLS, *functions}
        instead = fixes.in_other_form(self.text.value, tree, name)
        return catalogue.unknown_function(
            self.name_span(tree),
            it=name,
            known={*known, *FORM_NAMES},
            help=instead,
            fix=fixes.of_function(self.text, tree, name),
            is_method=is_method,
        )

    def unfit(
        self, tree: Call | Method, name: str, trees: list[Tree], types: list[Type], unfit: Unfit
    ) -> Diagnostic:
        span = self.name_span(tree)
        match unfit:
            case MayBeMissing(position):
                return self.may_be_missing(trees[position], types[position], taken_by=tree)
            case Miscount(shown):
                return catalogue.wrong_count(span, name=name, shown=shown)
            case TypeMismatch(position, wanted):
                found = types[position]
                if position == 0 and len(trees) > len(tree.arguments):
                    behind = f".{self.text.value[tree.name_start : tree.end]}"
                    fix = fixes.conversion(
                        self.text.value, trees[0], found, _scalar(wanted), behind
                    )
                    return catalogue.no_method(
                        span,
                        name=name,
                        wanted=" or ".join(dict.fromkeys(wanted)),
                        found=found,
                        help=fix or _without_missing(found, wanted),
                    )
                if isinstance(found, Optional):
                    return self.may_be_missing(trees[position], found, taken_by=tree)
                if found == NULL:
                    return catalogue.null_value(self.span(trees[position]))
                words = " or ".join(wanted)
                return self.mistyped(trees[position], f"`{name}()`", found, _scalar(wanted), words)
            case _:
                assert_never(unfit)

    def mistyped(
        self, tree: Tree, taker: str, found: Type, wanted: Type, shown: str | None = None
    ) -> Diagnostic:
        """Return the error of a part of another type than is taken, with what converts it."""
        help = fixes.conversion(self.text.value, tree, found, wanted)
        words = shown or str(wanted)
        span = self.span(tree)
        return catalogue.wrong_type(span, taker=taker, wanted=words, found=found, help=help)

    # Missing values

    def optional_method(self, tree: Method, env: Env) -> Part:
        """Check `orValue`, `or`, `hasValue` and `value`, the methods of what may be missing."""
        operand = self.check(tree.operand, env)
        given = [self.check(argument, env) for argument in tree.arguments]
        found, is_asked = operand.type, tree.name == "hasValue"
        if len(given) != OPTIONAL_METHODS[tree.name]:
            return self.miscounted(tree)
        if not isinstance(found, Optional | ErrorType) and found != NULL:
            return self.report(self.needless_handler(tree, found, env))
        if is_asked:
            return Part(BOOL, ir.IsPresent(operand.code))
        if tree.name == "value":
            sure = present(found)
            reported = building.demanded(operand.code)
            if not ir.is_optional(reported):
                return Part(sure, reported)
            return Part(sure, ir.Call("optional.value()", (reported,), sure, is_fallible=True))
        if isinstance(found, ErrorType):
            return never(operand, given[0])
        return self.fallback(tree, operand, given[0])

    def miscounted(self, tree: Call | Method) -> Part:
        """Report a form with another number of arguments than it takes."""
        shown = next(form.shown for form in FORMS if form.name == tree.name)
        return self.report(
            catalogue.wrong_count(self.name_span(tree), name=tree.name, shown=(shown,))
        )

    def needless_handler(self, tree: Method | Macro, found: Type, env: Env) -> Diagnostic:
        is_known = self.is_known(tree.operand, env)
        span = self.text.span(tree.name_start - 1, tree.end)
        words = self.words(tree.operand)
        return catalogue.needless_handler(
            span, name=tree.name, words=words, found=str(found), is_known=is_known
        )

    def fallback(self, tree: Method, operand: Part, given: Part) -> Part:
        """Check the value that stands in for a missing one, by `orValue` or by `or`."""
        default, is_sure = tree.arguments[0], tree.name == "orValue"
        if is_sure and (isinstance(given.type, Optional) or given.type == NULL):
            return self.report(
                catalogue.default_may_be_missing(self.span(default), found=given.type)
            )
        if not is_sure and not isinstance(given.type, Optional | ErrorType) and given.type != NULL:
            return self.report(catalogue.or_wants_optional(self.span(default), found=given.type))
        found, other = present(operand.type), present(given.type)
        both = other if found == NULL else join(found, other)
        if both is None:
            return self.report(self.mistyped(default, f"`{tree.name}()`", given.type, found))
        return self.first_of([operand, given], both if is_sure else optional(both))

    def coalesce(self, tree: Call, env: Env) -> Part:
        parts = [self.check(argument, env) for argument in tree.arguments]
        if len(parts) < 2:
            return self.miscounted(tree)
        both: Type = parts[0].type
        for argument, part in zip(tree.arguments[1:], parts[1:], strict=True):
            joined = join(both, part.type)
            if joined is None:
                return self.report(
                    self.mistyped(argument, "`coalesce()`", part.type, present(both))
                )
            both = joined
        for argument, part in zip(tree.arguments[:-1], parts[:-1], strict=True):
            if not isinstance(part.type, Optional | ErrorType):
                rest = self.text.span(argument.end, tree.end - 1)
                words = self.words(argument)
                return self.report(catalogue.unreachable(rest, words=words, found=part.type))
        is_sure = not isinstance(parts[-1].type, Optional)
        return self.first_of(parts, present(both) if is_sure else both)

    def first_of(self, parts: Sequence[Part], found: Type) -> Part:
        """Return the first that is there, each asked only when those before it are missing."""
        *heads, last = parts
        code = self.as_type(last, found)
        for head in reversed(heads):
            if head.type == NULL:
                continue
            operand = self.as_type(head, optional(found))
            if operand != code:
                code = ir.OrElse(operand, code, found)
        return Part(found, code)

    # Lists and maps

    def macro(self, tree: Macro, env: Env) -> Part:
        if tree.name in ("optMap", "optFlatMap"):
            return self.optional_macro(tree, env)
        if tree.name == "bind":
            operand = self.check(tree.operand, env)
            inside, (local,) = self.bound(tree, [operand.type], env)
            body = self.check(tree.body, inside)
            return Part(body.type, ir.Bound(operand.code, local, body.code, body.type))
        over = self.receiver(tree, env)
        element: Type = ERROR
        key: Type = ERROR
        match over.type:
            case ListOf(of):
                element, key = of, INT
            case MapOf(of, value):
                element, key = (of, of) if len(tree.variables) == 1 else (value, of)
            case ErrorType():
                pass
            case found:
                span = self.name_span(tree)
                self.report(
                    catalogue.no_list(span, name=tree.name, over="a list or a map", found=found)
                )
        kinds = [element] if len(tree.variables) == 1 else [key, element]
        inside, locals_ = self.bound(tree, kinds, env)
        found, code = self.loop(tree, over, locals_, key, inside)
        if over.type != ERROR and element == ERROR:
            # What would be done with each has no type, and is never done.
            none = building.empty(_LOOPS[tree.name], found)
            local = self.local("over", ERROR)
            bare = building.is_bare(over.inside)
            code = none if bare else ir.Bound(over.inside, local, none, none.type)
        return over.result(found, code)

    def bound(self, tree: Macro, types: list[Type], env: Env) -> tuple[Env, list[ir.Local]]:
        """Return what holds inside a macro, and its variables, which are names there."""
        scope, locals_ = env.scope, list[ir.Local]()
        for variable, found in zip(tree.variables, types, strict=True):
            if variable.name in scope.bindings:
                self.report(catalogue.name_taken(self.span(variable), name=variable.name))
            is_element = variable is tree.variables[-1] and tree.name in _LOOPS
            name = element_hint(variable.name, tree.operand) if is_element else variable.name
            locals_.append(self.local(name, found))
            scope = scope.with_(variable.name, Binding(found, local=locals_[-1]))
            self.parts[variable] = Part(found, locals_[-1])
        return replace(env, scope=scope), locals_

    def loop(
        self, tree: Macro, operand: Passage, locals_: list[ir.Local], key: Type, env: Env
    ) -> tuple[Type, ir.Expression]:
        """Check the parts of a macro, its variables being bound; return what it gives."""
        condition = None
        if tree.condition is not None:
            condition = self.condition(tree.condition, env)
            env = env.knowing(facts(tree.condition).held)
        element = locals_[-1]
        found: Type = ERROR
        match tree.name:
            case "all" | "exists" | "exists_one":
                value, found = self.condition(tree.body, env), BOOL
            case "filter":
                condition, found = self.condition(tree.body, env), self.filtered(tree, operand.type)
                value = replace(element, type=found.element if isinstance(found, ListOf) else ERROR)
            case "sortBy":
                value, found = self.sort_key(tree, env), same_elements(operand.type)
            case "groupBy":
                value, found = self.group_key(tree, operand.type, env)
            case _:
                body = self.check(tree.body, env)
                value = body.code
                is_map = tree.name == "transformMap"
                found = MapOf(key, body.type) if is_map else ListOf(body.type)
                is_same = tree.name == "map" and condition is None and value == element
                if is_same and isinstance(operand.type, ListOf):
                    return found, operand.inside
        of_two = locals_[0] if len(locals_) == 2 else None
        kind = _LOOPS[tree.name]
        return found, ir.Loop(kind, operand.inside, element, of_two, condition, value, found)

    def sort_key(self, tree: Macro, env: Env) -> ir.Expression:
        key = self.sure(tree.body, env)
        if key.type not in (*ORDERED, ERROR):
            self.report(catalogue.no_order(self.span(tree.body), found=key.type))
        return key.code

    def group_key(self, tree: Macro, operand: Type, env: Env) -> tuple[ir.Expression, Type]:
        """Return the key by which elements form groups, and the list of the groups."""
        key = self.sure(tree.body, env)
        if key.type not in (STRING, INT, BOOL, DECIMAL, DATE, ERROR):
            self.report(catalogue.no_group_key(self.span(tree.body), found=key.type))
        elif isinstance(operand, ListOf):
            return key.code, ListOf(group_of(key.type, operand.element))
        elif isinstance(operand, MapOf):
            span = self.name_span(tree)
            self.report(catalogue.no_list(span, name=tree.name, over="a list", found=operand))
        return key.code, ERROR

    def filtered(self, tree: Macro, operand: Type) -> Type:
        """Return the list left over; what the condition proves present is present in it."""
        path = (tree.variables[0].name,)
        found = same_elements(operand)
        if isinstance(found, ListOf) and path in facts(tree.body).held.present:
            return ListOf(present(found.element))
        return found

    def optional_macro(self, tree: Macro, env: Env) -> Part:
        operand = self.check(tree.operand, env)
        if not isinstance(operand.type, Optional | ErrorType):
            return self.report(self.needless_handler(tree, operand.type, env))
        inside, (local,) = self.bound(tree, [present(operand.type)], env)
        body = self.check(tree.body, inside)
        if tree.name == "optFlatMap" and not isinstance(body.type, Optional | ErrorType):
            return self.report(catalogue.no_flat_map(self.name_span(tree), found=body.type))
        found = optional(body.type)
        return Part(found, ir.WhenPresent(operand.code, local, body.code, found))

    def list(self, tree: ListTree, env: Env) -> Part:
        both: Type = ERROR
        parts = []
        for element in tree.elements:
            part = self.check(element.value, env)
            parts.append(part)
            found = part.type
            if element.is_optional:
                found = self.left_out(element.value, found)
            joined = self.joined(element.value, both, found)
            if joined is None:
                return BROKEN
            both = joined
        elements = (
            ir.Element(self.as_entry(part, both, one.is_optional), one.is_optional)
            for part, one in zip(parts, tree.elements, strict=True)
        )
        return Part(ListOf(both), ir.Items(tuple(elements), ListOf(both)))

    def joined(self, tree: Tree, before: Type, found: Type) -> Type | None:
        """Return the type of what a list or a map holds with one more in it; None is reported."""
        both = join(before, found)
        if both is None:
            diagnostic = catalogue.elements_differ(self.span(tree), before=before, found=found)
            self.report(diagnostic)
        return both

    def as_entry(self, part: Part, wanted: Type, is_optional: bool) -> ir.Expression:
        return self.as_type(part, optional(wanted) if is_optional else wanted)

    def left_out(self, tree: Tree, found: Type) -> Type:
        """Return the type of what `?` leaves out when it is missing."""
        if found == NULL:
            return ERROR
        if not isinstance(found, Optional | ErrorType):
            diagnostic = catalogue.needless_question(
                self.span(tree), words=self.words(tree), found=str(found), is_known=False
            )
            return self.report(diagnostic).type
        return present(found)

    def map(self, tree: MapTree, env: Env) -> Part:
        keys: Type = ERROR
        values: Type = ERROR
        parts = []
        for entry in tree.entries:
            key, value = self.sure(entry.key, env), self.check(entry.value, env)
            parts.append((key, value))
            found = self.left_out(entry.value, value.type) if entry.is_optional else value.type
            if key.type not in (STRING, INT, BOOL, ERROR):
                return self.report(catalogue.no_key(self.span(entry.key), found=key.type))
            both_keys = self.joined(entry.key, keys, key.type)
            both_values = both_keys and self.joined(entry.value, values, found)
            if both_keys is None or both_values is None:
                return BROKEN
            keys, values = both_keys, both_values
        entries = (
            ir.Entry(
                self.as_type(key, keys),
                self.as_entry(value, values, entry.is_optional),
                entry.is_optional,
            )
            for (key, value), entry in zip(parts, tree.entries, strict=True)
        )
        return Part(MapOf(keys, values), ir.Entries(tuple(entries), MapOf(keys, values)))


# Methods of what may be missing, and how many arguments each takes.
OPTIONAL_METHODS = {"orValue": 1, "or": 1, "hasValue": 0, "value": 0}
# The literal arguments that are something else in running code.
TRANSLATED = ("regex", "zone", *FORMAT_FAULTS)


def is_table(tree: Tree, found: Type) -> bool:
    """Tell whether a part is a lookup table, or all of them: `lookups`."""
    is_all = isinstance(tree, Name) and tree.name == "lookups" and isinstance(found, Object)
    return is_all or isinstance(found, Table)


def never(*parts: Part) -> Part:
    """Return what is made of parts some of which are of no known type: it is never evaluated."""
    return Part(ERROR, ir.Call("never", tuple(part.code for part in parts), ERROR))


def constant(tree: Constant) -> Part:
    """Return what a literal is."""
    match tree.value:
        case None:
            found: Type = NULL
        case bool():
            found = BOOL
        case int():
            found = INT
        case str():
            found = STRING
        case value:
            return Part(DECIMAL, building.decimal(value))
    return Part(found, ir.Constant(tree.value, found))


def translated(tree: Constant, kind: str) -> ir.Expression:
    """Return a literal argument in the words of the running code."""
    words = str(tree.value)
    if kind == "zone":
        return ir.Constant(words, TIMEZONE)
    return ir.Regex(words) if kind == "regex" else ir.DateFormat(words)


def field_code(operand: Passage, name: str, found: Type) -> ir.Expression:
    """Return the field of what a selection goes into."""
    match operand.type:
        case Object(fields=fields) if name in fields:
            attribute = ir.attribute_names(tuple(fields))[name]
            return ir.Field(operand.inside, name, attribute, found)
        case MapOf(value=value):
            is_soft = operand.whole is not None or isinstance(found, Optional)
            return operand.entry(ir.Constant(name, STRING), value, is_soft=is_soft)
        case _:
            return operand.inside


def same_elements(operand: Type) -> Type:
    """Return the list that some elements of a list make, or some keys of a map."""
    return ListOf(operand.key) if isinstance(operand, MapOf) else operand


def _scalar(wanted: tuple[str, ...]) -> Type:
    """Return the one scalar wanted, for the help line; unknown when there are several."""
    return BY_NAME.get(wanted[0], ERROR) if len(wanted) == 1 else ERROR


def _kind(found: Type) -> str:
    """Return which kind of a type this is, whatever is in it."""
    match found:
        case ListOf():
            return "list"
        case MapOf():
            return "map"
        case _:
            return str(found)


def _without_missing(found: Type, wanted: Sequence[str]) -> str | None:
    """Return the help for a list whose elements may be missing, where they have to be there."""
    if not isinstance(found, ListOf) or not isinstance(found.element, Optional):
        return None
    if not any(one.startswith("list") for one in wanted):
        return None
    return (
        "`.unwrapOpt()` in front leaves the missing elements out; "
        "`.map(row, row.orValue(…))` gives each a default"
    )


def _instead_of_literal(kind: str, found: str) -> str | None:
    """Return what to write where a literal cannot be taken."""
    if kind == "date_reading_pattern" and format_error("time_reading_pattern", found) is None:
        return f"the day of a text with a time: `date(parseTimestamp(…, '{found}'), settings.ZONE)`"
    return near_units(found) if kind == "unit" else None
