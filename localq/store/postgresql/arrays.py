"""Lists of numbers, texts and bytes as parameters, in the server's own form: five times as fast as the driver does it.

A batch of jobs is a dozen of them, with a value of each job.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from struct import Struct
from typing import Any

import psycopg
from psycopg.abc import AdaptContext
from psycopg.adapt import Dumper
from psycopg.pq import Format

from localq.store.postgresql.texts import as_kept
from localq.store.sql.statement import Kind

__all__ = ["LISTS", "Blobs", "Numbers", "Texts", "teach"]

_HEAD, _EMPTY, _LENGTH, _NUMBER = Struct("!5i"), Struct("!3i"), Struct("!i"), Struct("!iq")
_NULL = _LENGTH.pack(-1)


class Numbers(tuple[int | None, ...]):
    """A list of bigint."""

    __slots__ = ()


class Texts(tuple[str | None, ...]):
    """A list of text."""

    __slots__ = ()


class Blobs(tuple[bytes | None, ...]):
    """A list of bytea."""

    __slots__ = ()


#: What makes a parameter of a list, by what is in it.
LISTS: dict[Kind, Callable[[Sequence[Any]], Any]] = {"bytes": Blobs, "number": Numbers, "text": Texts}


def _number(value: int) -> bytes:
    return _NUMBER.pack(8, value)


def _text(value: str) -> bytes:
    return _blob(as_kept(value))


def _blob(value: bytes) -> bytes:
    return _LENGTH.pack(len(value)) + value


class _ArrayDumper(Dumper):
    format = Format.BINARY
    kind: int
    one: Callable[[Any], bytes]

    def dump(self, obj: tuple[Any, ...]) -> bytes:
        one = self.one
        try:
            values = [_NULL if value is None else one(value) for value in obj]
        except (TypeError, AttributeError, struct.error) as error:
            # As of a value that the driver cannot write.
            raise psycopg.DataError(f"one of {obj!r:.200} cannot be written: {error}") from error
        # One dimension, with or without NULL among the values, the first at place 1.
        head = _HEAD.pack(1, 1, self.kind, len(obj), 1) if obj else _EMPTY.pack(0, 0, self.kind)
        return head + b"".join(values)


class _NumbersDumper(_ArrayDumper):
    oid, kind, one = 1016, 20, staticmethod(_number)


class _TextsDumper(_ArrayDumper):
    oid, kind, one = 1009, 25, staticmethod(_text)


class _BlobsDumper(_ArrayDumper):
    oid, kind, one = 1001, 17, staticmethod(_blob)


def teach(context: AdaptContext) -> None:
    """Let a connection write such lists."""
    adapters: Any = context.adapters
    for kind, dumper in ((Numbers, _NumbersDumper), (Texts, _TextsDumper), (Blobs, _BlobsDumper)):
        adapters.register_dumper(kind, dumper)
