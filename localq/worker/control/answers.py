"""The commands that only tell: what a worker runs, knows and has used. They answer as Celery's do."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

from localq.execution.policy import rules_of
from localq.host.memory import usage
from localq.model.ids import ids_of
from localq.model.job import Job, JobState
from localq.model.orders import PARKED_AT, PAUSE, RATE
from localq.model.secrets import masked
from localq.monitor import bug_report
from localq.monitor.shown_call import read_call
from localq.result.paged_jobs import paged
from localq.settings import Settings
from localq.store.protocol import Filter
from localq.tasks.task import Task
from localq.worker.control import State, inspect_command, nok, ok
from localq.worker.pool.contract import InHand

__all__ = ["request_info"]

#: Arguments larger than this (bytes) are told by their size.
_LARGEST_ARGS = 16_384
#: Jobs told of with one answer.
_MOST = 500
#: Jobs looked up in the store at one request, by a worker that stands still for it.
_MOST_ASKED = 50
#: What Celery calls jobs that no slot has, by their state in the store.
_AWAITED: dict[int, str] = {JobState.SCHEDULED: "scheduled", JobState.READY: "ready"}


# Jobs


def request_info(job: Job, state: State, started_at: int | None = None, pid: int | None = None) -> dict[str, Any]:
    """Return a job as Celery tells of a request."""
    rules = rules_of(job, state.app.tasks.find(job.task), state.app.conf)
    args, kwargs = _arguments(job, state.app.conf)
    return {
        "id": job.id,
        "name": job.task,
        "args": args,
        "kwargs": kwargs,
        "type": job.task,
        "hostname": state.hostname,
        "time_start": None if started_at is None else started_at / 1e6,
        "acknowledged": started_at is not None and rules.at_most_once,
        "delivery_info": {
            "exchange": "",
            "routing_key": job.queue,
            "priority": job.priority,
            "redelivered": job.attempts > 1,
        },
        "worker_pid": pid,
    }


def _arguments(job: Job, conf: Settings) -> tuple[Any, Any]:
    """Return a job's arguments, or what the call said to show instead; nothing is unpickled to be shown."""
    call = read_call(job, conf, _LARGEST_ARGS)
    if call.note is None:
        return call.args, call.kwargs
    return (None, None) if job.args is None else (f"<{call.note}>", {})


@inspect_command(quick=True, alias="dump_active", help="List of tasks currently being executed.")
def active(state: State, safe: bool = False, **_: Any) -> list[dict[str, Any]]:
    """Return what runs."""
    return [_told(one, state) for one in state.worker.pool.jobs() if one.started_at is not None]


@inspect_command(quick=True, alias="dump_reserved", help="List of claimed tasks, not started yet.")
def reserved(state: State, **_: Any) -> list[dict[str, Any]]:
    """Return what was claimed and waits for a slot."""
    return [_told(one, state) for one in state.worker.pool.jobs() if one.started_at is None]


def _told(one: InHand, state: State) -> dict[str, Any]:
    return request_info(one.job, state, one.started_at, one.pid)


@inspect_command(alias="dump_schedule", help="List of tasks that wait for their time.")
def scheduled(state: State, **_: Any) -> list[dict[str, Any]]:
    """Return the newest of the jobs that wait in the store for their time, in the queues this worker serves."""
    plan = state.worker.plan
    jobs = _newest(state, Filter(states=(JobState.SCHEDULED,), queues=plan.queues))
    served = [job for job in jobs if job.queue not in plan.excluded]
    return [
        {
            "eta": None if job.run_at == PARKED_AT else job.run_at / 1e6,
            "priority": job.priority,
            "request": request_info(job, state),
        }
        for job in served
    ]


def _newest(state: State, which: Filter) -> list[Job]:
    return list(islice(paged(state.app.store.read, which, _MOST), _MOST))


@inspect_command(alias="dump_revoked", help="List of revoked task-ids.")
def revoked(state: State, **_: Any) -> list[str]:
    """Return the newest of the jobs that were revoked, or are to be."""
    found = _newest(state, Filter(states=(JobState.CANCELLED,)))
    flagged = [job for job in _newest(state, Filter(states=(JobState.RUNNING,))) if job.cancel]
    return [job.id for job in (*flagged, *found)]


@inspect_command(
    quick=True, variadic="ids", signature="[id1 [id2 [... [idN]]]]", help="Query for task(s) information by id."
)
def query_task(state: State, ids: str | Sequence[str], **_: Any) -> dict[str, Any]:
    """Return how jobs stand, and what Celery tells of them.

    Those this worker has are active or reserved. Those it may get are scheduled or ready: a worker of Celery's has
    them in memory, here they are in the store, so that every worker that serves their queue tells of them.
    """
    wanted = set(ids_of(ids))
    found = {
        one.job.id: ["reserved" if one.started_at is None else "active", _told(one, state)]
        for one in state.worker.pool.jobs()
        if one.job.id in wanted
    }
    for job_id in sorted(wanted - found.keys())[:_MOST_ASKED]:
        job = state.worker.store.read.get([job_id], args=True).get(job_id)
        if job is not None and job.state in _AWAITED and state.worker.plan.served.serves(job.queue):
            found[job_id] = [_AWAITED[job.state], request_info(job, state)]
    return found


# Tasks and queues


