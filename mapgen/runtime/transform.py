"""A flow at work: raw records in, outcomes out, without any network.

Two ways lead through a generated module. The fast one decodes a record strictly and stops at the
first error. Only a record that fails goes the complete one (`collecting`), which finds all errors.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from functools import cache, partial
from operator import attrgetter
from pathlib import Path
from types import ModuleType
from typing import Any, BinaryIO, get_args, get_type_hints
from zoneinfo import ZoneInfo

import msgspec
from msgspec import UNSET, Struct

from mapgen.agreed.paths import names_along
from mapgen.agreed.plan import STEPS, DocumentPlan, FileTable, Plan
from mapgen.disk.boundary import OutsideError, StrangeFileError, plain_file
from mapgen.runtime.annotations import fields_of, struct_of
from mapgen.runtime.collecting import Collector, Spot, error_collecting_build
from mapgen.runtime.errors import RuleError, SourceError, Unjoined, beyond_counting
from mapgen.runtime.exact import calculated, exactly
from mapgen.runtime.identity import joined
from mapgen.runtime.joins import Calculated
from mapgen.runtime.lookups import (
    Key,
    Make,
    Remote,
    Table,
    TableError,
    read_replacement,
    read_table,
)
from mapgen.runtime.outcome import ONLY, Document, ErrorReport, Origin, Outcome, Rejected, Skipped
from mapgen.runtime.rules import Made, Rule, Rules, fill_indices, indices_of, load_rules
from mapgen.runtime.source import ErrorValue, patient, strict
from mapgen.runtime.sources.groups import Record
from mapgen.runtime.sources.kind import Source
from mapgen.runtime.sources.kinds import source_of
from mapgen.runtime.sources.plain import plain
from mapgen.runtime.sources.records import JsonValue
from mapgen.runtime.targets.files import first_alike
from mapgen.runtime.values import ENCODER, Skip, StringValue
from mapgen.runtime.zones import zone_of

LONGEST_VALUE = 120
MASK = "(masked: personal)"


class BindingError(Exception):
    """Settings or lookups that a flow cannot be bound to; the message says which and why."""


class DamagedFlow(Exception):
    """A folder of `generated/` that was not written as it is; the message says which file."""


class _ToldBranch(msgspec.Struct, frozen=True):
    """Of what a record says of its document, the branch; called so in `BRANCH_TOLD`, too."""

    branch: StringValue


class LoadedFlow(Struct, frozen=True):
    """A folder of `generated/`, loaded."""

    module: ModuleType
    plan: Plan
    rules: Rules
    source: Source

    def records(self, stream: BinaryIO, name: str) -> Iterator[Record]:
        """Return the records of an input file that is open for bytes; `name` is what it is called.

        Reading them raises HeaderError for a file without the columns that every record has,
        UnfitBytes for one whose bytes are not what the flow reads.
        """
        return self.source.records(plain(stream, self.plan.form), name)

    def transformer(self, bound_to: Bound) -> Transformer:
        """Return the flow at work in one environment."""
        return Transformer(self, bound_to)


class Bound(Struct, frozen=True):
    """What an environment gives a flow: settings and lookup tables, as structs of its module."""

    settings: Any
    lookups: Any


# What the reading of JSON raises: no JSON, another shape, no UTF-8, nested too deep.
_DAMAGE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


def load_flow(folder: Path, place: Callable[[str], str | None]) -> LoadedFlow:
    """Return the flow that a folder of `generated/` holds.

    Args:
        folder: the folder.
        place: gives `file:line:column` for a pointer into the spec, or None.

    Raises FileNotFoundError where the flow has not been generated, DamagedFlow where its files are
    not what was generated, or not by this version.
    """
    plan = load_plan(folder)
    try:
        rules = load_rules((folder / "map.json").read_bytes(), place)
    except _DAMAGE as error:
        raise DamagedFlow(f"map.json: {str(error).lower()}") from None
    module: Any = _load_module(folder / "transformer.py", plan.flow)
    return LoadedFlow(module, plan, rules, source_of(plan, module.Source))


def load_plan(folder: Path) -> Plan:
    """Return the plan that a folder of `generated/` holds. Raises as `load_flow` does."""
    try:
        return msgspec.json.decode((folder / "flow.json").read_bytes(), type=Plan)
    except _DAMAGE as error:
        raise DamagedFlow(f"flow.json: {str(error).lower()}") from None


def _load_module(path: Path, flow: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"mapgen_generated_{flow}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # Forward references in the module's classes are looked up where modules are registered.
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    except FileNotFoundError:
        raise
    except Exception as error:
        raise DamagedFlow(f"transformer.py: {type(error).__name__}") from error
    for name in ("Source", "Settings", "Lookups", "key", "bind"):
        if not hasattr(module, name):
            raise DamagedFlow(f"transformer.py: it has no `{name}`")
    return module


def bound(
    flow: LoadedFlow,
    settings: Mapping[str, str],
    specs: Path,
    live: Remote,
    other_tables: Mapping[str, Path] | None = None,
) -> Bound:
    """Return what a flow is bound to.

    Args:
        flow: the flow.
        settings: its settings as text, by name.
        specs: the folder that table paths start from.
        live: gives the tables for lookups in the ledger and in the tenant.
        other_tables: files to use instead, by lookup.

    Raises BindingError for a setting or table that cannot be used, and what `live` raises.
    """
    module: Any = flow.module
    tables: dict[str, Mapping[Key, Any]] = {}
    others, rows = other_tables or {}, _row_classes(module, flow.plan)
    for name, table in flow.plan.lookups.items():
        other, make = others.get(name), rows.get(name, str)
        match table:
            case FileTable(key=key, value=value, columns=columns):
                path = other or own_file(name, specs, table.path)
                read = partial(read_table, path, key, value, columns, make)
                tables[name] = _read(name, str(other or table.path), read)
            case _ if other is not None:
                read = partial(read_replacement, other, table, make)
                tables[name] = _read(name, str(other), read)
            case _:
                tables[name] = live(name, table, make)
    try:
        typed = msgspec.convert(settings, module.Settings, strict=False, dec_hook=_setting)
    except msgspec.ValidationError as error:
        raise BindingError(f"the settings: {error}") from None
    return Bound(typed, module.Lookups(**tables))


def _row_classes(module: ModuleType, plan: Plan) -> Mapping[str, Make]:
    """Return the classes of rows of values, by lookup: `Lookups` names them."""
    if not any(table.columns for table in plan.lookups.values()):
        return {}
    hints = get_type_hints(module.Lookups)
    return {
        name: get_args(hints[name])[-1] for name, table in plan.lookups.items() if table.columns
    }


def own_file(name: str, specs: Path, path: str) -> Path:
    """Return where a table of the workspace lies, which holds the folder `specs`."""
    try:
        return plain_file(specs.parent, os.path.join(specs.name, path))
    except (OutsideError, StrangeFileError) as error:
        raise BindingError(f"the lookup `{name}` ({path}): {error}") from None
    except OSError:
        return specs / path  # reading it says why


def _read(name: str, shown: str, read: Callable[[], Table]) -> Mapping[Key, Any]:
    try:
        return read().values
    except TableError as error:
        raise BindingError(f"the lookup `{name}` ({shown}): {error}") from None


def _setting(kind: type, value: object) -> object:
    if kind is ZoneInfo:
        return zone_of(str(value))
    raise NotImplementedError(kind)


class Transformer:
    """One flow bound to the settings and lookups of one environment."""

    def __init__(self, flow: LoadedFlow, bound: Bound) -> None:
        self._module: Any = flow.module
        self._plan = plan = flow.plan
        self._rules = flow.rules
        self._source = flow.source
        self._read = flow.source.read
        self._bound = bound
        self._transform = self._module.bind(bound.settings, bound.lookups)
        self._key: Callable[[Any], str] = self._module.key
        self._only = plan.only if plan.documents[0].name == ONLY else None
        self._complete: tuple[Callable[[Any], Any], Collector] | None = None
        self._notes_rows = any(rule.tells_rows_apart for rule in flow.rules.by_code.values())

    def outcomes(self, raw: Record, file: str, *, again: bool = False) -> tuple[Outcome, ...]:
        """Return the documents, or the skip, or the rejection with all errors of one record.

        `again` says that the record comes from the ledger, where it waited.
        """
        return calculated(self._outcomes, raw, file, again)

    def _outcomes(self, raw: Record, file: str, again: bool) -> tuple[Outcome, ...]:
        record = self._read(raw)
        found: tuple[SourceError, ...] = ()
        if record is None:
            try:
                record, found = self._source.doubted(raw)
            except RuleError as error:
                origin = Origin(file, raw.number, raw.line, None, again)
                return (Rejected(origin, (ErrorReport(error.code, error.message),)),)
        origin = Origin(file, raw.number, raw.line, self._key_of(record), again)
        if not found:
            try:
                return self._delivered(origin, self._transform(record))
            except (RuleError, ArithmeticError):
                pass  # why is reported by what collects all errors
        return self._refused(origin, record, found)

    def source(self, raw: Record) -> Any:
        """Return what the rules read of a record that they take: a struct of the flow's own."""
        record = self._read(raw)
        return strict(self._source.value(raw), self._module.Source) if record is None else record

    def join_keys(self, raw: Record) -> Calculated:
        """Return what is calculated of a record to join others to it, by function.

        What cannot be read of it is reported once it is decoded.
        """
        functions = [
            (key.function, join.is_personal)
            for join in self._plan.joins.values()
            for key in join.on
            if key.function is not None
        ]
        try:
            value = self._source.value(raw)
            record, found = patient(value, self._module.Source, self._plan.source)
        except RuleError:
            return {function: None for function, _ in functions}
        with exactly():
            return {
                function: self._join_key(function, record, found, is_personal=is_personal)
                for function, is_personal in functions
            }

    def _join_key(
        self, function: str, record: Any, found: tuple[SourceError, ...], *, is_personal: bool
    ) -> str | int | Unjoined | None:
        try:
            calculate = getattr(self._module, function)
            key: Any = calculate(record, self._bound.settings, self._bound.lookups)
            # Asked for its class, an ErrorValue raises its error.
            return key if key is None or isinstance(key, str | int) else str(key)
        except RuleError as error:
            raised = error
        except ArithmeticError as error:
            raised = beyond_counting(error)
        except (TypeError, ValueError, AttributeError):
            if not found:
                raise
            raised = found[0].error  # code in C looks at an ErrorValue's type before it touches it
        of = next((one.path for one in found if one.error is raised), None)
        member = None if of is None else of.removeprefix(f"{self._plan.source}.")
        shown = None if is_personal and member is None else raised.value
        return Unjoined(raised.code, raised.message, shown, retry=raised.retry, member=member)

    def _delivered(self, origin: Origin, result: Any) -> tuple[Outcome, ...]:
        if type(result) is Skip:
            return (Skipped(origin, result.reason),)
        if self._only is not None:
            return self._told_apart(origin, (_document(origin, self._only, result),))
        made = dict(_made(origin, self._plan.documents, result))
        found = tuple(document for several in made.values() for document in several)
        if not found:
            names = ", ".join(f"`{name}`" for name in made)
            return (Skipped(origin, f"none of its documents is made: {names}"),)
        doubled = _first_doubled(one.key for one in found)
        if doubled is not None:
            return (Rejected(origin, (self._doubled_report(*doubled),)),)
        return self._told_apart(origin, found)

    def _told_apart(self, origin: Origin, found: tuple[Document, ...]) -> tuple[Outcome, ...]:
        """Return documents, or their record rejected where two files of one have one name."""
        for one in found:
            if one.steps is None:
                continue
            step = first_alike(self._plan.document(one.document).then, one.steps)
            if step is not None:
                target = f"then {step.key_of('file')}"
                rule, rows = self._rules.find(target, one.document) or (None, ())
                error = RuleError("R309", "a file of the document before it has the same name")
                return (Rejected(origin, (self._rule_report(rule, Spot((), rows), error),)),)
        return found

    def _doubled_report(self, name: str, identity: str) -> ErrorReport:
        """Return the error of a document that a look-up would take for another of the record."""
        field = self._plan.document(name).identity.field
        rule, rows = self._rules.find(field, name) or (None, ())
        message = f"two documents `{name}` of the record have the same identity"
        return self._rule_report(rule, Spot((), rows), RuleError("R224", message, identity))

    def _refused(
        self, origin: Origin, record: Any, source_errors: tuple[SourceError, ...]
    ) -> tuple[Outcome, ...]:
        """Return what becomes of a record in which something fails: that may be a warning."""
        transform, collector = self._complete or self._load_complete()
        known = [found.error for found in source_errors]
        notes_rows = bool(known) and self._notes_rows
        collector.start(known, record, self._plan.source, notes_rows=notes_rows)
        result = transform(record)
        if type(result) is Skip:
            return (Skipped(origin, result.reason),)
        assert source_errors or collector.found, "what the fast way refuses has an error"
        reports = [self._source_report(found, collector) for found in source_errors]
        warnings: list[ErrorReport] = []
        for code, spot, error in collector.found:
            rule = self._rules.by_code.get(code)
            told = warnings if rule is not None and rule.warns else reports
            told.append(self._rule_report(rule, spot, error))
        if not reports:
            first, *others = self._delivered(origin, result)
            if isinstance(first, Document):
                first = msgspec.structs.replace(first, warnings=tuple(warnings))
            return (first, *others)
        doubled = _first_doubled(_identities(self._plan.documents, result))
        reports += [] if doubled is None else [self._doubled_report(*doubled)]
        return (Rejected(origin, tuple(reports)),)

    def made(self, value: JsonValue) -> Made:
        """Return the numbers of the rows that become of a record's rows, by what makes them."""
        record, found = patient(value, self._module.Source, self._plan.source)
        transform, collector = self._complete or self._load_complete()
        known = [error.error for error in found]
        collector.start(known, record, self._plan.source, notes_rows=True)
        with exactly():
            transform(record)
        return collector.made

    def _load_complete(self) -> tuple[Callable[[Any], Any], Collector]:
        text = Path(str(self._module.__file__)).read_text(encoding="utf-8")
        rules = self._rules.by_code.items()
        relying = {code: rule.relies_on for code, rule in rules if rule.relies_on}
        build, collector = error_collecting_build(self._module, text, relying)
        complete = build.bind(self._bound.settings, self._bound.lookups), collector
        self._complete = complete
        return complete

    def _key_of(self, record: Any) -> str | None:
        """Return what people call a record, if that is known: it may hold ErrorValues."""
        try:
            key = self._key(record)
            return key if len(key) <= LONGEST_VALUE else _shortened(key)
        except (RuleError, ArithmeticError, TypeError, ValueError, AttributeError):
            # Code in C looks at an ErrorValue's type before it touches it.
            return None

    def _source_report(self, found: SourceError, collector: Collector) -> ErrorReport:
        rule = self._rules.reading(found.path)
        numbers: tuple[int | None, ...] = indices_of(found.path)
        if rule is not None and rule.tells_rows_apart:
            numbers = self._rules.row_of(rule, found.path, collector.made)
        # The key that was looked for is another member's: the join knows whether it may be seen.
        is_key = isinstance(found.error, Unjoined) and found.error.member is None
        is_personal = not is_key and self._rules.is_personal(found.path)
        return ErrorReport(
            code=found.error.code,
            message=found.error.message,
            target=fill_indices(rule.target, numbers) if rule else None,
            source_path=found.path,
            value=self._shown(found.error.value, is_personal=is_personal),
            spec=rule.spec if rule else None,
            retry=found.error.retry,
        )

    def _rule_report(self, rule: Rule | None, spot: Spot, error: RuleError) -> ErrorReport:
        assert rule is not None, "the rule map names every statement that can fail"
        return ErrorReport(
            code=error.code,
            message=error.message,
            target=fill_indices(rule.target, spot.numbers),
            source_path=rule.source_path_at(spot.places),
            value=self._shown(error.value, is_personal=rule.is_personal),
            spec=rule.spec,
            retry=error.retry,
        )

    def _shown(self, value: object, *, is_personal: bool) -> str | None:
        if value is None:
            return None
        if is_personal:
            return MASK
        match value:
            case bool():
                return "true" if value else "false"
            case Decimal() if -LONGEST_VALUE < value.adjusted() < LONGEST_VALUE:
                return _shortened(format(value, "f"))
            case _:
                return _shortened(str(value))


