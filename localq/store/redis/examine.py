"""Examine a store on a server from outside, without changing anything."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

from redis.exceptions import RedisError, ResponseError

from localq.model.finding import Finding, checked, fine, note, warning, wrong
from localq.store.protocol import Store
from localq.store.redis.audit import contents, faults
from localq.store.redis.connection import connect
from localq.store.redis.errors import explained
from localq.store.redis.fitness import begun, facts
from localq.store.redis.place import Address, read_address
from localq.store.redis.readonly import ReadOnlyStore
from localq.store.redis.server import RedisServer

__all__ = ["examine_server", "store_bytes"]

#: Of the keys that are weighed one by one; the rest is taken to be like them.
_WEIGHED = 2000
#: Jobs whose keys are held against each other; and how many faults are told one by one.
_COMPARED, _TOLD = 100_000, 5
#: The share of its memory at which a server is nearly full.
_NEARLY = 0.8


def examine_server(url: str) -> tuple[list[Finding], Store | None]:
    """Return what every check finds about a server and the store on it, and that to be read, where it can be."""
    ours: list[bool] = []
    found = list(checked("server", lambda: _look(url, ours)))
    if ours:
        found += checked("keys", lambda: _agreement(url))
    return found, cast(Store, ReadOnlyStore(url)) if ours else None


def _look(url: str, ours: list[bool]) -> list[Finding]:
    address = read_address(url)
    try:
        connection = connect(address)
        try:
            said = facts(connection)
            found = [*_of_server(said), *_of_durability(said, _setting(connection, "appendfsync"))]
            found += _of_memory(said)
            if begun(connection, f"{address.prefix}fmt", address.name, make=False) is None:
                found.append(note("owner", f"There is no store in {address.name} yet; the first use makes it."))
            else:
                ours.append(True)
                found.append(fine("owner", f"The keys {address.prefix}* are a store of this version."))
        finally:
            connection.disconnect()
    except (RedisError, OSError) as error:
        raise explained(error, address.name) from error
    return found


def _agreement(url: str) -> Finding:
    """Tell whether the keys agree with each other."""
    server = RedisServer(url, reads=True)
    try:
        counts, before = server.ask(("HVALS", server.key("n")), ("GET", server.key("v")))
        jobs = sum(map(int, counts))
        if jobs > _COMPARED:
            return note(
                "keys", f"{jobs} jobs are too many to hold their keys against each other; up to {_COMPARED} are."
            )
        found = faults(contents(server))
        after = server.one("GET", server.key("v"))
    finally:
        server.close()
    if not found:
        return fine("keys", "All keys agree with each other.")
    told = "; ".join([*found[:_TOLD], *([f"and {len(found) - _TOLD} more"] if len(found) > _TOLD else [])])
    if before != after:
        return note("keys", f"Keys changed while they were compared, and some do not agree: {told}.", "Look again.")
    return wrong(
        "keys",
        f"Some keys do not agree with each other: {told}.",
        "A hand or another program has changed them, or the server has lost some. Report it if it was neither.",
    )


def _setting(connection: Any, name: str) -> str | None:
    """Return a setting of the server; None where it may not be asked."""
    connection.send_command("CONFIG", "GET", name)
    try:
        told = connection.read_response()
    except ResponseError:
        return None
    return str(told[1].decode()) if told else None


def _of_server(said: Mapping[str, str]) -> Iterator[Finding]:
    if not said:
        yield note("server", "The server does not say what it is (INFO is forbidden).", "Ask whoever runs it.")
        return
    kind = said.get("server_name", "redis").capitalize()
    yield fine("server", f"The server is {kind} {said.get('valkey_version') or said.get('redis_version')}.")
    if said.get("role", "master") != "master":
        yield warning("server", "The server is a replica, and cannot be written.", "Name the primary.")


def _of_durability(said: Mapping[str, str], fsync: str | None) -> Iterator[Finding]:
    if not said:
        return
    if said.get("aof_enabled") != "1":
        yield warning(
            "durability",
            "The server keeps no log of what is written (appendonly no): a crash loses minutes of jobs, or all.",
            "Set appendonly yes, and appendfsync always where no acknowledged job may be lost.",
        )
    elif fsync is None:
        yield note("durability", "The server does not say how often it writes to its disk (CONFIG is forbidden).")
    elif fsync == "always":
        yield fine("durability", "The server has each job on its disk before it acknowledges it.")
    else:
        lost = "the last second" if fsync == "everysec" else "half a minute"
        yield note(
            "durability",
            f"What is acknowledged survives a crash; a power cut may take {lost} of it (appendfsync {fsync}).",
            "Set appendfsync always where that must not be.",
        )


def _of_memory(said: Mapping[str, str]) -> Iterator[Finding]:
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


def store_bytes(url: str) -> int:
    """Return about how many bytes a store's keys take: some are weighed, and taken for all."""
    address = read_address(url)
    try:
        connection = connect(address)
        try:
            return _weight(connection, address)
        finally:
            connection.disconnect()
    except (RedisError, OSError) as error:
        raise explained(error, address.name) from error


def _weight(connection: Any, address: Address) -> int:
    pattern = address.prefix.replace("{", "[{]").replace("}", "[}]") + "*"
    keys, weighed, total, cursor = 0, 0, 0, b"0"
    while True:
        connection.send_command("SCAN", cursor, "MATCH", pattern, "COUNT", 1000)
        cursor, found = connection.read_response()
        keys += len(found)
        some = found[: max(0, _WEIGHED - weighed)]
        weighed += len(some)
        if some:
            connection.send_packed_command(connection.pack_commands([("MEMORY", "USAGE", key) for key in some]))
            total += sum(connection.read_response() or 0 for _ in some)
        if cursor == b"0":
            return total * keys // max(1, weighed)
