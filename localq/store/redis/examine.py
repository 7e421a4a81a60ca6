"""Examine a store on a server from outside, without changing anything."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from redis.exceptions import MovedError, RedisError

from localq.model.finding import Finding, checked, fine, note, wrong
from localq.store.protocol import Store
from localq.store.redis.audit import contents, faults
from localq.store.redis.connection import Link, connect
from localq.store.redis.errors import explained
from localq.store.redis.fitness import begun
from localq.store.redis.place import Address, read_address
from localq.store.redis.readonly import ReadOnlyStore
from localq.store.redis.server import RedisServer
from localq.store.redis.weaknesses import asked, by_durability, by_kind, by_memory

__all__ = ["examine_server", "store_bytes", "weaknesses_of"]

T = TypeVar("T")
#: Of the keys that are weighed one by one; the rest is taken to be like them.
_WEIGHED = 2000
#: Jobs whose keys are held against each other; and how many faults are told one by one.
_COMPARED, _TOLD = 100_000, 5


def examine_server(url: str) -> tuple[list[Finding], Store | None]:
    """Return what every check finds about a server and the store on it, and that to be read, where it can be."""
    ours: list[bool] = []
    found = list(checked("server", lambda: _look(url, ours)))
    if ours:
        found += checked("keys", lambda: _agreement(url))
    return found, cast(Store, ReadOnlyStore(url)) if ours else None


def _asked(url: str, ask: Callable[[Link, Address], T]) -> T:
    """Ask the server, in a cluster the node that has the store's keys."""
    address, moved = read_address(url), None
    try:
        while True:
            connection = connect(address, moved)
            try:
                connection.send_command("EXISTS", f"{address.prefix}fmt")
                connection.read_response()
                return ask(connection, address)
            except MovedError as error:
                if moved is not None:
                    raise
                moved = error.host, error.port
            finally:
                connection.disconnect()
    except (RedisError, OSError) as error:
        raise explained(error, address.name) from error


def _look(url: str, ours: list[bool]) -> list[Finding]:
    def ask(connection: Link, address: Address) -> list[Finding]:
        server = asked(connection)
        found = [*by_kind(server), *by_durability(server), *by_memory(server)]
        if begun(connection, f"{address.prefix}fmt", address.name, make=False) is None:
            return [*found, note("owner", f"There is no store in {address.name} yet; the first use makes it.")]
        ours.append(True)
        return [*found, fine("owner", f"The keys {address.prefix}* are a store of this version.")]

    return _asked(url, ask)


def weaknesses_of(url: str) -> list[Finding]:
    """Return by what a server may lose jobs, or stop taking them."""
    server = _asked(url, lambda connection, _: asked(connection))
    found = [*by_kind(server), *by_durability(server), *by_memory(server)]
    return [one for one in found if one.level != "ok"]


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


def store_bytes(url: str) -> int:
    """Return about how many bytes a store's keys take: some are weighed, and taken for all."""
    return _asked(url, _weight)


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