@inspect_command(
    quick=True,
    alias="dump_tasks",
    variadic="taskinfoitems",
    signature="[attr1 [attr2 [... [attrN]]]]",
    help="List of registered tasks.",
)
def registered(state: State, taskinfoitems: Sequence[str] | None = None, builtins: bool = False, **_: Any) -> list[str]:
    """Return the tasks' names, with the attributes that are asked for; of `rate_limit` the one that holds."""
    ordered = {one.name: one.value for one in state.worker.orders.held if one.kind == RATE}

    def told(name: str, task: Task[..., Any]) -> str:
        values = {item: getattr(task, item, None) for item in taskinfoitems or ()}
        if "rate_limit" in values:
            values["rate_limit"] = ordered.get(name, values["rate_limit"])
        shown = " ".join(f"{item}={value}" for item, value in values.items() if value is not None)
        return f"{name} [{shown}]" if shown else name

    return [told(name, task) for name, task in sorted(state.app.tasks.items())]


@inspect_command(quick=True, help="List the task queues a worker is currently consuming from.")
def active_queues(state: State, **_: Any) -> list[dict[str, Any]]:
    """Return the queues served; of a worker that serves all of them, those that are known by name."""
    plan, app = state.worker.plan, state.app
    paused = {one.name for one in state.worker.orders.held if one.kind == PAUSE}
    if plan.queues is None:
        own = (task.queue for task in app.tasks.values())
        names: Iterable[str] = dict.fromkeys([app.conf.task_default_queue, *filter(None, own), *sorted(paused)])
    else:
        names = plan.queues
    return [
        {
            "name": name,
            "exchange": {"name": name, "type": "direct", "durable": True},
            "routing_key": name,
            "durable": True,
            "exclusive": False,
            "auto_delete": False,
            "alias": None,
            "paused": name in paused,
            "serves_all": plan.queues is None,
        }
        for name in names
        if name not in plan.excluded
    ]


# The worker


@inspect_command(quick=True, help="Ping worker(s).")
def ping(state: State, **_: Any) -> dict[str, str]:
    """Answer."""
    return ok("pong")


@inspect_command(quick=True, help="Get current logical clock value.")
def clock(state: State, **_: Any) -> dict[str, int]:
    """Return the worker's time in microseconds: workers on one machine need no clock but its own."""
    return {"clock": state.app.clock.now()}


@inspect_command(
    quick=True, alias="dump_conf", signature="[include_defaults=False]", help="List configuration.",
    args=[("with_defaults", lambda text: text.lower() in ("1", "true", "yes"))],
)  # fmt: skip
def conf(state: State, with_defaults: bool = False, **_: Any) -> dict[str, Any]:
    """Return the settings that were given, or all of them; what may be a secret is masked."""
    given = dict(state.app.conf) if with_defaults else state.app.conf.given()
    return {name: masked(name, value) for name, value in sorted(given.items())}


@inspect_command(quick=True, help="Request worker statistics/information.")
def stats(state: State, **_: Any) -> dict[str, Any]:
    """Return what the worker is and has done."""
    worker, settings = state.worker, state.app.conf
    store = worker.store
    pool = {
        "implementation": worker.plan.pool_kind,
        "max-concurrency": worker.pool.size,
        "processes": worker.pool.pids(),
        "max-tasks-per-child": settings.worker_max_tasks_per_child or "N/A",
        "put-guarded-by-semaphore": False,
        "timeouts": [settings.task_soft_time_limit or 0, settings.task_time_limit or 0],
    }
    scaler = worker.pool_size.autoscaler
    return {
        "total": dict(sorted(worker.received.items())),
        "pid": os.getpid(),
        "clock": str(state.app.clock.now()),
        "uptime": round(worker.clock.steady() - worker.began),
        "pool": pool,
        "autoscaler": None if scaler is None else {
            "max": scaler.bounds.most, "min": scaler.bounds.fewest, "current": worker.pool.size
        },
        "prefetch_count": len(worker.pool.in_hand()),
        "broker": {"transport": "localq", "hostname": store.name, "heartbeat": 0.0},
        "rusage": usage(),
    }  # fmt: skip


@inspect_command(quick=True, help="Information about Python, LocalQ and the platform, for bug reports.")
def report(state: State, **_: Any) -> dict[str, str]:
    """Return a text for a bug report."""
    worker = state.worker
    told = f"{worker.plan.name} pool:{worker.plan.pool_kind} slots:{worker.pool.size}"
    return ok(bug_report.report(state.app, told))


# Memory


@inspect_command(quick=True, help="Sample current RSS memory usage.")
def memsample(state: State, **_: Any) -> str:
    """Take a sample of the memory the worker and its slots hold, and return it."""
    return _size(state.worker.memory.take(state.worker.pool.pids()))


@inspect_command(
    quick=True, args=[("samples", int)], signature="[n_samples=10]", help="Statistics of previous memsample requests."
)  # fmt: skip
def memdump(state: State, samples: int = 10, **_: Any) -> dict[str, Any]:
    """Return the last samples that `memsample` took, oldest first."""
    return ok([_size(one) for one in state.worker.memory.last(int(samples))])


def _size(kib: int) -> str:
    return f"{kib / 1024:.2f}MB"


@inspect_command(
    quick=True,
    args=[("object_type", str), ("num", int), ("max_depth", int)],
    signature="[object_type=Request] [num=200 [max_depth=10]]",
    help="Not offered: see what it answers.",
)
def objgraph(state: State, **_: Any) -> dict[str, Any]:
    """Refuse: a graph of all objects stops a worker for seconds, longer than its lease may last."""
    pids = json.dumps(sorted({os.getpid(), *state.worker.pool.pids()}))
    return nok(
        "LocalQ draws no graphs of objects: that would stop the worker for seconds. Look into a process from outside, "
        f"as with 'py-spy dump --pid' or 'memray attach' (processes {pids}), or call objgraph in a task."
    )
