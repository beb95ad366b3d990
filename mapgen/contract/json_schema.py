"""Documents that hold JSON Schemas: their dialects, where references lead, what applies at a place.

A document is a file of JSON or YAML: a schema, or an OpenAPI or Swagger document with many of them.
References lead to places of the same file, or to other files of `specs/`, never to the network.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias, cast
from urllib.parse import unquote, urljoin, urlsplit

from msgspec import Struct, field

from mapgen.contract.document import parsed_file
from mapgen.report import Diagnostic, Source, Stopped
from mapgen.report.catalogue import schemas
from mapgen.spec import nodes
from mapgen.spec.nodes import read_yaml

Node: TypeAlias = Mapping[str, object]

ROOT = "#"
# What names a place below a root: `"$id": "https://…/address"`, `"id": "#address"`.
_NAMES = ("$id", "id", "$anchor", "$dynamicAnchor")
_REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")
# Where connectors keep what several of their schemas refer to.
_SHARED = "shared"
_YAML = (".yaml", ".yml")
# What schemas are written in; the newest, where one does not say.
_DIALECTS = (
    None,
    "https://json-schema.org/draft/2020-12/schema",
    "https://json-schema.org/draft/2019-09/schema",
    "http://json-schema.org/draft-07/schema#",
    "http://json-schema.org/draft-06/schema#",
    "http://json-schema.org/draft-04/schema#",
)


class Place(Struct, frozen=True):
    """A schema and where it is; `without` are keywords of it that are looked at elsewhere."""

    document: Document
    pointer: str
    schema: object
    without: tuple[str, ...] = ()

    @property
    def node(self) -> Node:
        """The keywords of the schema; `true` and what is no schema at all has none."""
        return self.schema if isinstance(self.schema, dict) else {}

    @property
    def key(self) -> tuple[str, str, tuple[str, ...]]:
        """What tells the place apart from any other."""
        return self.document.path, self.document.prefix + self.pointer, self.without

    def inside(self, *steps: str | int) -> Place:
        """Return the place of a schema inside this one, which has to be there."""
        found: object = self.schema
        pointer = self.pointer
        for step in steps:
            found = found[step]  # type: ignore[index]
            pointer = f"{pointer}/{escaped(str(step))}"
        return Place(self.document, pointer, found)

    def apart_from(self, keyword: str) -> Place:
        """Return the place without one of its keywords."""
        rest = {name: value for name, value in self.node.items() if name != keyword}
        return Place(self.document, self.pointer, rest, (*self.without, keyword))

    def without_reference(self) -> Place:
        """Return the place with what is said beside its reference, which counts since 2019-09."""
        rest = {word: value for word, value in self.node.items() if word not in _REFERENCES}
        rest = {} if self.document.ignores_siblings else rest
        return Place(self.document, self.pointer, rest, (*self.without, "$ref"))


class Document(Struct, eq=False):
    """A document, or what one of its `$id`s names: `prefix` leads there."""

    path: str
    root: object
    base: str = ""
    prefix: str = ""
    _names: dict[str, tuple[str, object]] | None = None

    @classmethod
    def of(cls, path: str, root: object) -> Document:
        """Return the document of a file."""
        return cls(path, root, _own_name(root))

    @property
    def ignores_siblings(self) -> bool:
        """Whether what is beside a `$ref` is not read: so it is until draft-07."""
        said = self.root.get("$schema") if isinstance(self.root, dict) else None
        return "json-schema.org/draft-0" in str(said)

    def find(self, fragment: str) -> Place | None:
        """Return the place that a fragment leads to (`/$defs/Part`, an anchor), if there is one."""
        if not fragment.startswith("/"):
            found = (ROOT, self.root) if not fragment else self.names.get(f"#{fragment}")
            return None if found is None else Place(self, *found)
        value = self.root
        for step in unquote(fragment[1:]).split("/"):
            name = unescaped(step)
            if isinstance(value, dict) and name in value:
                value = value[name]
            elif isinstance(value, list) and name.isdecimal() and int(name) < len(value):
                value = value[int(name)]
            else:
                return None
        return Place(self, f"{ROOT}{unquote(fragment)}", value)

    def places(self) -> tuple[str, ...]:
        """Return the fragments that lead to the schemas which the document is made of."""
        root = self.root if isinstance(self.root, dict) else {}
        components = root.get("components")
        held: dict[str, object] = {key: root.get(key) for key in ("definitions", "$defs")}
        if isinstance(components, dict):
            held["components/schemas"] = components.get("schemas")
        return tuple(
            f"#/{holder}/{escaped(name)}"
            for holder, inner in held.items()
            if isinstance(inner, dict)
            for name in inner
        )

    @property
    def names(self) -> Mapping[str, tuple[str, object]]:
        """The places that have a name of their own: anchors as `#NAME`, others in full."""
        if self._names is None:
            self._names = dict(self._named(self.root, ROOT))
        return self._names

    def _named(self, value: object, pointer: str) -> Iterator[tuple[str, tuple[str, object]]]:
        todo = [(value, pointer)]
        while todo:
            value, pointer = todo.pop()
            if isinstance(value, list):
                todo += [(one, f"{pointer}/{at}") for at, one in enumerate(value)]
            elif isinstance(value, dict):
                for keyword in _NAMES:
                    name = value.get(keyword)
                    if isinstance(name, str) and pointer != ROOT:
                        is_anchor = keyword.endswith("nchor")
                        known_as = f"#{name}" if is_anchor else name
                        if not known_as.startswith("#"):
                            known_as = urljoin(self.base, known_as)
                        yield known_as, (pointer, value)
                todo += [(one, f"{pointer}/{escaped(step)}") for step, one in value.items()]


class Library(Struct):
    """The documents that schemas lead to; `files` gives what a file of `specs/` holds, or None."""

    files: Callable[[str], str | None]
    known: dict[str, Document | None] = field(default_factory=dict)

    def follow(self, place: Place, reference: str) -> Place | None:
        """Return where a reference leads, None where it leads nowhere."""
        name, _, fragment = reference.partition("#")
        document = self._document(place.document, name) if name else place.document
        return None if document is None else document.find(fragment)

    def _document(self, within: Document, name: str) -> Document | None:
        whole = urljoin(within.base, name)
        embedded = within.names.get(whole)
        if embedded is not None:
            pointer, schema = embedded
            return Document(within.path, schema, whole, pointer)
        if within.base and whole == within.base:
            return within
        folder = posixpath.dirname(within.path)
        paths = (posixpath.join(folder, path) for path in _files(name, whole, within.base))
        # A file of the name of the schema itself is rather another one, where there is one.
        for path in sorted(map(posixpath.normpath, paths), key=lambda one: one == within.path):
            found = self._file(path)
            if found is not None and (not urlsplit(name).scheme or found.base in ("", whole)):
                return found
        return None

    def _file(self, path: str) -> Document | None:
        if path not in self.known:
            text = self.files(path)
            self.known[path] = None if text is None else _document(path, text)
        return self.known[path]


def _files(name: str, whole: str, base: str) -> Iterator[str]:
    """Yield the files that a name may mean, as seen from the folder of the schema."""
    if not urlsplit(name).scheme and not name.startswith("/"):
        yield unquote(name)
        yield posixpath.join(_SHARED, unquote(name))
    here, there = urlsplit(base), urlsplit(whole)
    if base and (here.scheme, here.netloc) == (there.scheme, there.netloc):
        yield posixpath.relpath(there.path, posixpath.dirname(here.path) or "/")
    last = posixpath.basename(there.path)
    if last:
        yield last
        yield f"{last}.json"


def reference_of(node: Node) -> str | None:
    """Return the reference that a schema is, None for one that is none."""
    found = next((node[keyword] for keyword in _REFERENCES if keyword in node), None)
    return found if isinstance(found, str) else None


def last_step(reference: str) -> str:
    """Return what is behind a reference is called: by its last name, without an ending."""
    name = unescaped(unquote(reference.rstrip("/#").rpartition("/")[2]))
    name, _, anchor = name.partition("#")
    for ending in (".json", *_YAML):
        name = name.removesuffix(ending)
    return anchor or name or "object"


def escaped(name: str) -> str:
    """Return a name as a step of a pointer."""
    return name.replace("~", "~0").replace("/", "~1")


def unescaped(step: str) -> str:
    """Return the name that a step of a pointer is for."""
    return step.replace("~1", "/").replace("~0", "~")


def place_in(path: str, text: str, what: str) -> Place:
    """Return the schema that a path leads to: a file, or by a fragment a place in it.

    Args:
        path: the schema's path, for messages.
        text: the JSON or YAML of the file.
        what: whose it is: the `source`, the `target`.

    Raises Stopped where there is none.
    """
    path, _, fragment = path.partition("#")
    document = Document.of(path, _parsed_schema(path, text, what))
    place = document.find(fragment)
    if place is None or not isinstance(place.schema, dict):
        raise Stopped(no_place(document, fragment, what))
    return place


def no_place(document: Document, fragment: str, what: str) -> Diagnostic:
    """Return the error of a fragment that leads to no schema."""
    known = document.places()
    return schemas.no_such_place(path=document.path, it=f"#{fragment}", what=what, known=known)


def astray(place: Place, reference: str, what: str) -> Diagnostic:
    """Return the error of a reference that leads nowhere."""
    return schemas.unknown_reference(
        path=place.document.path,
        pointer=place.pointer,
        reference=reference,
        what=what,
        where="URL" if "://" in reference else "file",
    )


def _parsed_schema(path: str, text: str, what: str) -> Mapping[str, object]:
    found = _parsed(path, text, f"the {what} schema")
    if not isinstance(found, dict):
        reason = "it is not an object"
        raise Stopped(schemas.not_a_schema(path=path, pointer=ROOT, reason=reason, what=what))
    return found


def _parsed(path: str, text: str, what: str) -> object:
    if path.endswith(_YAML):
        return _plain(read_yaml(Source(path, text)))
    return parsed_file(Source(path, text), what)


def _plain(node: nodes.Node) -> object:
    """Return a node of YAML as JSON."""
    match node:
        case nodes.MapNode(entries):
            return {entry.key.value: _plain(entry.value) for entry in entries}
        case nodes.ListNode(items):
            return [_plain(item) for item in items]
        case nodes.ScalarNode(kind="text"):
            return node.value
        case _:
            return yaml_scalar(node)


def yaml_scalar(node: nodes.ScalarNode) -> object:
    """Return a number, a flag or null of YAML as JSON."""
    match node.kind:
        case "integer":
            return int(node.value)
        case "number":
            return float(node.value)
        case "flag":
            return node.value.lower() == "true"
        case _:
            return None


def check_schema(path: str, place: Place, what: str) -> None:
    """Raise Stopped where what is at a place is no JSON Schema of its dialect."""
    schema = cast("dict[str, Any]", place.schema)
    import jsonschema_rs  # only a compiler has it

    # Of another dialect it would ask the network.
    if schema.get("$schema") in _DIALECTS and jsonschema_rs.meta.is_valid(schema):
        return
    import jsonschema  # it is slow, and tells well what is wrong

    try:
        # Patterns are for RE2, not for Python: no format is tried.
        plain = jsonschema.FormatChecker(formats=())
        known = jsonschema.validators
        dialect: Any = known.validator_for(schema, jsonschema.Draft202012Validator)
        dialect.check_schema(schema, format_checker=plain)
    except jsonschema.SchemaError as error:
        pointer = "/".join([place.pointer, *map(str, error.absolute_path)])
        raise Stopped(
            schemas.not_a_schema(path=path, pointer=pointer, reason=error.message, what=what)
        ) from None


def _document(path: str, text: str) -> Document:
    return Document.of(path, _parsed(path, text, "the schema"))


def _own_name(root: object) -> str:
    if not isinstance(root, dict):
        return ""
    name = root.get("$id", root.get("id"))
    return name.rstrip("#") if isinstance(name, str) else ""
