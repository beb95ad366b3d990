"""The structs of a module as data; two versions of one in, the struct that both fit into out."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace


class Member(Struct, frozen=True):
    """One member of a class: its name and annotation, with a default or without."""

    name: str
    annotation: str
    default: str | None = None
    encoded_as: str | None = None


class Class(Struct, frozen=True):
    """A struct of the module; `is_shared`: blocks that set different members make it."""

    name: str
    doc: str
    members: tuple[Member, ...]
    is_shared: bool = False

    @property
    def renames(self) -> tuple[Member, ...]:
        """The members whose JSON names are no Python names or differ from them."""
        return tuple(member for member in self.members if member.encoded_as is not None)


def merged(one: Class, other: Class) -> Class:
    """Return the class of both: a member that one of them lacks may be left unset."""
    members = {member.name: member for member in one.members}
    others = {member.name: member for member in other.members}
    both = (
        _merged(members.get(name), others.get(name)) for name in dict.fromkeys((*members, *others))
    )
    return replace(one, members=tuple(both))


def _merged(one: Member | None, other: Member | None) -> Member:
    known = [member for member in (one, other) if member is not None]
    kinds = dict.fromkeys(kind for member in known for kind in _kinds(member.annotation))
    default = next((member.default for member in known if member.default is not None), None)
    if len(known) < 2:
        default = "UNSET"
    if default is not None:
        kinds["UnsetType"] = None
    if "UnsetType" in kinds:
        del kinds["UnsetType"]
        kinds["UnsetType"] = None
    return replace(known[0], annotation=" | ".join(kinds), default=default)


def _kinds(annotation: str) -> list[str]:
    """Return what is between the bars that are in no brackets."""
    found, depth = [""], 0
    for letter in annotation:
        depth += (letter == "[") - (letter == "]")
        if letter == "|" and depth == 0:
            found.append("")
        else:
            found[-1] += letter
    return [kind.strip() for kind in found]
