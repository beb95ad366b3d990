"""An entity of the ERP: its records are the ERP's answers, JSON whose values are wrapped."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from mapgen.plan import Plan
from mapgen.runtime.sources.json import JsonFiles, RemadeRecords
from mapgen.runtime.sources.source import Source
from mapgen.runtime.wrapped import unwrapped


@dataclass(frozen=True, slots=True)
class AnswerFiles(JsonFiles):
    """Files of what the ERP answers."""

    def source(self, plan: Plan, kind: type[msgspec.Struct]) -> Source:
        """Return the source of a flow that reads an entity."""
        assert plan.reads is not None
        shape = plan.reads.shape
        return RemadeRecords(self, plan, kind, lambda value: unwrapped(value, shape))
