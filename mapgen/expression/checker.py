"""From a tree and the names in scope to types; every mistake becomes one diagnostic."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import assert_never

from msgspec import Struct
from msgspec.structs import replace

from mapgen.expression import fixes
from mapgen.expression.calls import (
    MayBeMissing,
    Miscount,
    Misfit,
    Unfit,
    choose,
    patterns_of,
)
from mapgen.expression.functions import CALLS, FORM_NAMES, FORMS, METHODS, REFUSED
from mapgen.expression.lineage import trace
from mapgen.expression.narrowing import NOTHING, Path, facts, stable_path
from mapgen.expression.operators import are_comparable, binary_type
from mapgen.expression.refinements import REFINEMENTS
from mapgen.expression.rounding import divisions
from mapgen.expression.scope import Binding, Scope
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
from mapgen.expression.typed import Chosen, Typed
from mapgen.expression.types import (
    BOOL,
    DATE,
    DECIMAL,
    ERROR,
    INT,
    NULL,
    NUMBERS,
    ORDERED,
    STRING,
    TIMESTAMP,
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
from mapgen.expression.units import UNITS, mismatch, near_units
from mapgen.report import Diagnostic, Span, Text
from mapgen.report.catalogue import expression as catalogue
from mapgen.report.catalogue.mapping import unknown_lookup
from mapgen.report.catalogue.schemas import name_like_a_path

# Beside these a name is one for sure; anywhere else a text may have lost its quotes.
_OPERATOR_BEFORE = re.compile(r"(?:[-+*/%<>]|[<>]=|&&|\|\||(?<!!)!)\s*\Z")
_OPERATOR_AFTER = re.compile(r"\s*(?:[-+*/%<>.\[]|&&|\|\|)")


class Env(Struct, frozen=True):
    """What holds at one place of the tree: the names, and the paths known to be present."""

    scope: Scope
    present: frozenset[Path] = NOTHING

    def knowing(self, paths: frozenset[Path]) -> Env:
        return replace(self, present=self.present | paths)


class Checker:
    """Walks one tree once; collects types, the functions chosen and faults."""

    def __init__(self, text: Text, faults: list[Diagnostic]) -> None:
        self.text = text
        self.faults = faults
        self.types: dict[Tree, Type] = {}
        self.chosen: dict[Tree, Chosen] = {}
        self.chained: set[Tree] = set()
        self.is_fallible = False

    def whole(self, tree: Tree, scope: Scope) -> Typed | None:
        """Return the checked expression, or None when any fault was found."""
        found = self.check(tree, Env(scope))
        if not self.faults:
            self.faults.extend(map(catalogue.never_there, map(self.span, self.never_there(tree))))
        spans = []
        for division in divisions(tree, self.chosen):
            span = self.span(division.tree)
            if isinstance(self.types[division.tree], ErrorType):
                continue
            if division.fate == "used":
                self.faults.append(catalogue.division_not_rounded(span))
            else:
                spans.append(span)
        if self.faults:
            return None
        return Typed(
            tree=tree,
            type=found,
            types=self.types,
            chosen=self.chosen,
            chained=frozenset(self.chained),
            lineage=trace(tree, self.types, scope),
            is_fallible=self.is_fallible,
            is_constant=self.is_constant(tree, frozenset()),
            division=spans[0] if spans else None,
        )

    def never_there(self, tree: Tree) -> list[Tree]:
        """Return what is of no known type: elements of what is empty, but not what is made of them.

        A macro over an empty list has such a variable, and its body is never evaluated. Of what
        comes from a broken schema the schema tells.
        """
        inner = [found for child in children(tree) for found in self.never_there(child)]
        is_unknown = self.types.get(tree) == ERROR
        return inner or ([tree] if is_unknown and not self.has_unknown_name(tree) else [])

    def has_unknown_name(self, tree: Tree) -> bool:
        if isinstance(tree, Name):
            return has_unknown(self.types.get(tree, ERROR))
        return any(map(self.has_unknown_name, children(tree)))

    def span(self, tree: Tree) -> Span:
        return self.text.span(tree.start, tree.end)

    def words(self, tree: Tree) -> str:
        return self.text.value[tree.start : tree.end]

    def report(self, fault: Diagnostic) -> Type:
        """Note a fault and answer with the type that fits everywhere."""
        self.faults.append(fault)
        return ERROR

    def check(self, tree: Tree, env: Env) -> Type:
        """Return the type of a part whose value is used as it is."""
        found = self.inner(tree, env)
        return self.bare_table(tree) if is_table(tree, found) else found

    def inner(self, tree: Tree, env: Env) -> Type:
        """Return the type of a part through which a path only passes."""
        found = self.infer(tree, env)
        self.types[tree] = found
        return found

    def infer(self, tree: Tree, env: Env) -> Type:
        match tree:
            case Constant():
                return constant_type(tree)
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

    def is_constant(self, tree: Tree, own: frozenset[str]) -> bool:
        """Tell whether a part reads nothing; `own` are the macro variables around it."""
        match tree:
            case Name(name=name):
                # A namespace (`math`) is no value, and has no type.
                return name in own or tree not in self.types
            case Macro(variables=variables):
                own = own | {variable.name for variable in variables}
            case _:
                pass
        return all(self.is_constant(child, own) for child in children(tree))

    # Names

    def name(self, tree: Name, env: Env) -> Type:
        binding = env.scope.bindings.get(tree.name)
        if binding is None:
            owners = {
                name: present(known.type.fields[tree.name])
                for name, known in env.scope.bindings.items()
                if isinstance(known.type, Object) and tree.name in known.type.fields
            }
            text = self.meant_as_text(tree) if STRING in owners.values() else None
            return self.report(
                catalogue.unknown_name(
                    self.span(tree), tree.name, env.scope.bindings, [*owners], text=text
                )
            )
        return present(binding.type) if (tree.name,) in env.present else binding.type

    def meant_as_text(self, tree: Name) -> str | None:
        """Return how a name is written in the spec if it is a text, None beside an operator."""
        before, after = self.text.value[: tree.start], self.text.value[tree.end :]
        if _OPERATOR_BEFORE.search(before) or _OPERATOR_AFTER.match(after):
            return None
        is_all = not (before.strip() or after.strip())
        # YAML takes the quotes of a scalar away.
        return f"\"'{tree.name}'\"" if is_all else f"'{tree.name}'"

    def through(self, tree: Select | Index, env: Env) -> tuple[Type, bool]:
        """Return the type that a selection goes into, and whether that may be left out."""
        operand = self.inner(tree.operand, env)
        if not isinstance(operand, Optional):
            return operand, False
        is_chain = tree.operand in self.chained
        if is_chain or (tree.is_optional and not isinstance(tree.operand, Select)):
            return operand.of, True
        return self.report(self.may_be_missing(tree.operand, operand, followed_by=tree)), False

    def select(self, tree: Select, env: Env, *, is_asked_for: bool = False) -> Type:
        """Return a field's type; `is_asked_for` inside `has()`, where `.?` is not needed."""
        operand, is_left_out = self.through(tree, env)
        found = self.field(tree, operand, is_asked_for=is_asked_for)
        path = stable_path(tree)
        is_known = path in env.present
        if is_known:
            found = present(found)
        is_missing = is_left_out or isinstance(found, Optional)
        is_needless = tree.is_optional and not (is_missing or is_asked_for)
        if is_needless and not isinstance(found, ErrorType):
            span = self.text.span(tree.name_start - 2, tree.end)
            return self.report(
                catalogue.needless_question(
                    span, words=self.words(tree), found=str(found), is_known=is_known
                )
            )
        if is_left_out or (tree.is_optional and isinstance(found, Optional)):
            self.chained.add(tree)
        return optional(found) if is_left_out else found

    def field(self, tree: Select, operand: Type, *, is_asked_for: bool) -> Type:
        """Return the declared type of a field."""
        span = self.text.span(tree.name_start, tree.end)
        match operand:
            case ErrorType():
                return ERROR
            case Table():
                return self.bare_table(tree)
            case Object(fields=fields) if is_table(tree.operand, operand):
                known = fields.get(tree.field)
                return known or self.report(unknown_lookup(span, it=tree.field, known=fields))
            case Object(unreadable=unreadable) if tree.field in unreadable:
                return self.report(name_like_a_path(span, name=tree.field))
            case Object(fields=fields):
                return fields.get(tree.field) or self.unknown_field(tree, span, operand)
            case MapOf(key=Scalar("string"), value=value):
                if tree.is_optional or is_asked_for:
                    return optional(value)
                self.is_fallible = True
                return value
            case _:
                return self.report(
                    catalogue.no_fields(
                        span,
                        tree.field,
                        operand,
                        self.words(tree.operand),
                        is_list=isinstance(operand, ListOf),
                    )
                )

    def unknown_field(self, tree: Select, span: Span, owner: Object) -> Type:
        rows = owner.fields.get("rows")
        if owner.name.startswith("group(") and isinstance(rows, ListOf):
            row = present(rows.element)
            if isinstance(row, Object) and tree.field in row.fields:
                words = self.words(tree.operand)
                return self.report(catalogue.field_of_rows(span, field=tree.field, words=words))
        help = None if owner.fields else "the schema gives it no fields at all"
        known = sorted(owner.fields)
        return self.report(
            catalogue.unknown_field(span, it=tree.field, owner=owner.name, known=known, help=help)
        )

    def index(self, tree: Index, env: Env) -> Type:
        operand, is_left_out = self.through(tree, env)
        if isinstance(operand, Table):
            return self.table_entry(tree, operand, env)
        position = self.sure(tree.index, env)
        match operand:
            case ListOf(element):
                wanted: Type = INT
                found = element
            case MapOf(key, value):
                wanted, found = key, value
            case ErrorType():
                return ERROR
            case _:
                return self.report(catalogue.no_index(self.span(tree.operand), found=operand))
        if not is_assignable(position, wanted):
            return self.report(
                catalogue.wrong_type(
                    self.span(tree.index), taker="the index", wanted=str(wanted), found=position
                )
            )
        if is_left_out or tree.is_optional:
            self.chained.add(tree)
            return optional(found)
        self.is_fallible = True
        return found

    def table_entry(self, tree: Index, table: Table, env: Env) -> Type:
        """Return what a table has for a key: a string that may be missing."""
        parts: tuple[Tree, ...] = (tree.index,)
        if isinstance(tree.index, ListTree) and len(table.columns) > 1:
            parts = tuple(element.value for element in tree.index.elements)
            self.types[tree.index] = ListOf(STRING)
        found = [self.sure(part, env) for part in parts]
        if not tree.is_optional:
            return self.bare_table(tree.operand)
        if len(parts) != max(1, len(table.columns)):
            span = self.span(tree.index)
            return self.report(
                catalogue.wrong_table_key(
                    span,
                    table=table.name,
                    columns=table.columns,
                    is_one=len(table.columns) < 2,
                    form=", ".join(table.columns),
                )
            )
        for part, kind, column in zip(parts, found, table.columns or ("",), strict=True):
            is_number = column in table.numbers
            if kind not in ((INT, ERROR) if is_number else (STRING, INT, ERROR)):
                wanted = (INT, "int") if is_number else (STRING, "string or int")
                return self.report(self.mistyped(part, "a lookup key", kind, *wanted))
        self.chained.add(tree)
        return optional(STRING)

    def bare_table(self, tree: Tree) -> Type:
        """Report a table that is asked for anything but the entry of a key."""
        while isinstance(tree, Select) and isinstance(tree.operand, Select):
            tree = tree.operand
        name = tree.field if isinstance(tree, Select) else "NAME"
        return self.report(catalogue.table_without_key(self.span(tree), name=name))

    def has(self, tree: Has, env: Env) -> Type:
        found = self.select(tree.path, env, is_asked_for=True)
        if isinstance(found, Table):
            found = self.bare_table(tree.path)
        self.types[tree.path] = found
        if isinstance(found, ErrorType | Optional):
            return BOOL
        is_known = stable_path(tree.path) in env.present
        return self.report(
            catalogue.needless_has(
                self.span(tree), words=self.words(tree.path), found=str(found), is_known=is_known
            )
        )

    def may_be_missing(
        self, tree: Tree, found: Type, followed_by: Select | Index | Method | Macro | None = None
    ) -> Diagnostic:
        """Return the fault of a value that may be missing where it has to be there.

        `followed_by` is what hangs on the value, and could be left out with it.
        """
        words, path = self.words(tree), stable_path(tree)
        chained = (
            None if followed_by is None else fixes.left_out_with(self.text.value, tree, followed_by)
        )
        asked = None
        if path is not None:
            asked = f"has({words})" if isinstance(tree, Select) else f"{words} != null"
        has_literal = isinstance(present(found), Scalar | ListOf)
        return catalogue.may_be_missing(
            self.span(tree), words, found, chained, asked, has_literal=has_literal
        )

    def sure(self, tree: Tree, env: Env) -> Type:
        """Return the type of a part that must not be missing."""
        found = self.check(tree, env)
        if isinstance(found, Optional):
            return self.report(self.may_be_missing(tree, found))
        if found == NULL:
            return self.report(catalogue.null_value(self.span(tree)))
        return found

    # Operators

    def unary(self, tree: Unary, env: Env) -> Type:
        found = self.sure(tree.operand, env)
        if isinstance(found, ErrorType):
            return BOOL if tree.operator == "!" else ERROR
        if tree.operator == "!":
            if found != BOOL:
                self.report(
                    catalogue.no_condition(self.span(tree.operand), found=found, kind=_kind(found))
                )
            return BOOL
        if found not in NUMBERS:
            sign = self.text.span(tree.start, tree.start + 1)
            return self.report(catalogue.no_operator(sign, operator="-", types=found))
        return found

    def condition(self, tree: Tree, env: Env) -> None:
        """Check a part that decides: a bool that is there, and that can turn out either way."""
        found = self.sure(tree, env)
        if found not in (BOOL, ERROR):
            self.report(catalogue.no_condition(self.span(tree), found=found, kind=_kind(found)))
        elif env.scope.bindings and self.is_constant(tree, frozenset()):
            self.report(catalogue.constant_condition(self.span(tree)))

    def logic(self, tree: Binary, env: Env) -> Type:
        self.condition(tree.left, env)
        known = facts(tree.left)
        right = env.knowing(known.held if tree.operator == "&&" else known.failed)
        self.condition(tree.right, right)
        return BOOL

    def conditional(self, tree: Conditional, env: Env) -> Type:
        self.condition(tree.condition, env)
        known = facts(tree.condition)
        then = self.check(tree.then, env.knowing(known.held))
        otherwise = self.check(tree.otherwise, env.knowing(known.failed))
        both = join(then, otherwise)
        if both is None:
            return self.report(
                catalogue.branches_differ(
                    self.span(tree.otherwise), then=self.span(tree.then), left=then, right=otherwise
                )
            )
        return both

    def binary(self, tree: Binary, env: Env) -> Type:
        if tree.operator in ("==", "!="):
            return self.equality(tree, env)
        left, right = self.sure(tree.left, env), self.sure(tree.right, env)
        found = binary_type(tree.operator, left, right)
        if tree.operator == "/" and found == DECIMAL:
            self.divisor(tree.right)
        if found is not None:
            return found
        sign, (one, other) = self.operator_span(tree), (
            self.words(tree.left),
            self.words(tree.right),
        )
        if tree.operator == "/" and left == right == INT:
            return self.report(catalogue.int_division(self.span(tree), left=one, right=other))
        if tree.operator == "%":
            fits = left == right == INT
            return self.report(
                catalogue.remainder(sign, help=f"write `intMod({one}, {other})`" if fits else None)
            )
        fix = fixes.alike(self.text.value, tree, left, right)
        self.report(
            catalogue.no_operator(
                sign, operator=tree.operator, types=f"{left} and {right}", help=fix
            )
        )
        return BOOL if tree.operator in ("<", "<=", ">", ">=", "in") else ERROR

    def operator_span(self, tree: Binary) -> Span:
        return self.text.span(tree.operator_start, tree.operator_start + len(tree.operator))

    def divisor(self, tree: Tree) -> None:
        """Check what a quotient is divided by: a literal is known not to be zero."""
        if not isinstance(tree, Constant):
            self.is_fallible = True
        elif tree.value == 0:
            self.report(catalogue.division_by_zero(self.span(tree)))

    def equality(self, tree: Binary, env: Env) -> Type:
        left, right = self.check(tree.left, env), self.check(tree.right, env)
        if NULL in (left, right):
            other, side = (left, tree.left) if right == NULL else (right, tree.right)
            if not isinstance(other, Optional | ErrorType) and env.scope.bindings:
                is_known = stable_path(side) in env.present
                answer = tree.operator == "!="
                fault = catalogue.needless_null(
                    self.span(tree),
                    words=self.words(side),
                    found=str(other),
                    answer=answer,
                    is_known=is_known,
                )
                self.report(fault)
            return BOOL
        for side, found in ((tree.left, left), (tree.right, right)):
            if isinstance(found, Optional):
                self.report(self.may_be_missing(side, found))
                return BOOL
        if not are_comparable(left, right):
            fix = fixes.alike(self.text.value, tree, left, right)
            sign = self.operator_span(tree)
            self.report(
                catalogue.different_types(
                    sign, operator=tree.operator, left=left, right=right, help=fix
                )
            )
        return BOOL

    # Calls

    def call(self, tree: Call, env: Env) -> Type:
        if tree.name == "coalesce":
            return self.coalesce(tree, env)
        return self.chosen_function(tree, tree.name, None, tree.arguments, env)

    def method(self, tree: Method, env: Env) -> Type:
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

    def namespaced(self, tree: Method, namespace: str, env: Env) -> Type:
        name = f"{namespace}.{tree.name}"
        if name == "optional.none" and not tree.arguments:
            return NULL
        if name == "optional.of" and len(tree.arguments) == 1:
            return optional(self.sure(tree.arguments[0], env))
        return self.chosen_function(tree, name, None, tree.arguments, env)

    def receiver(self, tree: Method | Macro, env: Env) -> tuple[Type, bool]:
        """Return what a method is called on, and whether the call may be left out with it."""
        operand = tree.operand
        found = self.check(operand, env)
        if found == NULL:
            return self.report(catalogue.null_value(self.span(operand))), False
        if not isinstance(found, Optional):
            return found, False
        if operand in self.chained:
            self.chained.add(tree)
            return found.of, True
        return self.report(self.may_be_missing(operand, found, followed_by=tree)), False

    def chosen_function(
        self,
        tree: Call | Method,
        name: str,
        operand: Tree | None,
        arguments: tuple[Tree, ...],
        env: Env,
    ) -> Type:
        """Return what the function gives that the name and the operands choose from the table."""
        rows = (CALLS if operand is None else METHODS).get(name)
        if rows is None and name.rpartition(".")[2] in REFUSED:
            span = self.text.span(tree.name_start, tree.name_end)
            instead = REFUSED[name.rpartition(".")[2]]
            return self.report(catalogue.refused_function(span, name=name, instead=instead))
        is_left_out, trees, types = False, list(arguments), []
        if operand is not None:
            assert isinstance(tree, Method)
            receiver, is_left_out = self.receiver(tree, env)
            trees.insert(0, operand)
            types.append(receiver)
        types.extend(self.check(argument, env) for argument in arguments)
        if rows is None:
            return self.report(self.unknown_function(tree, name))
        if any(isinstance(found, ErrorType) for found in types):
            return ERROR
        choice = choose(rows, types)
        if not isinstance(choice, Chosen):
            return self.report(self.unfit(tree, name, trees, types, choice))
        self.chosen[tree] = choice
        self.examine(choice, trees)
        found = build(choice.function.signature.result, choice.bound)
        return optional(found) if is_left_out else found

    def examine(self, choice: Chosen, trees: list[Tree]) -> None:
        """Look at the literal arguments; note whether the call can fail in a record."""
        patterns = patterns_of(choice.function, len(trees)) or ()
        is_proven = False
        for tree, pattern in zip(trees, patterns, strict=True):
            refinement = REFINEMENTS.get(pattern.name)
            if refinement is None:
                continue
            if not isinstance(tree, Constant):
                is_zone = pattern.name == "zone" and self.types[tree] == TIMEZONE
                if refinement.must_be_literal or (pattern.name == "zone" and not is_zone):
                    self.report(catalogue.no_literal(self.span(tree), wanted=refinement.wanted))
                continue
            if pattern.name.endswith("_text"):
                is_proven = True
            words = refinement.fault(tree.value) if isinstance(tree.value, str | int) else None
            if words is not None:
                near = near_units(str(tree.value)) if pattern.name == "unit" else None
                self.report(
                    catalogue.bad_literal(
                        self.span(tree), wanted=refinement.wanted, why=words, help=near
                    )
                )
        if choice.function.name == "convertUnit":
            self.units(trees[1], trees[2])
        divisors = trees[1:] if choice.function.name in ("intDiv", "intMod") else []
        for tree in divisors:
            self.divisor(tree)
            is_proven = isinstance(tree, Constant)
        self.is_fallible = self.is_fallible or (choice.function.is_fallible and not is_proven)

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

    def unknown_function(self, tree: Call | Method, name: str) -> Diagnostic:
        span = self.text.span(tree.name_start, tree.name_end)
        is_method = isinstance(tree, Method) and "." not in name
        known = METHODS if is_method else CALLS
        instead = fixes.in_other_form(self.text.value, tree, name)
        return catalogue.unknown_function(
            span,
            it=name,
            known={*known, *FORM_NAMES},
            help=instead,
            fix=fixes.of_function(self.text, tree, name),
            is_method=is_method,
        )

    def unfit(
        self, tree: Call | Method, name: str, trees: list[Tree], types: list[Type], unfit: Unfit
    ) -> Diagnostic:
        span = self.text.span(tree.name_start, tree.name_end)
        match unfit:
            case MayBeMissing(position):
                return self.may_be_missing(trees[position], types[position])
            case Miscount(shown):
                return catalogue.wrong_count(span, name=name, shown=shown)
            case Misfit(position, wanted):
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
                    return self.may_be_missing(trees[position], found)
                if found == NULL:
                    return catalogue.null_value(self.span(trees[position]))
                words = " or ".join(wanted)
                return self.mistyped(trees[position], f"`{name}()`", found, _scalar(wanted), words)
            case _:
                assert_never(unfit)

    def mistyped(
        self, tree: Tree, taker: str, found: Type, wanted: Type, shown: str | None = None
    ) -> Diagnostic:
        """Return the fault of a part of another type than is taken, with what converts it."""
        help = fixes.conversion(self.text.value, tree, found, wanted)
        words = shown or str(wanted)
        span = self.span(tree)
        return catalogue.wrong_type(span, taker=taker, wanted=words, found=found, help=help)

    # Missing values

    def optional_method(self, tree: Method, env: Env) -> Type:
        """Check `orValue`, `or`, `hasValue` and `value`, the methods of what may be missing."""
        found = self.check(tree.operand, env)
        given = [self.check(argument, env) for argument in tree.arguments]
        wanted = OPTIONAL_METHODS[tree.name]
        span = self.text.span(tree.name_start, tree.name_end)
        if len(given) != wanted:
            form = next(form for form in FORMS if form.name == tree.name)
            return self.report(catalogue.wrong_count(span, name=tree.name, shown=(form.shown,)))
        if isinstance(found, ErrorType):
            return BOOL if tree.name == "hasValue" else ERROR
        if not isinstance(found, Optional) and found != NULL:
            return self.report(self.needless_handler(tree, found, env))
        match tree.name:
            case "hasValue":
                return BOOL
            case "value":
                self.is_fallible = True
                return present(found)
            case _:
                return self.fallback(tree, found, tree.arguments[0], given[0])

    def needless_handler(self, tree: Method | Macro, found: Type, env: Env) -> Diagnostic:
        is_known = stable_path(tree.operand) in env.present
        span = self.text.span(tree.name_start - 1, tree.end)
        words = self.words(tree.operand)
        return catalogue.needless_handler(
            span, name=tree.name, words=words, found=str(found), is_known=is_known
        )

    def fallback(self, tree: Method, found: Type, default: Tree, given: Type) -> Type:
        """Check the value that stands in for a missing one, by `orValue` or by `or`."""
        is_sure = tree.name == "orValue"
        if is_sure and (isinstance(given, Optional) or given == NULL):
            return self.report(catalogue.default_may_be_missing(self.span(default), found=given))
        if not is_sure and not isinstance(given, Optional | ErrorType) and given != NULL:
            return self.report(catalogue.or_wants_optional(self.span(default), found=given))
        both = join(present(found), present(given)) if found != NULL else present(given)
        if both is None:
            return self.report(self.mistyped(default, f"`{tree.name}()`", given, present(found)))
        return both if is_sure else optional(both)

    def coalesce(self, tree: Call, env: Env) -> Type:
        types = [self.check(argument, env) for argument in tree.arguments]
        span = self.text.span(tree.name_start, tree.name_end)
        if len(types) < 2:
            form = next(form for form in FORMS if form.name == "coalesce")
            return self.report(catalogue.wrong_count(span, name="coalesce", shown=(form.shown,)))
        both: Type = types[0]
        for argument, found in zip(tree.arguments[1:], types[1:], strict=True):
            joined = join(both, found)
            if joined is None:
                return self.report(self.mistyped(argument, "`coalesce()`", found, present(both)))
            both = joined
        for argument, found in zip(tree.arguments[:-1], types[:-1], strict=True):
            if not isinstance(found, Optional | ErrorType):
                rest = self.text.span(argument.end, tree.end - 1)
                words = self.words(argument)
                return self.report(catalogue.unreachable(rest, words=words, found=found))
        return both if isinstance(types[-1], Optional) else present(both)

    # Lists and maps

    def macro(self, tree: Macro, env: Env) -> Type:
        if tree.name in ("optMap", "optFlatMap"):
            return self.optional_macro(tree, env)
        if tree.name == "bind":
            value = self.check(tree.operand, env)
            return self.check(tree.body, self.bound(tree, [value], env))
        operand, is_left_out = self.receiver(tree, env)
        element: Type = ERROR
        key: Type = ERROR
        match operand:
            case ListOf(of):
                element, key = of, INT
            case MapOf(of, value):
                element, key = (of, of) if len(tree.variables) == 1 else (value, of)
            case ErrorType():
                pass
            case _:
                span = self.text.span(tree.name_start, tree.name_end)
                self.report(
                    catalogue.no_list(span, name=tree.name, over="a list or a map", found=operand)
                )
        inside = self.bound(tree, [element] if len(tree.variables) == 1 else [key, element], env)
        found = self.macro_type(tree, operand, key, inside)
        return optional(found) if is_left_out else found

    def bound(self, tree: Macro, types: list[Type], env: Env) -> Env:
        """Return what holds inside a macro: its variables are names there."""
        scope = env.scope
        for variable, found in zip(tree.variables, types, strict=True):
            if variable.name in scope.bindings:
                self.report(catalogue.name_taken(self.span(variable), name=variable.name))
            scope = scope.with_(variable.name, Binding(found))
            self.types[variable] = found
        return replace(env, scope=scope)

    def macro_type(self, tree: Macro, operand: Type, key: Type, env: Env) -> Type:
        """Check the parts of a macro, its variables being bound; return what it gives."""
        if tree.condition is not None:
            self.condition(tree.condition, env)
            env = env.knowing(facts(tree.condition).held)
        match tree.name:
            case "all" | "exists" | "exists_one":
                self.condition(tree.body, env)
                return BOOL
            case "filter":
                self.condition(tree.body, env)
                return self.filtered(tree, operand)
            case "sortBy":
                found = self.sure(tree.body, env)
                if found not in (*ORDERED, ERROR):
                    self.report(catalogue.no_order(self.span(tree.body), found=found))
                return self.same_elements(operand)
            case "groupBy":
                return self.groups(tree, operand, env)
            case "transformMap":
                return MapOf(key, self.check(tree.body, env))
            case "map" | "transformList":
                return ListOf(self.check(tree.body, env))
            case _:
                return ERROR

    def groups(self, tree: Macro, operand: Type, env: Env) -> Type:
        """Return the list of the groups that elements form by a key."""
        key = self.sure(tree.body, env)
        if key not in (STRING, INT, BOOL, DECIMAL, DATE, ERROR):
            return self.report(catalogue.no_group_key(self.span(tree.body), found=key))
        if not isinstance(operand, ListOf):
            if isinstance(operand, MapOf):
                span = self.text.span(tree.name_start, tree.name_end)
                self.report(catalogue.no_list(span, name=tree.name, over="a list", found=operand))
            return ERROR
        return ListOf(group_of(key, operand.element))

    def filtered(self, tree: Macro, operand: Type) -> Type:
        """Return the list left over; what the condition proves present is present in it."""
        path = (tree.variables[0].name,)
        found = self.same_elements(operand)
        if isinstance(found, ListOf) and path in facts(tree.body).held:
            return ListOf(present(found.element))
        return found

    def same_elements(self, operand: Type) -> Type:
        """Return the list that some elements of a list make, or some keys of a map."""
        return ListOf(operand.key) if isinstance(operand, MapOf) else operand

    def optional_macro(self, tree: Macro, env: Env) -> Type:
        operand = self.check(tree.operand, env)
        if not isinstance(operand, Optional | ErrorType):
            return self.report(self.needless_handler(tree, operand, env))
        scope, variable = env.scope, tree.variables[0]
        if variable.name in scope.bindings:
            self.report(catalogue.name_taken(self.span(variable), name=variable.name))
        self.types[variable] = present(operand)
        binding = Binding(present(operand))
        found = self.check(tree.body, replace(env, scope=scope.with_(variable.name, binding)))
        if tree.name == "optFlatMap" and not isinstance(found, Optional | ErrorType):
            span = self.text.span(tree.name_start, tree.name_end)
            return self.report(catalogue.no_flat_map(span, found=found))
        return optional(found)

    def list(self, tree: ListTree, env: Env) -> Type:
        both: Type = ERROR
        for element in tree.elements:
            found = self.check(element.value, env)
            if element.is_optional:
                found = self.left_out(element.value, found)
            joined = join(both, found)
            if joined is None:
                return self.report(
                    catalogue.elements_differ(self.span(element.value), before=both, found=found)
                )
            both = joined
        return ListOf(both)

    def left_out(self, tree: Tree, found: Type) -> Type:
        """Return the type of what `?` leaves out when it is missing."""
        if found == NULL:
            return ERROR
        if not isinstance(found, Optional | ErrorType):
            span = self.span(tree)
            return self.report(
                catalogue.needless_question(
                    span, words=self.words(tree), found=str(found), is_known=False
                )
            )
        return present(found)

    def map(self, tree: MapTree, env: Env) -> Type:
        keys: Type = ERROR
        values: Type = ERROR
        for entry in tree.entries:
            key, value = self.sure(entry.key, env), self.check(entry.value, env)
            if entry.is_optional:
                value = self.left_out(entry.value, value)
            both_keys, both_values = join(keys, key), join(values, value)
            if key not in (STRING, INT, BOOL, ERROR):
                return self.report(catalogue.no_key(self.span(entry.key), found=key))
            if both_keys is None or both_keys == DECIMAL:
                return self.report(
                    catalogue.elements_differ(self.span(entry.key), before=keys, found=key)
                )
            if both_values is None:
                return self.report(
                    catalogue.elements_differ(self.span(entry.value), before=values, found=value)
                )
            keys, values = both_keys, both_values
        return MapOf(keys, values)


# Methods of what may be missing, and how many arguments each takes.
OPTIONAL_METHODS = {"orValue": 1, "or": 1, "hasValue": 0, "value": 0}


def is_table(tree: Tree, found: Type) -> bool:
    """Tell whether a part is a lookup table, or all of them: `lookups`."""
    is_all = isinstance(tree, Name) and tree.name == "lookups" and isinstance(found, Object)
    return is_all or isinstance(found, Table)


def constant_type(tree: Constant) -> Type:
    """Return the type of a literal."""
    match tree.value:
        case None:
            return NULL
        case bool():
            return BOOL
        case int():
            return INT
        case str():
            return STRING
        case _:
            return DECIMAL


def _scalar(wanted: tuple[str, ...]) -> Type:
    """Return the one scalar wanted, for the help line; unknown when there are several."""
    known = {str(scalar): scalar for scalar in (STRING, INT, DECIMAL, BOOL, DATE, TIMESTAMP)}
    return known.get(wanted[0], ERROR) if len(wanted) == 1 else ERROR


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
