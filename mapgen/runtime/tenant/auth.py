"""The session with the tenant: signing in, refreshing the token, signing out."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Annotated, Protocol

import httpx2
import msgspec
from msgspec.structs import replace

from mapgen.runtime.aborted import SignInRefused
from mapgen.runtime.environment import Tenant
from mapgen.runtime.events import TechnicalEvent
from mapgen.runtime.network.reading import Unreadable, decoded
from mapgen.runtime.network.transport import UNMETERED
from mapgen.runtime.network.verdict import Failure, Verdict
from mapgen.runtime.network.wire import Wire
from mapgen.runtime.tenant.classify import classify

_LONGEST_MARGIN = 120.0
_TOKEN_PATH = "/identity/connect/token"
_SIGN_OUT_PATH = "/entity/auth/logout"
_SIGN_OUT_TRIES = 2
_SIGN_OUT_TIMEOUT = 15.0


class _Token(msgspec.Struct, frozen=True):
    """The token endpoint's answer, `expires_in` in seconds."""

    access_token: Annotated[str, msgspec.Meta(pattern=r"^[!-~]+\Z")]
    expires_in: float = 3600.0
    refresh_token: str | None = None


class _OAuthError(msgspec.Struct, frozen=True):
    """The token endpoint's refusal (RFC 6749, section 5.2)."""

    error: str | None = None


class Seat(Protocol):
    """A place among the sessions that the licence allows."""

    def take(self, stop: threading.Event) -> None:
        """Wait for it. Raises Stopping."""

    def leave(self) -> None:
        """Give it back."""


