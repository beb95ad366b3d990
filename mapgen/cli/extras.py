"""Says which extra of mapgen brings a package that is missing.

The base is what a host needs that only runs flows. What else there is comes with extras, and only
the commands that need it import it.
"""

from __future__ import annotations

import traceback
from collections.abc import Mapping

from mapgen.report import Stopped
from mapgen.report.catalogue import project

_EXTRAS: Mapping[str, str] = {
    "asyncssh": "sftp",
    "black": "compile",
    "boto3": "s3",
    "botocore": "s3",
    "hypothesis": "compile",
    "jinja2": "compile",
    "jsonschema": "compile",
    "jsonschema_rs": "compile",
    "procrastinate": "worker",
    "psycopg": "postgres",
    "psycopg_pool": "worker",
    "python_calamine": "excel",
    "croniter": "serve",
    "prometheus_client": "serve",
    "standardwebhooks": "serve",
    "starlette": "sandbox",
    "uvicorn": "sandbox",
}
_OF_SERVE = frozenset({"croniter", "jinja2", "standardwebhooks", "starlette", "uvicorn"})
_OF_COMMANDS: Mapping[str, tuple[str, frozenset[str]]] = {
    "mapgen.cli.serve": ("serve", _OF_SERVE),
    "mapgen.cli.worker": ("worker", _OF_SERVE | {"procrastinate", "psycopg", "psycopg_pool"}),
}
"""The extra that brings all a command needs, and its packages, which other extras may bring too."""


def told(error: Exception) -> Exception:
    """Return what an error means for a user: the missing extra (E531), or the error itself."""
    package = (error.name or "").partition(".")[0] if isinstance(error, ImportError) else ""
    if package not in _EXTRAS:
        return error
    return Stopped(project.extra_missing(package=package, extra=_extra(error, package)))


def _extra(error: Exception, package: str) -> str:
    """Return the extra of the command that lacks a package, or else the package's own."""
    for frame, _ in traceback.walk_tb(error.__traceback__):
        extra, packages = _OF_COMMANDS.get(frame.f_globals.get("__name__", ""), ("", frozenset()))
        if package in packages:
            return extra
    return _EXTRAS[package]
