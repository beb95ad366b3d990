"""The complete way: a generated module in, a twin of it out that finds every fault of a record.

The generated code stops at the first value it cannot use; that is what makes it short and fast. The
twin is the same code, compiled once more with each statement guarded: a statement that fails is
noted, with the rows it stood in, and its result is a Poison that keeps later statements from
reporting the same mistake again. So there is one text of the rules, and both ways mean the same.
"""

from __future__ import annotations

import ast
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import TypeVar

from mapgen.runtime.faults import Fault, beyond_counting
from mapgen.runtime.places import places_of
from mapgen.runtime.source import Poison

Row = TypeVar("Row")
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Spot:
    """The rows that a statement was at work on, the outermost first.

    `places` are their concrete paths in the record, None for what is no row of it (a group of
    rows). `numbers` are those of the rows that become of them, None where that is not known.
    """

    places: tuple[str | None, ...]
    numbers: tuple[int | None, ...]


class _Loop:
    """A list that a statement goes over: the row at work, and the rows taken so far."""

    __slots__ = ("code", "depth", "number", "place", "taken")

    def __init__(self, code: str, depth: int, taken: int | None) -> None:
        self.code = code
        self.depth = depth
        self.taken = taken
        self.place: str | None = None
        self.number: int | None = None


class Collector:
    """What the twin reports to: the faults of one record, in the order of the rules.

    `made` are the numbers of the rows that a statement made of a row of the record, by the
    statement and the row's concrete path.
    """

    def __init__(self) -> None:
        self.found: list[tuple[str, Spot, Fault]] = []
        self.made: dict[tuple[str, str], tuple[int | None, ...]] = {}
        self._started_with: tuple[Fault, ...] = ()
        self._known: set[int] = set()
        self._last: Fault | None = None
        self._loops: list[_Loop] = []
        self._places: Mapping[int, str] = {}

    def start(self, known: Iterable[Fault], record: object, root: str) -> None:
        """Forget the last record; `known` faults of the next are reported elsewhere.

        `root` is what the record is called. It has to be kept until the next one.
        """
        for fault in (*self._started_with, *(fault for _, _, fault in self.found)):
            # What raised it led to the record, which led to it: nothing else would part them.
            fault.__traceback__ = fault.__context__ = None
        self.found = []
        self.made = {}
        faults = tuple(known)
        self._started_with = faults
        self._known = {id(fault) for fault in faults}
        self._last = faults[-1] if faults else None
        self._loops = []
        self._places = places_of(record, root)

    def failed(self, code: str, error: Exception) -> Poison:
        """Note why a statement failed, once, and return what stands for its result.

        Raises the error again when it is none of the record's: then it is our bug.
        """
        fault = self._as_fault(error)
        if id(fault) not in self._known:
            self._known.add(id(fault))
            self._last = fault
            self.found.append((code, self._spot(), fault))
        return Poison(fault)

    def element(self, code: str, made: Callable[[], Value]) -> Value | Poison:
        """Return an element of a list, or what stands for it: the other rows are looked at, too."""
        try:
            return made()
        except Exception as error:  # noqa: BLE001 - `failed` raises what is none of the record's
            return self.failed(code, error)

    def left(self, depth: int) -> None:
        """Forget the rows of a statement that is done; one may have stopped amid a list."""
        del self._loops[depth:]

    def _spot(self) -> Spot:
        return Spot(
            tuple(loop.place for loop in self._loops), tuple(loop.number for loop in self._loops)
        )

    @staticmethod
    def touched(value: Value) -> Value:
        """Return a value that is asked whether it is missing. Raises the fault of a Poison."""
        if isinstance(value, Poison):
            bool(value)
        return value

    def attempted(
        self, step: Callable[[], Value], otherwise: Callable[[], Value | None] = lambda: None
    ) -> Value | None:
        """Do what `attempted` and `attempted_or` do for a step that fails by itself.

        Raises the fault again that is known already: it is that of another statement.
        """
        depth = self.depth
        try:
            return step()
        except (Fault, ArithmeticError) as error:
            if id(error) in self._known:
                raise
            self.left(depth)
            return otherwise()

    def _as_fault(self, error: Exception) -> Fault:
        match error:
            case Fault():
                return _first_of(error)
            case ArithmeticError():
                return beyond_counting(error)
            case TypeError() | ValueError() | AttributeError() if self._last is not None:
                # Code in C looks at a Poison's type before it touches it.
                return self._last
            case _:
                raise error

    def loop(self, code: str, *before: object) -> _Loop:
        """Return a list to go over; the rows of those `before` come first in what becomes of it."""
        is_known = all(isinstance(rows, list) for rows in before)
        taken = sum(len(rows) for rows in before if isinstance(rows, list)) if is_known else None
        return _Loop(code, len(self._loops) + 1, taken)

    def rows(self, loop: _Loop, rows: Iterable[Row]) -> Iterator[Row]:
        """Yield the rows of a list, knowing the place of the row at work."""
        whole = self._places.get(id(rows))
        self._loops.append(loop)
        loop.depth = len(self._loops)
        for number, row in enumerate(rows):
            del self._loops[loop.depth :]
            inside = None if whole is None else f"{whole}[{number}]"
            loop.place = self._places.get(id(row), inside)
            loop.number = None
            yield row
        del self._loops[loop.depth - 1 :]

    def taken(self, loop: _Loop) -> bool:
        """Number the row at work, all conditions having held: it is taken."""
        del self._loops[loop.depth :]
        if loop.taken is not None:
            loop.number = loop.taken
            loop.taken += 1
        numbers = tuple(one.number for one in self._loops)
        if loop.code and loop.place is not None:
            self.made[loop.code, loop.place] = numbers
        elif loop.code:
            self.made.setdefault((loop.code, ""), numbers)
        return True

    @property
    def depth(self) -> int:
        """How many lists the statement at work stands in."""
        return len(self._loops)


