"""Celery's events of a worker, for whoever listens in other processes (`localq.monitor.event_receiver`).

Nothing is put together, and no thread runs, while nobody listens: twice a second the worker looks whether anybody
does. Events are hints: a listener that does not keep up loses the oldest of them.
"""

from __future__ import annotations

import contextlib
import os
import platform
import time
from collections.abc import Sequence
from typing import Any

from localq import __version__
from localq.app.app import LocalQ
from localq.model.clock import Clock, to_datetime
from localq.model.job import Job, JobState
from localq.model.job_options import JobOptions
from localq.model.outcome import Ending, Outcome
from localq.monitor.shown_call import read_call
from localq.serialization import codec, failure
from localq.serialization.sealing import open_call, open_result
from localq.settings import Settings
from localq.store.protocol import Events
from localq.worker.celery_event_sender import CeleryEventSender
from localq.worker.pool.contract import Death, Handed, Pool

__all__ = ["CeleryEvents"]

#: Seconds between two heartbeats, as in Celery.
HEARTBEAT_S = 2.0
#: Characters of a value that are shown.
_LONGEST = 1024


class CeleryEvents:
    """The events of one worker; all methods are called from its thread.

    Args:
        app: Its app.
        worker: Its name.
        events: Through which listeners are found and told.
        pool: Asked what has started.

    Attributes:
        listening: Whether events are to be made; the worker looks at it before it calls anything else.
        enabled: False keeps events of tasks from being sent, whoever listens; the setting says so, at any time.
    """

    def __init__(self, app: LocalQ, worker: str, events: Events, pool: Pool, clock: Clock) -> None:
        self._worker, self._listeners, self._pool, self._time = worker, events, pool, clock
        self._conf = app.conf
        self.listening = False
        self.enabled = True
        self._sender: CeleryEventSender | None = None
        self._clock = 0
        #: Runs that ended, whether anybody listened or not.
        self.processed = 0
        self._beat_at = 0.0
        self._started: set[tuple[str, int]] = set()

    # Of the worker

    def look(self) -> None:
        """See whether anybody listens, and begin or end; tell what is due."""
        heard = self._listeners.listened()
        if heard and self._sender is None:
            self._sender = CeleryEventSender(self._listeners)
            self._beat_at = 0.0
        elif not heard and self._sender is not None:
            self._hang_up()
        self.listening = heard
        # Only who said no means it: Celery's default stands for a price that is not paid here.
        self.enabled = bool(self._conf.worker_send_task_events) or "worker_send_task_events" not in self._conf.given()
        if heard:
            self.started()
            if self._time.steady() >= self._beat_at:
                self.heartbeat()

    def online(self) -> None:
        """Say that the worker works from now on."""
        self.look()
        self._of_worker("worker-online")

    def heartbeat(self) -> None:
        """Say that the worker lives, and how busy it is."""
        self._beat_at = self._time.steady() + HEARTBEAT_S
        load = list(os.getloadavg()) if hasattr(os, "getloadavg") else []
        active = len(self._pool.in_hand())
        self._of_worker("worker-heartbeat", active=active, processed=self.processed, loadavg=load)

    def offline(self) -> None:
        """Say that the worker stops: its last word."""
        self._of_worker("worker-offline")
        self._hang_up()

    def _of_worker(self, kind: str, **fields: Any) -> None:
        versions = {"sw_ident": "localq", "sw_ver": __version__, "sw_sys": platform.system()}
        self._put(kind, None, freq=HEARTBEAT_S, **versions, **fields)

    def _hang_up(self) -> None:
        if self._sender is not None:
            self._sender.close()
        self._sender, self.listening = None, False
        self._started.clear()

    # Of jobs

    def received(self, jobs: Sequence[Handed]) -> None:
        """Tell of jobs that came to this worker."""
        for job, rules in jobs:
            options = rules.options
            eta = options.eta_of(job)
            args, kwargs = _shown_call(job, options, self._conf)
            self._of_job(
                "task-received",
                job,
                name=job.task,
                args=args,
                kwargs=kwargs,
                retries=job.retries,
                eta=None if eta is None else to_datetime(eta).isoformat(),
                expires=None if job.expires_at is None else to_datetime(job.expires_at).isoformat(),
                queue=job.queue,
                routing_key=job.queue,
                root_id=options.root_id or job.id,
                parent_id=options.parent_id,
            )

    def started(self) -> None:
        """Tell of jobs that run now and have not been told of yet."""
        running = [one for one in self._pool.jobs() if one.started_at is not None]
        for job, started_at, pid in running:
            self._start(job, started_at or 0, pid)
        self._started &= {(one.job.id, one.job.run_token) for one in running}

    def _start(self, job: Job, started_at: int, pid: int | None = None) -> None:
        if (job.id, job.run_token) not in self._started:
            self._started.add((job.id, job.run_token))
            self._of_job("task-started", job, at=started_at, pid=pid or os.getpid())

    def expired(self, job: Job) -> None:
        """Tell of a job whose time to run was over."""
        self._of_job("task-revoked", job, terminated=False, signum=None, expired=True)

    def ended(self, handed: Handed, end: Outcome | Death, outcome: Outcome, state: JobState) -> None:
        """Tell of an attempt that is over."""
        job = handed.job
        if outcome.started_at is not None:
            self._start(job, outcome.started_at)
        self._started.discard((job.id, job.run_token))
        kind = _KINDS.get(outcome.ending)
        if outcome.ending == Ending.LOST and state != JobState.FAILED:
            kind = "task-retried"
        if kind is not None:
            self._of_job(kind, job, at=outcome.ended_at, **_details(kind, handed, end, outcome, self._conf))

    def _of_job(self, kind: str, job: Job, **fields: Any) -> None:
        if self.enabled:
            self._put(kind, uuid=job.id, **fields)

    def _put(self, kind: str, at: int | None = None, **fields: Any) -> None:
        if self._sender is None:
            return
        self._clock += 1
        common = {
            "type": kind,
            "hostname": self._worker,
            "timestamp": (self._time.now() if at is None else at) / 1e6,
            "pid": os.getpid(),
            "clock": self._clock,
            "utcoffset": time.timezone // 3600,
        }
        self._sender.put({**common, **fields})


