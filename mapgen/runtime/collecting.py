"""The complete way: a generated module in, a twin of it out that finds every fault of a record.

The generated code stops at the first value it cannot use; that is what makes it short and fast. The
twin is the same code, compiled once more with each statement guarded: a statement that fails is
noted, with the row it stood in, and its result is a Poison that keeps later statements from
reporting the same mistake again. So there is one text of the rules, and both ways mean the same.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator
from types import ModuleType
from typing import TypeVar

from mapgen.runtime.faults import Fault, uncountable
from mapgen.runtime.source import Poison

Row = TypeVar("Row")
Value = TypeVar("Value")


class Collector:
    """What the twin reports to: the faults of one record, in the order of the rules."""

    def __init__(self) -> None:
        self.found: list[tuple[str, tuple[int, ...], Fault]] = []
        self._known: set[int] = set()
        self._last: Fault | None = None
        self._rows: list[int] = []

    def start(self, known: Iterable[Fault]) -> None:
        """Forget the last record; `known` faults are reported elsewhere."""
        self.found = []
        faults = tuple(known)
        self._known = {id(fault) for fault in faults}
        self._last = faults[-1] if faults else None
        self._rows = []

    def failed(self, code: str, error: Exception) -> Poison:
        """Note why a statement failed, once, and return what stands for its result.

        Raises the error again when it is none of the record's: then it is our bug.
        """
        fault = self._as_fault(error)
        if id(fault) not in self._known:
            self._known.add(id(fault))
            self._last = fault
            self.found.append((code, tuple(self._rows), fault))
        return Poison(fault)

    def element(self, code: str, made: Callable[[], Value]) -> Value | Poison:
        """Return an element of a list, or what stands for it: the other rows are looked at, too."""
        try:
            return made()
        except Exception as error:  # noqa: BLE001 - `failed` raises what is none of the record's
            return self.failed(code, error)

    def left(self, depth: int) -> None:
        """Forget the rows of a statement that is done; one may have stopped amid a list."""
        del self._rows[depth:]

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
                return error
            case OverflowError():
                # Only dates overflow so: numbers are decimals.
                return Fault("R218", "the date lies beyond the calendar")
            case ArithmeticError():
                return uncountable()
            case TypeError() | ValueError() | AttributeError() if self._last is not None:
                # Code in C looks at a Poison's type before it touches it.
                return self._last
            case _:
                raise error

    def rows(self, rows: Iterable[Row]) -> Iterator[Row]:
        """Yield the rows of a list, knowing the number of the row at work."""
        self._rows.append(0)
        depth = len(self._rows)
        for number, row in enumerate(rows):
            del self._rows[depth:]
            self._rows[depth - 1] = number
            yield row
        del self._rows[depth - 1 :]

    @property
    def depth(self) -> int:
        """How many lists the statement at work stands in."""
        return len(self._rows)


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
    for node in bind.body:
        if isinstance(node, ast.FunctionDef):
            _guard_function(node)
    collector = Collector()
    twin = ModuleType(f"{module.__name__} (collecting)")
    twin.__dict__.update(module.__dict__)
    twin.__dict__.update(__collector=collector)
    twin.__dict__.update(attempted=collector.attempted, attempted_or=collector.attempted)
    code = ast.Module(body=[bind], type_ignores=[])
    ast.fix_missing_locations(code)
    exec(compile(code, f"<collecting {module.__name__}>", "exec"), twin.__dict__)
    return twin, collector


def _guard_function(function: ast.FunctionDef) -> None:
    counts: dict[str, int] = {}
    body: list[ast.stmt] = [_parse("__depth = __collector.depth")]
    for statement in function.body:
        if isinstance(statement, ast.Return) or _is_docstring(statement):
            body.append(_Watched(None).visit(statement))
            continue
        code = f"{function.name}.{_statement_name(statement, counts)}"
        body.append(_guarded(_Watched(code).visit(statement), code))
    function.body = body


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

    def __init__(self, code: str | None) -> None:
        self._code = code

    def visit_ListComp(self, node: ast.ListComp) -> ast.ListComp:
        self.generic_visit(node)
        if self._code is not None and any(
            isinstance(part, _MAY_FAIL) for part in ast.walk(node.elt)
        ):
            guard = _parse(f"__collector.element({self._code!r}, lambda: None)")
            assert isinstance(guard, ast.Expr)
            assert isinstance(guard.value, ast.Call)
            made = guard.value.args[1]
            assert isinstance(made, ast.Lambda)
            made.body = node.elt
            node.elt = guard.value
        return node

    def visit_Call(self, node: ast.Call) -> ast.Call:
        match node:
            case ast.Call(func=ast.Name(id="total"), args=[ast.GeneratorExp() as amounts]):
                node.args = [ast.ListComp(elt=amounts.elt, generators=amounts.generators)]
            case ast.Call(func=ast.Name(id="attempted" | "attempted_or"), args=[step, *others]):
                # An element that fails there is no fault: it ends the step.
                within = _Watched(None).visit(step)
                node.args = [within, *(self.visit(other) for other in others)]
                return node
        self.generic_visit(node)
        return node

    def visit_comprehension(self, node: ast.comprehension) -> ast.comprehension:
        self.generic_visit(node)
        rows = _parse("__collector.rows(None)")
        assert isinstance(rows, ast.Expr)
        assert isinstance(rows.value, ast.Call)
        rows.value.args = [node.iter]
        node.iter = rows.value
        return node

    def visit_Compare(self, node: ast.Compare) -> ast.Compare:
        self.generic_visit(node)
        if isinstance(node.ops[0], ast.Is | ast.IsNot):
            touched = _parse("__collector.touched(None)")
            assert isinstance(touched, ast.Expr)
            assert isinstance(touched.value, ast.Call)
            touched.value.args = [node.left]
            node.left = touched.value
        return node


def _parse(text: str) -> ast.stmt:
    return ast.parse(text).body[0]
