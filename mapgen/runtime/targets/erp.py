"""The ERP as a target: documents go out in the session with the tenant."""

from __future__ import annotations

from msgspec import Struct

from mapgen.agreed.plan import DocumentPlan, Step
from mapgen.runtime.rules import Rules
from mapgen.runtime.targets.fetching import Files
from mapgen.runtime.targets.kind import Actor
from mapgen.runtime.tenant import Client, Connection
from mapgen.runtime.tenant.action import Action
from mapgen.runtime.tenant.attachment import Attachment


class ErpTarget(Struct, frozen=True):
    """The tenant of a run; what it has answered as saved, it keeps by itself.

    `files` are the places of those that are attached.
    """

    connection: Connection
    verifies: bool
    files: Files

    def writer(self, document: DocumentPlan, rules: Rules, shown: tuple[str, ...] = ()) -> Client:
        """Return what writes a document of the flow; look-ups show some fields besides."""
        return Client(self.connection, document, rules, verifies=self.verifies, shown=shown)

    def actor(self, document: DocumentPlan, step: Step, rules: Rules) -> Actor:
        """Return what does a step after a document of the flow."""
        if step.attached is not None:
            return Attachment(self.connection, document, step, rules, self.files)
        return Action(self.connection, document, step, rules)
