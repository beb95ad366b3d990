"""Says which extra of mapgen brings a package that is missing.

The base is what a host needs that only runs flows. What else there is comes with extras, and only
the commands that need it import it.
"""

from __future__ import annotations

from collections.abc import Mapping

from mapgen.report import Stopped
from mapgen.report.catalogue import project

_EXTRAS: Mapping[str, str] = {
    "black": "compile",
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


def told(error: Exception) -> Exception:
    """Return what an error means for a user: the missing extra (E531), or the error itself."""
    package = (error.name or "").partition(".")[0] if isinstance(error, ImportError) else ""
    if package not in _EXTRAS:
        return error
    return Stopped(project.extra_missing(package=package, extra=_EXTRAS[package]))
