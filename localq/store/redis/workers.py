"""The verbs about workers; see `localq.store.protocol.workers`."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from localq.host.neighbours import Neighbours
from localq.host.presence import Presence
from localq.model import failpoints
from localq.model.ids import new_id
from localq.model.job import Job
from localq.model.worker import Beat, Lost, WorkerCard, WorkerRow, WorkerState
from localq.store.redis.mail import orders_of
from localq.store.redis.rows import job_of, pairs
from localq.store.redis.scripts import script
from localq.store.redis.server import RedisServer
from localq.store.worker_cards import GONE_KEPT_US, boot_of, card_of, card_text

__all__ = ["RedisWorkers"]

_BASE = ("wake", "jobs", "workers")
_ENTER, _BEAT, _LEAVE = script(*_BASE, "enter"), script(*_BASE, "beat"), script(*_BASE, "leave_workers")
_LOST = script("workers", "lost", reads=True)
#: Keys are drawn, for a counter that lost its last seconds would give one twice; a number of Lua holds so many bits.
_KEY_BITS = 53


class RedisWorkers:
    """What workers say of themselves and of each other.

    Args:
        neighbours: The workers on this computer.
        steady: The clock of leases, in microseconds; None: the server's.
    """

    def __init__(self, server: RedisServer, neighbours: Neighbours, steady: Callable[[], int] | None) -> None:
        self._server, self.neighbours, self._steady = server, neighbours, steady
        self._draw = random.SystemRandom()

    def presence(self, slots: int) -> Presence | None:
        """Return what proves that a worker lives; see the protocol."""
        self._server.open()
        try:
            return self.neighbours.presence(new_id(), slots)
        except OSError as error:
            self._server.fail(error)

    def _given_time(self) -> int | str:
        """Return the time of leases that a script is to go by; empty: the server's own."""
        return "" if self._steady is None else self._steady()

    def enter(self, card: WorkerCard, now: int, lease_us: int, namesakes: Collection[int] | None = None) -> int:
        """Enter a worker; see the protocol."""
        key = self._draw.getrandbits(_KEY_BITS - 1) + 1
        text, old = card_text(card, self.neighbours.boot), now - GONE_KEPT_US
        alone = ("",) if namesakes is None else (card.name, len(namesakes), *namesakes)
        return int(self._server.run(_ENTER, card.uuid, key, text, now, lease_us, self._given_time(), old, *alone))

    def beat(
        self, worker: int, running: Mapping[str, int], lease_us: int, now: int, card: WorkerCard | None = None
    ) -> Beat:
        """Renew a lease and compare; see the protocol."""
        try:
            failpoints.point("beat.inside")
        except BaseException as error:
            self._server.fail(error)
        text = "" if card is None else f"+{card_text(card, self.neighbours.boot)}"
        words: list[Any] = [word for pair in running.items() for word in pair]
        held, *told = self._server.run(_BEAT, worker, lease_us, now, self._given_time(), text, len(running), *words)
        with self._server.lock:
            undone = self._server.writes.undone()
        if not held:
            return Beat(False, tuple(running), {}, (), undone=undone)
        flags, orphans, *orders = told
        by_id = dict(zip(running, flags, strict=True))
        stop = tuple(job_id for job_id, flag in by_id.items() if not flag)
        cancel = {job_id: int(flag) - 1 for job_id, flag in by_id.items() if flag and int(flag)}
        return Beat(True, stop, cancel, tuple(_job(one) for one in orphans), tuple(orders_of(*orders)), undone)

    def leave(self, workers: Sequence[int], now: int) -> None:
        """Declare workers gone; see the protocol."""
        self._server.run(_LEAVE, now, len(workers), *workers)

    def all(self) -> list[WorkerRow]:
        """Return all workers that entered; see the protocol."""
        rows = self._rows()
        return [
            WorkerRow(key, card_of(card), started, seen, self._state(card, until, now), until is None)
            for key, _, started, seen, card, until, now in rows
        ]

    def _rows(self) -> list[tuple[int, int, int, int, str, int | None, int]]:
        """Return of each worker its key, when it entered, started and was seen, its card, and the end of its lease.

        By when they entered. None: it was declared gone. The last is the time of leases.
        """
        key = self._server.key
        cards, leases, time = self._server.ask(
            ("HGETALL", key("wk")), ("ZRANGE", key("wl"), 0, -1, "WITHSCORES"), ("TIME",)
        )
        now = int(time[0]) * 1_000_000 + int(time[1]) if self._steady is None else self._steady()
        until = pairs(leases)
        found = []
        for worker, text in pairs(cards).items():
            entered, started, seen, card = text.decode().split(" ", 3)
            end = until.get(worker)
            lease = None if end is None else int(float(end))
            found.append((int(worker), int(entered), int(started), int(seen), card, lease, now))
        return sorted(found, key=lambda row: row[1])

    def _state(self, card: str, until: int | None, now: int) -> WorkerState:
        if until is None or self.neighbours.went_down(boot_of(card)) or self.neighbours.is_dead(card_of(card).uuid):
            return WorkerState.GONE
        return WorkerState.SILENT if until < now else WorkerState.ALIVE

    def lost(self, limit: int) -> list[Lost]:
        """Return jobs whose worker is no more; see the protocol."""
        # Who is gone by now has nothing any more where nothing is found after this.
        rows = self._rows()
        jobs = [_job(one) for one in self._server.run(_LOST, limit)]
        if not jobs:
            uuids = {key: card_of(card).uuid for key, _, _, _, card, _, _ in rows}
            gone = [uuids[row[0]] for row in rows if row[5] is None]
            self.neighbours.clear(gone, set(uuids.values()))
        cards = {row[0]: row[4] for row in rows}
        marks: dict[str, set[tuple[int, int]] | None] = {}
        return [Lost(one, self._started(one, cards.get(one.owner or 0), marks)) for one in jobs]

    def _started(self, one: Job, card: str | None, marks: dict[str, set[tuple[int, int]] | None]) -> bool | None:
        """Tell whether a job's owner had started it; what nobody knows counts as started."""
        if card is None:
            return True
        if boot_of(card) != self.neighbours.boot:
            return None
        uuid = card_of(card).uuid
        if uuid not in marks:
            marks[uuid] = self.neighbours.started(uuid)
        started = marks[uuid]
        return started is None or (one.key, one.run_token) in started


def _job(told: Sequence[bytes]) -> Job:
    """Return a job without its arguments, of its hash."""
    held = pairs(told)
    return job_of(held[b"id"].decode(), held, held.get(b"P"))
