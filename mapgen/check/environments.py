"""Environments against the specs: each setting has a value of its type, nothing is left over."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from datetime import date
from decimal import Decimal, InvalidOperation

from mapgen.check.performance import check_environment
from mapgen.check.security import check_secret_references, check_secrets
from mapgen.check.sources import all_near
from mapgen.report import Diagnostic, Span
from mapgen.report.catalogue import project
from mapgen.runtime.zones import zone_of
from mapgen.spec import model as spec
from mapgen.spec.nodes import ScalarNode


def check_environments(
    environments: Iterable[spec.Environment],
    specs: Iterable[spec.Spec],
    reported: Container[Span] = (),
) -> Iterator[Diagnostic]:
    """Yield the errors of environments, and of the settings that the specs declare.

    `told` are the places of other diagnostics: that a setting there has no value is not said, too.
    """
    flows = tuple(specs)
    for environment in environments:
        yield from check_environment(environment)
        yield from check_secrets(environment.source, has_credentials=True)
        yield from check_secret_references(environment)
        for flow in flows:
            yield from _settings(environment, flow, reported)


def _settings(
    environment: spec.Environment, flow: spec.Spec, reported: Container[Span]
) -> Iterator[Diagnostic]:
    name = flow.flow.value
    values = environment.settings.get(name, {})
    declared = {setting.name.value: setting for setting in flow.mapping.settings}
    unknown = [key for key in values if key not in declared]
    meant = all_near(unknown, declared)
    for setting in declared.values():
        value = values.get(setting.name.value)
        if value is None and (setting.name.value in meant or setting.name.span() in reported):
            continue
        if value is None:
            yield project.setting_missing(
                setting.name,
                flow=name,
                setting=setting.name.value,
                environment=environment.name.value,
            )
        elif not is_of_type(value.value, setting.type.value):
            yield project.setting_mistyped(
                value.value.text, name=setting.name.value, wanted=setting.type.value
            )
    for key in unknown:
        yield project.setting_unknown(values[key].name, flow=name, known=tuple(declared))


def is_of_type(value: ScalarNode, kind: str) -> bool:
    """Whether a scalar can be a setting of a type."""
    match kind:
        case "int":
            return value.kind == "integer"
        case "bool":
            return value.kind == "flag"
        case "timezone":
            return _is(zone_of, value.value)
        case "decimal":
            return _is(Decimal, value.value)
        case "date":
            return _is(date.fromisoformat, value.value)
        case _:
            return value.kind != "flag"


def _is(read: object, words: str) -> bool:
    assert callable(read)
    try:
        read(words)
    except (ValueError, InvalidOperation):
        return False
    return True
