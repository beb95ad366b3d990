"""Documents as books: which of their fields are money, and how those of a flow are known."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from mapgen.agreed import plan
from mapgen.agreed.paths import names_along
from mapgen.check.feeding import CHANGED
from mapgen.contract.model import Entity
from mapgen.ir import expression as ex
from mapgen.ir.flow import Field, Fixed, Part, Rows
from mapgen.spec import model as spec

# As the entities of the Default endpoint call them: `PaymentAmount`, `ControlTotal`, `Amount`.
_WHOLE = re.compile(r"(Amount|Total)\Z")
_OF_A_ROW = re.compile(r"(Amount|ExtendedPrice|ExtendedCost|ExtCost|LineTotal)\Z")
# Of these an amount is only made, and those of a whole document lie in its rows as well.
_APART = re.compile(r"Tax|Discount|Freight|Commission|Rate|Pct|Percent|Weight|Volume|Qty|Quantity")
_QUANTITIES = ("OrderQty", "Quantity", "Qty", "ShippedQty", "TransactionQty")
_PRICES = ("UnitPrice", "UnitCost")
_DISCOUNT = "DiscountAmount"
_CURRENCIES = ("CurrencyID", "Currency")


def books(document: spec.Document, entity: Entity, part: Part) -> plan.Books:
    """Return by what documents of a flow are compared with those of the ERP.

    Money is what a flow gives of it, so that both sides have it: the amounts or totals of the
    document itself; where it has none, those of its rows, or their quantities times their prices
    less discounts.
    """
    if not document.target.kind.keeps_documents:
        return plan.Books()
    given = {one.name for one in _numbers(part)}
    whole = tuple(name for name in given if _WHOLE.search(name) and not _APART.search(name))
    named = {one.name for one in part.members if isinstance(one, Field)}
    return plan.Books(
        money=tuple(sorted(whole)) or tuple(_of_rows(part)),
        currency=next((name for name in _CURRENCIES if name in named), None),
        changed=next((name for name in CHANGED if name in entity.fields), None),
        begins=_beginning(document, part),
    )


def _numbers(part: Part) -> Iterator[Field]:
    """Yield the decimal fields of a part itself."""
    for one in part.members:
        if isinstance(one, Field) and one.kind == "decimal":
            yield one


def _of_rows(part: Part) -> Iterator[str]:
    """Yield the terms of the first list of rows that has money."""
    for rows in part.members:
        if isinstance(rows, Rows) and rows.is_list:
            given = {one.name for block in rows.blocks for one in _numbers(block.part)}
            if terms := list(_of_row(given)):
                yield from (term.format(rows.name) for term in terms)
                return


def _of_row(given: Collection[str]) -> Iterator[str]:
    """Yield the terms of one row, the list to be filled in."""
    amounts = [name for name in given if _OF_A_ROW.search(name) and not _APART.search(name)]
    if amounts:
        yield f"{{}}.{min(amounts)}"
        return
    quantity = next((name for name in _QUANTITIES if name in given), None)
    price = next((name for name in _PRICES if name in given), None)
    if quantity is not None and price is not None:
        yield f"{{}}.{quantity}*{price}"
        if _DISCOUNT in given:
            yield f"-{{}}.{_DISCOUNT}"


def _beginning(document: spec.Document, part: Part) -> str:
    """Return what each identity begins with, as far as its expression says."""
    name = document.identity.field.value
    field = part.at(names_along(name))
    assert isinstance(field, Field)
    match field.value:
        case Fixed(text=text):
            return text
        case ex.Constant(value=str(text)):
            return text
        case ex.Concatenation(parts=(ex.Constant(value=str(text)), *_)):
            return text
        case _:
            return ""
