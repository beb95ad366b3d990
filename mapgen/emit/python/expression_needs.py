"""What emitted expressions need around them: imports, module constants, and names not yet taken."""

from __future__ import annotations

import builtins
import keyword
import re
import sys
from collections.abc import Mapping
from itertools import chain
from typing import Self

from msgspec import Struct

from mapgen.emit.python.expression_functions import HOMES, RUNTIME_FUNCTIONS
from mapgen.emit.python.expression_templates import filled, names_in
from mapgen.escaping import literal
from mapgen.escaping import pattern as written
from mapgen.ir.expression import attribute_name
from mapgen.ir.names import new_name

# Builtins that generated code never uses, some of them there in an interactive session only.
_FREE = frozenset({"copyright", "credits", "exit", "help", "input", "license", "quit"})
_NEVER = frozenset({*dir(builtins), *keyword.kwlist, *keyword.softkwlist, "l", "O", "I"}) - _FREE


# Classes that a module may import, and that read like names of values.
_CLASSES = frozenset({"date", "datetime", "timedelta", "timezone"})


class Namer:
    """Hands out local names: none twice, no keyword, no builtin, none that reads like a digit."""

    def __init__(self, taken: tuple[str, ...] = (), outer: Namer | None = None) -> None:
        self._taken = set(taken)
        self._outer = outer

    def inner(self) -> Self:
        """Return a namer for a scope inside this one, whose names end with it."""
        return type(self)(outer=self)

    def name(self, hint: str) -> str:
        """Return the hint, or the hint with the first number that makes it new."""
        stem = attribute_name(hint).rstrip("_")
        if stem in _NEVER or keyword.iskeyword(stem):
            stem = f"{stem}_value" if len(stem) > 1 else "value"
        name = new_name(stem, self)
        self._taken.add(name)
        return name

    def outermost(self, hint: str) -> str:
        """Return a name that is new here and stays taken in the outermost scope.

        For assignment expressions, which bind in the function around a comprehension. They may
        are behind their use, where a class of that name would be meant.
        """
        stem = attribute_name(hint).rstrip("_")
        name, root = self.name(f"{stem}_value" if stem in _CLASSES else hint), self
        while root._outer is not None:
            root = root._outer
            root._taken.add(name)
        return name

    def reserve(self, *names: str) -> None:
        """Take names that stand for something already."""
        self._taken.update(names)

    def __contains__(self, name: object) -> bool:
        return name in self._taken or (self._outer is not None and name in self._outer)


class ModuleConstant(Struct, frozen=True):
    """One hoisted value: `NAME = code`."""

    name: str
    code: str

    def __str__(self) -> str:
        return f"{self.name} = {self.code}"


class ModuleNeeds:
    """Collects what the expressions of one module import and hoist."""

    def __init__(
        self, taken: tuple[str, ...] = (), classes: Mapping[str, str] | None = None
    ) -> None:
        """Take the names that no constant may have, and the classes of objects by their names."""
        self.classes = classes or {}
        self._imports: dict[str, set[str]] = {}
        self._constants: dict[str, ModuleConstant] = {}
        self._taken = set(taken)

    def name(self, module: str, name: str) -> str:
        """Import a name from a module; return it."""
        self._imports.setdefault(module, set()).add(name)
        return name

    def function(self, name: str) -> str:
        """Import a function that templates name; return its name."""
        return self.name(HOMES.get(name, RUNTIME_FUNCTIONS), name)

    def filled(self, template: str, *arguments: str) -> str:
        """Import what a template names; return it with code in its holes."""
        for name in names_in(template):
            self.function(name)
        return filled(template, *arguments)

    def constant(self, stem: str, code: str) -> str:
        """Hoist a value; return the name of the module constant. Equal code is hoisted once."""
        if code not in self._constants:
            plain = re.sub(r"[^A-Z0-9]+", "_", stem.upper()).strip("_") or "VALUE"
            plain = f"N_{plain}" if plain[0].isdigit() else plain
            name = new_name(plain, self._taken)
            self._taken.add(name)
            self._constants[code] = ModuleConstant(name, code)
        return self._constants[code].name

    def decimal(self, text: str) -> str:
        """Hoist an amount; return the name of the module constant."""
        self.name("decimal", "Decimal")
        if text == "0":
            return self.constant("ZERO", "Decimal(0)")
        stem = "DECIMAL_" + text.replace("-", "MINUS_").replace(".", "_")
        return self.constant(stem, f'Decimal("{text}")')

    def pattern(self, words: str) -> str:
        """Hoist a regular expression; return the name of the module constant."""
        made = self.name("mapgen.runtime.patterns", "Pattern")
        return self.constant("PATTERN", f"{made}({written(words)})")

    def date_format(self, words: str) -> str:
        """Hoist a format of dates; return the name of the module constant."""
        made = self.name("mapgen.runtime.dates", "DateFormat")
        return self.constant("DATE_FORMAT", f"{made}({literal(words)})")

    @property
    def import_groups(self) -> tuple[tuple[str, ...], ...]:
        """The import lines as isort groups them: standard library, libraries, mapgen."""
        groups: tuple[list[str], ...] = ([], [], [])
        for module, names in sorted(self._imports.items()):
            root = module.partition(".")[0]
            ordered = sorted(
                names, key=lambda name: (not name.isupper(), name.lower() == name, name)
            )
            group = 2 if root == "mapgen" else root not in sys.stdlib_module_names
            groups[group].append(f"from {module} import {', '.join(ordered)}")
        return tuple(tuple(lines) for lines in groups if lines)

    @property
    def import_lines(self) -> tuple[str, ...]:
        """The import lines in one."""
        return tuple(chain.from_iterable(self.import_groups))

    @property
    def constants(self) -> tuple[ModuleConstant, ...]:
        """Return the hoisted values in the order in which they were first needed."""
        return tuple(self._constants.values())
