"""What is said once means what it means written out, wherever it is used."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mapgen.disk.workspace import Workspace
from mapgen.emit.python.transformer import RuleLine, transformer
from mapgen.emit.templates import render
from mapgen.project.checking import check_specs
from mapgen.project.compiler import generate
from mapgen.project.freshness import staleness_of
from mapgen.project.written import Digests
from tests.compiler.cases import CASES, SPEC
from tests.depth import examples

PARTS = "specs/parts/depot.parts.yaml"
# Whatever the rules of the address are, each of its members is read.
BASE = (
    (CASES / "_base" / SPEC)
    .read_text(encoding="utf-8")
    .replace(
        "  checks:\n",
        "  checks:\n    - {name: no city, that: \"parcel.?recipient.city.orValue('') != '?'\"}\n",
    )
)
ADDRESS = BASE[BASE.index("    Address:\n") : BASE.index("    Items:\n")]
ITEMS = BASE[BASE.index("    Items:\n") : BASE.index("  checks:\n")]
OBJECT = "{schema: schemas/parcel.schema.json, at: properties/recipient}"
ROW = "{schema: schemas/parcel.schema.json, at: properties/items/items}"
HEAD = "parts: 1\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the workspace of the golden cases."""
    root = tmp_path_factory.mktemp("parts")
    shutil.copytree(CASES / "_base", root, dirs_exist_ok=True)
    return root


def compiled(folder: Path, drafts: Mapping[str, str]) -> tuple[str, tuple[RuleLine, ...]]:
    """Return the code that the flow becomes, and where each of its rules is."""
    findings = check_specs(Workspace(folder, drafts), (SPEC,))
    assert [diagnostic.message for diagnostic in findings.diagnostics] == []
    (found,) = findings.flows
    module = transformer(found.flow)
    return render("transformer.py.jinja", module=module), module.rules


STREETS = ("{0}.street", "{0}.street.trim()", "{0}.?city.orValue({0}.street)", "{0}.street + '!'")
CITIES = ("{0}.?city", "{0}.?city.trim()", "{0}.?city.optMap(c, c + {0}.street)")
RULES = st.fixed_dictionaries(
    {"Street": st.sampled_from(STREETS)}, optional={"City": st.sampled_from(CITIES)}
)


@dataclass(frozen=True)
class Place:
    """The rules of a part, and those that a use has in their place."""

    part: Mapping[str, str]
    beside: Mapping[str, str]
    removed: bool
    name: str

    def written_out(self) -> str:
        rules = {**self.part, **self.beside}
        if self.removed:
            del rules["City"]
        lines = (f"        {name}: {_rule(words, self.name)}\n" for name, words in rules.items())
        head = f"    Address:\n      object: parcel.?recipient\n      as: {self.name}\n"
        return f"{head}      fields:\n{''.join(lines)}"

    def definition(self) -> str:
        rules = (f"    {name}: {_rule(words, self.name)}\n" for name, words in self.part.items())
        gives = "{contract: depot-1.200.001, entity: Place}"
        return (
            f"{HEAD}place:\n  takes: {{{self.name}: {OBJECT}}}\n  gives: {gives}\n"
            f"  fields:\n{''.join(rules)}"
        )

    def use(self) -> str:
        rules = "".join(
            f"        {name}: {_rule(words, self.name, replaces=name in self.part)}\n"
            for name, words in self.beside.items()
        )
        if self.removed:
            rules += "        City: {remove: true}\n"
        head = f"    Address:\n      use: place\n      {self.name}: parcel.?recipient\n"
        return head + (f"      fields:\n{rules}" if rules else "")


def _rule(words: str, name: str, *, replaces: bool = False) -> str:
    mark = ", replace: true" if replaces else ""
    return f'{{value: "{words.format(name)}", too_long: reject{mark}}}'