@cache
def _identifying(kind: type, first: str, others: tuple[str, ...]) -> Callable[[Any], str]:
    """Return what gives the identity of a document: of wrapped values, or of plain ones."""
    found, *more = (_text_of(kind, path) for path in (first, *others))
    if more:
        return lambda document: joined([text(document) for text in (found, *more)])
    return found


def _text_of(kind: type, path: str) -> Callable[[Any], str]:
    """Return what gives the text at a path of members that are there."""
    attributes, inner, held = list[str](), kind, object()
    for name in names_along(path):
        field = next(one for one in fields_of(inner) if one.encode_name == name)
        attributes.append(field.name)
        held, inner = field.type, struct_of(field.type) or inner
    at = ".".join(attributes)
    if held is StringValue:
        text = attrgetter(f"{at}.value")
        return lambda document: str(text(document))
    value = attrgetter(at)
    return lambda document: str(getattr(value(document), "value", value(document)))


def _identity(plan: DocumentPlan, struct: Any) -> str:
    kind: type = type(struct)
    return _identifying(kind, plan.identity.field, plan.identity.others)(struct)


def _document(
    origin: Origin, plan: DocumentPlan, struct: Any, needs: tuple[tuple[str, str], ...] = ()
) -> Document:
    identity, steps, branch = _identity(plan, struct), None, None
    if plan.tells_steps:
        steps = ENCODER.encode(getattr(struct, STEPS))
        if plan.tells_branch:
            branch = msgspec.json.decode(steps, type=_ToldBranch).branch.value
        struct = msgspec.structs.replace(struct, **{STEPS: UNSET})
    body = ENCODER.encode(struct)
    return Document(
        origin, plan.entity, identity, body, plan.name, needs, steps=steps, branch=branch
    )


