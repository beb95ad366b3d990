"""What the parts of a flow are called in Python: their classes, and what builds them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct, field

from mapgen.ir.flow import Block, Document, Flow, Part, Rows, parts_of
from mapgen.ir.names import RESERVED_CLASSES, class_name, local_name, made_name, new_name
from mapgen.ir.rewriting import variables
from mapgen.ir.types import Object, Type


class PartName(Struct, frozen=True):
    """The class of a part, the function that builds it, and what that is called with."""

    kind: str
    function: str
    parameters: tuple[tuple[str, Type], ...]


def part_names(flow: Flow) -> Mapping[str, PartName]:
    """Return the names of all parts of a flow, by their pointers."""
    naming = _Naming(flow)
    classes = _document_classes(flow.documents)
    naming.classes.update(classes.values())
    if flow.only is None:
        naming.classes.add("Documents")
        naming.classes.update(class_name(document.name) for document in flow.documents)
    for document in flow.documents:
        function = "transform" if flow.only is document else f"{document.name}_from"
        block = document.block
        code = (block.part, document.checks, document.told)
        naming.part(block, classes[document.name], function, {}, code)
    return naming.found


class _Naming(Struct, frozen=True):
    """Gives names to the parts of one flow.

    `classes` and `functions` are those given so far, `shared` the classes of parts that several
    blocks make, by their targets: empty until the first of them has one.
    """

    flow: Flow
    found: dict[str, PartName] = field(default_factory=dict)
    classes: set[str] = field(default_factory=set)
    functions: set[str] = field(default_factory=set)
    shared: dict[str, str] = field(default_factory=dict)

    def part(
        self, block: Block, kind: str, function: str, outer: Mapping[str, Type], code: object
    ) -> None:
        """Name the part of a block, and all parts inside it.

        Args:
            block: what it is made for.
            kind: its class.
            function: what builds it.
            outer: the names of rows and objects around it.
            code: what may use them.
        """
        part, known = block.part, {**outer, **{one.alias: one.of for one in block.around}}
        if block.alias is not None and block.of is not None:
            known[block.alias] = block.of
        known.update((one.name, one.of) for one in block.taken)
        self.found[part.pointer] = PartName(kind, function, self._parameters(known, code))
        inside = {**known, **{let.name: let.of for let in part.lets}}
        for member in part.members:
            if isinstance(member, Rows):
                self._rows(member, inside)

    def _rows(self, rows: Rows, outer: Mapping[str, Type]) -> None:
        is_one = len(rows.blocks) == 1
        kind = self._class(rows.blocks[0].part.entity if rows.is_list else rows.name, rows.target)
        stem = local_name(kind)
        for block in rows.blocks:
            function = f"{stem}_from"
            if not is_one:
                function = f"{stem}_from_{block.alias}" if block.alias else f"single_{stem}"
                for target in _targets(block.part):
                    self.shared.setdefault(target, "")
            self.part(block, kind, self._function(function), outer, block.part)

    def _parameters(self, outer: Mapping[str, Type], code: object) -> tuple[tuple[str, Type], ...]:
        """Return what the code of a part uses of what it may use."""
        flow = self.flow
        made = (made_name(one.name) for one in flow.documents)
        known = {
            flow.plan.source: Object(flow.record.name, {}),
            **{let.name: let.of for let in flow.lets},
            **outer,
            **{name: Object(name, {}) for name in made},
        }
        used = frozenset(variables(code))
        return tuple((name, kind) for name, kind in known.items() if name in used)

    def _function(self, name: str) -> str:
        """Return a name for what builds a part: blocks share a class, and not what builds it."""
        found = new_name(name, self.functions)
        self.functions.add(found)
        return found

    def _class(self, name: str, target: str) -> str:
        """Return a class name for a part: its own, or that of its whole path where it is taken.

        The parts that blocks make at one target are of one class.
        """
        if target in self.shared:
            self.shared[target] = self.shared[target] or self._unused(name, target)
            return self.shared[target]
        return self._unused(name, target)

    def _unused(self, name: str, target: str) -> str:
        taken, found = self.classes | RESERVED_CLASSES, class_name(name)
        if found in taken:
            found = new_name(class_name(target.replace("[]", "")), taken, "")
        self.classes.add(found)
        return found


def _document_classes(documents: Iterable[Document]) -> dict[str, str]:
    """Return the class of each document: its entity, told apart where two have the same."""
    entities = [document.plan.entity for document in documents]
    return {
        document.name: (
            _document_class(document.plan.entity)
            if entities.count(document.plan.entity) == 1
            else _document_class(f"{document.name} {document.plan.entity}")
        )
        for document in documents
    }


def _document_class(name: str) -> str:
    found = class_name(name)
    return f"{found}Document" if found in RESERVED_CLASSES else found


def _targets(part: Part) -> Iterable[str]:
    """Return the targets of all parts inside a part."""
    return [
        member.target
        for one in parts_of(part)
        for member in one.members
        if isinstance(member, Rows)
    ]
