"""The ways of a run, opened: to the ERP where it is asked anything, and to where documents go."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager

from msgspec import Struct

from mapgen.agreed.plan import Plan
from mapgen.runtime.aborted import NotBuilt
from mapgen.runtime.environment import Api, Environment, FolderPlace, S3Place, SftpPlace
from mapgen.runtime.events import TechnicalEvent, untold
from mapgen.runtime.ledger import Ledger
from mapgen.runtime.network.api import HttpApi
from mapgen.runtime.storage.opening import opened as opened_storage
from mapgen.runtime.targets.erp import ErpTarget
from mapgen.runtime.targets.fetching import Files
from mapgen.runtime.targets.file import FileTarget
from mapgen.runtime.targets.http import HttpTarget
from mapgen.runtime.targets.kind import Target
from mapgen.runtime.tenant import Connection


class Opened(Struct, frozen=True):
    """Where the documents of a run go, and where it asks: the ERP where it has a tenant, APIs."""

    target: Target | FileTarget
    erp: Connection | None
    apis: Mapping[str, HttpApi]

    @property
    def asked(self) -> Target:
        """The target, of which documents are asked one by one: files are not read again."""
        assert not isinstance(self.target, FileTarget), "nothing is asked of files"
        return self.target


@contextmanager
def opened(
    environment: Environment,
    plan: Plan,
    ledger: Ledger,
    *,
    stop: threading.Event,
    tell: Callable[[TechnicalEvent], None] = untold,
) -> Iterator[Opened]:
    """Open the ways of a run until the block ends; the ERP is signed in to when first asked.

    What each system allows is shared with all processes that have the `ledger`.

    Raises NotBuilt for a target that nothing is delivered to.
    """
    with ExitStack() as stack:
        erp = None
        tenant = environment.tenant
        if tenant is not None:
            name, limits = f"{tenant.tenant} {tenant.url}", environment.limits
            limiter, seat = ledger.licence(name, limits), ledger.seat(name, limits)
            erp = stack.enter_context(
                Connection(environment, plan, stop=stop, tell=tell, limiter=limiter, seat=seat)
            )
        apis = {}
        for name, api in environment.apis.items():
            limiter = ledger.licence(f"{name} {api.url}", api.limits)
            way = HttpApi(api, plan, stop=stop, tell=tell, limiter=limiter)
            apis[name] = stack.enter_context(way)
        match plan.target:
            case "erp" if erp is not None:
                files = Files(environment.root, environment.files, apis)
                stack.callback(files.close)
                target: Target | FileTarget = ErpTarget(erp, plan.verify != "off", files)
            case "http" if isinstance(environment.to, Api):
                target = HttpTarget(apis[environment.to.name], plan.flow)
            case "file" if isinstance(environment.to, FolderPlace | SftpPlace | S3Place):
                storage = stack.enter_context(opened_storage(environment.to))
                target = FileTarget(storage, plan, stop=stop, tell=tell)
            case kind:
                raise NotBuilt(
                    f"documents of the flow `{plan.flow}` go to a target of kind `{kind}`, and"
                    " nothing delivers them there",
                    "say in the spec where they are sent: `send:` of the target",
                )
        yield Opened(target, erp, apis)
