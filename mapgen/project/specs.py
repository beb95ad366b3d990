"""The specs of a workspace as the compiler has them: what they take from other files is in them."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping

from msgspec import Struct, field
from msgspec.structs import replace

from mapgen.disk.workspace import DEFAULTS, SPEC_SUFFIX, Workspace, from_specs
from mapgen.report import Diagnostic, Label, Source, Stopped, Text
from mapgen.report.catalogue import overlays as messages
from mapgen.spec import model as spec
from mapgen.spec.changes import overlaid
from mapgen.spec.defaults import filled, keys_of
from mapgen.spec.nodes import MapNode, Node, ScalarNode, read_yaml
from mapgen.spec.reader import bound, read, spec_of


class Whole(Struct, frozen=True):
    """A spec with the words of other files in it, each at its place, and which files those are."""

    root: Node
    beside: tuple[spec.Borrowed, ...] = ()
    overlay: spec.Overlay | None = None


class Specs(Struct):
    """The specs of a workspace, each file read once."""

    workspace: Workspace
    _nodes: dict[str, Node] = field(default_factory=dict)
    _sources: dict[str, Source] = field(default_factory=dict)
    _defaults: list[spec.Defaults] | None = None
    _taken: set[int] = field(default_factory=set)

    def source(self, path: str) -> Source:
        """Return the text of a spec. Raises Stopped where it cannot be read."""
        if path not in self._sources:
            self._sources[path] = self.workspace.read(path, "the spec")
        return self._sources[path]

    def node(self, path: str) -> Node:
        """Return what is written in the file of a spec. Raises Stopped where it is no YAML."""
        if path not in self._nodes:
            self._nodes[path] = read_yaml(self.source(path))
        return self._nodes[path]

    def whole(self, path: str) -> Whole:
        """Return a spec with what it has of the one that it extends, without defaults.

        Raises Stopped for what cannot be read or changed so.
        """
        return self._whole(path, {})

    def _whole(self, path: str, above: Mapping[str, Text]) -> Whole:
        """Return what `whole` does; `above` are the specs that extend this one: where they do."""
        node = self.node(path)
        if not isinstance(node, MapNode) or node.get("extends") is None:
            return Whole(node)
        overlay = bound(node, spec.Overlay)
        named = overlay.extends.spec
        base_path = from_specs(named.value)
        if not base_path.endswith(SPEC_SUFFIX):
            raise Stopped(messages.no_spec(named))
        if base_path in {path, *above}:
            through = [one for one in (path, *above) if one != base_path]
            back = above.get(base_path)
            raise Stopped(messages.extends_itself(named, through=through, first=back))
        if base_path not in self._sources:
            self._sources[base_path] = self.workspace.read(base_path, "the spec", named.span())
        reported = Label(named.span(), "this flow extends it")
        base = self._whole(base_path, {**above, path: named})
        beside = [base_path, *(one.path for one in base.beside)]
        diagnostics: list[Diagnostic] = []
        if not isinstance(base.root, MapNode):
            raise Stopped(messages.no_spec(named))
        root = overlaid(base.root, overlay, diagnostics)
        if diagnostics:
            raise Stopped(diagnostics)
        return Whole(root, tuple(spec.Borrowed(one, reported) for one in beside), overlay)

    def read(self, path: str) -> spec.Spec:
        """Return a spec. Raises Stopped with every error of YAML or shape."""
        whole = self._filled(self.whole(path))
        try:
            return replace(spec_of(whole.root), beside=whole.beside, overlay=whole.overlay)
        except Stopped as stopped:
            raise Stopped(borrowed(stopped.diagnostics, whole.beside)) from None

    def defaults(self) -> spec.Defaults | None:
        """Return the workspace's defaults, None where it has none. Raises Stopped."""
        if self._defaults is None:
            found = self.workspace.has(DEFAULTS)
            self._defaults = [read(self.source(DEFAULTS), spec.Defaults)] if found else []
        return self._defaults[0] if self._defaults else None

    def idle_defaults(self, connections: Container[str]) -> Iterator[Diagnostic]:
        """Yield the errors of defaults that no spec read so far takes, of known connections."""
        defaults = self.defaults()
        for key in () if defaults is None else keys_of(defaults, connections):
            if key.span().start not in self._taken:
                yield messages.idle_default(key)

    def _filled(self, whole: Whole) -> Whole:
        defaults = self.defaults()
        if defaults is None:
            return whole
        found = filled(whole.root, defaults)
        self._taken.update(key.span().start for key in found.taken)
        flow = whole.root.get("flow") if isinstance(whole.root, MapNode) else None
        if not found.taken or not isinstance(flow, ScalarNode):
            return replace(whole, root=found.root)
        reported = Label(flow.span, "taken by this flow, which does not say it itself")
        beside = (*whole.beside, spec.Borrowed(DEFAULTS, reported))
        return replace(whole, root=found.root, beside=beside)


def borrowed(
    diagnostics: Iterable[Diagnostic], beside: Iterable[spec.Borrowed]
) -> Iterator[Diagnostic]:
    """Yield the errors of a spec; those in words of another file say where the spec takes these.

    What is wrong there for one flow may be right for others: no fix is certain.
    """
    reported = {one.path: one.reported for one in beside}
    for diagnostic in diagnostics:
        found = reported.get(diagnostic.file or "") if diagnostic.label is not None else None
        yield (
            diagnostic
            if found is None
            else replace(diagnostic, related=(*diagnostic.related, found), fix=None)
        )


def merged(diagnostics: Iterable[Diagnostic]) -> Iterator[Diagnostic]:
    """Yield errors, those once that several specs have in words which they share.

    The file's own error, which names no other place, stands for all of them.
    """
    alike: dict[object, list[Diagnostic]] = {}
    for diagnostic in diagnostics:
        known_as = (
            diagnostic.code,
            diagnostic.message,
            diagnostic.label,
            diagnostic.path,
            diagnostic.severity,
        )
        alike.setdefault(known_as, []).append(diagnostic)
    for found in alike.values():
        first = min(found, key=lambda diagnostic: len(diagnostic.related))
        others = len({diagnostic.related for diagnostic in found}) - 1
        if others and first.related and first.fix is None:
            more = f"the same holds for {others} other flow{'s' * (others > 1)}"
            first = replace(first, notes=(*first.notes, more))
        yield first
