"""The delivery of a flow's documents to the tenant, each once, whatever dies meanwhile."""

from mapgen.runtime.delivery.deliver import Mapped, deliver
from mapgen.runtime.delivery.gate import Gate

__all__ = ["Gate", "Mapped", "deliver"]