_KINDS = {
    Ending.SUCCESS: "task-succeeded",
    Ending.FAILURE: "task-failed",
    Ending.LOST: "task-failed",
    Ending.RETRY: "task-retried",
    Ending.REJECTED: "task-rejected",
    Ending.REVOKED: "task-revoked",
}


def _details(kind: str, handed: Handed, end: Outcome | Death, outcome: Outcome, conf: Settings) -> dict[str, Any]:
    """Return the fields that belong to an ending."""
    if kind == "task-succeeded":
        seconds = (outcome.ended_at - (outcome.started_at or outcome.ended_at)) / 1e6
        return {"result": _shown(handed, outcome.result, conf), "runtime": seconds}
    if kind == "task-rejected":
        return {"requeue": outcome.requeue}
    if kind == "task-revoked":
        number = end.number if isinstance(end, Death) else 0
        return {"terminated": True, "signum": number or None, "expired": False}
    told = failure.load(outcome.failure or b"")
    return {"exception": f"{told.type}({told.message!r})"[:_LONGEST], "traceback": told.traceback[:_LONGEST]}


def _shown(handed: Handed, data: bytes | None, conf: Settings) -> str:
    """Return a result as text; what is pickled is not read here."""
    if data is None:
        return "None"
    job, serializer = handed.job, handed.rules.options.serializer
    if serializer == "json":
        with contextlib.suppress(Exception):
            return codec.brief(codec.decode(open_result(job.id, "json", data, conf)), _LONGEST)
    return f"<{len(data)} bytes of {serializer}>"


def _shown_call(job: Job, options: JobOptions, conf: Settings) -> tuple[str, str]:
    """Return a call's arguments as text: those the caller gave for this, or their own."""
    args, kwargs = options.argsrepr, options.kwargsrepr
    if options.redact:
        call = read_call(job, conf)
        return codec.brief(call.args, _LONGEST), codec.brief(call.kwargs, _LONGEST)
    if (args is None or kwargs is None) and options.serializer == "json":
        with contextlib.suppress(Exception):
            decoded = codec.decode_call(open_call(job, conf) or b"[[],{}]", "json", ("json",))
            args = args if args is not None else codec.brief(decoded[0], _LONGEST)
            kwargs = kwargs if kwargs is not None else codec.brief(decoded[1], _LONGEST)
    return args or f"<{options.serializer}>", kwargs or f"<{options.serializer}>"
