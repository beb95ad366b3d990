"""The delivery: outcomes in, documents in the tenant and a summary out, whatever dies meanwhile."""

from mapgen.runtime.delivery.deliver import Mapped, deliver
from mapgen.runtime.delivery.gate import Gate

__all__ = ["Gate", "Mapped", "deliver"]