def _first_of(fault: Fault) -> Fault:
    """Return the fault of the Poison within the value that a fault tells of, else the fault."""
    try:
        str(fault.value)
    except Fault as known:
        return known
    return fault


def collecting_twin(module: ModuleType, text: str) -> tuple[ModuleType, Collector]:
    """Return a module that does what the text says, statement by guarded statement.

    Args:
        module: the generated module; its classes are shared with the twin.
        text: its source.
    """
    tree = ast.parse(text)
    bind = next(
        node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "bind"
    )
    functions = [node for node in bind.body if isinstance(node, ast.FunctionDef)]
    makers = frozenset(function.name for function in functions)
    for function in functions:
        _guard_function(function, makers)
    collector = Collector()
    twin = ModuleType(f"{module.__name__} (collecting)")
    twin.__dict__.update(module.__dict__)
    twin.__dict__.update(__collector=collector)
    twin.__dict__.update(attempted=collector.attempted, attempted_or=collector.attempted)
    code = ast.Module(body=[bind], type_ignores=[])
    ast.fix_missing_locations(code)
    exec(compile(code, f"<collecting {module.__name__}>", "exec"), twin.__dict__)
    return twin, collector


def _guard_function(function: ast.FunctionDef, makers: frozenset[str]) -> None:
    """Guard the statements of a function; `makers` are those that make a part of a document."""
    counts: dict[str, int] = {}
    before = _rows_before(function)
    body: list[ast.stmt] = [_parse("__depth = __collector.depth")]
    for statement in function.body:
        if isinstance(statement, ast.Return) or _is_docstring(statement):
            watched = _Watched(function.name, makers, guards_elements=False)
            body.append(watched.visit(statement))
            continue
        name = _statement_name(statement, counts)
        code = f"{function.name}.{name}"
        if name in before:
            _as_loop(statement)
        body.append(_guarded(_Watched(code, makers, before.get(name, ())).visit(statement), code))
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
    made = ast.parse("[None for __row in (None,)]", mode="eval").body
    assert isinstance(made, ast.ListComp)
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


def _guarded(statement: ast.stmt, code: str) -> ast.stmt:
    failed = f"__collector.failed({code!r}, __error)"
    match statement:
        case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
            failed = f"{name} = {failed}"
    guard = _parse(
        f"try:\n    pass\nexcept Exception as __error:\n    {failed}\n"
        "finally:\n    __collector.left(__depth)\n"
    )
    assert isinstance(guard, ast.Try)
    guard.body = [statement]
    return guard


