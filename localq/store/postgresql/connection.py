"""Connections to the server, as every part of a PostgreSQL store makes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.types.numeric import Int8Dumper

from localq.store.postgresql.arrays import teach
from localq.store.postgresql.place import Address
from localq.store.postgresql.texts import StoreCursor, TextDumper

__all__ = ["Connection", "connect", "pooled", "settings", "teach_values"]

Connection = psycopg.Connection[Any]
#: Statements of the store kept prepared in a session: there are fewer.
_PREPARED = 500
#: Milliseconds a transaction may stay idle before the server ends it: a stopped process must not hold up all others.
_IDLE_MS = 10_000
#: Milliseconds a statement may take beyond what it waits for others.
_STATEMENT_MS = 30_000
#: What libpq is told where the URL does not say: a server or host that is cut off is noticed within half a minute.
_PATIENCE = {
    "connect_timeout": "10",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "20000",
}


def settings(address: Address, durability: str, lock_timeout_s: float) -> dict[str, str]:
    """Return what the server is told: for the session, or for each transaction where a pooler parts sessions."""
    patience = round(lock_timeout_s * 1000)
    return {
        "search_path": address.schema,
        "synchronous_commit": "on" if durability == "full" else "off",
        "lock_timeout": str(patience),
        "statement_timeout": str(patience + _STATEMENT_MS),
        "idle_in_transaction_session_timeout": str(_IDLE_MS),
        # The server too is to notice a host that is cut off: it may hold a lock.
        "tcp_keepalives_idle": "10",
        "tcp_keepalives_interval": "5",
        "tcp_keepalives_count": "3",
    }


def connect(address: Address, said: Mapping[str, str]) -> Connection:
    """Return a connection that commits each statement by itself outside transactions.

    Its statements see the store's schema, unless it is `pooled`.

    Args:
        said: What the server is told for the session; see `settings`.
    """
    asked: dict[str, Any] = {**_PATIENCE, **conninfo_to_dict(address.conninfo)}
    asked |= {"application_name": asked.get("application_name", "localq"), "client_encoding": "utf8"}
    connection: Connection = psycopg.connect(
        make_conninfo(**asked), autocommit=True, cursor_factory=StoreCursor, prepare_threshold=1
    )
    try:
        connection.prepared_max = _PREPARED
        teach_values(connection)
        if pooled(connection):
            # The next transaction may be in another session, which knows nothing of this one's statements.
            connection.prepare_threshold = None
        else:
            connection.execute("; ".join(f"SET {name} TO {value}" for name, value in said.items()), prepare=False)
    except BaseException:
        connection.close()
        raise
    return connection


def teach_values(context: Any) -> None:
    """Let a connection or cursor write and read values as the store's statements have them."""
    # One type for all numbers: else each statement is prepared once for every combination of sizes.
    context.adapters.register_dumper(int, Int8Dumper)
    context.adapters.register_dumper(str, TextDumper)
    teach(context)


def pooled(connection: Connection) -> bool:
    """Whether a pooler stands between: it tells its clients a process number of its own making."""
    found = connection.execute("SELECT pg_backend_pid()", prepare=False).fetchone()
    return found is not None and found[0] != connection.info.backend_pid
