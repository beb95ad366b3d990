"""What the back ends hand out: files by path, and nothing else."""

from __future__ import annotations

from mapgen.emit.documentation import mapping_document
from mapgen.emit.fixtures import fixtures
from mapgen.emit.plans import plan_file, rule_map_file
from mapgen.emit.python.formatting import formatted
from mapgen.emit.python.tests import tests_file
from mapgen.emit.python.transformer import transformer
from mapgen.emit.schemas import source_schema_file, target_schema_file
from mapgen.emit.templates import render
from mapgen.ir.flow import Flow


def emit(flow: Flow) -> dict[str, str]:
    """Return the texts of all files of a flow by path, sorted."""
    module = transformer(flow)
    code = formatted(render("transformer.py.jinja", module=module))
    found = {
        "transformer.py": code,
        f"test_{flow.name}.py": formatted(tests_file(flow)),
        "source.schema.json": source_schema_file(flow),
        "target.schema.json": target_schema_file(flow),
        "flow.json": plan_file(flow),
        "map.json": rule_map_file(flow, module.rules, code),
        f"{flow.name.upper()}.md": mapping_document(flow),
        **{f"fixtures/{name}": text for name, text in fixtures(flow)},
    }
    return {f"generated/{flow.name}/{name}": found[name] for name in sorted(found)}
