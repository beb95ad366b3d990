"""The console: pages over a ledger for operators; who signs in may replay, discard, acknowledge."""

from mapgen.service.console.guard import Gate
from mapgen.service.console.pages import Console
from mapgen.service.console.signin import SignIn

__all__ = ["Console", "Gate", "SignIn"]
