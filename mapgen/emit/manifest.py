"""What came from what: flows and their files in, `generated/manifest.json` out."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from mapgen.emit.json_text import json_text
from mapgen.emit.python.formatting import FORMATTER
from mapgen.ir.flow import Flow
from mapgen.ir.printing import meaning


def manifest(
    flows: Iterable[Flow],
    files: Mapping[str, str],
    inputs: Mapping[str, Mapping[str, str]],
    others: Mapping[str, Mapping[str, object]],
) -> str:
    """Return the manifest: by flow its spec, the hashes of its meaning, its inputs, its files.

    The meaning and not the text of a spec: a comment changes nothing.

    Args:
        flows: the flows that were compiled.
        files: the texts of all files that were made of them, by path.
        inputs: by flow, the hash of each file that it was made from.
        others: what the manifest says of flows that were not compiled, and stays.
    """
    content: dict[str, Mapping[str, object]] = {
        flow.name: {
            "spec": flow.spec_path,
            "meaning": meaning(replace(flow, written_at=())),
            "rules": rules_of(flow),
            "inputs": dict(sorted(inputs[flow.name].items())),
            "files": {
                path.removeprefix(f"generated/{flow.name}/"): _hash(text)
                for path, text in files.items()
                if path.startswith(f"generated/{flow.name}/")
            },
        }
        for flow in flows
    }
    head = {"manifest": 1, "formatter": FORMATTER}
    return json_text(head | {"flows": dict(sorted({**others, **content}.items()))})


def rules_of(flow: Flow) -> str:
    """Return the hash of what a flow does: of its meaning without examples and ignored fields.

    Nor do the rights count, which others set up, nor how documents are taken back, nor that the
    rules are those of another flow.
    """
    shown = replace(
        flow, written_at=(), examples=(), rejects=(), rule_examples=(), test_settings=(), ignored=()
    )
    shown = replace(shown, extends=None, changes=())
    documents = tuple(replace(one, undo=None) for one in flow.plan.documents)
    return meaning(replace(shown, plan=replace(flow.plan, access={}, documents=documents)))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
