"""What is compared gives the same: asserted of every order before any is timed."""

from __future__ import annotations

from itertools import islice

from mapgen.runtime.outcome import Document, Outcome, Rejected
from tests.bench import orders, price_list, product, yardstick

_AT_A_TIME = 500


def orders_alike(accepted: int, dirty: int) -> tuple[int, int]:
    """Return how many accepted and dirty orders become the same by the flow and by hand.

    The same bytes, or the same codes at the same places. Raises AssertionError at the first that
    does not.
    """
    flow, shop = product.flow("shopify_orders"), yardstick.setup()
    for made, kind in ((orders.orders(accepted), Document), (orders.dirty_orders(dirty), Rejected)):
        while batch := list(islice(made, _AT_A_TIME)):
            found = product.outcomes(flow, b"\n".join(batch), "orders.jsonl")
            for line, outcome in zip(batch, found, strict=True):
                assert isinstance(outcome, kind), outcome
                assert _told(outcome) == _by_hand(line, shop), line
    return accepted, dirty


def price_lists_alike(accepted: int, dirty: int) -> tuple[int, int]:
    """Return how many rows of price lists become the same by the flow and by hand."""
    flow = product.flow("price_list_items")
    rows, dirty_rows = price_list.price_list(accepted), price_list.dirty_price_list(dirty)
    for content, kind in ((rows, Document), (dirty_rows, Rejected)):
        found = product.outcomes(flow, content, "list.csv")
        for outcome, by_hand in zip(found, price_list.documents_of(content), strict=True):
            assert isinstance(outcome, kind), outcome
            if isinstance(by_hand, yardstick.Rejected):
                assert _told(outcome) == sorted(by_hand.problems)
            else:
                assert _told(outcome) == by_hand
    return accepted, dirty


def _told(outcome: Outcome) -> object:
    return product.problems(outcome) if isinstance(outcome, Rejected) else product.body(outcome)


def _by_hand(line: bytes, shop: yardstick.Setup) -> object:
    try:
        return yardstick.document_of(line, shop)
    except yardstick.Rejected as rejected:
        return sorted(rejected.problems)
