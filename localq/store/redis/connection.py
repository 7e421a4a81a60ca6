"""Connections to the server, as every part of a Redis store makes them."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterable, Sequence
from importlib.util import find_spec
from typing import Any, Protocol

from redis import Connection
from redis.backoff import NoBackoff
from redis.exceptions import NoPermissionError
from redis.retry import Retry
from redis.sentinel import Sentinel

from localq.store.redis.place import Address

__all__ = ["Link", "connect"]

#: The server is not told of the driver, which takes two round trips, and the driver milliseconds to look itself up.
_QUIET = {"driver_info": None} if find_spec("redis.driver_info") else {"lib_name": None, "lib_version": None}
#: A connection of which nothing is heard is asked after so many seconds, so often, so many times: bells wait for ever.
_KEEPALIVE = {
    getattr(socket, name): value
    for name, value in (("TCP_KEEPIDLE", 15), ("TCP_KEEPINTVL", 5), ("TCP_KEEPCNT", 3))
    if hasattr(socket, name)
}
#: Seconds: for the server to be reached, and to answer.
_CONNECT_S, _ANSWER_S = 2.0, 10.0


class Link(Protocol):
    """What is used of the driver's connections."""

    def send_command(self, *words: Any) -> None:
        """Send a command."""

    def pack_commands(self, commands: Iterable[Sequence[Any]]) -> Any:
        """Return commands as they are sent."""

    def send_packed_command(self, command: Any) -> None:
        """Send what was packed."""

    def can_read(self, timeout: float) -> bool:
        """Whether an answer has begun to arrive, within so many seconds."""

    def read_response(self) -> Any:
        """Return an answer, or raise the error that it is."""

    def disconnect(self) -> None:
        """Close the connection; only its descriptor in a process that inherited it."""


def connect(address: Address, moved: tuple[str, int] | None = None, answer_s: float | None = _ANSWER_S) -> Link:
    """Return a connection that sends nothing by itself again: who asked knows what may be said twice.

    Args:
        moved: The node of a cluster that has the keys, where another said so.
        answer_s: Seconds for the server to answer; None: for ever.
    """
    options: dict[str, Any] = {"socket_connect_timeout": _CONNECT_S, "socket_timeout": answer_s}
    options |= {"protocol": 2, **_QUIET, **address.options}
    if address.sentinels:
        moved = _primary(address)
    if issubclass(address.kind, Connection):
        options.setdefault("socket_keepalive", True)
        options.setdefault("socket_keepalive_options", _KEEPALIVE)
        if moved is not None:
            options["host"], options["port"] = moved
    connection: Any = address.kind(**options, retry=Retry(NoBackoff(), 0))
    connection.connect()
    link: Link = connection
    with contextlib.suppress(NoPermissionError):
        # For who looks at CLIENT LIST; not every user may.
        link.send_command("CLIENT", "SETNAME", "localq")
        link.read_response()
    return link


def _primary(address: Address) -> tuple[str, int]:
    """Ask the sentinels which server can be written; that may be another each time."""
    sentinel = Sentinel(list(address.sentinels), socket_connect_timeout=_CONNECT_S, socket_timeout=_CONNECT_S)
    try:
        host, port = sentinel.discover_master(address.service)
    finally:
        for one in sentinel.sentinels:
            one.close()
    return host, port
