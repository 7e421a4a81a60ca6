"""The secrets that messages are signed with: given by themselves, or by where they are.

A key is a text: `secret`, `env:NAME` (a variable of the environment) or `file:PATH` (its content, without white
space around it), each with an id of its own before it if wanted: `2025:env:NAME`. Secrets are shown nowhere.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable
from functools import cached_property
from typing import Any

from localq.exceptions import ImproperlyConfigured
from localq.serialization.signing import key_id

__all__ = ["LEAST_SECRET", "MessageKey", "read_keys"]

#: Bytes a secret must have: what is shorter may be guessed.
LEAST_SECRET = 16
_KEY = re.compile(r"(?:(?P<id>[A-Za-z0-9_.-]{1,40}):)?(?:(?P<from>env|file):)?(?P<rest>.+)", re.DOTALL)
_MAKE_ONE = "make one with: python -c 'import secrets; print(secrets.token_urlsafe(32))'"
_SOURCES = ("env", "file")


class MessageKey:
    """A key; its secret is read when it is first needed, and then kept.

    Args:
        text: As the module says.

    Raises:
        ImproperlyConfigured: the text cannot be a key.
    """

    def __init__(self, text: str) -> None:
        found = _KEY.fullmatch(text)
        if found is None:
            raise ImproperlyConfigured(f"A key of message_keys is empty; {_MAKE_ONE}.")
        self._id, self._from, self._rest = found["id"], found["from"], found["rest"]
        if self._from is None and self._id in _SOURCES:
            self._id, self._from = None, self._id
        if self._from is None:
            self._check(self._rest.encode("utf-8", "surrogatepass"))

    @cached_property
    def secret(self) -> bytes:
        """The secret.

        Raises:
            ImproperlyConfigured: it is not where it should be, is too short, or lies open for others to read.
        """
        if self._from == "env":
            found = os.environ.get(self._rest)
            if found is None:
                raise ImproperlyConfigured(f"message_keys names the variable {self._rest}, which is not set.")
            secret = found.encode("utf-8", "surrogateescape")
        elif self._from == "file":
            secret = _content(self._rest)
        else:
            secret = self._rest.encode("utf-8", "surrogatepass")
        return self._check(secret)

    @property
    def id(self) -> str:
        """The id that signatures name it by: as given, or made of the secret."""
        return self._id or key_id(self.secret)

    def _check(self, secret: bytes) -> bytes:
        if len(secret) < LEAST_SECRET:
            raise ImproperlyConfigured(
                f"{self!r} of message_keys has {len(secret)} bytes; a key needs {LEAST_SECRET} or more: {_MAKE_ONE}."
            )
        return secret

    def __repr__(self) -> str:
        where = "" if self._from is None else f" {self._from}:{self._rest}"
        return f"<key{'' if self._id is None else ' ' + self._id}{where}>"


def read_keys(given: Any) -> tuple[MessageKey, ...]:
    """Return the keys of the setting message_keys: a text for one, or a list of them.

    Raises:
        ImproperlyConfigured: one of them cannot be. The text holds no secret, whatever was given.
    """
    many = (given,) if isinstance(given, str | MessageKey) else given
    if not isinstance(many, Iterable) or isinstance(many, bytes):
        raise ImproperlyConfigured(f"Setting message_keys must be a list of texts, not {type(given).__name__}.")
    keys = []
    for one in many:
        if not isinstance(one, str | MessageKey):
            raise ImproperlyConfigured(f"A key of message_keys must be a text, not {type(one).__name__}.")
        keys.append(one if isinstance(one, MessageKey) else MessageKey(one))
    return tuple(keys)


def _content(path: str) -> bytes:
    """Return the content of a key's file, which nobody else may read."""
    try:
        with open(os.path.expanduser(path), "rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            if stat.S_ISREG(mode) and mode & 0o077:
                raise ImproperlyConfigured(
                    f"The key file {path} of message_keys is open to others (mode {stat.S_IMODE(mode):o}): "
                    f"chmod 600 {path}"
                )
            return file.read().strip()
    except OSError as error:
        raise ImproperlyConfigured(f"The key file {path} of message_keys cannot be read: {error.strerror}") from error
