"""Workers and tasks as their events show them, in memory (celery/events/state.py of 5.7)."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Any

from localq import states

__all__ = ["STATES_AFTER", "State", "Task", "Worker"]

#: A worker that was not heard of for so many of its heartbeats is no longer alive.
_BEATS = 2.0
#: The state each event puts a task in.
STATES_AFTER = {
    "task-sent": states.PENDING,
    "task-received": states.RECEIVED,
    "task-started": states.STARTED,
    "task-succeeded": states.SUCCESS,
    "task-failed": states.FAILURE,
    "task-retried": states.RETRY,
    "task-revoked": states.REVOKED,
    "task-rejected": states.REJECTED,
}
#: How far a task is, for events of several processes that come out of their order.
_ORDER = {
    states.PENDING: 0,
    states.RECEIVED: 1,
    states.STARTED: 2,
    states.RETRY: 3,
    states.REJECTED: 4,
    states.REVOKED: 4,
    states.FAILURE: 4,
    states.SUCCESS: 4,
}


class Worker:
    """A worker: `hostname`, `pid`, `freq`, `active`, `processed`, `loadavg`, and when it was heard of."""

    def __init__(self, hostname: str) -> None:
        self.hostname = hostname
        self.pid: int | None = None
        self.freq = 60.0
        self.active: int | None = None
        self.processed: int | None = None
        self.loadavg: list[float] = []
        self.sw_ident = self.sw_ver = self.sw_sys = ""
        self.heartbeats: list[float] = []
        self.timestamp = 0.0
        self.offline = False

    def event(self, kind: str, event: dict[str, Any]) -> None:
        """Take an event of this worker's."""
        self.timestamp = max(self.timestamp, event["timestamp"])
        self.heartbeats = [*self.heartbeats[-7:], event["timestamp"]]
        self.offline = kind == "worker-offline"
        for name in ("pid", "freq", "active", "processed", "loadavg", "sw_ident", "sw_ver", "sw_sys"):
            if event.get(name) is not None:
                setattr(self, name, event[name])

    def alive_at(self, timestamp: float) -> bool:
        """Whether it was alive at a time (seconds since 1970): not stopped, and heard of not long before."""
        return not self.offline and timestamp < self.timestamp + self.freq * _BEATS

    def __repr__(self) -> str:
        return f"<Worker: {self.hostname} ({'OFFLINE' if self.offline else 'ONLINE'})>"


class Task:
    """A task: `uuid`, `name`, `state`, `worker`, the fields of its events, and when each kind came."""

    name: str | None = None
    worker: Worker | None = None
    state = states.PENDING
    timestamp = 0.0
    sent: float | None = None
    received: float | None = None
    started: float | None = None
    succeeded: float | None = None
    failed: float | None = None
    retried: float | None = None
    revoked: float | None = None
    rejected: float | None = None
    args: str | None = None
    kwargs: str | None = None
    eta: str | None = None
    expires: str | None = None
    retries = 0
    result: str | None = None
    exception: str | None = None
    traceback: str | None = None
    runtime: float | None = None
    queue: str | None = None
    exchange: str | None = None
    routing_key: str | None = None
    root_id: str | None = None
    parent_id: str | None = None
    client: str | None = None
    pid: int | None = None

    #: What `info` shows.
    FIELDS = (
        "uuid", "name", "state", "received", "sent", "started", "rejected", "succeeded", "failed", "retried", "revoked",
        "args", "kwargs", "eta", "expires", "retries", "worker", "result", "exception", "timestamp", "runtime",
        "traceback", "exchange", "routing_key", "root_id", "parent_id",
    )  # fmt: skip

    def __init__(self, uuid: str) -> None:
        self.uuid = uuid

    @property
    def ready(self) -> bool:
        """Whether nothing more is to come."""
        return self.state in (states.SUCCESS, states.FAILURE, states.REVOKED)

    def event(self, kind: str, event: dict[str, Any]) -> None:
        """Take an event of this task's; one that is older than what is known only adds what was missing."""
        verb = kind.removeprefix("task-")
        state = STATES_AFTER.get(kind, verb.upper())
        setattr(self, verb, event["timestamp"])
        late = event["timestamp"] < self.timestamp and _ORDER.get(state, 0) < _ORDER.get(self.state, 0)
        for name, value in event.items():
            if name not in _COMMON and value is not None and (not late or getattr(self, name, None) is None):
                setattr(self, name, value)
        if not late:
            self.state = state
            self.timestamp = max(self.timestamp, event["timestamp"])

    def info(self, fields: tuple[str, ...] | None = None, extra: tuple[str, ...] = ()) -> dict[str, Any]:
        """Return the fields that are known."""
        names = (*(self.FIELDS if fields is None else fields), *extra)
        return {name: value for name in names if (value := getattr(self, name, None)) is not None}

    def __repr__(self) -> str:
        return f"<Task: {self.name}({self.uuid}) {self.state} clock:{self.timestamp}>"


