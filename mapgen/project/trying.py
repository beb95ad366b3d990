"""Examples of parts: the code that a part becomes, at work on the arguments of each."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir

from mapgen.check.definitions import IDENTITY
from mapgen.emit.plans import plan_file, rule_map_file
from mapgen.emit.python.transformer import transformer
from mapgen.emit.templates import render
from mapgen.ir.flow import Flow
from mapgen.report import Diagnostic, Stopped
from mapgen.report.catalogue import reuse as messages
from mapgen.report.catalogue.project import cannot_write
from mapgen.runtime.outcome import Document, Rejected
from mapgen.runtime.sources.records import RawRecord
from mapgen.runtime.transform import Bound, LoadedFlow, Transformer, load_flow
from mapgen.runtime.zones import zone_of
from mapgen.spec import model as spec
from mapgen.spec.data import json_of


def failing(definition: spec.Definition, flow: Flow) -> Iterator[Diagnostic]:
    """Yield the errors of examples of a part that it does not keep.

    Args:
        definition: the part.
        flow: the part alone, made of a record whose members are the arguments; those that are time
            zones are settings.
    """
    module = transformer(flow)
    code = render("transformer.py.jinja", module=module)
    files = {
        "transformer.py": code,
        "flow.json": plan_file(flow),
        "map.json": rule_map_file(flow, module.rules, code),
    }
    try:
        with TemporaryDirectory() as folder:
            for name, text in files.items():
                (Path(folder) / name).write_text(text, encoding="utf-8")
            loaded = load_flow(Path(folder), lambda pointer: pointer)
            for example in definition.examples:
                yield from _diagnostic(definition, example, flow, loaded)
    except OSError as error:
        reason = f"{error.strerror} (what examples of parts are tried with; `TMPDIR` says where)"
        raise Stopped(cannot_write(path=gettempdir(), reason=reason)) from None


def _diagnostic(
    definition: spec.Definition, example: spec.PartExample, flow: Flow, loaded: LoadedFlow
) -> Iterator[Diagnostic]:
    given = _arguments(definition, example)
    unknown = given.keys() - {one.name.value for one in definition.takes}
    if unknown:
        why = f"the part has no parameter `{min(unknown)}`"
        yield messages.example_unfit(example.span, why=why)
        return
    zones = [setting.name for setting in flow.settings]
    try:
        named = {name: zone_of(str(json.loads(given.pop(name)))) for name in zones}
    except KeyError as error:
        yield messages.example_unfit(example.span, why=f"`{error.args[0]}` is missing")
        return
    except ValueError as error:
        yield messages.example_unfit(example.span, why=str(error))
        return
    bound = Bound(loaded.module.Settings(**named), loaded.module.Lookups())
    text = "{" + ", ".join(f"{json.dumps(name)}: {value}" for name, value in given.items()) + "}"
    record = RawRecord(1, 1, text.encode())
    (outcome,) = Transformer(loaded, bound).outcomes(record, "the example")
    wanted = {
        name: json.loads(json_of(node), parse_float=Decimal) for name, node in example.gives.items()
    }
    match outcome:
        case Document(body=body):
            found = _plain(json.loads(body, parse_float=Decimal))
            assert isinstance(found, dict)
            del found[IDENTITY]
            yield from _difference(example, _flat(found), wanted)
        case Rejected(errors=errors):
            first = errors[0]
            where = first.target or first.source_path
            why = f"an error, {first.message}" + (f" (`{where}`)" if where else "")
            yield messages.example_differs(example.span, found=why, said="gives no fields")


def _arguments(definition: spec.Definition, example: spec.PartExample) -> dict[str, str]:
    """Return the JSON text of each argument: that of one object alone is written without a name."""
    members = {name: json_of(node) for name, node in example.given.items()}
    first, *others = definition.takes
    if others or not isinstance(first.kind, spec.ObjectParameter):
        return members
    text = ", ".join(f"{json.dumps(name)}: {value}" for name, value in members.items())
    return {first.name.value: "{" + text + "}"}


def _difference(
    example: spec.PartExample, found: Mapping[str, object], wanted: Mapping[str, object]
) -> Iterator[Diagnostic]:
    for name in dict.fromkeys((*wanted, *found)):
        if name in found and name in wanted and found[name] == wanted[name]:
            continue
        is_node = name in example.gives
        at = example.gives[name].span if is_node else example.span
        has = f"`{_shown(found[name])}` as `{name}`" if name in found else f"no `{name}`"
        said = f"`{_shown(wanted[name])}` is expected" if is_node else f"`gives:` has no `{name}`"
        yield messages.example_differs(at, found=has, said=said)


def _shown(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str)


def _plain(value: object) -> object:
    """Return a document as an example has it: values without what the ERP wraps them in."""
    match value:
        case dict() if value.keys() <= {"value", "type"} and "value" in value:
            return _plain(value["value"])
        case dict():
            return {name: _plain(inner) for name, inner in value.items()}
        case list():
            return [_plain(row) for row in value]
        case _:
            return value


def _flat(document: dict[str, object]) -> Mapping[str, object]:
    """Return a document with its custom fields as rules name them: `View.Field`."""
    custom = document.pop("custom", None)
    assert custom is None or isinstance(custom, dict)
    views = custom.items() if custom else ()
    fields = {f"{view}.{name}": one for view, of in views for name, one in of.items()}
    return document | ({"custom": fields} if fields else {})
