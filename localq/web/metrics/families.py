"""What is told to Prometheus: LocalQ's own names, and Flower's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from localq.model.job import JobState
from localq.model.worker import WorkerState
from localq.store.protocol import Store
from localq.web.ask.queues import QueueSeen, queues_seen
from localq.web.ask.workers import WorkerSeen, workers_seen
from localq.web.metrics.counted import MOST_NAMES, Counted, Totals
from localq.web.metrics.exposition import Family, histogram

__all__ = ["families"]

_EVENTS = {JobState.SUCCEEDED: "task-succeeded", JobState.FAILED: "task-failed", JobState.CANCELLED: "task-revoked"}


def families(store: Store, counted: Counted, now: int) -> list[Family]:
    """Return all that is told."""
    rows = store.workers.all()
    totals = counted.totals(store, now)
    workers = workers_seen(store, rows)[:MOST_NAMES]
    queues = sorted(queues_seen(store, rows), key=lambda one: -one.waiting)[:MOST_NAMES]
    return [*_queues(queues, now), *_finished(totals), *_workers(workers), *_flowers(totals, workers)]


def _queues(queues: list[QueueSeen], now: int) -> list[Family]:
    jobs = [
        ("", {"queue": one.name, "state": state}, float(count))
        for one in queues
        for state, count in (("ready", one.ready), ("waiting", one.waiting - one.ready), ("running", one.running))
    ]
    oldest = [
        ("", {"queue": one.name}, max(0.0, (now - one.oldest_at) / 1e6) if one.oldest_at is not None else 0.0)
        for one in queues
    ]
    paused = [("", {"queue": one.name}, float(one.paused)) for one in queues]
    served = [("", {"queue": one.name}, float(len(one.served_by))) for one in queues]
    return [
        Family("localq_queue_jobs", "gauge", "Jobs that could run, wait for something else, or run", jobs),
        Family("localq_queue_oldest_seconds", "gauge", "How long the longest waiting job could have run", oldest),
        Family("localq_queue_paused", "gauge", "Whether no worker takes jobs from it", paused),
        Family("localq_queue_workers", "gauge", "Live workers that serve it", served),
    ]


def _finished(totals: Totals) -> list[Family]:
    counts = [
        ("", {"task": task, "queue": queue, "state": JobState(state).name.lower()}, float(count))
        for (task, queue, state), count in sorted(totals.finished.items())
    ]
    waits = [
        sample
        for queue, spans in sorted(totals.waits.items())
        for sample in histogram({"queue": queue}, spans, sum(span * count for span, count in spans.items()))
    ]
    return [
        Family("localq_jobs_finished_total", "counter", "Jobs that finished", counts),
        Family("localq_task_run_seconds", "histogram", "How long the last runs of jobs took", _runs(totals)),
        Family("localq_queue_wait_seconds", "histogram", "How long jobs waited to begin", waits),
    ]


def _runs(totals: Totals, more: Mapping[str, str] | None = None) -> list[tuple[str, Mapping[str, str], float]]:
    return [
        sample
        for task, spans in sorted(totals.runs.items())
        if spans
        for sample in histogram({"task": task, **(more or {})}, spans, totals.run_s.get(task, 0.0))
    ]


def _workers(workers: list[WorkerSeen]) -> list[Family]:
    states = Counter(one.row.state for one in workers)
    known = [("", {"state": state.value}, float(states[state])) for state in (WorkerState.ALIVE, WorkerState.SILENT)]
    slots = [("", {"worker": one.row.card.name}, float(one.row.card.concurrency)) for one in workers]
    running = [("", {"worker": one.row.card.name}, float(len(one.jobs))) for one in workers]
    return [
        Family("localq_workers", "gauge", "Workers that live, and that do not answer", known),
        Family("localq_worker_slots", "gauge", "Jobs that a worker can run at a time", slots),
        Family("localq_worker_running", "gauge", "Jobs that a worker runs", running),
    ]


def _flowers(totals: Totals, workers: list[WorkerSeen]) -> list[Family]:
    """Return Flower's families. The store counts by task, so that `worker` is empty where Flower counts by both."""
    events: Counter[tuple[str, str]] = Counter()
    for (task, _, state), count in totals.finished.items():
        events[task, _EVENTS[JobState(state)]] += count
    counts = [("", {"worker": "", "type": kind, "task": task}, float(n)) for (task, kind), n in sorted(events.items())]
    online = [("", {"worker": one.row.card.name}, float(one.row.state == WorkerState.ALIVE)) for one in workers]
    running = [("", {"worker": one.row.card.name}, float(len(one.jobs))) for one in workers]
    executing = "flower_worker_number_of_currently_executing_tasks"
    # Nothing is prefetched: jobs are claimed for slots that are free.
    none = [
        ("", {"worker": one.row.card.name, "task": task}, 0.0)
        for one in workers
        for task in sorted({job.task for job in one.jobs})
    ]
    return [
        Family("flower_events_total", "counter", "Number of events", counts),
        Family("flower_task_runtime_seconds", "histogram", "Task runtime", _runs(totals, {"worker": ""})),
        Family("flower_task_prefetch_time_seconds", "gauge", "The time the task waited at the worker", none),
        Family("flower_worker_prefetched_tasks", "gauge", "Number of tasks prefetched at a worker", none),
        Family("flower_worker_online", "gauge", "Worker online status", online),
        Family(executing, "gauge", "Number of tasks currently executing at a worker", running),
    ]
