"""Where calls go: queues, exchanges, and the routes of the setting task_routes. Pure.

A store has queues and nothing else, so an exchange is resolved when a job is made: to the queues that are bound to
it with a matching routing key, by the rules of AMQP. Values of kombu's classes are taken for ours.
"""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from fnmatch import translate
from typing import Any, NamedTuple

from localq.exceptions import ImproperlyConfigured, QueueNotFound
from localq.settings import Settings, nearest

__all__ = [
    "Destination",
    "Exchange",
    "Queue",
    "Router",
    "check_queues",
    "queue_notices",
    "router_of",
    "topic_matches",
]

_KINDS = ("direct", "topic", "fanout")


class _Frozen:
    """A value: compared by its fields, and never changed."""

    __slots__: tuple[str, ...] = ()

    def _fields(self) -> tuple[Any, ...]:
        return tuple(getattr(self, name) for name in self.__slots__)

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"{type(self).__name__} cannot be changed: make another")

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other._fields() == self._fields()

    def __hash__(self) -> int:
        return hash((type(self), *map(str, self._fields())))

    def __reduce__(self) -> tuple[Any, ...]:
        return _made, (type(self), self._fields())


def _made(kind: type[_Frozen], fields: tuple[Any, ...]) -> _Frozen:
    new = object.__new__(kind)
    for name, value in zip(kind.__slots__, fields, strict=True):
        object.__setattr__(new, name, value)
    return new


class Exchange(_Frozen):
    """A name that queues are bound to.

    Args:
        name: Its name.
        type: How routing keys select queues: "direct" (the same key), "topic" (words parted by dots, where `*`
            stands for one word and `#` for any number) or "fanout" (every queue).
        options: What else a broker would be told (durable, auto_delete, ...): accepted, without effect.
    """

    __slots__ = ("name", "type")
    name: str
    type: str

    def __init__(self, name: str = "", type: str = "", channel: Any = None, **options: Any) -> None:
        kind = type or "direct"
        if kind not in _KINDS:
            raise ImproperlyConfigured(f"Exchange {name!r}: type={kind!r} must be one of {', '.join(_KINDS)}")
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "type", kind)

    def __repr__(self) -> str:
        return f"Exchange({self.name!r}, type={self.type!r})"


class Queue(_Frozen):
    """A queue, and how calls reach it by an exchange.

    Args:
        name: Its name.
        exchange: What it is bound to; by default the setting task_default_exchange.
        routing_key: The key, or the pattern, it is bound with.
        bindings: More pairs of those, each with `exchange` and `routing_key`.
        options: What else a broker would be told (durable, queue_arguments, ...): accepted, without effect.
    """

    __slots__ = ("alias", "bindings", "exchange", "name", "routing_key")
    name: str
    exchange: Exchange | None
    routing_key: str
    bindings: tuple[Any, ...]
    alias: str | None

    def __init__(
        self,
        name: str = "",
        exchange: Any = None,
        routing_key: str = "",
        channel: Any = None,
        bindings: Iterable[Any] | None = None,
        alias: str | None = None,
        **options: Any,
    ) -> None:
        bound = Exchange(exchange) if isinstance(exchange, str) and exchange else exchange or None
        fields = (alias, tuple(bindings or ()), bound, name, routing_key)
        for field, value in zip(self.__slots__, fields, strict=True):
            object.__setattr__(self, field, value)

    def __repr__(self) -> str:
        return f"Queue({self.name!r}, {self.exchange!r}, routing_key={self.routing_key!r})"


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


def topic_matches(pattern: str, key: str) -> bool:
    """Whether a routing key is one of a topic's: `*` stands for one word, `#` for any number of them."""
    return _words_match(pattern.split("."), key.split(".") if key else [])


def _words_match(pattern: list[str], words: list[str]) -> bool:
    if not pattern:
        return not words
    first, rest = pattern[0], pattern[1:]
    if first == "#":
        return any(_words_match(rest, words[skipped:]) for skipped in range(len(words) + 1))
    return bool(words) and first in ("*", words[0]) and _words_match(rest, words[1:])


