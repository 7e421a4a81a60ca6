"""Where calls go: to the queues that the settings task_routes and task_queues say. Pure.

A store has queues and nothing else, so an exchange is resolved when a job is made: to the queues that are bound to
it with a matching routing key, by the rules of AMQP.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from localq.exceptions import ImproperlyConfigured, QueueNotFound
from localq.model.hints import nearest
from localq.settings import Settings
from localq.tasks.routing.queues import Queue, named_queues, queue_name, topic_matches
from localq.tasks.routing.routes import ask, read_route

__all__ = ["Destination", "Router", "check_queues", "queue_notices", "router_of"]


class Destination(NamedTuple):
    """Where a call goes: its queues, of which the first gets the job and others a copy; and its options."""

    queues: tuple[str, ...]
    options: dict[str, Any]


class _Binding(NamedTuple):
    exchange: str
    kind: str
    key: str
    queue: str

    def matches(self, key: str) -> bool:
        if self.kind == "fanout":
            return True
        return topic_matches(self.key, key) if self.kind == "topic" else self.key == key


class Router:
    """Finds the queues of calls, as the settings `task_queues`, `task_routes` and `task_default_...` say.

    Args:
        conf: The settings; they are read once.

    Raises:
        ImproperlyConfigured: they cannot be.
    """

    def __init__(self, conf: Settings) -> None:
        self.default = conf.task_default_queue
        self.create_missing = conf.task_create_missing_queues
        self._exchange = conf.task_default_exchange or self.default
        self._kind = conf.task_default_exchange_type
        self._key = conf.task_default_routing_key or self.default
        self.queues: dict[str, list[_Binding]] = {}
        for name, queue in named_queues(conf.task_queues or [Queue(self.default)]):
            self.queues[name] = list(self._bindings(name, queue))
        self._bound = [binding for bindings in self.queues.values() for binding in bindings]
        routes = conf.task_routes
        many = routes if isinstance(routes, list | tuple) else [] if routes is None else [routes]
        self.routes = [read_route(one) for one in many]

    def _bindings(self, name: str, queue: Any) -> Iterator[_Binding]:
        exchange = getattr(queue, "exchange", None)
        named = str(getattr(exchange, "name", "") or "")
        where = named or self._exchange
        kind = (str(getattr(exchange, "type", "") or "") if named else "") or self._kind
        more = list(getattr(queue, "bindings", None) or ())
        if not more or named:
            yield _Binding(where, kind, getattr(queue, "routing_key", "") or self._key, name)
        for one in more:
            other = getattr(one, "exchange", None)
            yield _Binding(
                getattr(other, "name", None) or where,
                getattr(other, "type", None) or kind,
                getattr(one, "routing_key", None) or "",
                name,
            )

    def send(self, name: str, args: Any, kwargs: Any, options: Mapping[str, Any], task: Any = None) -> Destination:
        """Return where a call goes: what the call says comes first, then the first route that knows the task.

        Raises:
            QueueNotFound: it names a queue or exchange that there is not.
            ImproperlyConfigured: a route raised an error, or is none.
        """
        said = {name: value for name, value in options.items() if value is not None}
        routed = next((found for one in self.routes if (found := ask(one, name, args, kwargs, said, task))), {})
        merged = {**routed, **said}
        return Destination(self._queues(name, merged), {**options, **merged, "queue": None})

    def _queues(self, task: str, options: Mapping[str, Any]) -> tuple[str, ...]:
        queue, exchange, key = (options.get(name) for name in ("queue", "exchange", "routing_key"))
        chosen = self.default if queue is None else queue_name(queue)
        exchange = getattr(exchange, "name", exchange)
        own = self._own_bindings(chosen, queue, task, implied=bool(exchange and key) and queue is None)
        kind = options.get("exchange_type") or (own[0].kind if own else "direct")
        if not (exchange and key) and (kind == "direct" or not own):
            return (chosen,)
        where = exchange or own[0].exchange
        return self._through(task, where, key or own[0].key, None if queue is None or exchange else chosen)

    def _own_bindings(self, chosen: str, queue: Any, task: str, *, implied: bool) -> list[_Binding]:
        """Return the bindings of a queue, which must be there where queues are not made as needed."""
        known = self.queues.get(chosen)
        if known is None and not isinstance(queue, str | None):
            return list(self._bindings(chosen, queue))
        if known is None and not self.create_missing and not implied:
            raise QueueNotFound(
                f"Task {task} is sent to the queue {chosen!r}, which task_queues does not have."
                f"{nearest(chosen, self.queues)} Add it there, or set task_create_missing_queues."
            )
        return known or []

    def _through(self, task: str, exchange: str, key: str, meant: str | None) -> tuple[str, ...]:
        """Return the queues that an exchange delivers a key to."""
        bound = [one for one in self._bound if one.exchange == exchange]
        found = tuple(dict.fromkeys(one.queue for one in bound if one.matches(key)))
        if found or meant is not None:
            return found or (str(meant),)
        if not bound and self.create_missing:
            # Queues that are made as needed are bound to an exchange of their own name.
            return (exchange,)
        there = ", ".join(f"{one.queue} ({one.key!r})" for one in bound) or "nothing"
        raise QueueNotFound(
            f"Task {task} is sent to the exchange {exchange!r} with the routing key {key!r}, and no queue is bound "
            f"so; bound to it: {there}."
        )


def router_of(conf: Settings, *, always: bool = False) -> Router | None:
    """Return the router of settings, or None where they say nothing about where calls go.

    Args:
        always: Return one even then.
    """
    router: Router | None = conf.derived.get("router")
    plain = not (conf.task_routes or conf.task_queues) and conf.task_create_missing_queues
    if router is None and (always or not plain):
        router = conf.derived["router"] = Router(conf)
    return None if plain and not always else router


def check_queues(conf: Settings, queues: Iterable[str]) -> None:
    """Refuse queues to serve that are not there, where queues are not made as needed.

    Raises:
        ImproperlyConfigured: names the queue, and the nearest.
    """
    router = router_of(conf)
    for name in queues if router is not None and not router.create_missing else ():
        if router is not None and name not in router.queues:
            raise ImproperlyConfigured(
                f"A worker cannot serve the queue {name!r}: task_queues does not have it, and "
                f"task_create_missing_queues is off.{nearest(name, router.queues)}"
            )


def queue_notices(conf: Settings, queues: Iterable[str]) -> list[str]:
    """Return a sentence for each queue to serve that may be misspelt: task_queues has one that is like it."""
    known = {conf.task_default_queue, *(name for name, _ in named_queues(conf.task_queues or ()))}
    odd = [(name, nearest(name, known, 0.7)) for name in queues if name not in known]
    return [f"Nothing in task_queues or task_default_queue is called {name!r}.{hint}" for name, hint in odd if hint]
