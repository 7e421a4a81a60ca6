"""Examine a store on a server from outside, without changing anything."""

from __future__ import annotations

import time
from typing import Any

from localq.model.finding import Finding, checked, fine, note, warning
from localq.store.postgresql.connection import connect, settings
from localq.store.postgresql.errors import explained
from localq.store.postgresql.place import read_address
from localq.store.postgresql.readonly import ReadOnlyStore
from localq.store.postgresql.tables import identity_of
from localq.store.protocol import Store

__all__ = ["examine_schema", "schema_bytes"]

#: Seconds to wait for others' locks.
_PATIENCE_S = 5.0
#: The least version that is tested; and since when a transaction holds up the sweeping of old rows (minutes).
_LEAST, _LONG_MIN = 150_000, 5
#: Seconds that clocks may differ.
_APART_S = 2.0
_OLD = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() "
    f"AND xact_start < now() - interval '{_LONG_MIN} minutes'"
)
_BYTES = (
    "SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint FROM pg_class c JOIN pg_namespace n "
    "ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relkind = 'r'"
)


def examine_schema(url: str) -> tuple[list[Finding], Store | None]:
    """Return what every check finds about a schema, and a store to read what is in it, where that can be."""
    found: list[Finding] = []
    ours: list[str] = []
    found += checked("server", lambda: _look(url, ours))
    if not ours:
        return found, None
    return found, ReadOnlyStore(url)


def _look(url: str, ours: list[str]) -> list[Finding]:
    address = read_address(url)
    try:
        connection = connect(address, settings(address, "full", _PATIENCE_S))
    except Exception as error:
        raise explained(error, address.name) from error
    with connection:
        cursor = connection.cursor()
        try:
            return [*_facts(cursor, connection.info.server_version), _owner(cursor, address, ours)]
        except Exception as error:
            raise explained(error, address.name) from error


def _facts(cursor: Any, version: int) -> list[Finding]:
    said = f"The server is PostgreSQL {version // 10_000}.{version % 10_000}."
    found = [
        fine("server", said) if version >= _LEAST else warning("server", said, "LocalQ is tried with 15 and later.")
    ]
    ahead_s = time.time() - cursor.execute("SELECT extract(epoch FROM clock_timestamp())::float8").fetchone()[0]
    if abs(ahead_s) > _APART_S:
        side = "ahead of" if ahead_s > 0 else "behind"
        found.append(
            warning(
                "clock",
                f"The clock of this computer is {abs(ahead_s):,.0f} s {side} the server's: what is to run at a time "
                "given here runs by so much too early or too late elsewhere.",
                "Set both by NTP.",
            )
        )
    if cursor.execute("SELECT pg_is_in_recovery()").fetchone()[0]:
        found.append(warning("server", "The server is a replica, and cannot be written.", "Name the primary."))
    old = cursor.execute(_OLD).fetchone()[0]
    if old:
        found.append(
            warning(
                "transactions",
                f"{old} transactions are open for more than {_LONG_MIN} minutes, which keeps old rows in the tables.",
                "See pg_stat_activity for whose they are.",
            )
        )
    if cursor.execute("SELECT current_setting('autovacuum')").fetchone()[0] != "on":
        found.append(
            warning(
                "sweeping",
                "The server runs with autovacuum=off, so that rows of jobs that are gone stay in the tables.",
                "Set autovacuum=on; the tables say themselves how often.",
            )
        )
    if cursor.connection.prepare_threshold is None:
        found.append(
            note(
                "pooler",
                "A pooler stands before the server: bells are silent there, so that results are looked for ten times "
                "a second, and work twice. Give LocalQ the server's own address where latency matters.",
            )
        )
    if cursor.execute("SELECT current_setting('fsync')").fetchone()[0] != "on":
        found.append(warning("durability", "The server runs with fsync=off.", "A crash of its machine may lose all."))
    return found


def _owner(cursor: Any, address: Any, ours: list[str]) -> Finding:
    identity = identity_of(cursor, address)
    if identity is None:
        return note("owner", f"There is no store in the schema {address.schema} yet; the first use makes it.")
    ours.append(identity)
    return fine("owner", f"The schema {address.schema} is a store of this version.")


def schema_bytes(url: str) -> int:
    """Return the bytes that a store's tables take, with their indexes."""
    address = read_address(url)
    try:
        with connect(address, settings(address, "full", _PATIENCE_S)) as connection:
            return int(connection.execute(_BYTES, (address.schema,)).fetchone()[0])  # type: ignore[index]
    except Exception as error:
        raise explained(error, address.name) from error
