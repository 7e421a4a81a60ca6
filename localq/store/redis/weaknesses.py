"""What a server may lose of what it has acknowledged, and how full it is: pure, of what it says of itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from redis.exceptions import ResponseError

from localq.model.finding import Finding, fine, note, warning, wrong
from localq.store.redis.fitness import facts

__all__ = ["Server", "asked", "by_durability", "by_kind", "by_memory", "confirming", "refusals"]

#: The share of its memory at which a server is nearly full.
_NEARLY = 0.8
#: The first version that can be asked whether something is on its disk.
_ASKED_FOR_DISK = (7, 2)


class Server(NamedTuple):
    """What a server says of itself: INFO (empty: it may not be asked), and settings (None: unknown)."""

    said: Mapping[str, str]
    fsync: str | None


def asked(connection: Any) -> Server:
    """Ask a server what it is."""
    return Server(facts(connection), _setting(connection, "appendfsync"))


def _setting(connection: Any, name: str) -> str | None:
    connection.send_command("CONFIG", "GET", name)
    try:
        told = connection.read_response()
    except ResponseError:
        return None
    return str(told[1].decode()) if told else None


def by_kind(server: Server) -> Iterator[Finding]:
    """Tell what a server is."""
    said = server.said
    if not said:
        yield note("server", "The server does not say what it is (INFO is forbidden).", "Ask whoever runs it.")
        return
    kind = said.get("server_name", "redis").capitalize()
    yield fine("server", f"The server is {kind} {said.get('valkey_version') or said.get('redis_version')}.")
    if said.get("role", "master") != "master":
        yield warning("server", "The server is a replica, and cannot be written.", "Name the primary.")


def by_durability(server: Server) -> Iterator[Finding]:
    """Tell what of that which is acknowledged a crash or a power cut takes."""
    if not server.said:
        return
    if server.said.get("aof_enabled") != "1":
        yield warning(
            "durability",
            "The server keeps no log of what is written (appendonly no): a crash loses minutes of jobs, or all.",
            "Set appendonly yes, and appendfsync always where no acknowledged job may be lost.",
        )
    elif server.fsync is None:
        yield note("durability", "The server does not say how often it writes to its disk (CONFIG is forbidden).")
    elif server.fsync == "always":
        yield fine("durability", "The server has each job on its disk before it acknowledges it.")
    else:
        lost = "the last second" if server.fsync == "everysec" else "half a minute"
        yield note(
            "durability",
            f"What is acknowledged survives a crash; a power cut may take {lost} of it (appendfsync {server.fsync}).",
            "Set appendfsync always where that must not be.",
        )


def by_memory(server: Server) -> Iterator[Finding]:
    """Tell how full the memory is, and what becomes of jobs when it is."""
    said = server.said
    most, policy = int(said.get("maxmemory", 0)), said.get("maxmemory_policy", "")
    if not said:
        return
    if not most:
        yield note("memory", "The server may use all memory there is (maxmemory 0).", "Set a limit below that.")
        return
    share = int(said.get("used_memory", 0)) / most
    if policy.startswith("allkeys"):
        yield wrong(
            "memory",
            f"The server removes keys of its own choice when its memory is full (maxmemory-policy {policy}).",
            "Set maxmemory-policy noeviction.",
        )
    told = f"{share:.0%} of the server's memory is used."
    yield fine("memory", told) if share < _NEARLY else warning("memory", told, "Full, it takes no more jobs.")


def refusals(server: Server) -> list[Finding]:
    """Return why a server may lose what it has acknowledged, or nobody knows whether it does."""
    if not server.said:
        return list(by_kind(server))
    found = [*by_kind(server), *by_durability(server)]
    return [one for one in found if one.level != "ok"]


def confirming(server: Server) -> bool | None:
    """Return whether to ask the server after each job if it is on its disk; None: it cannot be had that way.

    False: its acknowledgement says so already. What Valkey answers to that question is not to be relied on: 8.0.1 was
    seen to confirm what was on no disk.
    """
    if server.said.get("aof_enabled") != "1":
        return None
    if server.fsync == "always":
        return False
    numbers = tuple(int(part) for part in server.said.get("redis_version", "0").split(".")[:2] if part.isdigit())
    is_redis = "valkey_version" not in server.said and server.said.get("server_name", "redis") == "redis"
    return True if is_redis and numbers >= _ASKED_FOR_DISK else None
