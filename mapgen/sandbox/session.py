"""Signing in: credentials and tokens, in; sessions that occupy places of the licence, out."""

from __future__ import annotations

import secrets
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import cast

import msgspec

from mapgen.sandbox.errors import Refused, http_error, login_limit, not_signed_in
from mapgen.sandbox.records import Store
from mapgen.sandbox.settings import Settings

COOKIE = ".ASPXAUTH"
_GRANT_DAYS = 30
_SCOPES = frozenset(
    {"api", "offline_access", "api:concurrent_access", "openid", "profile", "email", "phone"}
)


@dataclass(slots=True)
class Session:
    """A place in the licence. `operations` are long operations in progress, by entity.

    A session that `is_tracked` is one of several of a grant, told apart by its cookie.
    """

    id: str
    last_used: datetime
    is_tracked: bool = False
    operations: dict[str, str] = field(default_factory=dict)


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
    """Signs in and out, by cookie and by OAuth, and tells which session a request belongs to."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self._settings = settings
        self._store = store
        self._sessions: dict[str, Session] = {}
        self._grants = {
            name: msgspec.convert(fact, Grant) for name, fact in store.facts("grant").items()
        }

    @property
    def sessions(self) -> list[Session]:
        """Return the sessions that are alive: an idle one ends after its time."""
        oldest = self._settings.now() - timedelta(seconds=self._settings.idle_seconds)
        for session in [each for each in self._sessions.values() if each.last_used < oldest]:
            del self._sessions[session.id]
        return list(self._sessions.values())

    def sign_in(self, body: Mapping[str, object]) -> Session:
        """Open a session for a name and password. Raises Refused (500), as recorded."""
        credentials = self._settings.credentials
        if (body.get("name"), body.get("password")) != (credentials.username, credentials.password):
            raise http_error("Error: Invalid credentials. Please try again.")
        self._check_tenant(body.get("tenant", body.get("company")))
        return self._open(secrets.token_hex(16))

    def sign_out(self, session: Session) -> None:
        self._sessions.pop(session.id, None)

    def session(
        self, authorization: str | None, cookies: Mapping[str, str], *, is_open: bool = True
    ) -> Session:
        """Return the session of a request; a bearer token opens one where `is_open` asks for it.

        Raises Refused: 401 without a valid sign-in, and where the licence has no place left.
        """
        if authorization is not None and authorization.lower().startswith("bearer "):
            return self._of_token(authorization[7:].strip(), cookies, is_open=is_open)
        found = self._alive(cookies.get(COOKIE, ""))
        if found is None:
            raise not_signed_in()
        return found

    def token(self, form: Mapping[str, str], authorization: str | None) -> dict[str, object]:
        """Answer a token request. Raises Refused (400) with the OAuth error's name."""
        self._check_client(form, authorization)
        match form.get("grant_type"):
            case "password":
                return self._password_grant(form)
            case "refresh_token":
                return self._refresh_grant(form)
            case _:
                raise _refused("unsupported_grant_type")

    def check_basic(self, authorization: str | None) -> None:
        """Check the name and password of a request to OData. Raises Refused (401)."""
        credentials = self._settings.credentials
        pair = _basic(authorization)
        if pair is None or pair[0].split("@")[0] != credentials.username:
            raise not_signed_in()
        if pair[1] != credentials.password:
            raise not_signed_in()

    def _check_tenant(self, told: object) -> None:
        name = self._settings.credentials.tenant
        if self._settings.is_single_tenant or told == name:
            return
        raise http_error(
            "A proper company ID cannot be determined for the request.",
            "PX.Data.PXUndefinedCompanyException",
        )

    def _check_client(self, form: Mapping[str, str], authorization: str | None) -> None:
        credentials = self._settings.credentials
        pair = _basic(authorization) or (form.get("client_id", ""), form.get("client_secret", ""))
        if pair != (credentials.client_id, credentials.client_secret):
            raise _refused("invalid_client")

    def _password_grant(self, form: Mapping[str, str]) -> dict[str, object]:
        credentials = self._settings.credentials
        scopes = form.get("scope", "").split()
        if "api" not in scopes and "api:concurrent_access" not in scopes:
            raise _refused("invalid_scope")
        if not _SCOPES.issuperset(scopes):
            raise _refused("invalid_scope")
        name = form.get("username", "").split("@")[0]
        if (name, form.get("password")) != (credentials.username, credentials.password):
            raise _refused("invalid_grant", "invalid_username_or_password")
        ends = self._settings.now() + timedelta(days=_GRANT_DAYS)
        grant = Grant(secrets.token_hex(16), " ".join(scopes), ends)
        self._grants[grant.id] = grant
        return self._issue(grant)

    def _refresh_grant(self, form: Mapping[str, str]) -> dict[str, object]:
        """Rotate: the old refresh token is worth nothing from now on."""
        told = form.get("refresh_token", "")
        for grant in self._grants.values():
            if grant.refresh_token is not None and secrets.compare_digest(
                grant.refresh_token.encode(), told.encode()
            ):
                if grant.ends < self._settings.now():
                    break
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
        self._store.keep("grant", grant.id, cast(object, msgspec.to_builtins(grant)))
        return answer

    def _of_token(self, token: str, cookies: Mapping[str, str], *, is_open: bool) -> Session:
        now = self._settings.now()
        grant = next((each for each in self._grants.values() if token in each.tokens), None)
        if grant is None or grant.tokens[token] <= now:
            raise not_signed_in()
        scopes = grant.scope.split()
        is_tracked = "api:concurrent_access" in scopes
        if is_tracked:
            name = cookies.get(COOKIE) or secrets.token_hex(16)
        else:
            # One session lives on across refreshes, or dies with the one token there is.
            name = grant.id if "offline_access" in scopes else token
        found = self._alive(name)
        if found is not None:
            return found
        if not is_open:
            raise not_signed_in()
        return self._open(name, is_tracked=is_tracked)

    def _alive(self, name: str) -> Session | None:
        found = next((session for session in self.sessions if session.id == name), None)
        if found is not None:
            found.last_used = self._settings.now()
        return found

    def _open(self, name: str, *, is_tracked: bool = False) -> Session:
        places = self._settings.limits.sessions
        if places is not None and len(self.sessions) >= places:
            raise login_limit()
        session = Session(name, self._settings.now(), is_tracked)
        self._sessions[name] = session
        return session


def _refused(error: str, description: str | None = None) -> Refused:
    body = {"error": error}
    if description is not None:
        body["error_description"] = description
    return Refused(400, body)


def _basic(authorization: str | None) -> tuple[str, str] | None:
    """Return the pair of a Basic authorization, None where there is none."""
    if authorization is None or not authorization.lower().startswith("basic "):
        return None
    try:
        name, _, password = b64decode(authorization[6:]).decode().partition(":")
    except ValueError:
        return None
    return name, password
