"""Signatures under stored bytes (HMAC-SHA256): whoever has no key can neither make nor change what is signed. Pure.

Signed bytes are a mark that no serializer's bytes begin with, the id of the key with its length before it, the
signature (32 bytes), and the bytes themselves. What belongs to the bytes but lies elsewhere, such as the id of the
job they are of, is signed with them: bytes copied to another job do not verify there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from localq.exceptions import SecurityError

__all__ = ["SIGNED", "Signer", "body_of", "key_id"]

#: What signed bytes begin with. JSON begins with a printable character, pickle and dill with 0x80.
SIGNED = b"\x02"
#: What is signed is signed as of this form and no other.
_FORM = b"localq message 1"
_MAC = 32


class Signer:
    """Signs with one key and verifies with several.

    Args:
        keys: Secrets by id, the one that signs first.
        required: Whether bytes without a signature are refused.
    """

    def __init__(self, keys: Mapping[str, bytes], required: bool) -> None:
        # Late: a client that signs nothing need not load OpenSSL.
        import hashlib
        import hmac

        self._required, self._is_same = required, hmac.compare_digest
        # Begun once: the key's own two blocks are not hashed anew for every message.
        self._begun = {name.encode(): hmac.new(secret, _FORM, hashlib.sha256) for name, secret in keys.items()}
        self._first = next(iter(self._begun))

    def sign(self, what: str, fields: tuple[str, ...], body: bytes) -> bytes:
        """Return signed bytes.

        Args:
            what: What the bytes are, such as "call": what was signed as one thing is no other.
            fields: What belongs to them and is signed with them.
        """
        name = self._first
        return b"%b%c%b%b%b" % (SIGNED, len(name), name, self._mac(name, what, fields, body), body)

    def verify(self, what: str, fields: tuple[str, ...], data: bytes, of: str) -> bytes:
        """Return the bytes that were signed, or unsigned ones as they are where that is allowed.

        Args:
            of: Whose bytes these are, for the error: "the arguments of job ...".

        Raises:
            SecurityError: They are not signed, by no known key, or were signed as something else.
        """
        if not data.startswith(SIGNED):
            if self._required:
                raise SecurityError(
                    f"{of} are not signed, and message_signing='require' takes nothing else: whoever wrote them "
                    "had no key, or signs nothing; see message_signing='accept' for a change-over"
                )
            return data
        name, mac, body = _parts(data)
        if name not in self._begun:
            known = ", ".join(one.decode() for one in self._begun)
            raise SecurityError(
                f"{of} are signed with the key {name.decode('ascii', 'replace')[:40]!r}, which is not in message_keys "
                f"here (known: {known})"
            )
        if not self._is_same(mac, self._mac(name, what, fields, body)):
            raise SecurityError(
                f"{of} do not fit their signature: they were changed, or belong to another job or other options"
            )
        return body

    def _mac(self, name: bytes, what: str, fields: tuple[str, ...], body: bytes) -> bytes:
        mac = self._begun[name].copy()
        # Every part has its length before it: no two sets of parts are the same bytes.
        for part in (what, *fields):
            written = part.encode("utf-8", "surrogatepass")
            mac.update(b"%d:%b," % (len(written), written))
        mac.update(body)
        return mac.digest()


def _parts(data: bytes) -> tuple[bytes, bytes, bytes]:
    """Return key id, signature and body of signed bytes; what is cut short has an id that no key has."""
    end = 2 + (data[1] if len(data) > 1 else 0)
    return data[2:end], data[end : end + _MAC], data[end + _MAC :]


def body_of(data: Any) -> Any:
    """Return signed bytes without their signature, unverified; anything else as it is."""
    return _parts(data)[2] if isinstance(data, bytes) and data.startswith(SIGNED) else data


def key_id(secret: bytes) -> str:
    """Return an id for a key that was given none: it tells keys apart and nothing of the secret."""
    import hmac

    return hmac.new(secret, b"localq key id", "sha256").hexdigest()[:8]
