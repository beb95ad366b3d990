"""Says which extra of mapgen brings a package that is missing.

The base is what a host needs that only runs flows. What else there is comes with extras, and only
the commands that need it import it.
"""

from __future__ import annotations

import re
import traceback
from collections.abc import Mapping, Sequence, Set
from importlib.metadata import requires

from mapgen.report import Stopped
from mapgen.report.catalogue import project

_OF_COMMANDS: Mapping[str, str] = {"mapgen.cli.serve": "serve", "mapgen.cli.worker": "worker"}
"""The extra that brings all a command needs, whichever others bring parts of it."""
_NAMES: Mapping[str, str] = {"psycopg_pool": "procrastinate", "botocore": "boto3"}
"""Packages that others bring with them."""
_FIRST = ("compile", "sandbox", "serve", "postgres", "worker", "excel", "sftp", "s3", "otel")
"""The extras for hosts, those first that bring less."""
_REQUIREMENT = re.compile(r"([\w.-]+)(?:\[([\w,-]+)\])?.*; extra == .(\w+).")


def reported(error: Exception) -> Exception:
    """Return what an error means for a user: the missing extra (E531), or the error itself."""
    package = (error.name or "").partition(".")[0] if isinstance(error, ImportError) else ""
    extras = [one for one in _FIRST if _NAMES.get(package, package) in _packages(one)]
    if not extras:
        return error
    return Stopped(project.extra_missing(package=package, extra=_extra(error, extras)))


def _extra(error: Exception, extras: Sequence[str]) -> str:
    """Return the extra of the command that lacks a package, or else the package's own."""
    for frame, _ in traceback.walk_tb(error.__traceback__):
        extra = _OF_COMMANDS.get(frame.f_globals.get("__name__", ""))
        if extra is not None and extra in extras:
            return extra
    return extras[0]


def _packages(extra: str) -> Set[str]:
    """Return the packages that an extra brings, by the names that they are imported by."""
    found: set[str] = set()
    for line in requires("mapgen") or ():
        match _REQUIREMENT.fullmatch(line):
            case None:
                continue
            case one if one[3] != extra:
                continue
            case one if one[1] == "mapgen":
                found.update(*map(_packages, one[2].split(",")))
            case one:
                found.add(one[1].replace("-", "_"))
    return found
