"""Names of source fields: which look personal, in any spelling, and which do not."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mapgen.contract.inference import infer
from mapgen.contract.personal import is_vocabulary, personal_kind, words_of
from mapgen.ir.types import BOOL, STRING, Optional
from tests.contract.test_inference import PAYLOADS, plain


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("order.BuyerEmail", "an e-mail address"),
        ("order.eMail", "an e-mail address"),
        ("order.contact_email", "an e-mail address"),
        ("order.emailAddress", "an e-mail address"),
        ("order.billing.phone2", "a phone number"),
        ("order.MobileNumber", "a phone number"),
        ("order.customer.firstName", "a name of a person"),
        ("order.billing_details.name", "a name of a person"),
        ("order.billing_address.name", "a name of a person"),
        ("order.customer.date_of_birth", "a birthday"),
        ("order.customer.birthdate", "a birthday"),
        ("order.address_1", "an address"),
        ("order.address1", "an address"),
        ("order.ShippingAddress.AddressLine1", "an address"),
        ("order.shipping.line2", "an address"),
        ("order.browser_ip", "an IP address"),
        ("order.clientIP", "an IP address"),
        ("order.credit_card_number", "a card number"),
        ("customer.tax_id", "a tax or identity number"),
        ("customer.VATNumber", "a tax or identity number"),
    ],
)
def test_looks_personal(path: str, kind: str) -> None:
    """The words of a name count, however they are put together."""
    assert personal_kind(path, STRING) == kind


@pytest.mark.parametrize(
    "path",
    [
        "order.email_verified",
        "order.accepts_marketing_email",
        "order.is_mobile",
        "order.line_items[].name",
        "order.line",
        "order.zip",
        "order.ship",
        "order.tax_lines[].tax_id",
        "order.item.name",
        "order.phone_count",
    ],
)
def test_looks_harmless(path: str) -> None:
    """Flags, counts and things hold nothing of a person."""
    assert personal_kind(path, STRING) is None


def test_flag() -> None:
    """A boolean never holds personal data, whatever it is called."""
    assert personal_kind("order.email", Optional(BOOL)) is None


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("BuyerEmail", ("buyer", "email")),
        ("address_1", ("address", "1")),
        ("AddressLine1", ("address", "line", "1")),
        ("VATNumber", ("vat", "number")),
        ("date-of-birth", ("date", "of", "birth")),
    ],
)
def test_words(name: str, words: tuple[str, ...]) -> None:
    """CamelCase, snake_case and digits are taken apart by one function."""
    assert words_of(name) == words


def test_no_value_is_copied() -> None:
    """A drafted schema shows the words of a closed vocabulary, and none of a person's field."""
    records: list[Any] = [{"status": "paid", "buyer": {"FirstName": "ada"}} for _ in range(9)]
    schema = json.dumps(infer(records, "order"))
    assert "paid" in schema
    assert "ada" not in schema


HOSTILE = ("ada", "LOVELACE", "ada-lovelace", "ada@example.com", "+49 30 901820", "4111111111111")
MEMBERS = """name placed_by cashier user note status_by value city Ada x reference tags first_name
attention zip title code"""


@pytest.mark.parametrize("value", HOSTILE)
@pytest.mark.parametrize("name", MEMBERS.split())
def test_no_value_of_any_member(name: str, value: str) -> None:
    """Wherever a value is, alone, in lists, in objects, in two places alike: it is in no schema."""
    inner: Any = {name: value, "other": value, "many": [value, value], "status": "open"}
    record: Any = {**inner, "customer": {**inner, "state": value, "type": value}, "lines": [inner]}
    found = json.dumps(infer([record] * 12, "order"))

    assert value not in found.replace(f'"{name}"', "")
    assert '"open"' in found


@pytest.mark.parametrize(
    "names",
    [
        ["ada@example.com", "bob@example.com"],
        ["+49 30 901820", "030/901821"],
        ["4111 1111 1111 1111"],
        ["192.168.7.7", "fe80::1"],
        ["DE89370400440532013000"],
        ["Ada Lovelace", "Grace Hopper"],
        ["Ada King-Noel"],
        ["O'Hara, Scarlett"],
        ["ada", "grace"],
    ],
    ids=lambda names: names[0],
)
@pytest.mark.parametrize("holder", ["customers", "people", "contact_persons"])
def test_no_name_that_is_a_value(holder: str, names: list[str]) -> None:
    """Members named by whom they are of are counted, and named nowhere."""
    record: Any = {
        "id": 1,
        holder: {name: {"total": 1, "status": "open", "email": "x@y.org"} for name in names},
        "deep": [{holder: {name: {"total": 1, "status": "open"} for name in names}}],
    }
    found = json.dumps(infer([record] * 6, "order"), ensure_ascii=False)

    assert not [name for name in names if f'"{name}"' in found]
    assert f"{len(names)} member{'s' * (len(names) > 1)} left out" in found
    assert not [word for name in names for word in words_of(name) if f"/{word}" in found]


def test_names_that_are_values_at_the_top() -> None:
    """A record of such members alone has none that a schema names, and says how many there are."""
    found = infer([{"ada@example.com": "x", "id": 1}], "order")

    assert isinstance(found["properties"], dict)
    assert [*found["properties"]] == ["id"]
    assert str(found["description"]).endswith("1 member left out: named by values of the samples.")


@pytest.mark.parametrize(
    "record",
    [
        {"addresses": {"Billing Address": {"a": 1, "b": 2}, "Shipping Address": {"a": 1, "b": 2}}},
        {"customer": {"address": {"city": "x"}, "contact": {"phone": "1"}}},
        {"First Name": "x", "Last Name": "y"},
        {"totals": {"2024 total": 1, "in-store": 2}},
    ],
)
def test_names_that_say_what_they_hold(record: dict[str, Any]) -> None:
    """What names a kind of thing stays."""

    def names(value: object) -> set[str]:
        found = value if isinstance(value, dict) else {}
        return {*found, *(name for one in found.values() for name in names(one))}

    shown = json.dumps(infer([record], "order"))
    assert not [name for name in names(record) if f'"{name}"' not in shown]


def _texts(value: object, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for name, member in value.items():
            yield from _texts(member, f"{path}.{name}")
    elif isinstance(value, list):
        for element in value:
            yield from _texts(element, path)
    elif isinstance(value, str):
        yield path, value


@pytest.mark.skipif(not PAYLOADS, reason="no payloads of real systems beside the project")
@pytest.mark.parametrize("path", PAYLOADS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_payloads(path: Path) -> None:
    """Of what real systems send, no text is in the schema but words of vocabularies."""
    sample = plain(json.loads(path.read_text("utf-8")))
    schema = infer([{"data": sample}] * 6, "record")

    shown = {text for at, text in _texts(schema) if at.endswith(".examples")}
    allowed = {text for at, text in _texts(sample) if is_vocabulary(f".data{at}")}
    assert shown <= allowed
    personal = {text for at, text in _texts(sample) if personal_kind(f"record{at}")}
    assert not (personal - set(_names(sample))) & (shown | set(_names(schema)))


def _names(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        yield from value
    inside = value.values() if isinstance(value, dict) else value
    for one in inside if not isinstance(inside, str) and isinstance(inside, Iterable) else ():
        yield from _names(one)
