"""Texts as the server can keep them: it refuses the character NUL, which names and what a task prints may hold."""

from __future__ import annotations

from psycopg.adapt import Buffer, Dumper, Loader

__all__ = ["TextDumper", "TextLoader"]

#: Stands before what stands for a character; "data link escape", made for that.
_SIGN = "\x10"
_SIGN_BYTE, _NUL = b"\x10", "\x100"


class TextDumper(Dumper):
    """Writes texts, of no type: the statement says which."""

    def dump(self, obj: str) -> bytes:
        """Return a text as it is kept."""
        if "\0" in obj or _SIGN in obj:
            obj = obj.replace(_SIGN, _SIGN + _SIGN).replace("\0", _NUL)
        return obj.encode()


class TextLoader(Loader):
    """Reads texts."""

    def load(self, data: Buffer) -> str:
        """Return a text as it was given."""
        kept = bytes(data)
        if _SIGN_BYTE not in kept:
            return kept.decode()
        return _SIGN.join(part.replace(_NUL, "\0") for part in kept.decode().split(_SIGN + _SIGN))