@st.composite
def places(draw: st.DrawFn) -> Place:
    part = draw(RULES)
    removed = "City" in part and draw(st.booleans())
    beside = draw(st.fixed_dictionaries({}, optional={"Street": st.sampled_from(STREETS)}))
    if not removed and draw(st.booleans()):
        beside = {**beside, "City": draw(st.sampled_from(CITIES))}
    return Place(part, beside, removed, draw(st.sampled_from(["spot", "recipient", "item"])))


@settings(max_examples=examples(40), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=places())
def test_part(place: Place, folder: Path) -> None:
    """A part, with rules in the place of its own, is the object written out."""
    plain = BASE.replace(ADDRESS, place.written_out())
    used = BASE.replace(ADDRESS, place.use()).replace(
        "mapping:\n", "mapping:\n  uses: [parts/depot.parts.yaml]\n"
    )

    assert compiled(folder, {SPEC: plain}) == compiled(
        folder, {SPEC: used, PARTS: place.definition()}
    )


EXPRESSIONS = (
    ("weight > most", "parcel.weight > 31.5"),
    ("weight > most && weight < most * 2.0", "parcel.weight > 31.5 && parcel.weight < 31.5 * 2.0"),
    ("!(weight == most)", "!(parcel.weight == 31.5)"),
)


@pytest.mark.parametrize(("named", "plain"), EXPRESSIONS)
def test_expression(named: str, plain: str, folder: Path) -> None:
    """An expression that is called is the expression itself."""
    functions = (
        f'  functions:\n    f: {{takes: {{weight: decimal, most: decimal}}, value: "{named}"}}\n'
    )
    called = BASE.replace("mapping:\n", f"mapping:\n{functions}").replace(
        "heavy: parcel.weight > 31.5", 'heavy: "f(parcel.weight, 31.5)"'
    )

    assert compiled(folder, {SPEC: called}) == compiled(
        folder, {SPEC: BASE.replace("heavy: parcel.weight > 31.5", f'heavy: "{plain}"')}
    )


def test_rows(folder: Path) -> None:
    """A part that is used for each row is the rows written out; names around it stay apart."""
    part = (
        f"  parts:\n    row:\n      takes: {{parcel: {ROW}, heavy: bool}}\n"
        "      gives: {contract: depot-1.200.001, entity: DeliveryItem}\n"
        "      fields:\n"
        '        Article: {value: "parcel.?sku.trim()", if_missing: reject}\n'
        '        Quantity: {value: parcel.quantity, range: "> 0"}\n'
        "        Note: \"heavy ? 'heavy' : 'light'\"\n"
    )
    used = (
        "    Items:\n      each: parcel.items\n      as: item\n      use: row\n"
        "      parcel: item\n      heavy: heavy\n"
    )
    plain = ITEMS + "        Note: \"heavy ? 'heavy' : 'light'\"\n"

    assert compiled(folder, {SPEC: BASE.replace(ITEMS, plain)}) == compiled(
        folder, {SPEC: BASE.replace(ITEMS, used).replace("mapping:\n", f"mapping:\n{part}")}
    )


GIVES = "{{contract: depot-1.200.001, entity: {0}}}".format
NESTED = f"""\
parts: 1
place:
  takes: {{spot: {OBJECT}, plus: "string?"}}
  gives: {GIVES("Place")}
  fields: {{Street: {{value: "spot.street + plus.orValue('')", too_long: reject}}}}
person:
  takes: {{who: {OBJECT}, title: string}}
  gives: {GIVES("Contact")}
  fields:
    Name: {{value: title, too_long: truncate}}
    Place: {{use: place, spot: who, plus: "who.?city"}}
baron:
  takes: {{whom: {OBJECT}}}
  gives: {GIVES("Contact")}
  use: person
  who: whom
  title: "'Baron ' + whom.street"
  fields: {{Name: {{replace: true, value: "whom.street + ' ' + who.street", too_long: truncate}}}}
"""
WRITTEN_OUT = """\
    Contact:
      object: parcel.?recipient
      as: whom
      fields:
        Name: {value: "whom.street + ' ' + whom.street", too_long: truncate}
        Place:
          object: whom
          as: spot
          fields: {Street: {value: "spot.street + whom.?city.orValue('')", too_long: reject}}
"""


