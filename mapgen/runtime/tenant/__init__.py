"""One tenant of the ERP over HTTP: within its licence, signed in once, signed out always."""

from mapgen.runtime.tenant.client import Client

__all__ = ["Client"]
