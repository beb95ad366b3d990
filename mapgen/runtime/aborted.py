"""What stops a run as a whole: a sentence on what happened, and what a person does next."""

from __future__ import annotations

from mapgen.runtime.summary import Summary


class RunAborted(Exception):
    """A run cannot go on; the ledger holds everything that it had taken over.

    `code` is an `R5xx` of the catalogue, `message` says what was found, `help` what to do next.
    Neither ever holds a secret or a personal value. `summary` is what had been done by then.
    """

    code = "R500"

    def __init__(self, message: str, help: str) -> None:
        super().__init__(message)
        self.message = message
        self.help = help
        self.summary: Summary | None = None


class EnvironmentInvalid(RunAborted):
    """The environment is incomplete or contradicts itself; no request was made."""

    code = "R501"


class SignInRefused(RunAborted):
    """The tenant does not let this application or this user in."""

    code = "R502"


class AccessRefused(RunAborted):
    """The tenant refuses every request of this kind: a right, a feature or a set-up is missing."""

    code = "R503"


class TenantUnavailable(RunAborted):
    """The tenant did not answer properly again and again, whichever document was sent."""

    code = "R504"


class LedgerFailed(RunAborted):
    """The ledger cannot be opened, read or written."""

    code = "R505"


class NotBuilt(RunAborted):
    """The plan asks for something that this version of the runtime does not do."""

    code = "R506"


class LogFailed(RunAborted):
    """The log of events cannot be written."""

    code = "R507"


class FeedFailed(RunAborted):
    """What records come from cannot be read; what came before is taken."""

    code = "R508"


class FilesFailed(RunAborted):
    """Files cannot be written where documents go, or not be published."""

    code = "R509"


class Terminated(KeyboardInterrupt):
    """The run was asked to end by a signal that is not Ctrl-C; `number` is the signal's."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number
