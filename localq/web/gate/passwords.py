"""Users with passwords, as Flower's --basic-auth names them."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Iterable

from localq.exceptions import ImproperlyConfigured

__all__ = ["Passwords", "basic"]

#: Rounds of the hash: some milliseconds a try.
_ROUNDS = 20_000


class Passwords:
    """What users and passwords open. Only salted hashes are kept.

    Args:
        pairs: "user:password", or several with commas between them.

    Raises:
        ImproperlyConfigured: a pair is none.
    """

    def __init__(self, pairs: Iterable[str]) -> None:
        self._salt = secrets.token_bytes(16)
        self._hashes: dict[str, bytes] = {}
        for pair in (one for text in pairs for one in text.split(",")):
            user, colon, password = pair.strip().partition(":")
            if not (user and colon and password):
                # Not with its value: it may be a password.
                raise ImproperlyConfigured("--basic-auth takes USER:PASSWORD, or several with commas between them.")
            self._hashes[user] = self._hash(password)
        self._nobody = self._hash(secrets.token_urlsafe(16))

    def opens(self, user: str, password: str) -> bool:
        """Whether it is the user's password; takes as long whoever and whatever it is."""
        right = self._hashes.get(user, self._nobody)
        return hmac.compare_digest(self._hash(password), right) and user in self._hashes

    def _hash(self, password: str) -> bytes:
        return hashlib.pbkdf2_hmac("sha256", password.encode("utf-8", "surrogateescape"), self._salt, _ROUNDS)


def basic(header: str) -> tuple[str, str] | None:
    """Return the user and the password of an Authorization header; None where it has none."""
    scheme, _, value = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, colon, password = base64.b64decode(value.strip(), validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return None
    return (user, password) if colon else None
