"""`app.control`: speak to workers. Commands go through the store's mailbox, and every worker that lives answers.

What concerns jobs, tasks and queues is written into the store as well: it holds whether a worker is there or not.
"""

from __future__ import annotations

import fnmatch
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Protocol
from uuid import UUID

from localq.model.bounds import checked_name
from localq.model.clock import Clock
from localq.model.ids import ids_of, new_id
from localq.model.job import JobState
from localq.model.orders import LIMITS, PAUSE, RATE, Order, answer_word
from localq.model.rates import read_rate
from localq.model.worker import WorkerRow, WorkerState, other_name
from localq.monitor.inspect import Callback, Inspect, Workers
from localq.result import signal_number, waiting
from localq.result.stamped_jobs import stamped
from localq.store.protocol import Store

__all__ = ["Control"]

#: Seconds a command waits for workers where nobody waits for its answers.
_KEPT_S = 300.0


class App(Protocol):
    """What control needs of an app."""

    clock: Clock

    @property
    def store(self) -> Store: ...

    def cancel(self, ids: list[str], *, signal: int = 0) -> dict[str, JobState]: ...


class Control:
    """Commands to workers; see Celery's `app.control`.

    A command with `reply=True` returns `[{worker: answer}, ...]` as soon as every live worker meant has answered, or
    after `timeout` seconds. Without, it returns None at once.
    """

    def __init__(self, app: App) -> None:
        self.app = app

    def inspect(
        self,
        destination: Workers = None,
        timeout: float = 1.0,
        callback: Callback | None = None,
        connection: Any = None,
        app: Any = None,
        limit: int | None = None,
        pattern: str | None = None,
        matcher: str | None = None,
    ) -> Inspect:
        """Return an object that asks workers what they do; see `broadcast` for the arguments."""
        return Inspect(self, destination, timeout, callback, limit, pattern, matcher)

    def broadcast(
        self,
        command: str,
        arguments: Mapping[str, Any] | None = None,
        destination: Workers = None,
        connection: Any = None,
        reply: bool = False,
        timeout: float = 1.0,
        limit: int | None = None,
        callback: Callback | None = None,
        channel: Any = None,
        pattern: str | None = None,
        matcher: str | None = None,
        **more: Any,
    ) -> list[dict[str, Any]] | None:
        """Send a command to workers.

        Args:
            arguments: What the command takes, with `more`.
            destination: The workers' names; None: all.
            reply: Wait for the answers.
            timeout: Seconds to wait for workers that do not answer.
            limit: Answers to wait for, instead of one of each live worker.
            callback: Called with each answer, `{worker: answer}`.
            pattern, matcher: Only workers whose name fits: "glob" (the default) or "pcre".
            connection, channel: Accepted; there is no broker.

        Raises:
            TypeError: the arguments cannot be written as JSON.
            ValueError: the matcher is unknown, or the pattern is none; a destination is no name.
        """
        said = _written(command, {**(arguments or {}), **more})
        store, clock = self.app.store, self.app.clock
        there = [row.card.name for row in self._alive()]
        names, asked = _addressed(destination, there)
        if pattern is not None:
            names = [name for name in (there if names is None else names) if _fits(name, pattern, matcher)]
        now = clock.now()
        kept = timeout if reply else _KEPT_S
        until = now + int(kept * 1e6)
        key = store.mail.post(command, said, names, wants_reply=reply, expires_at=until, now=now, token=new_id())
        if not reply:
            return None
        expected = sum(names is None or name in names for name in there) if limit is None else limit
        return self._gather(key, expected, timeout, callback, asked)

    def _gather(
        self, key: int, expected: int, timeout: float, callback: Callback | None, asked: Mapping[str, str]
    ) -> list[dict[str, Any]]:
        """Return the answers to a letter, when as many as expected are there or the time is over.

        Args:
            asked: Names that workers were asked by, where those are not their own.
        """
        store = self.app.store
        found: list[tuple[str, str]] = []

        def answered() -> bool:
            found[:] = store.mail.answers(key)
            return len(found) >= expected

        if expected:
            waiting.wait(store.bells, (answer_word(key),), answered, timeout)
        answers = [{asked.get(worker, worker): json.loads(text)} for worker, text in found]
        if callback is not None:
            for answer in answers:
                callback(answer)
        return answers

    def _alive(self) -> list[WorkerRow]:
        """Return the workers that are not known to be dead: those that can be expected to answer."""
        return [row for row in self.app.store.workers.all() if row.state != WorkerState.GONE]

    def ping(self, destination: Workers = None, timeout: float = 1.0, **more: Any) -> list[dict[str, Any]]:
        """Return `[{worker: {"ok": "pong"}}, ...]` of the workers that answer."""
        return self.broadcast("ping", destination=destination, timeout=timeout, **{**more, "reply": True}) or []

    # Jobs

    def revoke(
        self,
        task_id: str | UUID | Sequence[str | UUID] | None,
        destination: Workers = None,
        terminate: bool = False,
        signal: str | int | None = "SIGTERM",
        **more: Any,
    ) -> list[dict[str, Any]] | None:
        """Revoke jobs, durably: those that wait never run; with `terminate` those that run get the signal.

        Args:
            task_id: An id, or several, as texts or UUIDs; None: nothing.

        Raises:
            ValueError: the signal does not exist.
        """
        ids = ids_of(task_id)
        number = signal_number(signal) if terminate else 0
        self.app.cancel(ids, signal=number)
        if not more.get("reply"):
            return None
        said = {"task_id": ids, "terminate": terminate, "signal": signal}
        return self.broadcast("revoke", said, destination, **more)

    def terminate(
        self,
        task_id: str | UUID | Sequence[str | UUID] | None,
        destination: Workers = None,
        signal: str | int | None = "SIGTERM",
        **more: Any,
    ) -> list[dict[str, Any]] | None:
        """Revoke jobs, and send the signal to those that run."""
        return self.revoke(task_id, destination, True, signal, **more)

    def revoke_by_stamped_headers(
        self,
        headers: Mapping[str, Any],
        destination: Workers = None,
        terminate: bool = False,
        signal: str | int | None = "SIGTERM",
        **more: Any,
    ) -> list[dict[str, Any]] | None:
        """Revoke the unfinished jobs that have one of these headers, or stamps; not those that come later."""
        ids = [job.id for job in stamped(self.app.store.read, headers)]
        self.app.cancel(ids, signal=signal_number(signal) if terminate else 0)
        if not more.get("reply"):
            return None
        said = {"headers": dict(headers), "terminate": terminate, "signal": signal}
        return self.broadcast("revoke_by_stamped_headers", said, destination, **more)

    def purge(self) -> int:
        """Remove all jobs that wait; return how many."""
        return self.app.store.jobs.purge(None)

    discard_all = purge

    # Limits and pauses: for all workers, whether there are any or not

    def rate_limit(
        self, task_name: str, rate_limit: str | int | float | None, destination: Workers = None, **more: Any
    ) -> list[dict[str, Any]] | None:
        """Set a task's rate limit: for all workers together, durably, whatever the destination.

        Args:
            rate_limit: Such as "10/s"; 0 lifts the limit, None leaves the task with its own.

        Raises:
            ValueError: it is no rate limit.
        """
        read_rate(rate_limit)
        self._order(Order(RATE, task_name, None if rate_limit is None else str(rate_limit)))
        if not more.get("reply"):
            return None
        return self.broadcast("rate_limit", {"task_name": task_name, "rate_limit": rate_limit}, destination, **more)

    def time_limit(
        self,
        task_name: str,
        soft: float | None = None,
        hard: float | None = None,
        destination: Workers = None,
        **more: Any,
    ) -> list[dict[str, Any]] | None:
        """Set a task's time limits in seconds: for all workers, durably; with neither, the task's own hold again."""
        self._order(Order(LIMITS, task_name, json.dumps([soft, hard]) if soft or hard else None))
        if not more.get("reply"):
            return None
        said = {"task_name": task_name, "soft": soft, "hard": hard}
        return self.broadcast("time_limit", said, destination, **more)

    def pause(self, *queues: str) -> list[str]:
        """Let no worker take jobs from queues until they are resumed, durably; return those that were not paused."""
        return self._order(*(Order(PAUSE, name, "") for name in dict.fromkeys(queues)))

    def resume(self, *queues: str) -> list[str]:
        """Let workers take jobs from queues again; return those that were paused."""
        return self._order(*(Order(PAUSE, name, None) for name in dict.fromkeys(queues)))

    def _order(self, *orders: Order) -> list[str]:
        """Give orders; return the names of those that changed what holds."""
        for one in orders:
            checked_name(one.name, "queue" if one.kind == PAUSE else "task")
        changed = self.app.store.mail.order(orders, self.app.clock.now())
        return [order.name for order in changed]

    # Workers

    def add_consumer(
        self,
        queue: str,
        exchange: Any = None,
        exchange_type: str = "direct",
        routing_key: str | None = None,
        options: Mapping[str, Any] | None = None,
        destination: Workers = None,
        **more: Any,
    ) -> list[dict[str, Any]] | None:
        """Let workers serve another queue until they end; exchange, routing key and options mean nothing here."""
        return self.broadcast("add_consumer", {"queue": checked_name(queue, "queue")}, destination, **more)

    def cancel_consumer(self, queue: str, destination: Workers = None, **more: Any) -> list[dict[str, Any]] | None:
        """Let workers serve a queue no more until they end; `pause` does so for all, durably."""
        return self.broadcast("cancel_consumer", {"queue": checked_name(queue, "queue")}, destination, **more)

    def pool_grow(self, n: int = 1, destination: Workers = None, **more: Any) -> list[dict[str, Any]] | None:
        """Add slots to workers' pools."""
        return self.broadcast("pool_grow", {"n": n}, destination, **more)

    def pool_shrink(self, n: int = 1, destination: Workers = None, **more: Any) -> list[dict[str, Any]] | None:
        """Take slots from workers' pools."""
        return self.broadcast("pool_shrink", {"n": n}, destination, **more)

    def autoscale(self, max: int, min: int, destination: Workers = None, **more: Any) -> list[dict[str, Any]] | None:
        """Let the size of workers' pools follow the demand, within bounds."""
        return self.broadcast("autoscale", {"max": max, "min": min}, destination, **more)

    def pool_restart(
        self,
        modules: Sequence[str] | None = None,
        reload: bool = False,
        reloader: Any = None,
        destination: Workers = None,
        **more: Any,
    ) -> list[dict[str, Any]] | None:
        """Replace the processes of workers' pools; needs their setting worker_pool_restarts."""
        said = {"modules": modules and list(modules), "reload": reload}
        return self.broadcast("pool_restart", said, destination, **more)

    def shutdown(self, destination: Workers = None, **more: Any) -> list[dict[str, Any]] | None:
        """Stop workers, when their running jobs have finished."""
        return self.broadcast("shutdown", {}, destination, **more)

    def heartbeat(self, destination: Workers = None, **more: Any) -> list[dict[str, Any]] | None:
        """Let workers renew their leases now."""
        return self.broadcast("heartbeat", {}, destination, **more)

    def enable_events(self, destination: Workers = None, **more: Any) -> list[dict[str, Any]] | None:
        """Let workers tell of tasks."""
        return self.broadcast("enable_events", {}, destination, **more)

    def disable_events(self, destination: Workers = None, **more: Any) -> list[dict[str, Any]] | None:
        """Let workers tell nothing of tasks."""
        return self.broadcast("disable_events", {}, destination, **more)

    def election(self, id: str, topic: str, action: Any = None, **more: Any) -> list[dict[str, Any]] | None:
        """Ask for an election, which workers of LocalQ refuse: the store decides what happens once."""
        return self.broadcast("election", {"id": id, "topic": topic, "action": action}, **more)


