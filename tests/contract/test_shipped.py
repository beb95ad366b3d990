"""Facts about Default that come with the product: for which contracts and entities they hold."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from mapgen.cli.contract import contract as command
from mapgen.contract import shipped
from mapgen.contract.importing import Imported, Inputs, import_contract
from mapgen.contract.lock import load
from mapgen.contract.model import Contract, Entity, Field, ValueType
from mapgen.contract.openapi import read_contract
from mapgen.contract.refining import as_numbers
from mapgen.disk.workspace import Workspace
from mapgen.project.compiler import check_specs
from mapgen.report import Source, Stopped
from tests.depth import examples

# An invented endpoint: a supplier's bill of Default with all that facts are about, and an entity
# that no facts are about.
ROOT = Path(__file__).resolve().parents[2]
SUPPLIER = (
    "AccountCD AccountClass ConsolidationAccount CurrencyID Description RevaluationRateType"
    " TaxCategory LastModifiedDateTime:DateTimeValue Note2"
)


def endpoint(title: str, entities: dict[str, str]) -> str:
    """Return a document whose entities have the fields named, texts unless a type is said."""

    def entity(fields: str) -> dict[str, Any]:
        pairs = [one.partition(":") for one in fields.split()]
        properties = {
            name: {"$ref": f"#/components/schemas/{kind or 'StringValue'}"}
            for name, _, kind in pairs
        }
        return {"allOf": [{"$ref": "#/components/schemas/Entity"}, {"properties": properties}]}

    wrappers = (
        "StringValue",
        "DateTimeValue",
        "BooleanValue",
        "DecimalValue",
        "StringSingleSelectValue",
    )
    return json.dumps(
        {
            "openapi": "3.0.1",
            "info": {"title": title, "version": "4"},
            "paths": {f"/{name}": {"get": {}} for name in entities},
            "components": {
                "schemas": {
                    "Entity": {"type": "object"},
                    **{name: {"properties": {"value": {}}} for name in wrappers},
                    **{name: entity(fields) for name, fields in entities.items()},
                }
            },
        }
    )


def imported(
    folder: Path, title: str, entities: dict[str, str], overlay: str = "", *, facts: bool = True
) -> Imported:
    (folder / "endpoint.json").write_text(endpoint(title, entities))
    path = None
    if overlay:
        path = folder / "overlay.yaml"
        path.write_text(overlay)
    return import_contract(Inputs(folder / "endpoint.json", overlay=path, with_facts=facts))


def test_default_itself(tmp_path: Path) -> None:
    """Facts hold as far as the endpoint has their fields; what has no field is reported."""
    done = imported(
        tmp_path, "Default/25.200.001", {"Account": "AccountCD:DecimalValue CurrencyID"}
    )
    account = done.contract.entities["Account"]

    assert done.shipped.version == "24.200.001"
    assert account.keys == ("AccountCD",)
    assert account.fields["CurrencyID"].max_length == 5
    assert account.fields["AccountCD"].max_length is None
    assert "Account.AccountCD" in done.shipped.missing
    assert "Account.Description" in done.shipped.missing


def test_an_endpoint_that_extends_default(tmp_path: Path) -> None:
    """An entity with all fields that facts are about takes them, an own one none."""
    done = imported(tmp_path, "Shop/1", {"Account": SUPPLIER, "Booking": "AccountCD Description"})
    account, booking = done.contract.entities["Account"], done.contract.entities["Booking"]

    assert (account.keys, account.identities) == (("AccountCD",), ("AccountCD",))
    assert account.fields["Description"].max_length == 60
    assert account.fields["LastModifiedDateTime"].is_read_only
    assert account.fields["Note2"].max_length is None
    assert (booking.keys, booking.fields["Description"].max_length) == ((), None)
    assert done.shipped.entities == {"Account"}
    assert done.tenant == {"Account": False}


@pytest.mark.parametrize(
    ("fields", "gone"),
    [
        pytest.param(SUPPLIER.replace("Description ", ""), "Description", id="a field less"),
        pytest.param(
            SUPPLIER.replace("Description", "Description:DecimalValue"),
            "Description",
            id="another type",
        ),
    ],
)
def test_an_entity_that_has_a_name_of_default(tmp_path: Path, fields: str, gone: str) -> None:
    """An entity of the same name and other fields takes no facts; the overlay may say otherwise."""
    done = imported(tmp_path, "Shop/1", {"Account": fields})

    assert done.contract.entities["Account"].keys == ()
    assert done.shipped.unlike == {"Account": (gone,)}

    like = "overlay: 1\ncontract: shop\nentities: {Account: [{like: Account, source: ours}]}\n"
    done = imported(tmp_path, "Shop/1", {"Account": fields}, like)
    assert done.contract.entities["Account"].keys == ("AccountCD",)
    assert done.shipped.unlike == {}


def test_an_entity_under_another_name(tmp_path: Path) -> None:
    """`like` names the entity of Default whose facts hold, and `none` that none do."""
    entities = {"LedgerAccount": SUPPLIER, "Account": SUPPLIER}
    overlay = (
        "overlay: 1\ncontract: shop-1\nentities:\n"
        "  LedgerAccount: [{like: Account, source: ours}]\n"
        "  Account: [{like: none, source: ours}]\n"
    )
    done = imported(tmp_path, "Shop/1", entities, overlay).contract.entities

    assert done["LedgerAccount"].fields["Description"].max_length == 60
    assert done["Account"].fields["Description"].max_length is None


def test_choices_of_contract_version_5(tmp_path: Path) -> None:
    """A drop-down has no length; the length of the text that it was is left out."""
    fields = SUPPLIER.replace("AccountClass", "AccountClass:StringSingleSelectValue")
    text = endpoint("Shop/1", {"Account": fields}).replace('"version": "4"', '"version": "5"')
    (tmp_path / "endpoint.json").write_text(text)
    account = import_contract(Inputs(tmp_path / "endpoint.json")).contract.entities["Account"]

    assert account.keys == ("AccountCD",)
    assert account.fields["AccountClass"].value_type == "single_select"
    assert account.fields["AccountClass"].max_length is None


def test_since(tmp_path: Path) -> None:
    """Of two statements the one for the later version holds from then on, wherever it is said."""
    overlay = (
        "overlay: 1\ncontract: shop\nentities:\n  Booking:\n"
        "    - {lengths: {Text: 40}, since: '2.1', source: ours}\n"
        "    - {lengths: {Text: 30}, source: ours}\n"
        "    - {lengths: {Gone: 9}, since: '10', source: ours}\n"
    )
    lengths = {
        version: imported(tmp_path, f"Shop/{version}", {"Booking": "Text"}, overlay)
        .contract.entities["Booking"]
        .fields["Text"]
        .max_length
        for version in ("1.9", "2.0.5", "2.1", "2.10")
    }

    assert lengths == {"1.9": 30, "2.0.5": 30, "2.1": 40, "2.10": 40}


@pytest.mark.parametrize(
    ("like", "facts", "code", "said"),
    [
        pytest.param("Acount", True, "E408", "has no `Acount`", id="unknown"),
        pytest.param("Account", False, "E409", "`--no-facts` leaves them out", id="no facts"),
    ],
)
def test_likes_that_cannot_be(tmp_path: Path, like: str, facts: bool, code: str, said: str) -> None:
    """`like` names an entity that facts are about, and there are facts to take."""
    overlay = f"overlay: 1\ncontract: shop\nentities: {{Mine: [{{like: {like}, source: a}}]}}\n"
    with pytest.raises(Stopped) as stopped:
        imported(tmp_path, "Shop/1", {"Mine": SUPPLIER}, overlay, facts=facts)
    (diagnostic,) = stopped.value.diagnostics

    assert diagnostic.code == code
    assert said in diagnostic.message
    assert diagnostic.label is not None


NAMED = sorted({(one.entity.value, name.value) for one in shipped.facts() for name in one.names})
TYPES = ("string", "decimal", "boolean", "date", "datetime", "single_select", "guid")


@given(
    st.lists(st.tuples(st.sampled_from(NAMED), st.sampled_from(TYPES)), max_size=40),
    st.sampled_from(("Default", "Shop")),
    st.sampled_from(("1", "20.200.001", "24.200.001", "26.200.001", "x")),
)
@settings(max_examples=examples(60))
def test_any_contract(
    drawn: list[tuple[tuple[str, str], ValueType]], endpoint: str, version: str
) -> None:
    """Whatever an endpoint has, facts hold or are reported; what takes none stays as it was."""
    entities: dict[str, Entity] = {}
    for (name, field), kind in drawn:
        known = entities.get(name, Entity(name, {}, is_top_level=True))
        fields = {**known.fields, field: Field(field, "value", kind)}
        entities[name] = replace(known, fields=fields)
    taken = shipped.take(Contract(endpoint, version, 4, entities))

    for name, entity in taken.contract.entities.items():
        if name not in taken.entities:
            assert entity == entities[name]
        assert set(entity.fields) == set(entities[name].fields)
        assert {*entity.keys, *entity.identities} <= set(entity.fields)
        assert entity.number not in entity.identities or entity.number is None
        for one in entity.fields.values():
            assert one.max_length is None or one.value_type == "string"
            assert one.companion is None or entity.fields[one.companion].value_type == "boolean"
    assert set(taken.unlike).isdisjoint(taken.entities)
    assert not (endpoint == "Shop" and taken.missing)


def test_without_facts(tmp_path: Path) -> None:
    """`--no-facts` takes none, and the lock says that it was made so."""
    done = imported(tmp_path, "Default/24.200.001", {"Account": SUPPLIER}, facts=False)

    assert done.contract.entities["Account"].keys == ()
    assert json.loads(done.lock)["made_with"] == "mapgen contract import endpoint.json --no-facts"


OVERRULING = """\
overlay: 1
contract: default
entities:
  Account:
    - auto_numbered: true
      lengths: {Description: 30}
      source: our tenant
