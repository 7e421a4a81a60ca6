"""The schema of a PostgreSQL store: whether it is ours, how a new one is made, and an older one refused."""

from __future__ import annotations

import uuid
from typing import Any

from localq.exceptions import StoreForeign, StoreVersion
from localq.model import failpoints
from localq.store.postgresql.dialect import POSTGRESQL
from localq.store.postgresql.place import Address
from localq.store.sql.layout import SCHEMA_VERSION

__all__ = ["identity_of", "make"]

#: A sweep after every fiftieth part, and at full speed: small and often, so that what is dead never piles up.
_SWEPT = (
    "autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.05, "
    "autovacuum_analyze_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 0"
)
#: What rows of a table live through: how full its pages are made (percent), so that a changed row finds room beside.
_FILLED = {
    # Changed three times, and indexed anew each time.
    "job": 80,
    "schedule": 80,
    # Changed for as long as they are there, in columns without an index.
    "worker": 50,
    "bucket": 50,
    # Written once, and gone with their jobs.
    "attempt": 100,
    "edge": 100,
    "firing": 100,
    "note": 80,
    "payload": 100,
}


def identity_of(cursor: Any, address: Address) -> str | None:
    """Return the store's own id; None where there is none yet.

    Raises:
        StoreForeign: the schema has tables of something else.
        StoreVersion: another LocalQ made it, whose format this one does not use.
    """
    there = "SELECT count(*), count(*) FILTER (WHERE tablename = 'meta') FROM pg_tables WHERE schemaname = $1"
    tables, ours = cursor.execute(there, (address.schema,)).fetchone()
    if not tables:
        return None
    kept: dict[str, str] = {}
    if ours:
        said = f"SELECT name, value FROM {address.schema}.meta WHERE name IN ('uuid', 'format')"
        kept = dict(cursor.execute(said).fetchall())
    if set(kept) != {"uuid", "format"}:
        raise StoreForeign(
            f"The schema {address.schema} of {address.name} has tables of something else. Add ?schema=NAME to the URL; "
            "nothing was changed."
        )
    version = int(kept["format"])
    if version != SCHEMA_VERSION:
        newer = "a newer" if version > SCHEMA_VERSION else "an older"
        raise StoreVersion(
            f"{address.name} was made by {newer} LocalQ (its format is {version}, this one knows {SCHEMA_VERSION}). "
            "Run the same version everywhere, or add ?schema=NAME to the URL for a new store; nothing was changed."
        )
    return kept["uuid"]


def make(cursor: Any, address: Address) -> str:
    """Make the schema and its tables within a transaction, one process at a time; return the store's own id."""
    cursor.execute("SELECT pg_advisory_xact_lock($1)", (address.lock,))
    found = identity_of(cursor, address)
    if found is not None:
        return found
    if not cursor.execute("SELECT count(*) FROM pg_namespace WHERE nspname = $1", (address.schema,)).fetchone()[0]:
        # Not IF NOT EXISTS, for which it wants the right to make schemas, where it is to make none too.
        cursor.execute(f"CREATE SCHEMA {address.schema}")
    for statement in POSTGRESQL.texts.tables:
        cursor.execute(statement)
    cursor.execute(POSTGRESQL.texts.ready_by_task)
    for table, filled in _FILLED.items():
        cursor.execute(f"ALTER TABLE {table} SET (fillfactor = {filled}, {_SWEPT})")
    failpoints.point("store.create")
    identity = uuid.uuid4().hex
    write = "INSERT INTO meta (name, value) VALUES ('uuid', $1), ('format', $2)"
    cursor.execute(write, (identity, str(SCHEMA_VERSION)))
    return identity
