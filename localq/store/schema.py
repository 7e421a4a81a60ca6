"""The tables, as SQLAlchemy Core has them.

`job` is the hot table: narrow, with partial indexes over what is ready, due, owned and done. Arguments up to
`INLINE_ARGS` bytes lie in it, larger ones in `payload`, so that a 1 MB argument is written once. An attempt's
result lies with the attempt. `edge` says which job waits for which. Times are integer microseconds since 1970, UTC.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    literal_column,
)

from localq.job import JobState

__all__ = [
    "ATTEMPT_BITS",
    "INLINE_ARGS",
    "LAST_ATTEMPT",
    "SCHEMA_VERSION",
    "attempt",
    "edge",
    "job",
    "meta",
    "metadata",
    "note",
    "payload",
    "saved_group",
    "worker",
]

#: Raised with every change of the tables; a file of a higher one is refused.
SCHEMA_VERSION = 2
#: Arguments longer than this (bytes) are kept in `payload`: the hot row is rewritten several times.
INLINE_ARGS = 512
#: An attempt's key is `job << ATTEMPT_BITS | number`: clustered by job without an index of its own.
ATTEMPT_BITS = 20
#: The highest number an attempt is kept under; those after it take its place.
LAST_ATTEMPT = (1 << ATTEMPT_BITS) - 1

metadata = MetaData()
# SQLite makes only a column declared exactly INTEGER its row id.
_RowId = BigInteger().with_variant(Integer(), "sqlite")


def state_is(state: JobState) -> ColumnElement[bool]:
    """Return the literal condition a partial index needs to be used (a bound parameter would not match)."""
    return job.c.state == literal_column(str(int(state)))


meta = Table("meta", metadata, Column("name", Text, primary_key=True), Column("value", Text, nullable=False))

job = Table(
    "job",
    metadata,
    Column("key", _RowId, primary_key=True),
    Column("id", Text, nullable=False, unique=True),
    Column("task", Text, nullable=False),
    Column("queue", Text, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("state", Integer, nullable=False),
    Column("run_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger),
    Column("run_token", Integer, nullable=False, server_default="0"),
    Column("owner", BigInteger),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("retries", Integer, nullable=False, server_default="0"),
    Column("crashes", Integer, nullable=False, server_default="0"),
    Column("cancel", Integer, nullable=False, server_default="0"),
    Column("shown", Text),
    Column("created_at", BigInteger, nullable=False),
    Column("finished_at", BigInteger),
    Column("args", LargeBinary),
    Column("options", Text),
    Column("waits", Integer, nullable=False, server_default="0"),
    Column("role", Integer, nullable=False, server_default="0"),
    Column("culprit", BigInteger),
    Column("workflow", Text),
)
# The conditions are for SQLite; another dialect brings its own, for naming one here would import it.
Index(
    "job_ready",
    job.c.queue,
    job.c.priority.desc(),
    job.c.key,
    sqlite_where=state_is(JobState.READY),
)
Index(
    "job_due",
    job.c.run_at,
    sqlite_where=state_is(JobState.SCHEDULED),
)
Index(
    "job_owner",
    job.c.owner,
    sqlite_where=state_is(JobState.RUNNING),
)
Index(
    "job_done",
    job.c.finished_at,
    sqlite_where=literal_column("finished_at IS NOT NULL"),
)
# Jobs that wait for none any more, yet may not run, come first.
Index(
    "job_waiting",
    job.c.waits,
    job.c.key,
    sqlite_where=state_is(JobState.WAITING),
)
Index(
    "job_workflow",
    job.c.workflow,
    job.c.finished_at,
    sqlite_where=literal_column("workflow IS NOT NULL"),
)

edge = Table(
    "edge",
    metadata,
    Column("waiter", _RowId, primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("awaited", BigInteger, nullable=False),
    Column("passing", Integer, nullable=False),
    Column("on_error", Integer, nullable=False),
    sqlite_with_rowid=False,
)
Index("edge_awaited", edge.c.awaited)

saved_group = Table(
    "saved_group",
    metadata,
    Column("id", Text, primary_key=True),
    Column("content", LargeBinary, nullable=False),
    Column("saved_at", BigInteger, nullable=False),
)

payload = Table(
    "payload",
    metadata,
    Column("job", _RowId, primary_key=True),
    Column("args", LargeBinary, nullable=False),
)

attempt = Table(
    "attempt",
    metadata,
    Column("key", _RowId, primary_key=True),
    Column("worker", Text, nullable=False),
    Column("started_at", BigInteger),
    Column("ended_at", BigInteger, nullable=False),
    Column("ending", Text, nullable=False),
    Column("result", LargeBinary),
    Column("failure", LargeBinary),
    Column("peak_kb", BigInteger),
    Column("output", Text),
)

note = Table(
    "note",
    metadata,
    Column("job", _RowId, primary_key=True),
    Column("meta", LargeBinary),
    Column("noted_at", BigInteger, nullable=False),
)

worker = Table(
    "worker",
    metadata,
    Column("key", _RowId, primary_key=True, autoincrement=True),
    Column("uuid", Text, nullable=False),
    Column("boot_id", Text, nullable=False),
    Column("card", Text, nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
    Column("lease_until", BigInteger, nullable=False),
    Column("gone", Integer, nullable=False, server_default="0"),
    sqlite_autoincrement=True,
)
