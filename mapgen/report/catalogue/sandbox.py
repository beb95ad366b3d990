"""What the sandbox says about its seed, its state file and injected failures: E521 to E524."""

from __future__ import annotations

from mapgen.report.diagnostic import Diagnostic


def unreadable_seed(path: str, reason: str) -> Diagnostic:
    """E521: the seed file is absent or is not a JSON object of lists."""
    return Diagnostic(
        code="E521",
        message=f"the seed `{path}` cannot be used: {reason}",
        path=path,
        help="the seed is one JSON object: entity names and lists of plain objects",
    )


def unfit_seed_fact(path: str, place: str, reason: str, help: str | None = None) -> Diagnostic:
    """E522: a fact of the seed does not fit the tenant; `place`: `Customer[3].CustomerID`."""
    return Diagnostic(
        code="E522",
        message=f"the seed's `{place}` does not fit the tenant: {reason}",
        path=path,
        help=help,
    )


def foreign_state(path: str) -> Diagnostic:
    """E523: the state file is a database, but not one of a sandbox of this version."""
    return Diagnostic(
        code="E523",
        message=f"the state file `{path}` is a database that this sandbox did not write",
        path=path,
        help="name another file: a new one is made",
    )


def unusable_state(path: str, reason: str) -> Diagnostic:
    """E523: the state file cannot be opened or is no database."""
    return Diagnostic(
        code="E523",
        message=f"the state file `{path}` cannot be used: {reason}",
        path=path,
        help="name another file in a folder that can be written: a new one is made",
    )


def unreadable_failure(words: str, reason: str, path: str | None = None) -> Diagnostic:
    """E524: a failure to inject is not written as `KIND[=VALUE]@METHOD:TARGET:WHICH`."""
    return Diagnostic(
        code="E524",
        message=f"the injected failure `{words}` cannot be read: {reason}",
        path=path,
        help="write it like `drop@PUT:SalesOrder:3` or `slow=2.5@*:*:every 10`",
    )
