"""E401-E409: OpenAPI documents, contract locks and overlays; E511-E513: the files they are in."""

from __future__ import annotations

from collections.abc import Iterable

from mapgen.report.diagnostic import Diagnostic, Label
from mapgen.report.near import suggestion


def not_openapi(reason: str, label: Label) -> Diagnostic:
    """E401: the JSON is no OpenAPI document of a contract-based endpoint."""
    return Diagnostic(
        "E401",
        f"this is not the OpenAPI document of an ERP endpoint: {reason}",
        label,
        notes=("understood are OpenAPI 3.0 and Swagger 2.0, of contract versions 4 and 5",),
        help="fetch it from the tenant: `GET /entity/{endpoint}/{version}/swagger.json`",
    )


def malformed_openapi(reason: str, label: Label) -> Diagnostic:
    """E402: the OpenAPI document is not shaped as the ERP shapes it."""
    return Diagnostic(
        "E402",
        f"the OpenAPI document is not shaped as the ERP writes it: {reason}",
        label,
        help="fetch the document again, and leave it as the ERP wrote it",
    )


def unknown_wrapper(name: str, fields: tuple[str, ...], label: Label) -> Diagnostic:
    """E403: a field is of a type that no contract version has."""
    more = "" if len(fields) == 1 else f" and {len(fields) - 1} more"
    return Diagnostic(
        "E403",
        f"`{fields[0]}`{more} is of type `{name}`, neither a known value type nor an entity",
        label,
        notes=("a value type that is not known cannot be checked or converted",),
        help="ask for support of the type, or import an endpoint without the field",
    )


def unknown_entity(name: str, known: Iterable[str], endpoint: str) -> Diagnostic:
    """E404: an entity was asked for that the endpoint does not have."""
    return Diagnostic(
        "E404",
        f"the endpoint `{endpoint}` has no entity `{name}`",
        help=suggestion(name, known),
    )


def malformed_lock(reason: str, label: Label) -> Diagnostic:
    """E405: a contract lock does not have the shape of one."""
    return Diagnostic(
        "E405",
        f"the contract lock is malformed: {reason}",
        label,
        help="make it anew with `mapgen contract import`; facts of your own belong in the overlay",
    )


def lock_of_another_format(found: int, understood: int, label: Label) -> Diagnostic:
    """E406: a contract lock is of a format that this version does not read."""
    return Diagnostic(
        "E406",
        f"the contract lock is of format {found}, and this mapgen reads format {understood}",
        label,
        help="make it anew with `mapgen contract import`",
    )


def edited_lock(label: Label) -> Diagnostic:
    """E593: a contract lock that is not as it was written."""
    return Diagnostic(
        "E593",
        "the contract lock was changed by hand: its content has another checksum",
        label,
        help="make it anew with `mapgen contract import`; facts of your own belong in the overlay",
    )


def malformed_overlay(reason: str, label: Label, help_line: str | None = None) -> Diagnostic:
    """E407: an overlay is not YAML, or not shaped as one."""
    return Diagnostic("E407", f"the overlay is malformed: {reason}", label, help=help_line)


def unknown_in_overlay(what: str, name: str, known: Iterable[str], label: Label) -> Diagnostic:
    """E408: an overlay names what the contract does not have."""
    return Diagnostic(
        "E408",
        f"{what} has no `{name}`",
        label,
        notes=("an overlay may only state facts about what the contract has",),
        help=suggestion(name, known),
    )


def contradiction_in_overlay(
    reason: str, label: Label, related: tuple[Label, ...] = ()
) -> Diagnostic:
    """E409: a fact of the overlay cannot be true of what it is said of."""
    return Diagnostic("E409", f"the overlay contradicts the contract: {reason}", label, related)


def unreadable(path: str, reason: str) -> Diagnostic:
    """E511: a file of a contract cannot be read or written."""
    return Diagnostic(
        "E511",
        f"`{path}` {reason}",
        path=path,
        help="paths are taken from the folder the command is run in",
    )


def not_json(reason: str, label: Label) -> Diagnostic:
    """E512: a file that has to be JSON is not."""
    return Diagnostic(
        "E512",
        f"this is not JSON: {reason}",
        label,
        help="is the file whole? JSON has no comments, and no comma behind the last member",
    )


def malformed_metadata(reason: str, label: Label) -> Diagnostic:
    """E513: a key file or a metadata file is not shaped as one."""
    return Diagnostic(
        "E513",
        f"the file is not what it was given as: {reason}",
        label,
        notes=(
            "`--keys` takes `{entity: [key field, ...]}`",
            "`--metadata` takes `{entity: {fields: {field: {type, label, sql}}}}`",
        ),
    )
