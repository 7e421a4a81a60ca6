"""Bytes <-> fewer bytes. Pure.

What is packed says so itself: a mark that no serializer's bytes begin with, a letter for the method, the packed
bytes. Whoever reads needs no setting, and never holds more of it in memory than they allow.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import cache, partial
from typing import Any, NamedTuple

from localq.exceptions import DecodeError

__all__ = ["COMPRESSIONS", "PACKED", "check_compression", "pack", "unpack"]

#: What packed bytes begin with. JSON begins with a printable character, pickle and dill with 0x80.
PACKED = b"\x01"
#: Memory that unpacking xz and zstd may take beside what comes out: their bytes name the size of a window.
_MOST_WINDOW = 1 << 27
#: Bytes asked for at a time where a library gives all it was asked for room.
_PIECE = 1 << 20


class _Method(NamedTuple):
    """A way to pack. `unpack` returns at most so many bytes, and whether that was all of it."""

    letter: bytes
    pack: Callable[[bytes], bytes]
    unpack: Callable[[bytes, int], tuple[bytes, bool]]


def pack(data: bytes, compression: str, least: int) -> bytes:
    """Return bytes packed, or as they are where they are fewer than `least` or would not become fewer.

    Args:
        compression: A name that `check_compression` accepts; one that is not known here, or whose library is
            missing, was checked elsewhere and packs nothing.
    """
    if len(data) < least:
        return data
    try:
        method = _method(COMPRESSIONS[compression])
    except (KeyError, ImportError):
        return data
    packed = PACKED + method.letter + method.pack(data)
    return packed if len(packed) < len(data) else data


def unpack(data: bytes, most: int, setting: str) -> bytes:
    """Return what `pack` was given; bytes that are not packed are returned as they are.

    Args:
        most: Bytes that may come out.
        setting: What the limit is called, for the error.

    Raises:
        DecodeError: More would come out, the bytes are damaged, or a library is missing that reads them.
    """
    if not data.startswith(PACKED):
        return data
    name = _BY_LETTER.get(data[1:2])
    if name is None:
        raise DecodeError(f"the stored bytes are packed in a way that is not known here ({data[1:2]!r})")
    try:
        found, whole = _method(name).unpack(data[2:], most + 1)
    except ImportError as error:
        raise DecodeError(f"the stored bytes are packed with {name}, which cannot be read here: {error}") from error
    except Exception as error:  # every library has errors of its own for bad bytes
        raise DecodeError(f"cannot unpack the stored {name} ({len(data):,} bytes): {error}") from error
    if len(found) > most:
        raise DecodeError(
            f"{len(data):,} stored bytes unpack to more than the limit of {most:,} (setting {setting}): nothing of "
            "it was used. Raise the limit if you expect that much"
        )
    if not whole:
        raise DecodeError(f"cannot unpack the stored {name} ({len(data):,} bytes): it is cut short, or more follows")
    return found


def check_compression(name: Any) -> str:
    """Return the name of a compression as it was given.

    Raises:
        ValueError: there is none of that name, or its library is missing; the text begins with "must".
    """
    known = COMPRESSIONS.get(name) if isinstance(name, str) else None
    if known is None:
        raise ValueError(f"must be one of {', '.join(n for n in COMPRESSIONS if '/' not in n)}, or None")
    try:
        _method(known)
    except ImportError as error:
        raise ValueError(f"must be a compression that is there: {error}") from None
    return str(name)


# The methods

#: Every name a compression may be called by, kombu's included, and the method it stands for.
COMPRESSIONS = {
    "zlib": "zlib",
    "gzip": "zlib",
    "bzip2": "bzip2",
    "bzip": "bzip2",
    "lzma": "xz",
    "xz": "xz",
    "zstd": "zstd",
    "zstandard": "zstd",
    "application/x-gzip": "zlib",
    "application/x-bz2": "bzip2",
    "application/x-lzma": "xz",
    "application/zstd": "zstd",
}
_BY_LETTER = {b"z": "zlib", b"b": "bzip2", b"x": "xz", b"s": "zstd"}


@cache
def _method(name: str) -> _Method:
    """Return a method; its library is loaded when it is first asked for, and may be missing (ImportError)."""
    return _MAKERS[name]()


def _by_stream(start: Callable[[], Any]) -> Callable[[bytes, int], tuple[bytes, bool]]:
    """Return what unpacks by an object that `start` makes, as the standard library's modules have one."""

    def unpacked(data: bytes, most: int) -> tuple[bytes, bool]:
        stream = start()
        return stream.decompress(data, most), stream.eof and not stream.unused_data

    return unpacked


def _zlib() -> _Method:
    zlib: Any = importlib.import_module("zlib")
    return _Method(b"z", zlib.compress, _by_stream(zlib.decompressobj))


def _bzip2() -> _Method:
    bz2: Any = importlib.import_module("bz2")
    return _Method(b"b", bz2.compress, _by_stream(bz2.BZ2Decompressor))


def _xz() -> _Method:
    lzma: Any = importlib.import_module("lzma")
    start = partial(lzma.LZMADecompressor, lzma.FORMAT_XZ, memlimit=_MOST_WINDOW)
    return _Method(b"x", lzma.compress, _by_stream(start))


def _zstd() -> _Method:
    try:
        zstd: Any = importlib.import_module("compression.zstd")
    except ImportError:
        return _zstandard()
    options = {zstd.DecompressionParameter.window_log_max: _MOST_WINDOW.bit_length() - 1}
    return _Method(b"s", zstd.compress, _by_stream(partial(zstd.ZstdDecompressor, options=options)))


def _zstandard() -> _Method:
    try:
        zstandard: Any = importlib.import_module("zstandard")
    except ImportError:
        raise ImportError("zstd needs Python 3.14, or the package zstandard: pip install localq[zstd]") from None

    def packed(data: bytes) -> bytes:
        return bytes(zstandard.ZstdCompressor(write_checksum=True).compress(data))

    def unpacked(data: bytes, most: int) -> tuple[bytes, bool]:
        # Its decompressobj gives all there is at once, whatever that is; a reader gives what is asked for.
        size = zstandard.get_frame_parameters(data).content_size
        reader = zstandard.ZstdDecompressor(max_window_size=_MOST_WINDOW).stream_reader(data)
        found = bytearray()
        while len(found) < most and (piece := reader.read(min(_PIECE, most - len(found)))):
            found += piece
        return bytes(found), len(found) == size

    return _Method(b"s", packed, unpacked)


_MAKERS = {"zlib": _zlib, "bzip2": _bzip2, "xz": _xz, "zstd": _zstd}
