"""`app.control.inspect()`: what workers answer when they are asked what they do."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol
from uuid import UUID

from localq.model.ids import ids_of

__all__ = ["Callback", "Inspect", "Workers"]

#: Names of workers, one or several.
Workers = str | Sequence[str] | None
Callback = Callable[[dict[str, Any]], Any]


class _Control(Protocol):
    """What speaks to workers: `localq.monitor.control.Control`."""

    def broadcast(
        self,
        command: str,
        arguments: Mapping[str, Any],
        destination: Workers,
        *,
        reply: bool,
        timeout: float,
        limit: int | None,
        callback: Callback | None,
        pattern: str | None,
        matcher: str | None,
    ) -> list[dict[str, Any]] | None: ...


class Inspect:
    """Questions to workers. Each method returns `{worker: answer}`, or None if nobody answered.

    With one name as the destination (a text, not a list) it returns that worker's answer itself, as Celery does.
    """

    def __init__(
        self,
        control: _Control,
        destination: Workers,
        timeout: float,
        callback: Callback | None,
        limit: int | None,
        pattern: str | None,
        matcher: str | None,
    ) -> None:
        self.destination, self.timeout = destination, timeout
        self._control, self._callback, self._limit = control, callback, limit
        self._pattern, self._matcher = pattern, matcher

    def ask(self, command: str, **arguments: Any) -> Any:
        """Ask a command by its name, a program's own among them."""
        answers = self._control.broadcast(
            command,
            arguments,
            self.destination,
            reply=True,
            timeout=self.timeout,
            limit=self._limit,
            callback=self._callback,
            pattern=self._pattern,
            matcher=self._matcher,
        )
        merged = {name: answer for one in answers or () for name, answer in one.items()}
        if isinstance(self.destination, str) and self._pattern is None:
            return merged.get(self.destination)
        return merged or None

    def active(self, safe: bool | None = None) -> Any:
        """Return the jobs that run."""
        return self.ask("active", safe=bool(safe))

    def scheduled(self, safe: bool | None = None) -> Any:
        """Return jobs that wait for their time."""
        return self.ask("scheduled")

    def reserved(self, safe: bool | None = None) -> Any:
        """Return the jobs that workers have claimed and not started."""
        return self.ask("reserved")

    def stats(self) -> Any:
        """Return what workers are and have done."""
        return self.ask("stats")

    def revoked(self) -> Any:
        """Return ids of jobs that were revoked."""
        return self.ask("revoked")

    def registered(self, *taskinfoitems: str) -> Any:
        """Return the tasks workers know, with the attributes asked for."""
        return self.ask("registered", taskinfoitems=taskinfoitems)

    registered_tasks = registered

    def ping(self, destination: Workers = None) -> Any:
        """Return `{worker: {"ok": "pong"}}`."""
        if destination is not None:
            self.destination = destination
        return self.ask("ping")

    def active_queues(self) -> Any:
        """Return the queues workers serve."""
        return self.ask("active_queues")

    def query_task(self, *ids: str | UUID | Sequence[str | UUID]) -> Any:
        """Return what workers know of jobs they have."""
        flat = [one for given in ids for one in ids_of(given)]
        return self.ask("query_task", ids=flat)

    def conf(self, with_defaults: bool = False) -> Any:
        """Return workers' settings."""
        return self.ask("conf", with_defaults=with_defaults)

    def clock(self) -> Any:
        """Return workers' clocks."""
        return self.ask("clock")

    def report(self) -> Any:
        """Return a text for bug reports of each worker."""
        return self.ask("report")

    def memsample(self) -> Any:
        """Return the memory each worker and its slots hold."""
        return self.ask("memsample")

    def memdump(self, samples: int = 10) -> Any:
        """Return the last samples that `memsample` took."""
        return self.ask("memdump", samples=samples)

    def objgraph(self, type: str = "Request", n: int = 200, max_depth: int = 10) -> Any:
        """Return workers' refusal to draw a graph of their objects, which says what to do instead."""
        return self.ask("objgraph", object_type=type, num=n, max_depth=max_depth)
