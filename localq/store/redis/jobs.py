"""The verbs that write jobs, each a script; see `localq.store.protocol.jobs`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from localq.model import failpoints
from localq.model.job import Job, JobState, NewJob
from localq.model.outcome import Completion, Note
from localq.model.rates import NO_RATES, Rate
from localq.model.worker import Claim, Served
from localq.store.protocol.bells import CANCEL
from localq.store.protocol.jobs import Added, Finished
from localq.store.redis.bells import RedisBells
from localq.store.redis.outbox import Outbox
from localq.store.redis.packing import pack_completions, pack_jobs
from localq.store.redis.rows import pairs, split_payload
from localq.store.redis.scripts import script
from localq.store.redis.server import RedisServer
from localq.store.redis.staging import Staging, is_large

__all__ = ["RedisJobs"]

_BASE = ("wake", "jobs", "edges")
#: What nearly all jobs need comes first: defining the functions of the rest costs more than such a job.
_ADDING = ("plain_add", "wake", "add_rung", "jobs", "edges", "insert", "add")
_ADD, _ADD_ONCE = script(*_ADDING), script("once", *_ADDING)
_FINISH = script("plain_finish", *_BASE, "insert", "attempts", "finish")
_CLAIM = script("plain_claim", "wake", "jobs", "limits", "claim")
_NOTE, _CANCEL, _REQUEUE = (
    script("wake", "jobs", "note"),
    script(*_BASE, "cancelling", "cancel"),
    script(*_BASE, "requeue"),
)
_FORGET, _PURGE = script(*_BASE, "tallies", "drop", "forget"), script(*_BASE, "tallies", "drop", "purge")
_PRUNE = script(*_BASE, "tallies", "drop", "workers", "prune")
_BACKLOG = script("backlog", reads=True)
#: Jobs claimed in one script: its answer has room for some thousands.
_CLAIMED_AT_ONCE = 2000
#: Jobs removed from queues in one script.
_PURGED_AT_ONCE = 500
#: Seconds for which a server is tried where there is an outbox.
_ONCE_S = 0.3
_READY, _RUNNING = int(JobState.READY), int(JobState.RUNNING)
_AWAITED = b"+"


class RedisJobs:
    """Jobs as they are written."""

    def __init__(self, server: RedisServer, bells: RedisBells, outbox: str | None = None) -> None:
        self._server, self._bells = server, bells
        self.staging = Staging(server)
        #: What keeps jobs while the server is away; None: that is an error.
        self.outbox = None if outbox is None else Outbox(outbox, self._add_once)

    def _inside(self, point: str) -> None:
        """Let a test break a verb off; a script is all done or not at all, so that it may as well be before it."""
        try:
            failpoints.point(point)
        except BaseException as error:
            self._server.fail(error)

    def add(self, jobs: Sequence[NewJob], now: int) -> list[Added]:
        """Add jobs, all or none; see the protocol."""
        if not jobs:
            return []
        self._inside("enqueue.inside")
        added = self._added(jobs, now) if self.outbox is None else self.outbox.add(jobs, now)
        failpoints.point("enqueue.after")
        return added

    def _added(self, jobs: Sequence[NewJob], now: int) -> list[Added]:
        if is_large(jobs):
            added: Sequence[Any] = self.staging.add(jobs, now)
        else:
            added = self._server.run(_ADD, now, *pack_jobs(jobs))
        self._server.confirm()
        return [Added(new.id, bool(is_new)) for new, is_new in zip(jobs, added, strict=True)]

    def _add_once(self, jobs: Sequence[NewJob], now: int, sender: str, number: int) -> list[Added]:
        """Add jobs under a number of a sender's, if that was not heard before; a server that is away is not waited for.

        Raises:
            StoreBusy: it is away.
        """
        with self._server.patience(_ONCE_S):
            if is_large(jobs):
                added: Sequence[Any] = self.staging.add(jobs, now, sender, number)
            else:
                added = self._server.run(_ADD_ONCE, now, *pack_jobs(jobs), sender, number)
        self._server.confirm()
        return [Added(new.id, bool(is_new)) for new, is_new in zip(jobs, added or [0] * len(jobs), strict=True)]

    def claim(
        self, worker: int, served: Served, limit: int, now: int, rates: Mapping[str, Rate] | None = NO_RATES
    ) -> Claim:
        """Take READY jobs; see the protocol."""
        self._inside("claim.inside")
        limits = (
            [""] if rates is None else [len(rates), *(word for task, one in rates.items() for word in (task, *one))]
        )
        held, next_at, unknown, *taken = self._server.run(
            _CLAIM,
            worker,
            self._bells.own,
            max(0, min(limit, _CLAIMED_AT_ONCE)),
            now,
            *_served(served),
            _tasks(served),
            *limits,
        )
        jobs = [_claimed(worker, told) for told in taken]
        met = tuple(sorted(name.decode() for name in unknown))
        return Claim(jobs, int(next_at) if next_at else None, held=bool(held), unknown=met)

    def finish(self, completions: Sequence[Completion], now: int) -> Finished:
        """Write what attempts came to; see the protocol."""
        if not completions:
            return Finished([])
        self._inside("finish.inside")
        states = self._server.run(_FINISH, now, *pack_completions(completions))
        failpoints.point("finish.after")
        held = [done for done, state in zip(completions, states, strict=True) if state]
        ready = any(done.state == _READY or done.follow_ups for done in held)
        times = [done.run_at for done in held if done.state == JobState.SCHEDULED]
        freed = any(state.endswith(_AWAITED) for state in states)
        return Finished([bool(state) for state in states], ready, freed, min(times, default=None))

    def note(self, notes: Sequence[Note], now: int) -> None:
        """Keep what unfinished jobs say of themselves; see the protocol."""
        words: list[Any] = []
        for said in notes:
            shown = "" if said.shown is None else f"s{said.shown}"
            words += (said.id, shown, b"" if said.meta is None else b"m" + said.meta)
        self._server.run(_NOTE, len(notes), *words)

    def cancel(self, ids: Sequence[str], now: int, signal: int = 0) -> dict[str, JobState]:
        """Cancel jobs; see the protocol."""
        before = self._server.run(_CANCEL, now, 1 + signal, CANCEL, len(ids), *ids)
        return {job_id: JobState(int(state)) for job_id, state in zip(ids, before, strict=True) if state}

    def requeue(self, ids: Sequence[str], now: int) -> list[str]:
        """Make finished jobs READY again; see the protocol."""
        return [job_id.decode() for job_id in self._server.run(_REQUEUE, now, len(ids), *ids)]

    def forget(self, ids: Sequence[str]) -> int:
        """Remove finished jobs; see the protocol."""
        return int(self._server.run(_FORGET, len(ids), *ids))

    def purge(self, queues: Sequence[str] | None) -> int:
        """Remove jobs that wait; see the protocol."""
        named = [""] if queues is None else [len(queues), *queues]
        removed = 0
        while True:
            some = int(self._server.run(_PURGE, _PURGED_AT_ONCE, *named))
            removed += some
            if not some:
                return removed

    def prune(self, before: int, limit: int) -> int:
        """Remove old jobs, workers and groups; see the protocol."""
        self._inside("prune.inside")
        return int(self._server.run(_PRUNE, before, limit))

    def backlog(self, served: Served, most: int) -> int:
        """Return the number of READY jobs, up to `most`; see the protocol."""
        return int(self._server.run(_BACKLOG, most, *_served(served)))


def _served(served: Served) -> list[Any]:
    queues = [""] if served.queues is None else [len(served.queues), *served.queues]
    return [*queues, len(served.excluded), *served.excluded]


def _tasks(served: Served) -> str:
    """Return the tasks served in one word; empty: all are."""
    return "" if served.tasks is None else "\0" + "".join(f"{task}\0" for task in served.tasks)


def _claimed(worker: int, told: Sequence[bytes]) -> Job:
    """Return a job that was taken, of its hash as it was before; each job goes through here, so it is made at once."""
    held = pairs(told)
    get = held.get
    created = int(held[b"i"])
    payload = get(b"P")
    arguments, options = (get(b"A", b""), get(b"O")) if payload is None else split_payload(payload)
    run_at, expires, culprit, workflow = get(b"r"), get(b"x"), get(b"u"), get(b"g")
    return Job(
        int(held[b"k"]),
        held[b"id"].decode(),
        held[b"t"].decode(),
        held[b"q"].decode(),
        int(get(b"p", 0)),
        _RUNNING,
        created if run_at is None else int(run_at),
        None if expires is None else int(expires),
        int(get(b"n", 0)) + 1,
        worker,
        int(get(b"a", 0)) + 1,
        int(get(b"y", 0)),
        int(get(b"z", 0)),
        int(get(b"c", 0)),
        None,
        created,
        None,
        arguments,
        options.decode() if options else None,
        int(get(b"w", 0)),
        int(get(b"R", 0)),
        None if culprit is None else culprit.decode(),
        None if workflow is None else workflow.decode(),
    )
