from __future__ import annotations

import lzma
import sys
import tracemalloc
import zlib
from typing import Any

import pytest

from localq import LocalQ
from localq.exceptions import DecodeError, ImproperlyConfigured
from localq.serialization import compression
from localq.serialization.compression import COMPRESSIONS, check_compression, pack, unpack

METHODS = ["zlib", "bzip2", "xz", "zstd"]
TEXT = b'[["' + b"all work and no play " * 500 + b'"],{}]'


@pytest.mark.parametrize("name", list(COMPRESSIONS))
def test_what_was_packed_is_unpacked(name: str) -> None:
    packed = pack(TEXT, name, 1024)

    assert packed.startswith(compression.PACKED)
    assert len(packed) < len(TEXT) / 10
    assert unpack(packed, len(TEXT), "task_args_max_bytes") == TEXT


def test_small_bytes_are_left_as_they_are() -> None:
    assert pack(TEXT, "zlib", len(TEXT) + 1) is TEXT


def test_bytes_that_do_not_become_fewer_are_left_as_they_are() -> None:
    noise = zlib.compress(TEXT)

    assert pack(noise, "xz", 0) is noise
    assert unpack(noise, 1, "task_args_max_bytes") is noise


@pytest.mark.parametrize("name", METHODS)
def test_one_byte_over_the_limit_is_refused(name: str) -> None:
    packed = pack(TEXT, name, 0)

    with pytest.raises(DecodeError, match=rf"unpack to more than the limit of {len(TEXT) - 1:,} \(setting result_max"):
        unpack(packed, len(TEXT) - 1, "result_max_bytes")


@pytest.mark.parametrize("name", METHODS)
def test_a_bomb_never_takes_more_memory_than_the_limit(name: str) -> None:
    bomb = pack(bytes(32 << 20), name, 0)
    tracemalloc.start()
    try:
        with pytest.raises(DecodeError, match="limit of 10,000"):
            unpack(bomb, 10_000, "task_args_max_bytes")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert peak < 12 << 20  # beside what comes out, xz and zstd keep a window


def test_an_xz_that_asks_for_a_giant_window_is_refused() -> None:
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 1 << 29}]
    greedy = compression.PACKED + b"x" + _with_window(filters)

    with pytest.raises(DecodeError, match="cannot unpack the stored xz"):
        unpack(greedy, 1_000_000, "task_args_max_bytes")


def _with_window(filters: list[dict[str, Any]]) -> bytes:
    """Return an xz of a few bytes whose header asks for a window of 512 MiB: written small, then patched."""
    data = bytearray(lzma.compress(b"x" * 100, filters=[{**filters[0], "dict_size": 1 << 20}]))
    # Block header: size, flags, filter id, size of properties, dictionary size, padding, CRC32.
    size = (data[12] + 1) * 4
    data[16] = 34  # (2 | 0) << (34 / 2 + 11) = 512 MiB
    data[12 + size - 4 : 12 + size] = zlib.crc32(bytes(data[12 : 12 + size - 4])).to_bytes(4, "little")
    return bytes(data)


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize(
    "damage", [lambda b: b[:-5], lambda b: b[:2] + b[3:], lambda b: b[:2] + b"\0" * 40], ids=["cut", "shifted", "zeros"]
)
def test_damaged_bytes_are_told_as_such(name: str, damage: Any) -> None:
    with pytest.raises(DecodeError, match=f"cannot unpack the stored {name}"):
        unpack(damage(pack(TEXT, name, 0)), 1_000_000, "task_args_max_bytes")


@pytest.mark.parametrize("name", ["zlib", "bzip2", "xz"])
def test_nothing_may_follow_what_was_packed(name: str) -> None:
    with pytest.raises(DecodeError, match="cut short, or more follows"):
        unpack(pack(TEXT, name, 0) + b"more", 1_000_000, "task_args_max_bytes")


def test_an_unknown_way_of_packing_is_told_as_such() -> None:
    with pytest.raises(DecodeError, match="packed in a way that is not known"):
        unpack(compression.PACKED + b"?abc", 1_000, "task_args_max_bytes")


@pytest.mark.parametrize("name", ["brotli", "", 7, ["zlib"]])
def test_a_compression_that_there_is_not_is_refused_with_those_there_are(name: Any) -> None:
    with pytest.raises(ValueError, match="must be one of zlib, gzip, bzip2"):
        check_compression(name)


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("compression.zstd", "zstandard"):
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setattr(compression, "_method", compression._method.__wrapped__)

    with pytest.raises(ImproperlyConfigured, match=r"task_compression is 'zstd': it must be .*pip install localq"):
        LocalQ(task_compression="zstd", path=":memory:")
    with pytest.raises(DecodeError, match="packed with zstd, which cannot be read here"):
        unpack(compression.PACKED + b"sabc", 1_000, "task_args_max_bytes")
    assert pack(TEXT, "zstd", 0) is TEXT