class Router:
    """Finds the queues of calls, as the settings task_queues, task_routes and task_default_... say.

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
        for name, queue in _named_queues(conf.task_queues or [Queue(self.default)]):
            self.queues[name] = list(self._bindings(name, queue))
        self._bound = [binding for bindings in self.queues.values() for binding in bindings]
        routes = conf.task_routes
        many = routes if isinstance(routes, list | tuple) else [] if routes is None else [routes]
        self.routes = [_route(one) for one in many]

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
        routed = next((found for one in self.routes if (found := _ask(one, name, args, kwargs, said, task))), {})
        merged = {**routed, **said}
        return Destination(self._queues(name, merged), {**options, **merged, "queue": None})

    def _queues(self, task: str, options: Mapping[str, Any]) -> tuple[str, ...]:
        queue, exchange, key = (options.get(name) for name in ("queue", "exchange", "routing_key"))
        chosen = self.default if queue is None else _queue_name(queue)
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
    known = {conf.task_default_queue, *(name for name, _ in _named_queues(conf.task_queues or ()))}
    odd = [(name, nearest(name, known, 0.7)) for name in queues if name not in known]
    return [f"Nothing in task_queues or task_default_queue is called {name!r}.{hint}" for name, hint in odd if hint]


# Queues


def _named_queues(given: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(given, Mapping):
        for name, options in given.items():
            yield name, options if hasattr(options, "name") else _of_options(name, dict(options))
        return
    for queue in given:
        yield _queue_name(queue), queue


def _of_options(name: str, options: dict[str, Any]) -> Queue:
    exchange = options.pop("exchange", None)
    kind = options.pop("exchange_type", "")
    key = options.pop("routing_key", None) or options.pop("binding_key", None) or name
    if isinstance(exchange, str):
        exchange = Exchange(exchange, kind)
    return Queue(name, exchange, key, bindings=options.pop("bindings", None))


def _queue_name(queue: Any) -> str:
    """Return a queue's name; a broadcast's own name is new in every process, its alias is not."""
    name = getattr(queue, "name", queue)
    alias = getattr(queue, "alias", None)
    if alias and isinstance(name, str) and name.startswith("bcast."):
        name = alias
    if not isinstance(name, str) or not 0 < len(name) <= 255 or not name.isprintable():
        raise ValueError(f"queue={queue!r} must be a name of 1 to 255 printable characters")
    return name


# Routes


def _route(given: Any) -> Callable[..., Any]:
    """Return a route as a function of the call.

    Raises:
        ImproperlyConfigured: it is none.
    """
    if isinstance(given, Mapping | list | tuple):
        return _Table(given)
    if isinstance(given, str):
        return _Named(given)
    if inspect.isclass(given):
        given = given()
    if hasattr(given, "route_for_task"):
        return _of_object(given)
    if callable(given):
        return given  # type: ignore[no-any-return]
    raise ImproperlyConfigured(
        f"task_routes has {given!r}: a route is a mapping from names to queues, a function, an object with "
        "route_for_task, or the dotted name of one."
    )


def _of_object(given: Any) -> Callable[..., Any]:
    def route(name: str, args: Any, kwargs: Any, options: Any, task: Any = None) -> Any:
        return given.route_for_task(name, args, kwargs)

    return route


class _Table:
    """Routes by name, then by pattern in their order: globs and compiled regular expressions."""

    def __init__(self, given: Any) -> None:
        self._names: dict[str, Any] = {}
        self._patterns: list[tuple[re.Pattern[str], Any]] = []
        rows = given.items() if isinstance(given, Mapping) else given
        for row in rows:
            if not isinstance(row, tuple | list) or len(row) != 2:
                raise ImproperlyConfigured(f"task_routes has {row!r}: it must be a pair of a name and its route.")
            key, route = row
            if isinstance(key, re.Pattern):
                self._patterns.append((key, route))
            elif "*" in key:
                self._patterns.append((re.compile(translate(key)), route))
            else:
                self._names[key] = route

    def __call__(self, name: str, *_args: Any, **_kwargs: Any) -> Any:
        if name in self._names:
            return self._names[name]
        return next((route for pattern, route in self._patterns if pattern.match(name)), None)


class _Named:
    """A route by its dotted name, imported when it is first asked."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._route: Callable[..., Any] | None = None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self._route is None:
            module, _, inner = self._name.replace(":", ".").rpartition(".")
            try:
                found = getattr(importlib.import_module(module), inner)
            except (ImportError, AttributeError, ValueError) as error:
                raise ImproperlyConfigured(f"task_routes names {self._name!r}: {error}.") from error
            self._route = _route(found)
        return self._route(*args, **kwargs)

    def __repr__(self) -> str:
        return self._name


def _ask(
    route: Callable[..., Any], name: str, args: Any, kwargs: Any, options: Mapping[str, Any], task: Any
) -> dict[str, Any] | None:
    """Return the options that a route gives a call, or None."""
    try:
        said = route(name, args, kwargs, dict(options), task=task)
    except ImproperlyConfigured:
        raise
    except Exception as error:
        raise ImproperlyConfigured(f"task_routes: the route {route!r} failed for task {name}: {error!r}") from error
    if said is None:
        return None
    if isinstance(said, str) or hasattr(said, "routing_key"):
        return {"queue": said}
    if not isinstance(said, Mapping):
        raise ImproperlyConfigured(
            f"task_routes: the route for task {name} is {said!r}: it must be a queue's name, or a mapping such as "
            "{'queue': 'mail'}."
        )
    return dict(said)
