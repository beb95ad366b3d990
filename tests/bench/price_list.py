"""A supplier's price list in CSV, and what is written by hand instead of `price_list_items`."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import orjson

from specs.shopify.samples.make_orders import Dice
from tests.bench.yardstick import Rejected, Row, exact, fits

_COLUMNS = (
    "sku", "description", "currency", "list_price", "retail_price", "net_weight_g", "barcodes",
    "customs_code", "origin", "valid_from", "page",
)  # fmt: skip
_NUMBER = re.compile(r"-?\d{1,20}(\.\d{1,8})?", re.ASCII)
_NO_DIGIT = re.compile(r"[^0-9]")
_PLACES = {"EUR": 2, "USD": 2, "CHF": 2, "GBP": 2, "JPY": 0, "KWD": 3}
_CLEARED: Row = {"value": None}


def price_list(rows: int) -> bytes:
    """Return a price list of so many articles; all are taken."""
    return _file(_article(number) for number in range(rows))


def dirty_price_list(rows: int) -> bytes:
    """Return a price list in which each article has a mistake."""
    return _file(_dirty(number) for number in range(rows))


def _file(rows: Iterator[list[str]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";", lineterminator="\n")
    writer.writerow(_COLUMNS)
    writer.writerows(rows)
    return text.getvalue().encode()


def _article(number: int) -> list[str]:
    dice = Dice(number)
    price = dice.between(100, 400_000)
    retail = f"{price + 990}"
    codes = [f"4006381{dice.between(100_000, 999_999)}" for _ in range(dice.between(0, 2))]
    return [
        f"ART-{number:07}",
        dice.pick(("Becher, blau", 'Kanne "Meer"; groß', "Teesieb", "Tablett Eiche 40 cm")),
        dice.pick(("EUR", "EUR", "CHF", "GBP")),
        _german(f"{price}"),
        dice.pick(("", _german(retail), _german(retail) + "5")),
        dice.pick(("", "n/a", "350", "1820.5")),
        " ".join(dict.fromkeys(codes)),
        dice.pick(("", "6912 00 23")),
        dice.pick(("de", "DE", "", "pt")),
        "2026-10-01",
        f"{number % 90 + 1}",
    ]


def _german(cents: str) -> str:
    whole = f"{int(cents[:-2]):,}".replace(",", ".")
    return f"{whole},{cents[-2:]}"


def _dirty(number: int) -> list[str]:
    row = _article(number)
    if number % 9 == 8:
        return row[:-2] if number % 2 else [*row, "twelfth"]
    column, cell = (
        (0, "ART-" + "9" * 30),
        (2, "EURO"),
        (3, "auf Anfrage"),
        (3, "9,995"),
        (3, "0"),
        (4, "1.2.3,x"),
        (6, "4006381333931 4006381333931"),
        (8, "Portugal"),
    )[number % 8]
    row[column] = cell
    return row


def documents_of(content: bytes) -> Iterator[bytes | Rejected | None]:
    """Yield the document of each article as JSON, why it has none, or nothing for one skipped."""
    rows = io.StringIO(content.decode(), newline="")
    for row in csv.DictReader(rows, delimiter=";", strict=True):
        try:
            document = transform(row)
        except Rejected as rejected:
            yield rejected
        else:
            yield None if document is None else orjson.dumps(document, default=exact)


def transform(row: dict[Any, Any]) -> Row | None:
    """Return what changes in a stock item; None for one that is skipped. Raises Rejected."""
    problems: list[tuple[str, str | None]] = []
    if None in row or None in row.values():
        raise Rejected([("R101", None)])  # more cells than columns, or fewer
    if row["origin"] == "XX":
        return None
    if not fits(row["sku"], 30):
        problems.append(("R301", "InventoryID"))
    document: Row = {"InventoryID": {"value": row["sku"]}}
    if row["list_price"]:
        document["DefaultPrice"] = {"value": _list_price(row, problems)}
    document["MSRP"] = _retail_price(row, problems) if row["retail_price"] else _CLEARED
    weight = row["net_weight_g"]
    if weight and _NUMBER.fullmatch(weight):
        document["DimensionWeight"] = {"value": _rounded(Decimal(weight) * Decimal("0.001"), 3)}
    code = _NO_DIGIT.sub("", row["customs_code"])
    if not fits(code, 30):
        problems.append(("R301", "TariffCode"))
    if code:
        document["TariffCode"] = {"value": code}
    barcodes = [_NO_DIGIT.sub("", one) for one in row["barcodes"].split(" ") if one]
    if len(set(barcodes)) < len(barcodes):
        problems.append(("R312", "CrossReferences"))
    if barcodes:
        document["CrossReferences"] = [
            {"AlternateType": {"value": "Barcode"}, "AlternateID": {"value": one}}
            for one in barcodes
        ]
    origin = row["origin"].upper().strip()
    if not fits(origin, 2):
        problems.append(("R301", "CountryOfOrigin"))
    document["CountryOfOrigin"] = {"value": origin} if origin else _CLEARED
    if problems:
        raise Rejected(problems)
    return document


def _list_price(row: dict[Any, Any], problems: list[tuple[str, str | None]]) -> Decimal | None:
    price = _price(row["list_price"], row["currency"], "DefaultPrice", problems)
    if price is not None:
        if price != round(price, _PLACES[row["currency"]]):
            problems.append(("R302", "DefaultPrice"))
        elif price <= 0:
            problems.append(("R303", "DefaultPrice"))
    return price


def _retail_price(row: dict[Any, Any], problems: list[tuple[str, str | None]]) -> Row:
    price = _price(row["retail_price"], row["currency"], "MSRP", problems)
    return {"value": None if price is None else _rounded(price, _PLACES[row["currency"]])}


def _price(
    text: str, currency: str, target: str, problems: list[tuple[str, str | None]]
) -> Decimal | None:
    """Return the amount that a German price spells; a problem, and None, for what is none."""
    spelled = text.replace(".", "").replace(",", ".")
    if not _NUMBER.fullmatch(spelled):
        problems.append(("R208", target))
    elif currency not in _PLACES:
        problems.append(("R212", target))
    else:
        return Decimal(spelled)
    return None


def _rounded(amount: Decimal, places: int) -> Decimal:
    return amount.quantize(Decimal((0, (1,), -places)), ROUND_HALF_UP)
