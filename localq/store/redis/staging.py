"""Adding more jobs than one script may: the server would stand still for all others meanwhile.

The jobs are brought to the server in parts, where nobody looks at them; one short script says that they count, and that
is the moment at which all of them are there or none. From then on they are added part after part, by who brought them,
or by any worker's housekeeping if that one ended. A part is added once.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

from localq.exceptions import StoreBusy, StoreFull
from localq.model.job import NewJob
from localq.store.redis.packing import pack_jobs
from localq.store.redis.scripts import script
from localq.store.redis.server import RedisServer

__all__ = ["Staging", "is_large"]

_STAGE, _COUNT, _COUNT_ONCE = script("stage"), script("count_staged"), script("once", "count_staged")
_PART = script("part", "wake", "jobs", "edges", "insert", "add_part")
#: Jobs of a part, and bytes of their arguments; no script adds more at once.
_PART_JOBS, _PART_BYTES = 1000, 4 << 20
#: What begins an array, and a text, with their length in four bytes.
_ARRAY, _TEXT = b"\xdd", b"\xdb"
#: Seconds after which others go on with what is not added yet.
_OTHERS_AFTER_S = 2


def is_large(jobs: Sequence[NewJob]) -> bool:
    """Whether jobs are too many, or too long, for one script."""
    return len(jobs) > _PART_JOBS or (len(jobs) > 1 and sum(len(new.args) for new in jobs) > _PART_BYTES)


class Staging:
    """Adds jobs in parts."""

    def __init__(self, server: RedisServer) -> None:
        self._server = server

    def add(self, jobs: Sequence[NewJob], now: int, *once: Any) -> list[bool]:
        """Add jobs, all or none; return of each whether it is new.

        Args:
            once: The name and the number under which this is done once.
        """
        token, parts = os.urandom(8).hex(), list(_parts(_awaited_first(jobs)))
        for part in parts:
            self._server.run(_STAGE, token, _packed(part, now))
        if not self._server.run(_COUNT_ONCE if once else _COUNT, token, len(parts), *once):
            return [False] * len(jobs)
        fresh = dict.fromkeys((new.id for new in jobs), True)
        # What counts is added in any case: if not now, by a worker.
        with suppress(StoreBusy, StoreFull):
            for number, part in enumerate(parts):
                flags = self._server.run(_PART, token, number, len(parts))
                fresh.update(zip([new.id for new in part], map(bool, flags), strict=False))
        # An id that stands there twice is new once.
        return [fresh.pop(new.id, False) for new in jobs]

    def go_on(self) -> None:
        """Add what others brought, counts, and was not added by them."""
        key = self._server.key
        now = self._server.clock()
        left = self._server.one("ZRANGEBYSCORE", key("bigs"), "-inf", now - _OTHERS_AFTER_S * 1_000_000)
        for token in left:
            parts = int(self._server.one("LLEN", key(f"big:{token.decode()}")))
            for number in range(parts):
                self._server.run(_PART, token, number, parts)


def _packed(part: Sequence[NewJob], now: int) -> bytes:
    """Return a part as its script reads it: the arguments of one that adds jobs, as an array of MessagePack's.

    All of them as text, which to Redis are bytes: it does not know the newer kind for these.
    """
    words = ["", now, *pack_jobs(part)]
    written = [word if isinstance(word, bytes) else str(word).encode() for word in words]
    return b"".join([_ARRAY, len(written).to_bytes(4), *(_TEXT + len(one).to_bytes(4) + one for one in written)])


def _parts(jobs: Sequence[NewJob]) -> Iterator[list[NewJob]]:
    part: list[NewJob] = []
    size = 0
    for new in jobs:
        if part and (len(part) == _PART_JOBS or size + len(new.args) > _PART_BYTES):
            yield part
            part, size = [], 0
        part.append(new)
        size += len(new.args)
    yield part


def _awaited_first(jobs: Sequence[NewJob]) -> list[NewJob]:
    """Return jobs in their order, but for those that others before them wait for: these come first.

    A job that waits for one of a later part would take it for one that is not there. Jobs that wait for each other in
    a circle do so whatever comes first.
    """
    by_id = {new.id: new for new in reversed(jobs)}
    placed: dict[str, NewJob] = {}
    for new in jobs:
        ahead = [new]
        entered: set[str] = set()
        while ahead:
            one = ahead[-1]
            needs = [edge.awaited for edge in one.after if edge.awaited in by_id and edge.awaited not in placed]
            if one.id in placed or one.id in entered or not needs:
                placed.setdefault(one.id, one)
                ahead.pop()
            else:
                entered.add(one.id)
                ahead += [by_id[name] for name in reversed(needs)]
    return list(placed.values())
