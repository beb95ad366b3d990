"""Who may act: a token of the environment, and a signed cookie that ends by itself."""

from __future__ import annotations

import hmac
import secrets
import threading
import time
from collections import OrderedDict, deque

from msgspec import Struct

COOKIE = "mapgen_console"
PATH = "/console"
"""Where the pages are, and alone where browsers show the cookie."""
SECONDS = 8 * 3_600
_TRIES, _WITHIN = 5, 60.0
_MOST_ADDRESSES = 1_000


class Session(Struct, frozen=True):
    """Who is signed in: what the forms of this session hold, so that no other page can send one."""

    form_token: str


class SignIn:
    """Checks the token, and what it is that browsers show afterwards.

    What is signed depends on the token alone: it holds over a restart, and ends with the token.
    Without a token nobody can sign in.
    """

    def __init__(self, token: str | None) -> None:
        self._token = (token or "").encode()
        self._key = hmac.digest(self._token, b"mapgen console", "sha256")
        self._turn = threading.Lock()
        self._failures: OrderedDict[str, deque[float]] = OrderedDict()

    @property
    def is_possible(self) -> bool:
        """Whether there is a token to sign in by."""
        return bool(self._token)

    def wait(self, address: str) -> float:
        """Return how many seconds an address has to wait until its next try, 0 for none."""
        now = time.monotonic()
        with self._turn:
            tries = self._failures.get(address)
            if tries is None or len(tries) < _TRIES:
                return 0.0
            return max(0.0, tries[0] + _WITHIN - now)

    def cookie_for(self, token: str, address: str) -> str | None:
        """Return what the browser gets for the right token, None for another one."""
        if self._token and hmac.compare_digest(token.encode(), self._token):
            return self._sealed(f"{int(time.time()) + SECONDS}.{secrets.token_urlsafe(18)}")
        with self._turn:
            self._failures.setdefault(address, deque(maxlen=_TRIES)).append(time.monotonic())
            self._failures.move_to_end(address)
            if len(self._failures) > _MOST_ADDRESSES:
                self._failures.popitem(last=False)
        return None

    def session(self, cookie: str | None) -> Session | None:
        """Return the session that a cookie stands for, None for one that is over or not ours."""
        content, _, _ = (cookie or "").rpartition(".")
        if not self._token or not hmac.compare_digest(
            self._sealed(content).encode(), (cookie or "").encode()
        ):
            return None
        until = content.partition(".")[0]
        if not until.isascii() or not until.isdigit() or int(until) <= time.time():
            return None
        return Session(hmac.digest(self._key, f"form {content}".encode(), "sha256").hex())

    def is_of(self, session: Session, form_token: str) -> bool:
        """Whether a form was made in a session."""
        return hmac.compare_digest(session.form_token.encode(), form_token.encode())

    def _sealed(self, content: str) -> str:
        seal = hmac.digest(self._key, content.encode("utf-8", "replace"), "sha256").hex()
        return f"{content}.{seal}"
