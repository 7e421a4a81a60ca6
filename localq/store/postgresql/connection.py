"""Connections to the server, as every part of a PostgreSQL store makes them."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import RawCursor
from psycopg.types.numeric import Int8Dumper

from localq.store.postgresql.place import Address
from localq.store.postgresql.texts import TextDumper, TextLoader

__all__ = ["Connection", "connect"]

Connection = psycopg.Connection[Any]
#: Statements of the store kept prepared in a session: there are fewer.
_PREPARED = 500
#: Milliseconds a transaction may stay idle before the server ends it: a stopped process must not hold up all others.
_IDLE_MS = 60_000


def connect(address: Address, durability: str, lock_timeout_s: float) -> Connection:
    """Return a connection whose statements see the store's schema, and commit by themselves outside transactions."""
    connection = psycopg.connect(
        address.conninfo,
        autocommit=True,
        cursor_factory=RawCursor,
        prepare_threshold=1,
        connect_timeout=10,
        application_name="localq",
        client_encoding="utf8",
    )
    try:
        connection.prepared_max = _PREPARED
        # One type for all numbers: else each statement is prepared once for every combination of sizes.
        connection.adapters.register_dumper(int, Int8Dumper)
        connection.adapters.register_dumper(str, TextDumper)
        connection.adapters.register_loader("text", TextLoader)
        said = (
            f"SET search_path TO {address.schema}",
            f"SET synchronous_commit TO {'on' if durability == 'full' else 'off'}",
            f"SET lock_timeout TO {round(lock_timeout_s * 1000)}",
            f"SET idle_in_transaction_session_timeout TO {_IDLE_MS}",
        )
        connection.execute("; ".join(said), prepare=False)
    except BaseException:
        connection.close()
        raise
    return connection
