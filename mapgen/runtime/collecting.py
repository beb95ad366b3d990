"""The complete way: a generated module in, a build of it out that finds every error of a record.

The generated code stops at the first value it cannot use; that is what makes it short and fast. The
build is the same code, compiled once more with each statement guarded: a statement that fails is
noted, with the rows it stood in, and its result is an ErrorValue that keeps later statements from
reporting the same mistake again. So there is one text of the rules, and both ways mean the same.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator, Mapping
from operator import length_hint
from types import ModuleType, NoneType
from typing import Any, TypeGuard, TypeVar

import msgspec
from msgspec import UnsetType

from mapgen.runtime.errors import RuleError, beyond_counting
from mapgen.runtime.places import place_in, places_of
from mapgen.runtime.source import ErrorValue

Value = TypeVar("Value")
_Node = TypeVar("_Node", bound=ast.expr)


class Spot(msgspec.Struct, frozen=True):
    """The rows that a statement was at work on, the outermost first.

    `places` are their concrete paths in the record, None for what is no row of it (a group of
    rows). `numbers` are those of the rows that become of them, None where that is not known.
    """

    places: tuple[str | None, ...]
    numbers: tuple[int | None, ...]


class _Loop(msgspec.Struct):
    """A list that a statement goes over, and the row at work, which `left` tells: the rest of it.

    `code` is the statement that makes rows of the document of them, None where each row is taken;
    `taken` is how many rows there are already, `last` the row taken last and its number. The list
    is gone over for each row of the one `around` it, which counts for both.
    """

    code: str | None
    rows: list[Any]
    left: Iterator[Any]
    taken: int | None = 0
    last: tuple[int, int | None] = (-1, None)
    around: _Loop | None = None
    is_around: bool = False

    @property
    def at(self) -> int:
        """Where in the list the row at work is."""
        return max(len(self.rows) - 1 - length_hint(self.left), 0)

    @property
    def counter(self) -> _Loop:
        """The list that counts the rows taken: the outermost around this one, or itself."""
        return self if self.around is None else self.around.counter

    @property
    def number(self) -> int | None:
        """The number of the row at work among those that are taken."""
        if self.code is None:
            return None if self.taken is None else self.taken + self.at
        at, number = self.last
        return number if at == self.at else None


class Collector:
    """What the build reports to: the errors of one record, in the order of the rules.

    `loops` are the lists that the statement at work goes over, the outermost first.
    """

    def __init__(self) -> None:
        self.found: list[tuple[str, Spot, RuleError]] = []
        self.loops: list[_Loop] = []
        self._made: list[tuple[str, list[object], int, tuple[int | None, ...]]] | None = None
        self._started_with: tuple[RuleError, ...] = ()
        self._known: set[int] = set()
        self._last: RuleError | None = None
        # What stands for the skips that failed, by number: they have told nothing to what follows.
        self.failed_skips: dict[int, ErrorValue] = {}
        self._record: tuple[object, str] = None, ""
        self._places: Mapping[int, str] | None = None

    def start(
        self, known: Iterable[RuleError], record: object, root: str, *, notes_rows: bool = False
    ) -> None:
        """Forget the last record.

        Args:
            known: errors of the next that are reported elsewhere.
            record: the next one, which has to be kept until the one after it.
            root: what it is called.
            notes_rows: whether `made` will be asked for.
        """
        for error in (*self._started_with, *(error for _, _, error in self.found)):
            # What raised it led to the record, which led to it: nothing else would part them.
            error.__traceback__ = error.__context__ = None
        self.found = []
        self._made = [] if notes_rows else None
        errors = tuple(known)
        self._started_with = errors
        self._known = {id(error) for error in errors}
        self._last = errors[-1] if errors else None
        self.loops = []
        self.failed_skips = {}
        self._record = record, root
        self._places = None

    def failed(self, code: str, error: Exception, depth: int) -> ErrorValue:
        """Note why a statement failed, once, and return what stands for its result.

        The lists that it went over are left.

        Raises the error again when it is none of the record's: then it is our bug.
        """
        if isinstance(error, RuleError) and id(error) in self._known:
            raised = error
        elif id(raised := self._as_error(error)) not in self._known:
            self._known.add(id(raised))
            self._last = raised
            self.found.append((code, self._spot(), raised))
        del self.loops[depth:]
        return ErrorValue(raised)

    def rely_on(self, *skips: int) -> None:
        """Raise the error of a skip that failed: what relies on it is in doubt, too."""
        for skip in skips:
            bool(self.failed_skips.get(skip))

    def element(self, code: str, made: Callable[[], Value]) -> Value | ErrorValue:
        """Return an element of a list, or what stands for it: the other rows are looked at, too."""
        depth = len(self.loops)
        try:
            return made()
        except Exception as error:  # noqa: BLE001 - `failed` raises what is none of the record's
            return self.failed(code, error, depth)

    def _spot(self) -> Spot:
        places: list[str | None] = []
        holder: tuple[object, str | None] = self._record
        for loop in self.loops:
            # Most lists are gone over as they are in the record, or in the row at work.
            place = place_in(*holder, loop.rows)
            place = self._place(loop.rows, loop.at) if place is None else f"{place}[{loop.at}]"
            places.append(place)
            holder = loop.rows[loop.at], place
        return Spot(tuple(places), self._numbers())

    def _numbers(self) -> tuple[int | None, ...]:
        return tuple(loop.number for loop in self.loops if not loop.is_around)

    def _place(self, rows: list[object], at: int) -> str | None:
        if self._places is None:
            self._places = places_of(*self._record)
        whole = self._places.get(id(rows))
        return self._places.get(id(rows[at]), None if whole is None else f"{whole}[{at}]")

    @property
    def made(self) -> dict[tuple[str, str], tuple[int | None, ...]]:
        """The numbers of the rows that a statement made of a row of the record.

        By the statement and the row's concrete path, or nothing for what is no row of it.
        """
        found: dict[tuple[str, str], tuple[int | None, ...]] = {}
        for code, rows, at, numbers in self._made or ():
            place = self._place(rows, at)
            if place is not None:
                found[code, place] = numbers
            else:
                found.setdefault((code, ""), numbers)
        return found

    def attempted(
        self, step: Callable[[], Value], otherwise: Callable[[], Value | None] = lambda: None
    ) -> Value | None:
        """Do what `attempted` and `attempted_or` do for a step that fails by itself.

        Raises the error again that is known already: it is that of another statement.
        """
        depth = len(self.loops)
        try:
            return step()
        except (RuleError, ArithmeticError) as error:
            if id(error) in self._known:
                raise
            del self.loops[depth:]
            return otherwise()

    def _as_error(self, error: Exception) -> RuleError:
        match error:
            case RuleError():
                return _first_of(error)
            case ArithmeticError():
                return beyond_counting(error)
            case TypeError() | ValueError() | AttributeError() if self._last is not None:
                # Code in C looks at an ErrorValue's type before it touches it.
                return self._last
            case _:
                raise error

    def loop(self, code: str | None, rows: Iterable[Any], *before: Any) -> _Loop:
        """Return a list to go over.

        Args:
            code: the statement that makes rows of the document, nothing for none; None where each
                row is taken.
            rows: the list.
            before: lists whose rows come first in the document.
        """
        known = rows if type(rows) is list else list(rows)
        loop = _Loop(code, known, iter(known))
        if before:
            counts = [len(one) if type(one) is list else None for one in before]
            loop.taken = None if None in counts else sum(filter(None, counts))
        self.loops.append(loop)
        return loop

    def each(self, code: str, rows: Iterable[Any], *before: Any) -> Iterator[Any]:
        """Return the rows of a list of which each is taken; what is given, `loop` says."""
        loop = self.loop(None, rows, *before)
        if self._made is not None and code:
            around, first = self._numbers()[:-1], loop.taken
            for at in range(len(loop.rows)):
                number = None if first is None else first + at
                self._made.append((code, loop.rows, at, (*around, number)))
        return loop.left

    def around(self, rows: Iterable[Any], *before: Any) -> _Loop:
        """Return a list to go over for whose rows others are; what `before` is, `loop` says."""
        loop = self.loop("", rows, *before)
        loop.is_around = True
        return loop

    def inside(
        self, around: _Loop, code: str, rows: Callable[[], Iterable[Any]], is_last: bool
    ) -> _Loop:
        """Return a list to go over for the row at work of another; one that fails has no rows."""
        while self.loops[-1] is not around:
            self.loops.pop()
        found = self.element(code, lambda: list(rows()))
        loop = self.loop(code, [] if isinstance(found, ErrorValue) else found)
        loop.around, loop.is_around = around, not is_last
        return loop

    def taken(self, loop: _Loop) -> bool:
        """Number the row at work, all conditions having held: it is taken."""
        counter = loop.counter
        loop.last = loop.at, counter.taken
        if counter.taken is not None:
            counter.taken += 1
        if self._made is not None and loop.code:
            self._made.append((loop.code, loop.rows, loop.at, self._numbers()))
        return True

    def over(self, depth: int, value: Value) -> Value:
        """Return what became of lists, which are left."""
        del self.loops[depth:]
        return value


def _first_of(error: RuleError) -> RuleError:
    """Return the error of the ErrorValue within an error's value, else the error itself."""
    try:
        str(error.value)
    except RuleError as known:
        return known
    return error


