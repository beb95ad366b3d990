"""The ways of a run, opened: to the ERP where it is asked anything, and to where documents go."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from mapgen.agreed.plan import Plan
from mapgen.runtime.aborted import NotBuilt
from mapgen.runtime.environment import Api, Environment
from mapgen.runtime.events import TechnicalEvent
from mapgen.runtime.network.rate_limit import RateLimiter
from mapgen.runtime.targets.erp import ErpTarget
from mapgen.runtime.targets.http import HttpTarget
from mapgen.runtime.targets.kind import Target
from mapgen.runtime.tenant import Connection


@dataclass(frozen=True, slots=True)
class Opened:
    """Where the documents of a run go, and the ERP where the run has a tenant."""

    target: Target
    erp: Connection | None


@contextmanager
def opened(
    environment: Environment,
    plan: Plan,
    *,
    stop: threading.Event,
    tell: Callable[[TechnicalEvent], None],
    limiter: RateLimiter | None = None,
) -> Iterator[Opened]:
    """Open the ways of a run until the block ends; the ERP is signed in to when first asked.

    `limiter` is what the ERP's licence gives to this process.

    Raises NotBuilt for a target that nothing is delivered to.
    """
    with ExitStack() as stack:
        erp = None
        if environment.tenant is not None:
            erp = stack.enter_context(
                Connection(environment, plan, stop=stop, tell=tell, limiter=limiter)
            )
        match plan.target:
            case "erp" if erp is not None:
                target: Target = ErpTarget(erp, plan.verify != "off")
            case "http" if isinstance(environment.to, Api):
                target = stack.enter_context(HttpTarget(environment.to, plan, stop=stop, tell=tell))
            case kind:
                raise NotBuilt(
                    f"documents of the flow `{plan.flow}` go to a target of kind `{kind}`, and"
                    " nothing delivers them there",
                    "say in the spec where they are sent: `send:` of the target",
                )
        yield Opened(target, erp)
