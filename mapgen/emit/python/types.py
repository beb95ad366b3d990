"""Types of the ir as Python annotations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct, field

from mapgen.agreed.constraints import Constraints
from mapgen.emit.python.expression_needs import ModuleNeeds
from mapgen.escaping import python
from mapgen.ir.flow import Flow, Held, ValueKind
from mapgen.ir.names import RESERVED_CLASSES, class_name, new_name
from mapgen.ir.types import ROWS, ListOf, MapOf, Object, Optional, Type, group_of

_SCALARS = {"string": "str", "int": "int", "bool": "bool"}
_IMPORTED = {
    "decimal": ("decimal", "Decimal"),
    "timestamp": ("datetime", "datetime"),
    "date": ("datetime", "date"),
    "duration": ("datetime", "timedelta"),
    "timezone": ("zoneinfo", "ZoneInfo"),
}
_STRICT = {"decimal": "Amount", "timestamp": "Instant", "int": "Whole"}
WRAPPERS: dict[ValueKind, str] = {
    "string": "StringValue",
    "decimal": "DecimalValue",
    "int": "IntValue",
    "boolean": "BooleanValue",
    "date": "DateValue",
    "datetime": "DateTimeValue",
    "select": "SelectValue",
}
CUSTOM_WRAPPERS: dict[ValueKind, str] = {
    "string": "CustomStringField",
    "decimal": "CustomDecimalField",
    "int": "CustomIntField",
    "boolean": "CustomBooleanField",
    "date": "CustomDateTimeField",
    "datetime": "CustomDateTimeField",
}


class Annotations(Struct, frozen=True):
    """Turns types into annotations.

    `classes` are the classes of source objects by their names, `made` those of other documents.
    """

    module: ModuleNeeds
    classes: Mapping[str, str]
    made: Mapping[str, str] = field(default_factory=dict)

    def of(self, kind: Type) -> str:
        """Return the annotation of a type: a list of tax lines is `list[TaxLine]`."""
        match kind:
            case Optional(of):
                return f"{self.of(of)} | None"
            case ListOf(element):
                return f"list[{self.of(element)}]"
            case MapOf(key, value):
                return f"dict[{self.of(key)}, {self.of(value)}]"
            case Object(fields={"key": key, "rows": ListOf(row)}) if kind == group_of(key, row):
                group = self.module.name("mapgen.runtime.grouping", "Group")
                return f"{group}[{self.of(key)}, {self.of(row)}]"
            case Object(among=names) if names:
                return " | ".join(dict.fromkeys(map(self.named, names)))
            case _:
                return self.named(str(kind))

    def named(self, name: str) -> str:
        """Return the annotation of a scalar, an object or another document by its name."""
        if name in self.made:
            return self.made[name]
        if name == "unknown":
            # Of a list or a map that is empty whatever the record.
            return self.module.name("typing", "Any")
        if name in _SCALARS:
            return _SCALARS[name]
        if name in _IMPORTED:
            return self.module.name(*_IMPORTED[name])
        return self.classes[name]

    def of_source(self, held: Held) -> str:
        """Return the annotation of what a member holds: numbers and instants are read strictly."""
        if held.inner is not None:
            inner = self.of_source(held.inner)
            found = f"list[{inner}]" if held.type == "list" else f"dict[str, {inner}]"
        elif held.type in _STRICT:
            found = self.module.name("mapgen.runtime.source", _STRICT[held.type])
        else:
            found = self.named(held.type)
        if held.is_varied or held.nothing or held.is_text:
            varied = self.module.name("mapgen.runtime.varied", "Varied")
            nothing = self.module.name(
                "mapgen.runtime.varied", "InText" if held.is_text else "Nothing"
            )
            found = f"{varied}[{found}, {nothing}({', '.join(map(python, held.nothing))})]"
        found = self._constrained(found, held.constraints)
        return f"{found} | None" if held.may_be_missing else found

    def _constrained(self, annotation: str, constraints: tuple[Constraints, ...]) -> str:
        """Return the annotation with what the schema says of its values."""
        if not constraints:
            return annotation
        name = self.module.name("mapgen.runtime.constraints", "Constraints")
        said = (
            ", ".join(
                f"{member}={python(getattr(each, member))}"
                for member, default in zip(
                    each.__struct_fields__, each.__struct_defaults__, strict=True
                )
                if getattr(each, member) != default
            )
            for each in constraints
        )
        annotated = self.module.name("typing", "Annotated")
        return f"{annotated}[{annotation}, {', '.join(f'{name}({words})' for words in said)}]"


def source_classes(flow: Flow, ours: Iterable[str]) -> Mapping[str, str]:
    """Return the classes of source objects and rows of tables: none is of the document, or ours."""
    taken = {*RESERVED_CLASSES, *ours}
    classes: dict[str, str] = {}
    names = {item.name: class_name(item.name) for item in flow.source_objects}
    for row in flow.rows:
        names[row.name] = class_name(f"{row.name.removeprefix(ROWS)}_entry")
    for item, name in names.items():
        own = f"Source{name}" if name in taken else name
        classes[item] = new_name(own, (*taken, *classes.values()), "")
    return classes