def error_collecting_build(
    module: ModuleType, text: str, relying: Mapping[str, tuple[int, ...]] | None = None
) -> tuple[ModuleType, Collector]:
    """Return a module that does what the text says, statement by guarded statement.

    Args:
        module: the generated module; its classes are shared with the build.
        text: its source.
        relying: the statements that take for granted what skips before them have told, by number.
    """
    tree = ast.parse(text)
    bind = next(
        node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "bind"
    )
    functions = [node for node in bind.body if isinstance(node, ast.FunctionDef)]
    makers = frozenset(function.name for function in functions)
    for function in functions:
        _guard_function(function, makers, relying or {})
    collector = Collector()
    build = ModuleType(f"{module.__name__} (collecting)")
    build.__dict__.update(module.__dict__)
    build.__dict__.update(__collector=collector, __NoneType=NoneType, __UnsetType=UnsetType)
    build.__dict__.update(attempted=collector.attempted, attempted_or=collector.attempted)
    code = ast.Module(body=[bind], type_ignores=[])
    ast.fix_missing_locations(code)
    exec(compile(code, f"<collecting {module.__name__}>", "exec"), build.__dict__)
    return build, collector


def _guard_function(
    function: ast.FunctionDef, makers: frozenset[str], relying: Mapping[str, tuple[int, ...]]
) -> None:
    """Guard the statements of a function; `makers` are those that make a part of a document."""
    counts: dict[str, int] = {}
    before = _rows_before(function)
    body: list[ast.stmt] = [_parse("__depth = len(__collector.loops)")]
    for statement in function.body:
        if isinstance(statement, ast.Return) or _is_docstring(statement):
            watched = _Watched(function.name, makers, guards_elements=False)
            body.append(watched.visit(statement))
            continue
        name = _statement_name(statement, counts)
        code = f"{function.name}.{name}"
        if name in before:
            _as_loop(statement)
        guarded = _Watched(code, makers, before.get(name, ())).visit(statement)
        body.append(_guarded(guarded, code, relying.get(code, ())))
    function.body = body


