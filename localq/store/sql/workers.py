"""The verbs about workers: who is registered, whose lease holds, and which jobs the dead left behind."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from localq.exceptions import StoreError
from localq.model import failpoints
from localq.model.job import Job
from localq.model.orders import Order
from localq.model.worker import Beat, WorkerCard, WorkerRow
from localq.store.sql.database import Database

__all__ = ["WorkerVerbs"]

#: Microseconds a gone worker's row is kept, for whoever asks what happened.
GONE_KEPT_US = 3600 * 1_000_000


class WorkerVerbs(Database):
    """What workers say of themselves and of each other; see `localq.store.protocol.store.Store`."""

    def register(self, card: WorkerCard, now: int, lease_until: int) -> int:
        """Enter a worker; see the protocol."""
        with self._lock, self._writing as cursor:
            self._run(
                cursor,
                self._sql.register,
                uuid=card.uuid,
                boot_id=card.boot_id,
                card=json.dumps(card._asdict()),
                started_at=now,
                seen_at=now,
                lease_until=lease_until,
            )
            key = int(cursor.lastrowid)
            self._run(cursor, self._sql.drop_workers, before=now - GONE_KEPT_US)
            return key

    def heartbeat(self, worker: int, running: Mapping[int, int], lease_until: int, now: int) -> Beat:
        """Renew a lease and compare; see the protocol."""
        sql = self._sql
        with self._lock, self._writing as cursor:
            self._run(cursor, sql.beat, k=worker, now=now, until=lease_until)
            if cursor.rowcount == 0:
                return Beat(False, tuple(running), {}, ())
            failpoints.point("beat.inside")
            owned = {
                key: (token, cancel) for key, token, cancel in self._run(cursor, sql.owned, worker=worker).fetchall()
            }
            stop = tuple(key for key, token in running.items() if key not in owned or owned[key][0] != token)
            known = {key for key, (token, _) in owned.items() if running.get(key) == token}
            cancel = {key: flag - 1 for key, (_, flag) in owned.items() if flag and key in known}
            strays = [key for key in owned if key not in known]
            found = [self._run(cursor, sql.by_key, k=key).fetchone() for key in strays]
            orders = tuple(Order._make(row) for row in self._run(cursor, sql.orders).fetchall())
            return Beat(True, stop, cancel, tuple(Job._make(row) for row in found), orders)

    def workers(self) -> list[WorkerRow]:
        """Return all registered workers; see the protocol."""
        with self._lock, self._reading as cursor:
            rows = self._run(cursor, self._sql.workers).fetchall()
        return [
            WorkerRow(key, _card(card), started_at, seen_at, lease_until, bool(gone))
            for key, _, _, card, started_at, seen_at, lease_until, gone in rows
        ]

    def bury(self, workers: Sequence[int], now: int) -> None:
        """Declare workers gone; see the protocol."""
        with self._lock, self._writing as cursor:
            for key in workers:
                self._run(cursor, self._sql.bury, k=key, now=now)

    def lost(self, lease_now: int, boot_id: str, limit: int) -> list[Job]:
        """Return jobs whose worker is no more; see the protocol."""
        with self._lock, self._reading as cursor:
            rows = self._run(cursor, self._sql.lost, lease_now=lease_now, boot=boot_id, most=limit).fetchall()
        return [Job._make(row) for row in rows]


def _card(text: str) -> WorkerCard:
    try:
        said = json.loads(text)
        said["queues"] = None if said["queues"] is None else tuple(said["queues"])
        said["excluded"], said["tasks"] = tuple(said["excluded"]), tuple(said["tasks"])
        return WorkerCard(**said)
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError(f"A worker's entry cannot be read: {error}. Run 'localq doctor'.") from error