def _made(
    origin: Origin, plans: tuple[DocumentPlan, ...], result: Any
) -> Iterator[tuple[str, tuple[Document, ...]]]:
    """Yield the documents that were made, by what the flow calls them; they need those before."""
    known: dict[str, tuple[Document, ...]] = {}
    for plan in plans:
        needs = tuple((name, one.identity) for name in plan.after for one in known[name])
        found = getattr(result, plan.name)
        several = found if isinstance(found, list) else [] if found is UNSET else [found]
        known[plan.name] = tuple(_document(origin, plan, struct, needs) for struct in several)
        yield plan.name, known[plan.name]


def _first_doubled(identities: Iterable[tuple[str, str]]) -> tuple[str, str] | None:
    """Return the document, by name and identity, that comes a second time."""
    seen = set()
    for known_as in identities:
        if known_as in seen:
            return known_as
        seen.add(known_as)
    return None


def _identities(plans: tuple[DocumentPlan, ...], result: Any) -> Iterator[tuple[str, str]]:
    """Yield the names and identities of documents for rows; the record may have errors."""
    if type(result) is ErrorValue:
        return
    for plan in plans:
        found = UNSET if plan.name == ONLY else getattr(result, plan.name)
        for one in found if type(found) is list else ():
            if type(one) is not ErrorValue:
                with contextlib.suppress(RuleError):
                    yield plan.name, _identity(plan, one)


def _shortened(text: str) -> str:
    return text if len(text) <= LONGEST_VALUE else text[: LONGEST_VALUE - 1] + "…"
