"""The law that specs are held to: what `check` accepts generates, is well typed, and runs."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

import black
from black.mode import TargetVersion

from mapgen.agreed.paths import member_path
from mapgen.check.model import Checked
from mapgen.disk.workspace import Workspace
from mapgen.emit.plans import plan_file, rule_map_file
from mapgen.emit.python.formatting import LINE_LENGTH
from mapgen.emit.python.transformer import transformer
from mapgen.emit.schemas import target_schema_file
from mapgen.emit.templates import render
from mapgen.project.compiler import check_specs, generate
from mapgen.project.loading import Project
from mapgen.report import Diagnostic
from mapgen.runtime.collecting import error_collecting_build
from mapgen.runtime.delivery import Gate
from mapgen.runtime.errors import RuleError
from mapgen.runtime.lookups import sample_of
from mapgen.runtime.outcome import Document
from mapgen.runtime.source import patient
from mapgen.runtime.sources.records import RawRecord
from mapgen.runtime.transform import Bound, LoadedFlow, Transformer, bound, load_flow

from .asked import asked, cut
from .files import through_files
from .foreseen import is_made, unforeseen
from .records import Records, hostile_texts
from .specs import CONTRACT, CONTRACT_5, TABLE, TWO, Draft, made_spec

SETTINGS = {"zone": "Europe/Berlin", "store": "kettle-fern", "most": "99.5"}
CONNECTION = "connection: acumatica\nkind: acumatica\ngrant: password\nscope: api\n"
SPEC = "specs/made.maps.yaml"
MODULES = "generated/*/transformer.py"
KINDS = ("good",) * 5 + ("dirty",) * 4 + ("hostile",) * 3
# So many changes of a record are tried.
MOST_CHANGES = 60
# One in so many is emitted whole, with its tests, schemas and document, and formatted.
WHOLE = 8


@dataclass
class Broken:
    """A spec that `check` accepts and that breaks the law."""

    seed: int
    step: str
    why: str

    def __str__(self) -> str:
        return f"seed {self.seed}, {self.step}: {self.why}"


@dataclass
class Tally:
    """What was seen over many specs."""

    made: int = 0
    accepted: int = 0
    records: Counter[str] = field(default_factory=Counter)
    functions: Counter[str] = field(default_factory=Counter)
    features: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    broken: list[Broken] = field(default_factory=list)


def furnish(folder: Path) -> None:
    """Write what all specs refer to."""
    for name, text in {
        "connections/acumatica.yaml": CONNECTION,
        "contracts/small.json": json.dumps(CONTRACT),
        "contracts/small5.json": json.dumps(CONTRACT_5),
        "lookups/packs.csv": TABLE,
        "lookups/zones.csv": TWO,
    }.items():
        path = folder / "specs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def examine(seeds: Iterable[int], folder: Path) -> Tally:
    """Hold the specs of some seeds to the law; their modules are left in the folder."""
    furnish(folder)
    tally = Tally()
    for seed in seeds:
        draft = made_spec(seed)
        tally.made += 1
        step = "check"
        try:
            accepted = _accepted(draft, folder, tally)
            if accepted is None:
                continue
            checked, workspace = accepted
            tally.accepted += 1
            tally.functions.update(draft.functions)
            tally.features.update(dict.fromkeys(draft.features, 1))
            step = "generate"
            _generated(checked, workspace, folder)
            step = "ask"
            _asked(checked, draft, folder)
            if seed % WHOLE == 0:
                _written_as_black(generate(workspace, [SPEC]))
            step = "transform"
            loaded, given = _loaded(draft, folder)
            _transformed(draft, folder, tally, loaded, given)
            if loaded.plan.form.holds_cells or loaded.plan.joins:
                step = "files"
                apart = list(through_files(draft, loaded, loaded.transformer(given), folder))
                assert not apart, apart[0]
                tally.features.update(_kinds_of_files(draft))
            step = "foresee"
            _foreseen(checked, draft, loaded.transformer(given), tally)
        except Exception as error:  # noqa: BLE001  # whatever it is, it breaks the law
            tally.broken.append(Broken(seed, step, _told(error)))
    return tally


def _told(error: Exception) -> str:
    trace = error.__traceback__
    place = ""
    while trace is not None:
        code = trace.tb_frame.f_code
        place = f"{Path(code.co_filename).name}:{trace.tb_lineno} {code.co_name}"
        trace = trace.tb_next
    return f"{type(error).__name__}: {str(error)[:300]} ({place})"


def _accepted(draft: Draft, folder: Path, tally: Tally) -> tuple[Checked, Workspace] | None:
    """Return what `check` makes of a spec, None where it refuses it.

    Members of the source that no rule reads are ignored in a second round.
    """
    records = Records(draft, Random(draft.seed))
    given = json.dumps(records.record("good"))
    for _ in range(2):
        drafts = {f"specs/{path}": text for path, text in draft.files.items()}
        drafts |= {SPEC: draft.text(), "specs/one.json": given}
        workspace = Workspace(folder, drafts)
        found = check_specs(workspace, [SPEC])
        errors = [diagnostic for diagnostic in found.diagnostics if diagnostic.severity == "error"]
        if not errors:
            return found.flows[0], workspace
        if any(diagnostic.code != "E431" for diagnostic in errors):
            break
        draft.content["mapping"]["ignore"] = {
            path: "not needed" for diagnostic in errors for path in _unread(diagnostic)
        }
    tally.refusals.update({diagnostic.code for diagnostic in errors})
    return None


def _unread(diagnostic: Diagnostic) -> list[str]:
    said, _, parent = diagnostic.message.rpartition(" of ")
    fields = re.findall(r"`([^`]+)`", said)
    holder = parent.strip("`") if parent.startswith("`") else parent
    return [member_path(holder, name) for name in fields]


def _generated(checked: Checked, workspace: Workspace, folder: Path) -> None:
    """Write what the runtime reads of a flow."""
    flow = Project(workspace).with_examples(checked)
    module = transformer(flow)
    code = render("transformer.py.jinja", module=module)
    place = folder / "generated" / flow.name
    place.mkdir(parents=True, exist_ok=True)
    (place / "transformer.py").write_text(code, encoding="utf-8")
    (place / "flow.json").write_text(plan_file(flow), encoding="utf-8")
    (place / "map.json").write_text(rule_map_file(flow, module.rules, code), encoding="utf-8")
    (place / "target.schema.json").write_text(target_schema_file(flow), encoding="utf-8")


def _asked(checked: Checked, draft: Draft, folder: Path) -> None:
    """Hold the request for a source in the ERP to what is read: all of it, keys, nothing else."""
    reads = checked.flow.plan.reads
    if reads is None:
        return
    query, version = _request(draft, folder)
    paths = asked(query, version)
    name = draft.content["mapping"]["source"]["name"]
    read = {
        path.removeprefix(f"{name}.").replace("[]", "").replace(".", "/") for path in checked.reads
    }
    keys = set(reads.keys)
    missing = {path for path in read - {name, "note"} if path not in paths}
    idle = {
        path for path in paths - keys if not any(f"{one}/".startswith(f"{path}/") for one in read)
    }
    # One class reads the rows of both lists: what is never missing there comes with either.
    idle -= {other for one in read for other in _twins(one)}
    assert not missing, f"read and not asked for: {missing}"
    assert not idle, f"asked for and not read: {idle}"


def _twins(path: str) -> Iterator[str]:
    for one, other in (("Lines", "More"), ("More", "Lines")):
        if path == f"{one}/LineNbr":
            yield f"{other}/LineNbr"


def _request(draft: Draft, folder: Path) -> tuple[dict[str, str], int]:
    plan = json.loads((folder / "generated" / draft.flow / "flow.json").read_text())
    return plan["reads"]["query"], plan["reads"]["contract_version"]


def _written_as_black(files: Mapping[str, str]) -> None:
    """Hold the modules to the formatter: it leaves all of them as they are."""
    mode = black.Mode(target_versions={TargetVersion.PY311}, line_length=LINE_LENGTH)
    for path, text in files.items():
        if path.endswith(".py"):
            assert black.format_str(text, mode=mode) == text, f"black would change {path}"


def _loaded(draft: Draft, folder: Path) -> tuple[LoadedFlow, Bound]:
    loaded = load_flow(folder / "generated" / draft.flow, lambda _: None)
    values = {name: SETTINGS[name] for name in draft.content["mapping"].get("settings", {})}
    return loaded, bound(loaded, values, folder / "specs", sample_of)


def _foreseen(checked: Checked, draft: Draft, flow: Transformer, tally: Tally) -> None:
    """Hold what changes a document to what its rules are known to read."""
    records = Records(draft, Random(draft.seed))
    made = (records.record("good") for _ in range(8))
    for record in islice((one for one in made if is_made(flow, one)), 3):
        seen = Counter[str]()
        wrong = list(unforeseen(checked, flow, record, MOST_CHANGES, seen))
        assert not wrong, f"{wrong[:3]} of {json.dumps(record)[:1500]}"
        tally.features.update(f"foreseen: {kind}" for kind in seen.elements())


def _kinds_of_files(draft: Draft) -> set[str]:
    """Return what the files of a spec are: rows, rows of one key, joined JSON or CSV."""
    source = draft.content["mapping"]["source"]
    form = source.get("format", "json")
    found = {f"files: {form}{' grouped' if 'group' in source else ''}"}
    return found | {
        f"files: {join.get('format', 'json')} {join['takes']} joined to {form}"
        for join in source.get("joins", {}).values()
    }


def _transformed(
    draft: Draft, folder: Path, tally: Tally, loaded: LoadedFlow, given: Bound
) -> None:
    flow = loaded.transformer(given)
    gate = Gate.load(folder / "generated" / draft.flow, loaded.plan, loaded.rules)
    complete = _Complete(loaded, given, folder / "generated" / draft.flow)
    random = Random(draft.seed)
    records = Records(draft, random)
    given_records = [records.record(kind) for kind in KINDS]
    texts = [json.dumps(record).encode() for record in given_records]
    if loaded.plan.reads is not None:
        paths = asked(*_request(draft, folder))
        for text, record in zip(texts, given_records, strict=True):
            less = json.dumps(cut(record, paths)).encode()
            whole, same = (flow.outcomes(RawRecord(1, 1, one), "r.json") for one in (text, less))
            assert whole == same, f"{same} of what is asked for, {whole} of all: {text.decode()}"
    for text in (*texts, *hostile_texts(draft)):
        try:
            found = flow.outcomes(RawRecord(1, 1, text), "records.json")
            kind = type(found[0]).__name__
            tally.records[kind] += 1
            for one in found:
                if isinstance(one, Document):
                    broken = gate.errors(one.document, one.body)
                    assert not broken, f"its document does not match its schema: {broken}"
            if isinstance(found[0], Document):
                diagnostics = complete.diagnostics(RawRecord(1, 1, text))
                assert (
                    not diagnostics
                ), f"the complete way refuses what the fast one takes: {diagnostics}"
        except Exception as error:
            where = f" on {text.decode(errors='replace')[:1500]}"
            raise AssertionError(_told(error) + where) from error


class _Complete:
    """The complete way through a flow."""

    def __init__(self, loaded: LoadedFlow, given: Bound, place: Path) -> None:
        text = (place / "transformer.py").read_text(encoding="utf-8")
        twin, self._collector = error_collecting_build(loaded.module, text)
        self._transform = twin.bind(given.settings, given.lookups)
        self._loaded = loaded

    def diagnostics(self, raw: RawRecord) -> list[Any]:
        """Return all that it finds in a record."""
        plan = self._loaded.plan.source
        value = self._loaded.source.value(raw)
        record, broken = patient(value, self._loaded.module.Source, plan)
        self._collector.start((one.error for one in broken), record, plan)
        try:
            self._transform(record)
        except RuleError as diagnostic:
            return [diagnostic]
        return [*broken, *self._collector.found]
