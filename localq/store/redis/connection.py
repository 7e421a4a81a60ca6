"""Connections to the server, as every part of a Redis store makes them."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterable, Sequence
from importlib.util import find_spec
from typing import Any, Protocol

from redis import Connection, SSLConnection
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, ConnectionError, NoPermissionError, RedisError, TimeoutError
from redis.retry import Retry
from redis.sentinel import MasterNotFoundError, Sentinel

from localq.store.redis.place import Address
from localq.store.redis.unreached import Refused, why

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


class _Encrypted(SSLConnection):
    """A connection by TLS whose handshake is a part of reaching the server, not of waiting for what it says."""

    def _wrap_socket_with_ssl(self, sock: socket.socket) -> Any:
        sock.settimeout(self.socket_connect_timeout)
        encrypted = super()._wrap_socket_with_ssl(sock)  # type: ignore[no-untyped-call]
        encrypted.settimeout(self.socket_timeout)
        return encrypted


def connect(address: Address, moved: tuple[str, int] | None = None, answer_s: float | None = _ANSWER_S) -> Link:
    """Return a connection that sends nothing by itself again: who asked knows what may be said twice.

    Args:
        moved: The node of a cluster that has the keys, where another said so.
        answer_s: Seconds for the server to answer; None: for ever.
    """
    try:
        return _connected(address, moved, answer_s)
    except (RedisError, OSError) as error:
        meant = why(error, address)
        if meant is error:
            raise
        raise meant from error


def _connected(address: Address, moved: tuple[str, int] | None, answer_s: float | None) -> Link:
    options: dict[str, Any] = {"socket_connect_timeout": _CONNECT_S, "socket_timeout": answer_s}
    options |= {"protocol": 2, **_QUIET, **address.options}
    if address.sentinels:
        moved = _primary(address)
    if issubclass(address.kind, Connection):
        options.setdefault("socket_keepalive", True)
        options.setdefault("socket_keepalive_options", _KEEPALIVE)
        if moved is not None:
            options["host"], options["port"] = moved
    kind = _Encrypted if address.kind is SSLConnection else address.kind
    connection: Any = kind(**options, retry=Retry(NoBackoff(), 0))
    connection.connect()
    link: Link = connection
    try:
        with contextlib.suppress(NoPermissionError):
            # For who looks at CLIENT LIST; not every user may.
            link.send_command("CLIENT", "SETNAME", "localq")
            link.read_response()
    except BaseException:
        link.disconnect()
        raise
    return link


def _primary(address: Address) -> tuple[str, int]:
    """Ask the sentinels which server can be written; that may be another each time."""
    options = {"socket_connect_timeout": _CONNECT_S, "socket_timeout": _CONNECT_S, "protocol": 2}
    options |= address.to_sentinels
    failed: list[str] = []
    for place in address.sentinels:
        sentinel = Sentinel([place], sentinel_kwargs=options)
        try:
            known: Any = sentinel.sentinels[0].sentinel_masters()
        except (ConnectionError, TimeoutError) as error:
            failed.append(f"{place[0]}:{place[1]}: {_unanswered(error, address)}")
        else:
            found = known.get(address.service)
            if found and sentinel.check_master_state(found, address.service):
                return found["ip"], found["port"]
        finally:
            sentinel.sentinels[0].close()
    if failed:
        raise MasterNotFoundError(f"no sentinel says where {address.service!r} is: {'; '.join(failed)}")
    raise MasterNotFoundError(
        f"no sentinel knows a server {address.service!r} that works; its name there is that of ?master= in the URL"
    )


def _unanswered(error: ConnectionError | TimeoutError, address: Address) -> str:
    """Say why a sentinel does not answer."""
    if isinstance(error, AuthenticationError):
        return f"{str(error).rstrip('.')}. Add sentinel_password= to the URL"
    kind = SSLConnection if address.to_sentinels.get("ssl") else Connection
    meant = why(error, address._replace(kind=kind, options=address.to_sentinels))
    if isinstance(meant, Refused):
        raise Refused(f"of its sentinel {meant}") from error
    return str(meant).rstrip(".")