"""


def test_the_overlay_wins(tmp_path: Path) -> None:
    """A fact of the overlay holds in place of one that comes with the product, and that is told."""
    done = imported(tmp_path, "Default/24.200.001", {"Account": SUPPLIER}, OVERRULING)
    account = done.contract.entities["Account"]

    assert account.is_auto_numbered
    assert account.identities == ()
    assert account.fields["Description"].max_length == 30
    assert done.overruled == (
        "Account: identities AccountCD, gone",
        "Account.Description: 30 instead of 60",
    )
    assert done.tenant == {}, "the overlay has decided it"


def test_undoing_facts(tmp_path: Path) -> None:
    """`writable`, `optional` and an override flag `none` take back what comes with the product."""
    entities = {
        "Shipment": "ShipmentNbr Status FreightPrice:DecimalValue"
        " OverrideFreightPrice:BooleanValue",
        "Invoice": "Type ReferenceNbr Customer",
    }
    overlay = (
        "overlay: 1\ncontract: default\nentities:\n"
        "  Shipment: [{writable: [Status], companions: {FreightPrice: none}, source: ours}]\n"
        "  Invoice: [{optional: [Customer], source: ours}]\n"
    )
    before = imported(tmp_path, "Default/24.200.001", entities).contract.entities
    after = imported(tmp_path, "Default/24.200.001", entities, overlay).contract.entities

    assert before["Shipment"].fields["Status"].is_read_only
    assert not after["Shipment"].fields["Status"].is_read_only
    assert before["Shipment"].fields["FreightPrice"].companion == "OverrideFreightPrice"
    assert after["Shipment"].fields["FreightPrice"].companion is None
    assert before["Invoice"].fields["Customer"].is_required
    assert not after["Invoice"].fields["Customer"].is_required


def test_the_overlay_beside_the_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without `--overlay` the one that lies where the lock goes is taken; the lock has its hash."""
    contracts = tmp_path / "specs" / "contracts"
    contracts.mkdir(parents=True)
    (contracts / "default-24.200.001.overlay.yaml").write_text(OVERRULING)
    (tmp_path / "endpoint.json").write_text(endpoint("Default/24.200.001", {"Account": SUPPLIER}))
    monkeypatch.chdir(tmp_path)

    result = CliRunner().invoke(command, ["import", "endpoint.json"])

    assert "  overlay   2 facts of default-24.200.001.overlay.yaml taken" in result.stdout
    lock = contracts / "default-24.200.001.json"
    assert load(lock).entities["Account"].is_auto_numbered
    written = json.loads(lock.read_text())
    assert written["made_with"] == "mapgen contract import endpoint.json"
    assert "default-24.200.001.overlay.yaml" in written["sha256"]


