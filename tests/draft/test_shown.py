"""A record that may be shown: nothing of the person whom it is about is left in it."""

from __future__ import annotations

from mapgen.draft.examples import shown_record


def test_a_plain_name_beside_what_is_of_a_person() -> None:
    """A name is that of a person where an e-mail address, a number or a birthday is by it."""
    given = {"name": "Mary-Jane O'Neil", "birthdate": "1961-07-19", "city": "Bend"}

    shown = shown_record({"no": "7", "buyer": given}, "order")

    assert shown == {"no": "7", "buyer": {**given, "name": "Ada Poole", "birthdate": "1990-01-31"}}
    assert shown_record(given, "record")["name"] == "Ada Poole"


def test_other_names_are_left() -> None:
    """A number of an order, and what a thing is called, are no names of persons."""
    order = {"name": "#1001", "item": {"name": "Blue Mug"}}

    assert shown_record({**order, "email": "mary@example.org"}, "order") == {
        **order,
        "email": "ada@example.com",
    }
