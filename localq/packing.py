"""Make encoded arguments and results smaller, and whole again.

Packed bytes begin with a mark that no serializer's do, so they are known by themselves; then come the kind, the size
before, and the content. What unpacks to more than it says, or to more than MOST, is refused.
"""

from __future__ import annotations

import importlib
import zlib
from typing import Any

from localq.exceptions import DecodeError

__all__ = ["KINDS", "LEAST", "MOST", "packed", "plain"]

#: The kinds, by the names that Celery's users know them under.
KINDS = {"zlib": "z", "gzip": "z", "bzip2": "b", "bz2": "b", "lzma": "x", "xz": "x"}
#: Sizes in bytes: below the first nothing is won, above the second nothing is packed, nor unpacked.
LEAST, MOST = 1 << 10, 256 << 20

_MARK = b"\x1fLQ"
_HEAD = len(_MARK) + 1 + 8
_MODULES = {"b": "bz2", "x": "lzma"}


def packed(data: bytes, kind: str | None) -> bytes:
    """Return bytes made smaller; as they are where there is no kind, or nothing is won.

    Args:
        kind: One of KINDS, or None.
    """
    if kind is None or not LEAST <= len(data) <= MOST:
        return data
    letter = KINDS[kind]
    body = zlib.compress(data) if letter == "z" else importlib.import_module(_MODULES[letter]).compress(data)
    made = b"".join((_MARK, letter.encode(), len(data).to_bytes(8, "big"), body))
    return made if len(made) < len(data) else data


def plain(data: bytes) -> bytes:
    """Return packed bytes as they were before, and others as they are.

    Raises:
        DecodeError: they are damaged, or unpack to more than they say or may.
    """
    given: object = data
    if not isinstance(given, bytes) or not given.startswith(_MARK):
        # Whoever reads it says what is wrong with something that is no bytes.
        return data
    size = int.from_bytes(data[_HEAD - 8 : _HEAD], "big")
    if size > MOST:
        raise DecodeError(f"packed content of {size:,} bytes is over the limit of {MOST:,}")
    try:
        unpacker = _unpacker(chr(data[len(_MARK)]))
        whole: bytes = unpacker.decompress(data[_HEAD:], size + 1)
    except Exception as error:  # zlib.error, LZMAError, OSError, EOFError: what damage happens to look like
        raise DecodeError(f"packed content is damaged: {error}") from error
    if len(whole) == size and not unpacker.eof:
        raise DecodeError("packed content is damaged: its end is missing")
    if len(whole) != size:
        raise DecodeError(f"packed content is damaged: it says {size:,} bytes, and has {len(whole):,} or more")
    return whole


def _unpacker(letter: str) -> Any:
    if letter == "z":
        return zlib.decompressobj()
    if letter == "b":
        return importlib.import_module("bz2").BZ2Decompressor()
    if letter == "x":
        return importlib.import_module("lzma").LZMADecompressor()
    raise ValueError(f"there is no kind {letter!r}")
