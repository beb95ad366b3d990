"""Near names: which of them a slip of the pen made, and which mean something else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapgen.report.near import is_slip, near_names


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("CustomerOrdr", "CustomerOrder"),
        ("Descriptions", "Description"),
        ("emial", "email"),
        ("nam", "name"),
        ("LocationId", "LocationID"),
        ("totaltax", "total_tax"),
        ("custemer", "customer"),
        ("addres2", "address2"),
    ],
)
def test_slip(name: str, other: str) -> None:
    """One letter too many, too few, swapped or wrong; case and separators apart."""
    assert is_slip(name, other)


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("min_price", "max_price"),
        ("billing_address", "shipping_address"),
        ("updated_at", "created_at"),
        ("sub_total", "total"),
        ("subtotal", "total"),
        ("tax_rate", "tax_date"),
        ("address2", "address1"),
        ("id2", "id"),
        ("depot-2.200.001", "depot-1.200.001"),
    ],
)
def test_other_meaning(name: str, other: str) -> None:
    """What is near, and worth a help, is no slip: nobody but the author knows what is meant."""
    assert near_names(name, [other]) == (other,)
    assert not is_slip(name, other)


@given(st.from_regex(r"[a-z]{5,12}(_[a-z]{5,12})?", fullmatch=True), st.data())
def test_one_letter_left_out(name: str, data: st.DataObject) -> None:
    """A letter that is left out of a name is a slip, in either direction; a digit is none."""
    at = data.draw(st.integers(0, len(name) - 1).filter(lambda at: name[at] != "_"))
    assert is_slip(name[:at] + name[at + 1 :], name)
    assert is_slip(name, name[:at] + name[at + 1 :])
    assert not is_slip(f"{name}1", name)


def test_name_without_letters() -> None:
    """Every name ends with the empty one, which is near to none but a letter."""
    assert near_names("CustomerID", ["", "CustomerName"]) == ()
