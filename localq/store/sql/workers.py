"""The verbs about workers; see `localq.store.protocol.workers`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from localq.host.neighbours import Neighbours
from localq.host.presence import Presence
from localq.model import failpoints
from localq.model.ids import new_id
from localq.model.job import Job
from localq.model.worker import Beat, Lost, WorkerCard, WorkerRow, WorkerState
from localq.store.sql.database import Database
from localq.store.sql.mail import standing_orders
from localq.store.worker_cards import GONE_KEPT_US, card_of, card_text

__all__ = ["SqlWorkers"]

#: Places of columns in a row of `worker`.
_KEY, _UUID, _BOOT, _CARD, _GONE = 0, 1, 2, 3, 7


class SqlWorkers:
    """What workers say of themselves and of each other.

    Args:
        neighbours: The workers on this computer.
        steady: The clock of leases, in microseconds.
    """

    def __init__(self, database: Database, neighbours: Neighbours, steady: Callable[[], int]) -> None:
        self._db, self.neighbours, self.steady = database, neighbours, steady
        self._sql = database.dialect.texts.worker

    def presence(self, slots: int) -> Presence | None:
        """Return what proves that a worker lives; see the protocol."""
        self._db.open()
        try:
            return self.neighbours.presence(new_id(), slots)
        except OSError as error:
            self._db.fail(error)

    def enter(self, card: WorkerCard, now: int, lease_us: int, namesakes: Collection[int] | None = None) -> int:
        """Enter a worker; see the protocol."""
        sql, boot = self._sql, self.neighbours.boot
        until = self.steady() + lease_us
        with self._db.lock, self._db.writing as cursor:
            if namesakes is not None and self._named_so(cursor, card, namesakes):
                return 0
            known = sql.known.run(cursor, of_uuid=card.uuid).fetchone()
            if known is not None:
                sql.beat.run(cursor, k=known[0], now=now, until=until)
                sql.describe.run(cursor, k=known[0], card=card_text(card, boot))
                return int(known[0])
            times = {"started_at": now, "seen_at": now, "lease_until": until}
            entered = sql.enter.run(cursor, uuid=card.uuid, boot_id=boot, card=card_text(card, boot), **times)
            key = int(entered.fetchone()[0])
            sql.drop_gone.run(cursor, before=now - GONE_KEPT_US)
        return key

    def _named_so(self, cursor: Any, card: WorkerCard, namesakes: Collection[int]) -> bool:
        """Whether another than those has the name of a card."""
        return any(
            row[_UUID] != card.uuid and row[_KEY] not in namesakes and card_of(row[_CARD]).name == card.name
            for row in self._sql.all.run(cursor).fetchall()
        )

    def beat(
        self, worker: int, running: Mapping[str, int], lease_us: int, now: int, card: WorkerCard | None = None
    ) -> Beat:
        """Renew a lease and compare; see the protocol."""
        sql, by_id = self._sql, self._db.dialect.texts.job.by_id
        with self._db.lock, self._db.writing as cursor:
            sql.beat.run(cursor, k=worker, now=now, until=self.steady() + lease_us)
            if cursor.rowcount == 0:
                return Beat(False, tuple(running), {}, ())
            failpoints.point("beat.inside")
            if card is not None:
                sql.describe.run(cursor, k=worker, card=card_text(card, self.neighbours.boot))
            owned = {job_id: (token, flag) for job_id, token, flag in sql.owned.run(cursor, worker=worker).fetchall()}
            known = {job_id for job_id, (token, _) in owned.items() if running.get(job_id) == token}
            stop = tuple(job_id for job_id in running if job_id not in known)
            cancel = {job_id: flag - 1 for job_id, (_, flag) in owned.items() if flag and job_id in known}
            found = [by_id.run(cursor, of_id=job_id).fetchone() for job_id in owned if job_id not in known]
            orders = standing_orders(cursor, self._db.dialect.texts.mail)
        return Beat(True, stop, cancel, tuple(Job._make(row) for row in found), tuple(orders))

    def leave(self, workers: Sequence[int], now: int) -> None:
        """Declare workers gone; see the protocol."""
        with self._db.lock, self._db.writing as cursor:
            for key in workers:
                self._sql.leave.run(cursor, k=key, now=now)

    def all(self) -> list[WorkerRow]:
        """Return all workers that entered; see the protocol."""
        with self._db.lock, self._db.reading as cursor:
            rows = self._sql.all.run(cursor).fetchall()
        now = self.steady()
        return [
            WorkerRow(key, card_of(card), started, seen, self._state(uuid, boot, until, bool(gone), now), bool(gone))
            for key, uuid, boot, card, started, seen, until, gone in rows
        ]

    def _state(self, uuid: str, boot: str, until: int, gone: bool, now: int) -> WorkerState:
        if gone or self.neighbours.went_down(boot) or self.neighbours.is_dead(uuid):
            return WorkerState.GONE
        return WorkerState.SILENT if until < now else WorkerState.ALIVE

    def lost(self, limit: int) -> list[Lost]:
        """Return jobs whose worker is no more; see the protocol."""
        boot = self.neighbours.boot
        with self._db.lock, self._db.reading as cursor:
            lost = self._sql.lost if self.neighbours.all_here else self._sql.lost_anywhere
            jobs = [Job._make(row) for row in lost.run(cursor, boot=boot, most=limit).fetchall()]
            rows = self._sql.all.run(cursor).fetchall()
        if not jobs:
            self.neighbours.clear([row[_UUID] for row in rows if row[_GONE]], {row[_UUID] for row in rows})
        owners = {row[_KEY]: row for row in rows}
        marks: dict[str, set[tuple[int, int]] | None] = {}
        return [Lost(one, self._started(one, owners.get(one.owner), marks)) for one in jobs]

    def _started(self, one: Job, owner: Any, marks: dict[str, set[tuple[int, int]] | None]) -> bool | None:
        """Tell whether a job's owner had started it; what nobody knows counts as started."""
        if owner is None:
            return True
        if owner[_BOOT] != self.neighbours.boot:
            return None
        uuid = owner[_UUID]
        if uuid not in marks:
            marks[uuid] = self.neighbours.started(uuid)
        started = marks[uuid]
        return started is None or (one.key, one.run_token) in started