def _rows_before(function: ast.FunctionDef) -> dict[str, tuple[str, ...]]:
    """Return the lists whose rows come before those of a list: `[*one, *other]` says so."""
    before: dict[str, tuple[str, ...]] = {}
    for node in ast.walk(function):
        if isinstance(node, ast.List) and node.elts:
            names = [
                element.value.id
                for element in node.elts
                if isinstance(element, ast.Starred) and isinstance(element.value, ast.Name)
            ]
            if len(names) == len(node.elts):
                before |= {name: tuple(names[:at]) for at, name in enumerate(names)}
    return before


def _as_loop(statement: ast.stmt) -> None:
    """Make one row alone (`[call]`) a list with a loop around it, so that the row is numbered."""
    for node in ast.walk(statement):
        match node:
            case ast.Assign(value=ast.List(elts=[ast.Call() as call])):
                node.value = _loop_over_one(call)
            case ast.IfExp(body=ast.List(elts=[ast.Call() as call])):
                node.body = _loop_over_one(call)


def _loop_over_one(call: ast.Call) -> ast.expr:
    made = _expression("[None for __row in (None,)]", ast.ListComp)
    made.elt = call
    return made


def _is_docstring(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _statement_name(statement: ast.stmt, counts: dict[str, int]) -> str:
    """Return how the rule map calls a statement: its local, or its kind and number."""
    match statement:
        case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
            return name
        case ast.If():
            kind = "if"
        case _:
            kind = "check"
    counts[kind] = counts.get(kind, 0) + 1
    return f"{kind}{counts[kind]}"


def _guarded(statement: ast.stmt, code: str, relies_on: tuple[int, ...]) -> ast.stmt:
    failed = f"__collector.failed({code!r}, __error, __depth)"
    match statement:
        case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
            failed = f"{name} = {failed}"
        case ast.If():  # a skip
            number = code.rpartition(".if")[2]
            failed = f"__collector.failed_skips[{number}] = {failed}"
    guard = _parse(f"try:\n    pass\nexcept Exception as __error:\n    {failed}\n")
    assert isinstance(guard, ast.Try)
    told = ", ".join(map(str, relies_on))
    guard.body = [_parse(f"__collector.rely_on({told})"), statement] if told else [statement]
    return guard


_MAY_FAIL = (ast.Call, ast.BinOp, ast.Subscript)


class _Watched(ast.NodeTransformer):
    """Wraps what the collector has to see: rows, elements, values asked whether they are there.

    `is None` touches nothing, so that an ErrorValue would pass for a value that is there. An
    element that fails does not end its list.
    """

    def __init__(
        self,
        code: str,
        makers: frozenset[str],
        before: tuple[str, ...] = (),
        *,
        guards_elements: bool = True,
    ) -> None:
        self._code = code
        self._makers = makers
        self._before = before
        self._guards_elements = guards_elements
        self._depth = 0

    def visit_ListComp(self, node: ast.ListComp) -> ast.expr:
        if self._is_made(node.elt):  # its statements fail by themselves
            may_fail = any(not isinstance(given, ast.Name) for given in node.elt.args)
        else:
            may_fail = any(isinstance(part, _MAY_FAIL) for part in ast.walk(node.elt))
        watched = self._comprehension(node)
        if self._guards_elements and may_fail:
            guard = _expression(f"__collector.element({self._code!r}, lambda: None)", ast.Call)
            made = guard.args[1]
            assert isinstance(made, ast.Lambda)
            made.body = node.elt
            node.elt = guard
        return watched

    def visit_GeneratorExp(self, node: ast.GeneratorExp) -> ast.expr:
        return self._comprehension(node)

    def visit_DictComp(self, node: ast.DictComp) -> ast.expr:
        return self._comprehension(node)

    def visit_Call(self, node: ast.Call) -> ast.expr:
        match node:
            case ast.Call(func=ast.Name(id="attempted" | "attempted_or"), args=[step, *others]):
                node.args = [self._step(step), *(self.visit(other) for other in others)]
                return node
        depth = self._depth
        is_lazy = any(isinstance(given, ast.GeneratorExp) for given in node.args)
        self.generic_visit(node)
        return self._left(node, depth) if is_lazy else node

    @staticmethod
    def _left(made: ast.expr, depth: int) -> ast.expr:
        """Return what leaves the lists that a value was made of."""
        over = _expression(f"__collector.over(__depth + {depth}, None)", ast.Call)
        over.args[1] = made
        return over

    def _step(self, step: ast.expr) -> ast.expr:
        """Watch a step that may fail: an element that fails there is no error, it ends the step."""
        outside, self._guards_elements = self._guards_elements, False
        watched: ast.expr = self.visit(step)
        self._guards_elements = outside
        return watched

    def _comprehension(self, node: ast.ListComp | ast.GeneratorExp | ast.DictComp) -> ast.expr:
        """Put a loop that the collector knows before each list whose rows may fail."""
        if not any(isinstance(part, _MAY_FAIL) for part in _for_each_row(node)):
            self.generic_visit(node)
            return node
        # Only what makes rows of the document says which rows they are: a sum goes over rows, too.
        makes_rows = isinstance(node, ast.ListComp) and self._is_made(node.elt)
        before: tuple[str, ...] = ()
        if makes_rows:
            before, self._before = self._before, ()
        outside = self._depth
        *others, last = node.generators
        if not others and not last.ifs:
            loops: list[tuple[ast.comprehension, ...]] = [
                (self._each(last, before, makes_rows=makes_rows),)
            ]
        else:
            loops = [self._loop(one, before, outside, is_last=False) for one in others]
            loops.append(self._loop(last, before, outside, makes_rows=makes_rows))
        match node:
            case ast.DictComp():
                node.key, node.value = self.visit(node.key), self.visit(node.value)
            case _:
                node.elt = self.visit(node.elt)
        node.generators = [part for loop in loops for part in loop]
        self._depth = outside
        return node if isinstance(node, ast.GeneratorExp) else self._left(node, outside)

    def _each(
        self, generator: ast.comprehension, before: tuple[str, ...], *, makes_rows: bool
    ) -> ast.comprehension:
        """Return the loop over a list of which each row is taken."""
        given = [ast.Constant(self._code if makes_rows else ""), self.visit(generator.iter)]
        names = [ast.Name(one, ast.Load()) for one in before]
        generator.iter = _expression("__collector.each()", ast.Call)
        generator.iter.args = [*given, *names]
        self._depth += 1
        return generator

    def _loop(
        self,
        generator: ast.comprehension,
        before: tuple[str, ...],
        outside: int,
        *,
        is_last: bool = True,
        makes_rows: bool = False,
    ) -> tuple[ast.comprehension, ast.comprehension]:
        """Return a list that the collector knows, and the loop over its rows."""
        rows = self.visit(generator.iter)
        is_counted = makes_rows or bool(generator.ifs)
        self._depth += 1
        name = f"__loop_{self._depth}"
        if self._depth > outside + 1:
            begun = self._begun_inside(name, rows, is_last=is_last)
        else:
            code = self._code if makes_rows else ""
            names = [ast.Name(one, ast.Load()) for one in before]
            given = [ast.Constant(code), rows, *names]
            begun = _begun(name, *(("loop", given) if is_last else ("around", given[1:])))
        row = _generator(f"for _ in {name}.left")
        row.target = generator.target
        row.ifs = [self.visit(condition) for condition in generator.ifs]
        if is_counted:
            row.ifs.append(_expression(f"__collector.taken({name})", ast.Call))
        return begun, row

    def _begun_inside(self, name: str, rows: ast.expr, *, is_last: bool) -> ast.comprehension:
        """Return what begins a list inside another."""
        later = _expression("lambda: None", ast.Lambda)
        later.body = rows
        around = ast.Name(f"__loop_{self._depth - 1}", ast.Load())
        return _begun(
            name, "inside", [around, ast.Constant(self._code), later, ast.Constant(is_last)]
        )

    def _is_made(self, element: ast.expr) -> TypeGuard[ast.Call]:
        """Tell whether an element is a part of the document."""
        match element:
            case ast.Call(func=ast.Name(id=name)):
                return name in self._makers
        return False

    def visit_Compare(self, node: ast.Compare) -> ast.Compare:
        self.generic_visit(node)
        match node:
            case ast.Compare(ops=[ast.Is() | ast.IsNot()], comparators=[ast.Constant(value=None)]):
                is_touched = "__NoneType"
            case ast.Compare(ops=[ast.Is() | ast.IsNot()], comparators=[ast.Name(id="UNSET")]):
                is_touched = "__UnsetType"
            case _:
                return node
        node.left = ast.Attribute(node.left, "__class__", ast.Load())
        node.comparators = [ast.Name(is_touched, ast.Load())]
        return node


def _for_each_row(node: ast.ListComp | ast.GeneratorExp | ast.DictComp) -> Iterator[ast.AST]:
    """Yield all that is evaluated for each row of a comprehension."""
    made = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
    lists = [generator.iter for generator in node.generators[1:]]
    conditions = [condition for generator in node.generators for condition in generator.ifs]
    for part in (*made, *lists, *conditions):
        yield from ast.walk(part)


def _begun(name: str, called: str, given: list[ast.expr]) -> ast.comprehension:
    begun = _generator(f"for {name} in [__collector.{called}()]")
    assert isinstance(begun.iter, ast.List)
    assert isinstance(begun.iter.elts[0], ast.Call)
    begun.iter.elts[0].args = given
    return begun


def _generator(text: str) -> ast.comprehension:
    return _expression(f"[None {text}]", ast.ListComp).generators[0]


def _expression(text: str, kind: type[_Node]) -> _Node:
    made = ast.parse(text, mode="eval").body
    assert isinstance(made, kind)
    return made


def _parse(text: str) -> ast.stmt:
    return ast.parse(text).body[0]
