"""The snippets of an error page in, the errors of the project's own specs with them in place out.

A snippet shows the few lines that matter. Here they take their place in the real spec (or in the
file that their first line names), and the compiler says what it thinks of the whole.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import yaml
from msgspec.structs import replace

from mapgen.check.flow import check
from mapgen.check.model import Surroundings
from mapgen.contract.model import Contract
from mapgen.disk.workspace import Workspace
from mapgen.project.compiler import check_specs
from mapgen.project.loading import Project
from mapgen.report import Source, Stopped
from mapgen.spec.model import MappingSection, Spec
from mapgen.spec.nodes import read_yaml
from mapgen.spec.reader import spec_of
from mapgen.spec.shapes import record_of

SPEC_FILE = "specs/shopify/orders.maps.yaml"
_SECTIONS = {
    "access": "auth",
    "volume": "performance",
    "data": "security",
    "retry": "security",
    "rollback": "security",
}
# Lists that a snippet adds to; it replaces all others.
_GROWING = ("skip", "checks", "examples", "rejects")
_RULES = ("fields", "custom", "note")

Place = tuple[str, ...]


def section(page: str, name: str) -> str:
    """Return what is under a bold heading of a page, nothing where there is none."""
    found = re.search(rf"^\*\*{name}\*\*\n(.*?)(?=^\*\*[A-Z][^*\n]*\*\*\n|\Z)", page, re.M | re.S)
    return found[1].strip() if found else ""


def snippet(text: str, language: str) -> str | None:
    """Return the first code block of a language, or None."""
    found = re.search(rf"^```{language}\n(.*?)^```$", text, re.M | re.S)
    return found[1] if found else None


def is_whole_file(words: str) -> bool:
    """Whether a snippet stands for a file: it says its version, or is no single YAML document."""
    try:
        node = yaml.compose(words, Loader=yaml.CSafeLoader)
    except yaml.YAMLError:
        return True
    return node is None or (isinstance(node, yaml.MappingNode) and len(node.value) > 5)


def codes_of_file(words: str) -> set[str]:
    """Return the codes of what is wrong with a file of its own."""
    try:
        spec_of(read_yaml(Source("snippet.maps.yaml", words)))
    except Stopped as stopped:
        return {diagnostic.code for diagnostic in stopped.diagnostics}
    return set()


@dataclass(slots=True)
class Bench:
    """A copy of the project's specs to try snippets on; it is as before after each of them."""

    root: Path
    _around: dict[tuple[str, ...], Surroundings] = field(default_factory=dict)
    _contracts: dict[str, Contract | None] = field(default_factory=dict)

    def codes(self, words: str, without: Sequence[Place] = ()) -> set[str]:
        """Return the codes of what is wrong once a snippet is in its place.

        Args:
            words: the snippet.
            without: what has to be gone from the file first.
        """
        named = re.match(r"# (specs/\S+)\n", words)
        path = named[1] if named else SPEC_FILE
        is_spec = path.endswith(".maps.yaml")
        is_new = is_spec and not (self.root / path).exists()
        start = self.root / (SPEC_FILE if is_new else path)
        base = _composed(_written_out(start.read_text(encoding="utf-8")))
        for place in without:
            base = _without(base, place)
        grafted = _merged(base, _placed(words, is_spec=is_spec), "")
        text = yaml.serialize(grafted, Dumper=yaml.CSafeDumper, allow_unicode=True)
        if is_spec and not is_new:
            return self._codes_of_spec(Source(path, text))
        return self._codes_with(self.root / path, text)

    def _codes_of_spec(self, source: Source) -> set[str]:
        """Check one spec; the contract and the schema are read once for all snippets."""
        project = Project(
            Workspace(self.root, {source.path: source.text}), _contracts=self._contracts
        )
        try:
            flow = project.flow(source.path)
            key = (
                flow.mapping.documents[0].target.contract.value,
                flow.mapping.source.schema.value,
                *(join.name.value for join in flow.mapping.source.joins),
            )
            # What a record is, the clause says itself: `dates` and `custom` of the ERP's, `joins`.
            source_clause = flow.mapping.source
            if key not in self._around or source_clause.entity or source_clause.joins:
                self._around[key] = project.around(flow)
            around = self._around[key]
            tables, flows = project.tables(flow.mapping), project.flows(flow.mapping)
            joined = project.joined(flow.mapping, around.schema)
            reused = project.shared.reused(flow)
            check(flow, replace(around, tables=tables, flows=flows, joined=joined, reused=reused))
        except Stopped as stopped:
            return {diagnostic.code for diagnostic in (*stopped.diagnostics, *project.diagnostics)}
        return {diagnostic.code for diagnostic in project.diagnostics}

    def _codes_with(self, path: Path, text: str) -> set[str]:
        """Check the spec, and the file if it is another, with the file changed, or added."""
        original = path.read_bytes() if path.exists() else None
        workspace = Workspace(self.root)
        place = path.relative_to(self.root).as_posix()
        specs = {SPEC_FILE, place} if place.endswith(".maps.yaml") else {SPEC_FILE}
        try:
            path.write_text(text, encoding="utf-8")
            findings = check_specs(workspace, tuple(sorted(specs)))
        finally:
            if original is None:
                path.unlink()
            else:
                path.write_bytes(original)
        return {diagnostic.code for diagnostic in findings.diagnostics}


