"""Signs clients in and out: OAuth grants, and sessions that occupy places of the licence."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta

import msgspec

from mapgen.sandbox.errors import Refused, login_limit, not_signed_in
from mapgen.sandbox.records import Store
from mapgen.sandbox.settings import Settings

_GRANT_DAYS = 30
_SCOPES = frozenset({"api", "offline_access"})


class Grant(msgspec.Struct):
    """What a person's sign-in through OAuth allows; it is kept in the state file.

    `tokens` are access tokens with the end of their life. The chain of refreshes ends at `ends`.
    """

    id: str
    scope: str
    ends: datetime
    tokens: dict[str, datetime] = {}
    refresh_token: str | None = None


class Door:
    """Signs in and out, and says which session a request belongs to."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self._settings = settings
        self._store = store
        self._last_used: dict[str, datetime] = {}
        self._grants = {
            name: msgspec.convert(fact, Grant) for name, fact in store.facts("grant").items()
        }

    @property
    def sessions(self) -> int:
        """Return how many sessions are alive: an idle one ends after its time."""
        oldest = self._settings.now() - timedelta(seconds=self._settings.idle_seconds)
        self._last_used = {name: at for name, at in self._last_used.items() if at >= oldest}
        return len(self._last_used)

    def open(self, authorization: str | None) -> str:
        """Let a request in, and return its session; the first one with a token opens it.

        Raises Refused: 401 without a valid token, and where the licence has no place left.
        """
        name, places = self._session(authorization), self._settings.limits.sessions
        alive = self.sessions
        if name not in self._last_used and places is not None and alive >= places:
            raise login_limit()
        self._last_used[name] = self._settings.now()
        return name

    def sign_out(self, authorization: str | None) -> None:
        """End the session of a token, if there is one. Raises Refused (401) for a bad token."""
        self._last_used.pop(self._session(authorization), None)

    def token(self, form: Mapping[str, str]) -> dict[str, object]:
        """Answer a token request. Raises Refused (400) with the OAuth error's name."""
        credentials = self._settings.credentials
        pair = (form.get("client_id"), form.get("client_secret"))
        if pair != (credentials.client_id, credentials.client_secret):
            raise _refused("invalid_client")
        match form.get("grant_type"):
            case "password":
                return self._password_grant(form)
            case "refresh_token":
                return self._refresh_grant(form.get("refresh_token", ""))
            case _:
                raise _refused("unsupported_grant_type")

    def _password_grant(self, form: Mapping[str, str]) -> dict[str, object]:
        credentials = self._settings.credentials
        scopes = form.get("scope", "").split()
        if "api" not in scopes or not _SCOPES.issuperset(scopes):
            raise _refused("invalid_scope")
        name = form.get("username", "").split("@")[0]
        if (name, form.get("password")) != (credentials.username, credentials.password):
            raise _refused("invalid_grant")
        ends = self._settings.now() + timedelta(days=_GRANT_DAYS)
        grant = Grant(secrets.token_hex(16), " ".join(scopes), ends)
        self._grants[grant.id] = grant
        return self._issue(grant)

    def _refresh_grant(self, token: str) -> dict[str, object]:
        """Rotate: the old refresh token is worth nothing from now on."""
        for grant in self._grants.values():
            if token and grant.refresh_token == token and grant.ends >= self._settings.now():
                return self._issue(grant)
        raise _refused("invalid_grant")

    def _issue(self, grant: Grant) -> dict[str, object]:
        now = self._settings.now()
        grant.tokens = {token: ends for token, ends in grant.tokens.items() if ends > now}
        token = secrets.token_urlsafe(32)
        grant.tokens[token] = now + timedelta(seconds=self._settings.token_seconds)
        answer: dict[str, object] = {
            "access_token": token,
            "expires_in": self._settings.token_seconds,
            "token_type": "Bearer",
            "scope": grant.scope,
        }
        if "offline_access" in grant.scope.split():
            grant.refresh_token = secrets.token_urlsafe(32)
            answer["refresh_token"] = grant.refresh_token
        self._store.keep("grant", grant.id, grant)
        return answer

    def _session(self, authorization: str | None) -> str:
        """Return what the session of a token is called. Raises Refused (401) for a bad token."""
        kind, _, token = (authorization or "").partition(" ")
        token = token.strip()
        grant = next((each for each in self._grants.values() if token in each.tokens), None)
        if kind.lower() != "bearer" or grant is None or grant.tokens[token] <= self._settings.now():
            raise not_signed_in()
        # One session lives on across refreshes, or dies with the one token there is.
        return token if grant.refresh_token is None else grant.id


def _refused(error: str) -> Refused:
    return Refused(400, {"error": error})
