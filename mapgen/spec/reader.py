"""Text in, the constructs of the language out; what has not their shape is reported."""

from __future__ import annotations

import re
from typing import TypeVar

from mapgen.report import Source, Stopped, Text
from mapgen.report.catalogue import reading
from mapgen.spec import model
from mapgen.spec.construct import Construct
from mapgen.spec.fitting import diagnostics_of
from mapgen.spec.nodes import Node, read_yaml
from mapgen.spec.shapes import At

C = TypeVar("C", bound=Construct)

_FLOW = re.compile(
    r"""^flow\s*:\s*(?P<quote>['"]?)(?P<name>\w+)(?P=quote)\s*(?:#.*)?$""", re.MULTILINE
)


def spec_of(root: Node) -> model.Spec:
    """Return the spec that is written so. Raises Stopped with every error of shape."""
    spec = bound(root, model.Spec)
    if spec.maps.value != "1":
        raise Stopped(
            [reading.unknown_version(spec.maps.span(), key="maps", found=spec.maps.value)]
        )
    return spec


def flow_name(source: Source) -> str | None:
    """Return what the flow of a spec is called, faulty as the rest of it may be."""
    found = _FLOW.search(source.text)
    return found["name"] if found else None


def read_parts(source: Source) -> model.PartsFile:
    """Return the parts of a file. Raises Stopped with every error of YAML or shape."""
    parts = read(source, model.PartsFile)
    if parts.version.value != "1":
        at, found = parts.version.span(), parts.version.value
        raise Stopped([reading.unknown_version(at, key="parts", found=found)])
    return parts


def read(source: Source, construct: type[C]) -> C:
    """Return the construct that a file is. Raises Stopped with every error of YAML or shape."""
    return bound(read_yaml(source), construct)


def bound(root: Node, construct: type[C]) -> C:
    """Return the construct that a node is. Raises Stopped with every error of shape."""
    diagnostics = diagnostics_of(root, construct)
    if diagnostics:
        raise Stopped(diagnostics)
    return construct.bind(root, At("", Text("", root.span.source, (0,))))
