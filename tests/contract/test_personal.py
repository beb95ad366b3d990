"""Names of source fields: which look personal, in any spelling, and which do not."""

from __future__ import annotations

import json

import pytest

from mapgen.contract.inference import infer
from mapgen.contract.personal import personal_kind, words_of
from mapgen.expression.types import BOOL, STRING, Optional


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
    records = [{"status": "paid", "buyer": {"FirstName": "ada"}} for _ in range(9)]
    schema = json.dumps(infer(records, "order"))
    assert "paid" in schema
    assert "ada" not in schema