_MAY_FAIL = (ast.Call, ast.BinOp, ast.Subscript)


class _Watched(ast.NodeTransformer):
    """Wraps what the collector has to see: rows, elements, values asked whether they are there.

    `is None` touches nothing, so that a Poison would pass for a value that is there. An element
    that fails does not end its list; a sum, which would stop at it, adds up a whole list.
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
        self._numbers = itertools.count(1)

    def visit_ListComp(self, node: ast.ListComp) -> ast.expr:
        watched = self._comprehension(node)
        may_fail = any(isinstance(part, _MAY_FAIL) for part in ast.walk(node.elt))
        if self._guards_elements and may_fail:
            guard = _parse(f"__collector.element({self._code!r}, lambda: None)")
            assert isinstance(guard, ast.Expr)
            assert isinstance(guard.value, ast.Call)
            made = guard.value.args[1]
            assert isinstance(made, ast.Lambda)
            made.body = node.elt
            node.elt = guard.value
        return watched

    def visit_GeneratorExp(self, node: ast.GeneratorExp) -> ast.expr:
        return self._comprehension(node)

    def visit_DictComp(self, node: ast.DictComp) -> ast.expr:
        return self._comprehension(node)

    def visit_Call(self, node: ast.Call) -> ast.Call:
        match node:
            case ast.Call(func=ast.Name(id="total"), args=[ast.GeneratorExp() as amounts]):
                node.args = [ast.ListComp(elt=amounts.elt, generators=amounts.generators)]
            case ast.Call(func=ast.Name(id="attempted" | "attempted_or"), args=[step, *others]):
                node.args = [self._step(step), *(self.visit(other) for other in others)]
                return node
        self.generic_visit(node)
        return node

    def _step(self, step: ast.expr) -> ast.expr:
        """Watch a step that may fail: an element that fails there is no fault, it ends the step."""
        outside, self._guards_elements = self._guards_elements, False
        watched: ast.expr = self.visit(step)
        self._guards_elements = outside
        return watched

    def _comprehension(self, node: ast.ListComp | ast.GeneratorExp | ast.DictComp) -> ast.expr:
        """Put a loop that the collector knows before each list that is gone over."""
        # Only what makes rows of the document says which rows they are: a sum goes over rows, too.
        makes_rows = isinstance(node, ast.ListComp) and self._is_made(node.elt)
        code = self._code if makes_rows else ""
        before: tuple[str, ...] = ()
        if makes_rows:
            before, self._before = self._before, ()
        self.generic_visit(node)
        generators = []
        for generator in node.generators:
            name = f"__loop_{next(self._numbers)}"
            arguments = ", ".join((repr(code), *before))
            started = f"[None for {name} in [__collector.loop({arguments})]]"
            generators.append(_generator(started))
            watched = _generator(
                f"[None for _ in __collector.rows({name}, None) if __collector.taken({name})]"
            )
            assert isinstance(watched.iter, ast.Call)
            watched.iter.args[1] = generator.iter
            generator.iter = watched.iter
            generator.ifs = [*generator.ifs, *watched.ifs]
            generators.append(generator)
        node.generators = generators
        return node

    def _is_made(self, element: ast.expr) -> bool:
        match element:
            case ast.Call(func=ast.Name(id=name)):
                return name in self._makers
        return False

    def visit_Compare(self, node: ast.Compare) -> ast.Compare:
        self.generic_visit(node)
        if isinstance(node.ops[0], ast.Is | ast.IsNot):
            touched = _parse("__collector.touched(None)")
            assert isinstance(touched, ast.Expr)
            assert isinstance(touched.value, ast.Call)
            touched.value.args = [node.left]
            node.left = touched.value
        return node


def _generator(text: str) -> ast.comprehension:
    made = ast.parse(text, mode="eval").body
    assert isinstance(made, ast.ListComp)
    return made.generators[0]


def _parse(text: str) -> ast.stmt:
    return ast.parse(text).body[0]
