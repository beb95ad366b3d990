"""What `generate` wrote, and from what: `generated/manifest.json` as data, inputs as hashes."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Container, Iterable, Mapping

import msgspec
from msgspec import Struct, field

from mapgen.disk.workspace import DEFAULTS, GENERATED, SPEC_SUFFIX, SPECS, Workspace
from mapgen.report import Source, Stopped
from mapgen.spec import model as spec
from mapgen.spec.nodes import ListNode, MapNode, Node, ScalarNode, read_yaml

_MARK = "proposed"  # of a rule that nobody has reviewed: it changes no code
# What is under these keys has an order that means something: that of the document.
_ORDERED = ("fields", "custom", "documents", "let")

MANIFEST = f"{GENERATED}/manifest.json"


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One flow: its spec, the hashes of what it says and does, of its inputs, of its files."""

    spec: str
    meaning: str = ""
    rules: str
    inputs: dict[str, str] = {}
    files: dict[str, str]


class Manifest(msgspec.Struct, frozen=True):
    """The manifest as far as it is read; `formatter` is empty in those of older versions."""

    flows: dict[str, Entry]
    formatter: str = ""

    @property
    def files(self) -> Mapping[str, str]:
        """The hash of each file that `generate` wrote, by path from the workspace."""
        return {
            f"{GENERATED}/{flow}/{name}": found
            for flow, entry in self.flows.items()
            for name, found in entry.files.items()
        }

    def without(self, flows: Container[str | None]) -> Mapping[str, Mapping[str, object]]:
        """Return what it says of other flows."""
        kept = {name: entry for name, entry in self.flows.items() if name not in flows}
        found: dict[str, dict[str, object]] = msgspec.to_builtins(kept)
        return found

    def wrote(self, path: str, content: bytes) -> bool:
        """Whether a file holds what `generate` wrote; the manifest is known by its form."""
        if path == MANIFEST:
            return _decoded(content) is not None
        return hashlib.sha256(content).hexdigest() == self.files.get(path)


def read_manifest(workspace: Workspace) -> Manifest:
    """Return the manifest; one that lists nothing where there is none that can be read."""
    try:
        return _decoded((workspace.root / MANIFEST).read_bytes()) or Manifest({})
    except OSError:
        return Manifest({})


def _decoded(content: bytes) -> Manifest | None:
    try:
        return msgspec.json.decode(content, type=Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def inputs_of(flow: spec.Spec) -> tuple[str, ...]:
    """Return the paths of what a flow is made from: its spec, what it shares, all that types it.

    The defaults are among them where there are none, too: some may come. Settings and lookup tables
    are what a flow works with, not what it says.
    """
    source, documents = flow.mapping.source, flow.mapping.documents
    named = [
        (source.schema, source.has_contract),
        *((join.schema, join.entity is not None) for join in source.joins),
        *((one.target.contract, one.target.kind.has_contract) for one in documents),
    ]
    found = {
        f"{SPECS}/contracts/{name.value}.json" if is_pinned else f"{SPECS}/{name.value}"
        for name, is_pinned in named
    } | {flow.source.path, DEFAULTS, *(one.path for one in flow.beside), *flow.shared}
    return tuple(sorted(found))


class Digests(Struct):
    """The hashes of inputs, each file read once."""

    workspace: Workspace
    _known: dict[str, str] = field(default_factory=dict)

    def note(self, path: str, spec: Node) -> None:
        """Take note of a spec that has been read."""
        self._known[path] = _hash(repr(_values(spec)))

    def of(self, paths: Iterable[str]) -> dict[str, str]:
        """Return the hash of each file by path; an empty one where it cannot be read."""
        return {path: self._digest(path) for path in paths}

    def _digest(self, path: str) -> str:
        if path not in self._known:
            try:
                self._known[path] = digest(self.workspace.read(path, "the input"))
            except Stopped:
                self._known[path] = ""
        return self._known[path]


def digest(source: Source) -> str:
    """Return the hash of a file: of its values where it is a spec, so that no comment counts."""
    words = source.text.replace("\r\n", "\n")
    if source.path.endswith(SPEC_SUFFIX) or source.path == DEFAULTS:
        # A spec that is no YAML is known by its text.
        with contextlib.suppress(Stopped):
            words = repr(_values(read_yaml(source)))
    return _hash(words)


def _hash(words: str) -> str:
    return hashlib.sha256(words.encode()).hexdigest()


def _values(node: Node, is_ordered: bool = False) -> object:
    match node:
        case ScalarNode():
            return node.kind, node.value
        case ListNode():
            return [_values(item) for item in node.items]
        case MapNode():
            found = [
                (entry.key.value, _values(entry.value, entry.key.value in _ORDERED))
                for entry in node.entries
                if entry.key.value != _MARK
            ]
            return tuple(found if is_ordered else sorted(found, key=lambda one: one[0]))