def _written_out(text: str) -> str:
    """Return a spec whose goods have rules of their own, which snippets can replace."""
    return text.replace("parts/goods.parts.yaml, ", "").replace(
        """\
      use: goods
      sku: line.?sku
      title: line.name
      quantity: line.quantity
      fields:
""",
        """\
      fields:
        InventoryID: {value: "line.?sku.trim()", if_missing: reject}
        LineDescription: {value: line.name.htmlUnescape(), too_long: truncate}
        OrderQty: {value: line.quantity, range: "> 0"}
""",
    )


def _composed(text: str) -> yaml.MappingNode:
    root = yaml.compose(text, Loader=yaml.CSafeLoader)
    assert isinstance(root, yaml.MappingNode)
    return root


def _placed(words: str, *, is_spec: bool) -> yaml.Node:
    """Return a snippet under the keys that it leaves out."""
    root = _composed(words)
    if not is_spec:
        return root
    placed: dict[Place, list[tuple[yaml.Node, yaml.Node]]] = {}
    for key, value in root.value:
        placed.setdefault(_place(key.value, value, words), []).append((key, value))
    result: yaml.Node = _mapping([])
    for place, pairs in placed.items():
        node = _mapping(pairs)
        for name in reversed(place):
            node = _mapping([(yaml.ScalarNode("tag:yaml.org,2002:str", name), node)])
        result = _merged(result, node, "")
    return result


def _place(key: str, value: yaml.Node, words: str) -> Place:
    if key == "target" and isinstance(value, yaml.MappingNode):
        return ("mapping",)
    if key in record_of(Spec).keys:
        return ()
    if key in record_of(MappingSection).keys:
        return ("mapping",)
    if key in _SECTIONS:
        return (_SECTIONS[key],)
    if re.search(r"\bline\.", words) and key not in ("Details", "Description"):
        return ("mapping", "fields", "Details", "fields")
    if re.search(r"\btax\.", words) and key != "TaxDetails":
        return ("mapping", "fields", "TaxDetails", "fields")
    if key == "ShipVia":
        return ("mapping", "fields", "ShippingSettings", "fields")
    return ("mapping", "fields")


def _merged(base: yaml.Node, graft: yaml.Node, above: str) -> yaml.Node:
    if isinstance(base, yaml.SequenceNode) and isinstance(graft, yaml.SequenceNode):
        return yaml.SequenceNode(base.tag, [*base.value, *graft.value])
    assert isinstance(base, yaml.MappingNode)
    assert isinstance(graft, yaml.MappingNode)
    known = {key.value: value for key, value in base.value if isinstance(key.value, str)}
    names = [key.value for key, _ in graft.value if isinstance(key.value, str)]
    kept = [(key, value) for key, value in base.value if key.value not in names]
    added = []
    for key, value in graft.value:
        old = known.get(key.value) if isinstance(key.value, str) else None
        grows = old is not None and _grows(key.value, old, value, above)
        added.append((key, _merged(old, value, key.value) if grows and old else value))
    return _mapping(kept + added)


def _grows(key: str, old: yaml.Node, new: yaml.Node, above: str) -> bool:
    """Whether a snippet adds to what is there, instead of taking its place."""
    if isinstance(old, yaml.SequenceNode):
        return isinstance(new, yaml.SequenceNode) and key in _GROWING
    if not (isinstance(old, yaml.MappingNode) and isinstance(new, yaml.MappingNode)):
        return False
    is_rule = above in _RULES or key == "note"
    return not is_rule or [inner.value for inner, _ in new.value] == ["fields"]


def _without(node: yaml.Node, place: Place) -> yaml.MappingNode:
    assert isinstance(node, yaml.MappingNode)
    name, *rest = place
    assert any(key.value == name for key, _ in node.value), place
    return _mapping(
        [
            (key, _without(value, tuple(rest)) if key.value == name else value)
            for key, value in node.value
            if rest or key.value != name
        ]
    )


def _mapping(pairs: Sequence[tuple[yaml.Node, yaml.Node]]) -> yaml.MappingNode:
    return yaml.MappingNode("tag:yaml.org,2002:map", list(pairs))