class Session:
    """The one session of a process with a tenant: password grant, refresh, sign-out.

    Threads and runs share it; whoever finds the token near its end refreshes it while the others
    wait. With a `seat`, it is taken before a sign-in; who holds the session gives it back.
    """

    def __init__(
        self,
        tenant: Tenant,
        tell: Callable[[TechnicalEvent], None],
        seat: Seat | None = None,
    ) -> None:
        self._tenant = tenant
        self.tell = tell
        self._seat = seat
        self._turn = threading.Lock()
        self._token: _Token | None = None
        self._refresh_at = 0.0
        self._opened = 0

    @property
    def is_open(self) -> bool:
        """Whether it was signed in."""
        return self._token is not None

    def bearer(self, way: Wire, stop: threading.Event) -> tuple[str, int]:
        """Return a token that does not expire soon, signing in or refreshing where it must.

        With it comes the number of the session that the token belongs to: a refresh keeps the
        session, a sign-in opens another one, in which the ids of rows have no meaning.
        `way` is that of the run which asks; raises what sending raises, Failure for a passing
        error, SignInRefused where a person has to look after the credentials, and Stopping where
        no session of the licence was free until `stop`.
        """
        with self._turn:
            if self._token is None:
                if self._seat is not None:
                    self._seat.take(stop)
                self._keep(self._sign_in(way), "signed in")
            elif time.monotonic() >= self._refresh_at:
                self._keep(self._refresh(self._token, way), "token refreshed")
            assert self._token is not None
            return self._token.access_token, self._opened

    def forget(self, token: str) -> None:
        """Drop a token that the tenant no longer takes, unless it was replaced meanwhile."""
        with self._turn:
            if self._token is not None and self._token.access_token == token:
                self._token = None
                self.tell(TechnicalEvent("session lost, signing in again", "warning"))

    def sign_out(self, http: httpx2.Client | None = None) -> None:
        """Give the licence's session back, by a way of its own; a failure is told, not raised."""
        # A thread that hangs in a token request keeps the turn; its session ends by itself.
        has_turn = self._turn.acquire(timeout=_SIGN_OUT_TIMEOUT)
        token, self._token = self._token, None
        if has_turn:
            self._turn.release()
        if token is None:
            return
        if http is not None:
            self._sign_out(token, http)
            return
        with httpx2.Client() as own:
            self._sign_out(token, own)

    def _sign_out(self, token: _Token, http: httpx2.Client) -> None:
        for _ in range(_SIGN_OUT_TRIES):
            try:
                answer = http.post(
                    self._tenant.url + _SIGN_OUT_PATH,
                    # The web server declines a POST that does not state its length.
                    headers={
                        "Authorization": f"Bearer {token.access_token}",
                        "Content-Length": "0",
                    },
                    timeout=_SIGN_OUT_TIMEOUT,
                    extensions={UNMETERED: _SIGN_OUT_TIMEOUT},
                )
            except httpx2.HTTPError as error:
                outcome: str | int = type(error).__name__
                continue
            outcome = answer.status_code
            if answer.is_success or answer.status_code == 401:
                self.tell(TechnicalEvent("signed out"))
                return
        facts = {"outcome": outcome}
        self.tell(TechnicalEvent("not signed out, the session ends by itself", "warning", facts))

    def _keep(self, token: _Token, name: str) -> None:
        self._token = token
        margin = min(_LONGEST_MARGIN, token.expires_in / 4)
        self._refresh_at = time.monotonic() + token.expires_in - margin
        self.tell(TechnicalEvent(name, facts={"expires_in": token.expires_in}))

    def _sign_in(self, way: Wire) -> _Token:
        grant = {
            "grant_type": "password",
            "username": self._tenant.username,
            "password": self._tenant.password,
            "scope": self._tenant.scope,
        }
        token = self._ask(grant, way)
        self._opened += 1
        return token

    def _refresh(self, old: _Token, way: Wire) -> _Token:
        if old.refresh_token is None:
            return self._sign_in(way)
        try:
            grant = {"grant_type": "refresh_token", "refresh_token": old.refresh_token}
            token = self._ask(grant, way)
        except SignInRefused:
            # A refresh token ends for many reasons (used twice, 30 days over, the user changed);
            # the password may still hold. If not, that says so.
            return self._sign_in(way)
        # Refresh tokens rotate: the old one is void once a new one came.
        return token if token.refresh_token else msgspec.structs.replace(
            token, refresh_token=old.refresh_token
        )  # fmt: skip

    def _ask(self, grant: dict[str, str], way: Wire) -> _Token:
        application = {
            "client_id": self._tenant.client_id,
            "client_secret": self._tenant.client_secret,
        }
        request = way.http.build_request(
            "POST", self._tenant.url + _TOKEN_PATH, data=grant | application
        )
        try:
            answer = way.send(request)
        except Failure as failure:
            raise Failure(_before_all_else(failure.verdict)) from None
        if answer.is_success:
            try:
                return decoded(answer.content, _Token, strict=False)
            except Unreadable:
                verdict = Verdict("transient", "none", "the token endpoint gave no token")
                raise Failure(_before_all_else(verdict)) from None
        self._refuse(answer)
        verdict = classify(answer)
        if verdict.kind == "unexplained":
            words = (
                f"signing in failed with status {answer.status_code}: all sessions of the licence"
                " may be in use, or the credentials are wrong"
            )
            verdict = replace(verdict, kind="transient", reason=words)
        if verdict.kind == "transient":
            raise Failure(_before_all_else(verdict))
        raise SignInRefused(
            f"signing in to `{self._tenant.url}` failed: {verdict.reason}"
            f" (status {answer.status_code})",
            "check the user's credentials, and that the connected application exists (SM303010)",
        )

    def _refuse(self, answer: httpx2.Response) -> None:
        """Raise SignInRefused for the refusals that OAuth names."""
        if answer.status_code == 404:
            raise SignInRefused(
                f"there is no sign-in at `{self._tenant.url}{_TOKEN_PATH}` (status 404)",
                "check the address of the instance, with the name of its site",
            )
        try:
            error = decoded(answer.content, _OAuthError).error
        except Unreadable:
            return
        match error:
            case "invalid_client":
                raise SignInRefused(
                    f"the tenant `{self._tenant.tenant}` does not know the application, or its"
                    " secret is wrong (invalid_client)",
                    "compare client id and secret with Connected Applications (SM303010); the id"
                    " ends with @ and the tenant's name",
                )
            case "invalid_grant":
                raise SignInRefused(
                    f"the tenant `{self._tenant.tenant}` refuses the user name or the password"
                    " (invalid_grant)",
                    "check the user (SM201010): password, state, and that API access is allowed",
                )
            case "unauthorized_client" | "unsupported_grant_type" | "invalid_scope":
                raise SignInRefused(
                    f"the connected application may not sign in this way ({error})",
                    "set its OAuth 2.0 flow to Resource Owner Password Credentials, and allow"
                    " the scopes api and offline_access",
                )
            case _:
                return


def _before_all_else(verdict: Verdict) -> Verdict:
    """A sign-in that failed: the request it was for has not been made, and none can be."""
    return replace(verdict, effect="none", is_unreachable=True)