# --- the real endpoints -----------------------------------------------------------------------


@pytest.fixture(params=["23.200.001", "24.200.001"])
def real(request: pytest.FixtureRequest, contracts: Path) -> Contract:
    """Return a contract as its document has it."""
    path = contracts / f"Default_{request.param}.swagger.json"
    return read_contract(Source(path.name, path.read_text("utf-8-sig")))


def test_every_fact_fits(real: Contract) -> None:
    """Default has every field that facts about its version name, of a type that they fit."""
    taken = shipped.take(real)

    assert taken.missing == ()
    assert taken.version == real.version
    assert taken.entities == set(real.entities)
    named = {fact.entity.value for fact in shipped.facts()} - {shipped.EVERY}
    assert named <= set(real.entities) or as_numbers(real.version) < as_numbers("24.200.001")


def test_an_extension_takes_what_its_base_takes(real: Contract) -> None:
    """An endpoint that extends either version knows of its entities what the version knows."""
    base = shipped.take(real).contract.entities
    extended = shipped.take(replace(real, endpoint="Shop", version="1"))

    assert extended.unlike == {}
    for name in extended.entities:
        assert extended.contract.entities[name] == base[name]
    assert {"SalesOrder", "Customer", "Bill", "Address"} <= extended.entities


def test_what_comes_with_the_product_is_in_the_files(contracts: Path) -> None:
    """Key files and metadata of Default say nothing else: no fact is overruled by them."""
    inputs = Inputs(
        contracts / "Default_24.200.001.swagger.json",
        contracts / "default-24.200.001.key-fields.json",
        contracts / "field-metadata-24.200.001.json",
    )
    done = import_contract(inputs)

    assert done.overruled == ()
    assert [line.partition(":")[0] for line in done.unordered_keys] == [
        "PayPeriod",
        "ProjectBudget",
    ]


def test_an_import_alone_is_enough(contracts: Path, tmp_path: Path) -> None:
    """Every shipped flow holds against a lock made of the ERP's document alone."""
    shutil.copytree(ROOT / "specs", tmp_path / "specs")
    for path in (tmp_path / "specs" / "contracts").iterdir():
        path.unlink()
    done = import_contract(Inputs(contracts / "Default_24.200.001.swagger.json"))
    (tmp_path / "specs" / "contracts" / "default-24.200.001.json").write_text(done.lock)
    workspace = Workspace.find(tmp_path)

    assert check_specs(workspace, workspace.spec_paths()).diagnostics == ()
