"""Keys to the page: the token that is kept, one-time links, sessions in a cookie, and the tokens of forms."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading

__all__ = ["SESSION_S", "Sessions"]

#: Seconds a session holds.
SESSION_S = 14 * 24 * 3600
#: Seconds within which a one-time link must be used.
_LINK_S = 3600


class Sessions:
    """What one secret opens.

    Nothing but the secret is kept between two starts: a session says until when it holds and is signed with it, so a
    new secret ends them all.

    Args:
        secret: The token, as it lies in its file.
    """

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()
        self._links: dict[str, float] = {}
        self._lock = threading.Lock()

    def is_token(self, given: str) -> bool:
        """Whether a text is the token; takes as long whatever it is."""
        return hmac.compare_digest(given.encode(), self._secret)

    # One-time links

    def new_link(self, now: float) -> str:
        """Return a code that opens one session, within an hour."""
        code = secrets.token_urlsafe(24)
        with self._lock:
            self._links = {known: until for known, until in self._links.items() if until > now}
            self._links[code] = now + _LINK_S
        return code

    def take_link(self, code: str, now: float) -> bool:
        """Whether a code opens a session; it does so once."""
        with self._lock:
            return self._links.pop(code, 0.0) > now

    # Sessions

    def new_session(self, now: float, user: str = "") -> str:
        """Return the value of a cookie that holds for two weeks; it says who the user is, if that is known."""
        said = f"{int(now) + SESSION_S}.{secrets.token_urlsafe(9)}.{user.encode().hex()}"
        return f"{said}.{self._sign('session', said)}"

    def holds(self, session: str, now: float) -> bool:
        """Whether a cookie's value is a session of this secret that is not over."""
        said, _, signature = session.rpartition(".")
        if not hmac.compare_digest(signature.encode(), self._sign("session", said).encode()):
            return False
        return int(said.partition(".")[0]) > now

    @staticmethod
    def user_of(session: str) -> str:
        """Return the user that a session, which holds, was made for; empty where it is the token's."""
        return bytes.fromhex(session.split(".")[2]).decode()

    def form_token(self, session: str) -> str:
        """Return what a form of a session carries, so that no other page can have made it."""
        return self._sign("form", session)

    def is_form_token(self, given: str, session: str) -> bool:
        """Whether a form was made for a session."""
        return hmac.compare_digest(given.encode(), self.form_token(session).encode())

    def _sign(self, kind: str, text: str) -> str:
        return hmac.new(self._secret, f"{kind}:{text}".encode(), hashlib.sha256).hexdigest()