def _written(command: str, arguments: Mapping[str, Any]) -> str:
    try:
        return json.dumps(arguments, default=_said)
    except (TypeError, ValueError) as error:
        raise TypeError(f"The arguments of control command {command!r} cannot be written as JSON: {error}") from error


def _said(value: Any) -> Any:
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"{value!r} is no plain value")


def _addressed(destination: Workers, there: Sequence[str]) -> tuple[list[str] | None, dict[str, str]]:
    """Return the names that a command is for (None: all), and those that workers with another name were asked by.

    Who is not there under the name given may be, or come, under its other one.
    """
    if destination is None:
        return None, {}
    named = [destination] if isinstance(destination, str) else destination
    given = [checked_name(name, "destination") for name in named]
    asked = {other_name(name): name for name in given if name not in there and other_name(name) not in given}
    return [*given, *asked], asked


def _fits(name: str, pattern: str, matcher: str | None) -> bool:
    if matcher in (None, "glob"):
        return any(fnmatch.fnmatchcase(one, pattern) for one in (name, other_name(name)))
    if matcher in ("pcre", "re"):
        try:
            return any(re.match(pattern, one) for one in (name, other_name(name)))
        except re.error as error:
            raise ValueError(f"pattern={pattern!r} is no regular expression: {error}") from None
    raise ValueError(f"matcher={matcher!r} is unknown; use 'glob' or 'pcre'")
