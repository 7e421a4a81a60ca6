"""The verbs about what is remembered; see `localq.store.protocol.history`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from localq.model.audit import Change, ChangeRow
from localq.model.tally import Tally, added_up
from localq.store.protocol.history import CHANGES_KEPT
from localq.store.redis.keys import MINUTE_US
from localq.store.redis.rows import pairs
from localq.store.redis.scripts import script
from localq.store.redis.server import RedisServer

__all__ = ["RedisHistory"]

_COUNT, _CHANGES = script("tallies", "count_ended", reads=True), script("read_changes", reads=True)
_RECORD = script("record_changes")
#: Jobs counted, and changes written, by one script.
_COUNTED_AT_ONCE, _WRITTEN_AT_ONCE = 2000, 1000
_packed, _unpacked = msgspec.msgpack.encode, msgspec.msgpack.decode


class RedisHistory:
    """Counts over time, and the book of changes."""

    def __init__(self, server: RedisServer) -> None:
        self._server = server

    def finished(self, since: int, until: int, step_us: int) -> list[Tally]:
        """Return how many jobs finished in each step; see the protocol."""
        with self._server.question():
            return added_up([*self._there(since, until, step_us), *self._gone(since, until)], step_us)

    def _there(self, since: int, until: int, step_us: int) -> Iterator[Tally]:
        """Yield what is counted of jobs that are there."""
        minutes = self._server.one(
            "ZRANGEBYSCORE", self._server.key("fm"), since // MINUTE_US, (until - 1) // MINUTE_US
        )
        for minute in minutes:
            of = (minute, since, until, step_us)
            start, unsure = b"0", dict[bytes, None]()
            while start:
                start, more, *cells = self._server.run(_COUNT, *of, start, _COUNTED_AT_ONCE)
                unsure |= dict.fromkeys(more)
                yield from _tallies(cells)
            again = list(unsure)
            for first in range(0, len(again), _COUNTED_AT_ONCE):
                _, _, *cells = self._server.run(_COUNT, *of, "", *again[first : first + _COUNTED_AT_ONCE])
                yield from _tallies(cells)

    def _gone(self, since: int, until: int) -> Iterator[Tally]:
        """Yield what was counted of jobs that are not there any more."""
        key = self._server.key
        steps = self._server.one("ZRANGEBYSCORE", key("Ts"), since, f"({until}")
        told = self._server.ask(*(("HGETALL", key(f"T:{step.decode()}")) for step in steps))
        for step, cells in zip(steps, told, strict=True):
            for name, counts in pairs(cells).items():
                yield _tally(int(step), name, counts)

    def record(self, changes: Sequence[Change], now: int, token: str) -> None:
        """Write down changes; see the protocol."""
        rows = [(f"{token}-{number}", _packed((str(now), *one))) for number, one in enumerate(changes)]
        for first in range(0, len(rows), _WRITTEN_AT_ONCE):
            words = [word for row in rows[first : first + _WRITTEN_AT_ONCE] for word in row]
            self._server.run(_RECORD, CHANGES_KEPT, *words)

    def changes(self, limit: int, before: int | None = None, target: str | None = None) -> list[ChangeRow]:
        """Return changes, latest first; see the protocol."""
        until = "+inf" if before is None else f"({before}"
        wanted = "" if target is None else f"={target}"
        return [_change(key, row) for key, row in self._server.run(_CHANGES, limit, until, wanted)]


def _tallies(cells: Sequence[bytes]) -> Iterator[Tally]:
    for at, name, counts in zip(cells[::3], cells[1::3], cells[2::3], strict=True):
        yield _tally(int(at), name, counts)


def _tally(at: int, name: bytes, counts: bytes) -> Tally:
    task, queue, state = name.decode().split("\0")
    count, run_us, runs, waits = counts.split(b" ")
    return Tally(at, task, queue, int(state), int(count), int(run_us), _sizes(runs), _sizes(waits))


def _sizes(text: bytes) -> dict[int, int]:
    parts = (part.split(b":") for part in text.split(b",") if part)
    return {int(size): int(count) for size, count in parts}


def _change(key: bytes, row: bytes) -> ChangeRow:
    _, _, packed = row.partition(b"\0")
    at, *said = _unpacked(packed)
    return ChangeRow(int(key), int(at), Change._make(said))
