"""Queues and exchanges: what routes name, as plain values. Values of Kombu's classes are taken for ours."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from localq.exceptions import ImproperlyConfigured
from localq.model.bounds import checked_name

__all__ = ["Exchange", "Queue", "named_queues", "queue_name", "topic_matches"]

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


def named_queues(given: Any) -> Iterator[tuple[str, Any]]:
    """Yield the queues of the setting task_queues with their names."""
    if isinstance(given, Mapping):
        for name, options in given.items():
            yield name, options if hasattr(options, "name") else _of_options(name, dict(options))
        return
    for queue in given:
        yield queue_name(queue), queue


def _of_options(name: str, options: dict[str, Any]) -> Queue:
    exchange = options.pop("exchange", None)
    kind = options.pop("exchange_type", "")
    key = options.pop("routing_key", None) or options.pop("binding_key", None) or name
    if isinstance(exchange, str):
        exchange = Exchange(exchange, kind)
    return Queue(name, exchange, key, bindings=options.pop("bindings", None))


def queue_name(queue: Any) -> str:
    """Return a queue's name; a broadcast's own name is new in every process, its alias is not.

    Raises:
        ValueError: it cannot be a name.
    """
    name = getattr(queue, "name", queue)
    alias = getattr(queue, "alias", None)
    if alias and isinstance(name, str) and name.startswith("bcast."):
        name = alias
    return checked_name(name, "queue")
