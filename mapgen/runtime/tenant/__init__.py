"""One tenant of the ERP over HTTP: within its licence, signed in once, signed out always."""

from mapgen.runtime.tenant.client import Client
from mapgen.runtime.tenant.connection import Connection

__all__ = ["Client", "Connection"]