_COMMON = ("type", "hostname", "timestamp", "clock", "utcoffset", "uuid", "local_received", "state", "event", "info")


class State:
    """What events have told so far; the oldest is forgotten first.

    Args:
        callback: Called with the state and each event, after it was taken.
        max_workers_in_memory, max_tasks_in_memory: How many are kept.
    """

    def __init__(
        self,
        callback: Callable[[State, dict[str, Any]], Any] | None = None,
        max_workers_in_memory: int = 5_000,
        max_tasks_in_memory: int = 10_000,
    ) -> None:
        self.workers: OrderedDict[str, Worker] = OrderedDict()
        self.tasks: OrderedDict[str, Task] = OrderedDict()
        self.event_count = self.task_count = 0
        self._callback = callback
        self._most_workers, self._most_tasks = max_workers_in_memory, max_tasks_in_memory

    def event(self, event: dict[str, Any]) -> None:
        """Take an event."""
        kind = str(event["type"])
        self.event_count += 1
        subject = kind.partition("-")[0]
        if subject == "worker":
            self._worker(event["hostname"]).event(kind, event)
        elif subject == "task" and "uuid" in event:
            task = self.tasks.get(event["uuid"])
            if task is None:
                task = self.tasks[event["uuid"]] = Task(event["uuid"])
                self.task_count += 1
                if len(self.tasks) > self._most_tasks:
                    self.tasks.popitem(last=False)
            if kind == "task-sent":
                task.client = event["hostname"]
            else:
                task.worker = self._worker(event["hostname"])
            task.event(kind, event)
        if self._callback is not None:
            self._callback(self, event)

    def _worker(self, hostname: str) -> Worker:
        if hostname not in self.workers:
            self.workers[hostname] = Worker(hostname)
            if len(self.workers) > self._most_workers:
                self.workers.popitem(last=False)
        return self.workers[hostname]

    def alive_workers(self, timestamp: float) -> Iterator[Worker]:
        """Yield the workers that were alive at a time (seconds since 1970)."""
        return (worker for worker in list(self.workers.values()) if worker.alive_at(timestamp))

    def tasks_by_timestamp(self, limit: int | None = None, reverse: bool = True) -> list[tuple[str, Task]]:
        """Return tasks with their ids, those last heard of first."""
        ordered = sorted(self.tasks.items(), key=lambda item: item[1].timestamp, reverse=reverse)
        return ordered[:limit]

    tasks_by_time = tasks_by_timestamp

    def tasks_by_type(self, name: str, limit: int | None = None, reverse: bool = True) -> list[tuple[str, Task]]:
        """Return the tasks of a name."""
        return [one for one in self.tasks_by_timestamp(None, reverse) if one[1].name == name][:limit]

    def tasks_by_worker(self, hostname: str, limit: int | None = None, reverse: bool = True) -> list[tuple[str, Task]]:
        """Return the tasks of a worker."""
        found = self.tasks_by_timestamp(None, reverse)
        return [one for one in found if one[1].worker is not None and one[1].worker.hostname == hostname][:limit]

    def task_types(self) -> list[str]:
        """Return the names of the tasks that were heard of."""
        return sorted({task.name for task in self.tasks.values() if task.name is not None})

    def clear(self, ready: bool = True) -> None:
        """Forget the tasks that are over; with `ready=False` all of them, and the workers.

        Args:
            ready: Keep what is not over.
        """
        if ready:
            for uuid in [uuid for uuid, task in self.tasks.items() if task.ready]:
                del self.tasks[uuid]
            return
        self.tasks.clear()
        self.workers.clear()
        self.event_count = self.task_count = 0

    def __repr__(self) -> str:
        return f"<State: events={self.event_count} tasks={self.task_count}>"
