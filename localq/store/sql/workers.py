"""The verbs about workers; see `localq.store.protocol.workers`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cached_property

from localq.exceptions import StoreError
from localq.model import failpoints
from localq.model.job import Job
from localq.model.worker import Beat, WorkerCard, WorkerRow
from localq.store.sql.database import Database
from localq.store.sql.mail import standing_orders
from localq.store.sql.mail_statements import mail_statements
from localq.store.sql.read_statements import read_statements
from localq.store.sql.worker_statements import WorkerStatements, worker_statements

__all__ = ["SqlWorkers"]

#: Microseconds a gone worker's row is kept, for whoever asks what happened.
GONE_KEPT_US = 3600 * 1_000_000


class SqlWorkers:
    """What workers say of themselves and of each other."""

    def __init__(self, database: Database) -> None:
        self._db = database

    @cached_property
    def _sql(self) -> WorkerStatements:
        return worker_statements(self._db.dialect)

    def enter(self, card: WorkerCard, now: int, lease_until: int) -> int:
        """Enter a worker; see the protocol."""
        with self._db.lock, self._db.writing as cursor:
            entered = self._sql.enter.run(
                cursor,
                uuid=card.uuid,
                boot_id=card.boot_id,
                card=_text(card),
                started_at=now,
                seen_at=now,
                lease_until=lease_until,
            )
            key = int(entered.fetchone()[0])
            self._sql.drop_gone.run(cursor, before=now - GONE_KEPT_US)
        return key

    def beat(
        self, worker: int, running: Mapping[int, int], lease_until: int, now: int, card: WorkerCard | None = None
    ) -> Beat:
        """Renew a lease and compare; see the protocol."""
        sql, by_key = self._sql, read_statements(self._db.dialect).by_key
        with self._db.lock, self._db.writing as cursor:
            sql.beat.run(cursor, k=worker, now=now, until=lease_until)
            if cursor.rowcount == 0:
                return Beat(False, tuple(running), {}, ())
            failpoints.point("beat.inside")
            if card is not None:
                sql.describe.run(cursor, k=worker, card=_text(card))
            owned = {key: (token, cancel) for key, token, cancel in sql.owned.run(cursor, worker=worker).fetchall()}
            stop = tuple(key for key, token in running.items() if key not in owned or owned[key][0] != token)
            known = {key for key, (token, _) in owned.items() if running.get(key) == token}
            cancel = {key: flag - 1 for key, (_, flag) in owned.items() if flag and key in known}
            found = [by_key.run(cursor, k=key).fetchone() for key in owned if key not in known]
            orders = standing_orders(cursor, mail_statements(self._db.dialect))
        return Beat(True, stop, cancel, tuple(Job._make(row) for row in found), tuple(orders))

    def leave(self, workers: Sequence[int], now: int) -> None:
        """Declare workers gone; see the protocol."""
        with self._db.lock, self._db.writing as cursor:
            for key in workers:
                self._sql.leave.run(cursor, k=key, now=now)

    def all(self) -> list[WorkerRow]:
        """Return all workers entered; see the protocol."""
        with self._db.lock, self._db.reading as cursor:
            rows = self._sql.all.run(cursor).fetchall()
        return [
            WorkerRow(key, _card(card), started_at, seen_at, lease_until, bool(gone))
            for key, _, _, card, started_at, seen_at, lease_until, gone in rows
        ]

    def lost(self, lease_now: int, boot_id: str, limit: int) -> list[Job]:
        """Return jobs whose worker is no more; see the protocol."""
        with self._db.lock, self._db.reading as cursor:
            rows = self._sql.lost.run(cursor, lease_now=lease_now, boot=boot_id, most=limit).fetchall()
        return [Job._make(row) for row in rows]


def _text(card: WorkerCard) -> str:
    return json.dumps(card._asdict())


def _card(text: str) -> WorkerCard:
    try:
        said = json.loads(text)
        said["queues"] = None if said["queues"] is None else tuple(said["queues"])
        said["excluded"], said["tasks"] = tuple(said["excluded"]), tuple(said["tasks"])
        return WorkerCard(**said)
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError(f"A worker's entry cannot be read: {error}. Run 'localq doctor'.") from error