def test_parts_in_parts(folder: Path) -> None:
    """A part that is another with a rule of its own, and has a third inside, is written out."""
    used = BASE.replace(
        ADDRESS, f'{ADDRESS}    Contact: {{use: baron, whom: "parcel.?recipient"}}\n'
    )
    used = used.replace("mapping:\n", "mapping:\n  uses: [parts/depot.parts.yaml]\n")

    code, _ = compiled(folder, {SPEC: used, PARTS: NESTED})

    assert code == compiled(folder, {SPEC: BASE.replace(ADDRESS, ADDRESS + WRITTEN_OUT)})[0]


OWN_DATA = "  data:\n    parcel.recipient.street: personal\n"


def with_data(data: str) -> dict[str, str]:
    """Return a flow that classifies nothing, and parts within parts, the inmost with data."""
    address = '    Contact: {use: baron, whom: "parcel.?recipient"}\n'
    flow = BASE.replace(ADDRESS, address).replace("    AddressOverride: {const: true}\n", "")
    flow = flow.replace("mapping:\n", "mapping:\n  uses: [parts/depot.parts.yaml]\n")
    fields = "  fields: {Street:"
    assert flow.count(OWN_DATA) == 1 == NESTED.count(fields)
    return {
        SPEC: flow.replace(OWN_DATA, "  data: {}\n"),
        PARTS: NESTED.replace(fields, f"{data}{fields}"),
    }


@pytest.mark.parametrize(
    ("data", "codes", "personal"),
    [
        ("", ["E463"], None),
        ("  data: {street: personal}\n", [], ("parcel.recipient.street",)),
        (
            "  data: {city: confidential, spot.street: personal}\n",
            [],
            ("parcel.recipient.street", "parcel.recipient.city"),
        ),
        ("  data: {street: personal, plus: personal}\n", ["E461"], None),
        ("  data: {streets: personal}\n", ["E461"], None),
    ],
)
def test_data(data: str, codes: list[str], personal: tuple[str, ...] | None, folder: Path) -> None:
    """What a part classifies is so in the source of a flow that uses it, however far inside."""
    findings = check_specs(Workspace(folder, with_data(data)), (SPEC,))

    assert [diagnostic.code for diagnostic in findings.diagnostics][:1] == codes
    assert [one.flow.personal for one in findings.flows] == ([personal] if personal else [])


def test_data_is_not_shown(folder: Path) -> None:
    """What a part classifies can be no name of a record, whatever the flow says of it."""
    drafts = with_data("  data: {street: personal}\n")
    key = "key: parcel.number"
    assert key in drafts[SPEC]
    drafts[SPEC] = drafts[SPEC].replace(
        key, "key: parcel.number + parcel.?recipient.street.orValue('')"
    )

    findings = check_specs(Workspace(folder, drafts), (SPEC,))

    assert [diagnostic.code for diagnostic in findings.diagnostics] == ["E464"]


def test_stale_code(tmp_path: Path) -> None:
    """Code is stale once a part says something else, and only then."""
    for case in ("_base", "_parts"):
        shutil.copytree(CASES / case, tmp_path, dirs_exist_ok=True)
    workspace = Workspace(tmp_path)
    for path, text in generate(workspace, workspace.spec_paths()).items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, encoding="utf-8")
    before = (tmp_path / PARTS).read_text(encoding="utf-8")

    def staleness(text: str) -> str | None:
        (tmp_path / PARTS).write_text(text, encoding="utf-8")
        found = staleness_of(workspace, "deliveries", Digests(workspace))
        return None if found is None else found.code

    assert staleness(before) is None
    assert staleness(f"# a word more\n{before}") is None
    assert staleness(before.replace("City: spot.?city", "City: spot.street")) == "E594"
    assert staleness(before) is None
