"""The tables, as SQLAlchemy Core has them.

`job` is the hot table: narrow, with partial indexes over what is ready, due, owned, done and failed. Arguments up to
`INLINE_ARGS` bytes lie in it, larger ones in `payload`, so that a 1 MB argument is written once. An attempt's
result lies with the attempt. `edge` says which job waits for which. `schedule` has partial indexes over what is due
and held; `firing` is the ledger, clustered by schedule and instant. Times are integer microseconds since 1970, UTC.

`info` says what a dialect makes of it in its own words: `where` is the condition of a partial index; a `clustered`
table lies in the order of its primary key; keys given `keys_once` never come back.
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
    and_,
    literal_column,
)

from localq.model.job import JobState
from localq.model.orders import PARKED_AT
from localq.model.schedule import ScheduleState

__all__ = [
    "READY_BY_TASK",
    "Key",
    "attempt",
    "bucket",
    "change",
    "edge",
    "firing",
    "job",
    "letter",
    "meta",
    "metadata",
    "note",
    "payload",
    "reply",
    "saved_group",
    "schedule",
    "schedule_is",
    "standing_order",
    "tally",
    "worker",
]

metadata = MetaData()


class Key(BigInteger):
    """A store's own short handle of a row, for which a dialect may have a word of its own."""


def state_is(state: JobState) -> ColumnElement[bool]:
    """Return the literal condition a partial index needs to be used (a bound parameter would not match)."""
    return job.c.state == literal_column(str(int(state)))


def is_parked() -> ColumnElement[bool]:
    """Return the condition of jobs that wait for their task's rate limit; literal, as above.

    No equality: for one SQLite would take the index of what is due, and sort all that is parked.
    """
    return and_(state_is(JobState.SCHEDULED), job.c.run_at >= literal_column(str(PARKED_AT)))


def is_timed() -> ColumnElement[bool]:
    """Return the condition of jobs that wait for their time, and are not parked; literal, as above."""
    return and_(state_is(JobState.SCHEDULED), job.c.run_at < literal_column(str(PARKED_AT)))


meta = Table("meta", metadata, Column("name", Text, primary_key=True), Column("value", Text, nullable=False))

job = Table(
    "job",
    metadata,
    Column("key", Key, primary_key=True),
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
Index(
    "job_ready",
    job.c.queue,
    job.c.priority.desc(),
    job.c.key,
    info={"where": state_is(JobState.READY)},
)
#: Only in files whose jobs not every worker knows: it costs each job something.
READY_BY_TASK = Index(
    "job_ready_by_task",
    job.c.queue,
    job.c.task,
    job.c.priority.desc(),
    job.c.key,
    info={"where": state_is(JobState.READY), "on_demand": True},
)
Index(
    "job_due",
    job.c.run_at,
    # Counted by queue without a look at the table.
    job.c.queue,
    info={"where": state_is(JobState.SCHEDULED)},
)
Index(
    "job_due_in_queue",
    job.c.queue,
    job.c.run_at,
    info={"where": is_timed()},
)
Index(
    "job_owner",
    job.c.owner,
    info={"where": state_is(JobState.RUNNING)},
)
Index(
    "job_done",
    # Counted by state and queue in the order of the index; pruning skips from one pair to the next.
    job.c.state,
    job.c.queue,
    job.c.finished_at,
    info={"where": literal_column("finished_at IS NOT NULL")},
)
Index(
    "job_parked",
    job.c.queue,
    job.c.task,
    job.c.priority.desc(),
    job.c.key,
    info={"where": is_parked()},
)
Index(
    "job_failed",
    # SQLite adds the key by itself: the newest are at the end of each state. A success writes nothing here.
    job.c.state,
    info={"where": literal_column(f"state > {int(JobState.SUCCEEDED)}")},
)
Index(
    "job_shown",
    job.c.shown,
    info={"where": literal_column("shown IS NOT NULL")},
)
# Jobs that wait for none any more, yet may not run, come first.
Index(
    "job_waiting",
    job.c.waits,
    job.c.key,
    info={"where": state_is(JobState.WAITING)},
)
Index(
    "job_workflow",
    job.c.workflow,
    job.c.finished_at,
    info={"where": literal_column("workflow IS NOT NULL")},
)

edge = Table(
    "edge",
    metadata,
    Column("waiter", Key, primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("awaited", BigInteger, nullable=False),
    Column("passing", Integer, nullable=False),
    Column("on_error", Integer, nullable=False),
    info={"clustered": True},
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
    Column("job", Key, primary_key=True, autoincrement=False),
    Column("args", LargeBinary, nullable=False),
)

attempt = Table(
    "attempt",
    metadata,
    Column("key", Key, primary_key=True),
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
    Column("job", Key, primary_key=True, autoincrement=False),
    Column("meta", LargeBinary),
    Column("noted_at", BigInteger, nullable=False),
)

worker = Table(
    "worker",
    metadata,
    Column("key", Key, primary_key=True, autoincrement=True),
    Column("uuid", Text, nullable=False),
    Column("boot_id", Text, nullable=False),
    Column("card", Text, nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
    Column("lease_until", BigInteger, nullable=False),
    Column("gone", Integer, nullable=False, server_default="0"),
    info={"keys_once": True},
)


def schedule_is(state: ScheduleState) -> ColumnElement[bool]:
    """Return the literal condition on a schedule's state that its partial indexes need."""
    return schedule.c.state == literal_column(str(int(state)))


schedule = Table(
    "schedule",
    metadata,
    Column("key", Key, primary_key=True, autoincrement=True),
    Column("name", Text, nullable=False, unique=True),
    Column("source", Text, nullable=False),
    Column("spec", Text, nullable=False),
    Column("rule", Text, nullable=False),
    Column("state", Integer, nullable=False),
    # The state it was retired from.
    Column("state_before", Integer),
    Column("revision", Integer, nullable=False, server_default="1"),
    Column("anchor_at", BigInteger, nullable=False),
    Column("next_at", BigInteger),
    Column("due_at", BigInteger),
    Column("last_at", BigInteger),
    Column("last_job", Text),
    Column("runs", Integer, nullable=False, server_default="0"),
    Column("missed", Integer, nullable=False, server_default="0"),
    Column("held_at", BigInteger),
    Column("created_at", BigInteger, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
    Column("note", Text),
    # A key that came back could take the firing of a scheduler that still means the schedule before.
    info={"keys_once": True},
)
Index("schedule_source", schedule.c.source)
Index(
    "schedule_due",
    schedule.c.due_at,
    info={"where": schedule_is(ScheduleState.ACTIVE)},
)
Index(
    "schedule_held",
    schedule.c.held_at,
    info={"where": literal_column("held_at IS NOT NULL")},
)

firing = Table(
    "firing",
    metadata,
    Column("schedule", BigInteger, primary_key=True),
    Column("nominal", BigInteger, primary_key=True),
    Column("outcome", Text, nullable=False),
    Column("reason", Text),
    Column("job_id", Text),
    Column("until", BigInteger),
    Column("count", Integer, nullable=False),
    Column("fired_at", BigInteger, nullable=False),
    info={"clustered": True},
)

# Control: commands to workers with their answers, what holds until it is withdrawn, and how full rate limits are.

letter = Table(
    "letter",
    metadata,
    Column("key", Key, primary_key=True, autoincrement=True),
    Column("command", Text, nullable=False),
    Column("arguments", Text, nullable=False),
    Column("destination", Text),
    Column("wants_reply", Integer, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("token", Text),
    info={"keys_once": True},
)
Index("letter_token", letter.c.token, unique=True)

reply = Table(
    "reply",
    metadata,
    Column("key", Key, primary_key=True),
    Column("letter", BigInteger, nullable=False),
    Column("worker", Text, nullable=False),
    Column("answer", Text, nullable=False),
    Column("token", Text),
)
Index("reply_token", reply.c.letter, reply.c.token, unique=True)

standing_order = Table(
    "standing_order",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
    Column("given_at", BigInteger, nullable=False),
)

# What is remembered: how many jobs finished, after they are gone; and what people changed.

tally = Table(
    "tally",
    metadata,
    Column("at", BigInteger, primary_key=True),
    Column("task", Text, primary_key=True),
    Column("queue", Text, primary_key=True),
    Column("state", Integer, primary_key=True),
    Column("count", Integer, nullable=False),
    Column("run_us", BigInteger, nullable=False),
    # Number of spans by their size, as JSON.
    Column("runs", Text, nullable=False),
    Column("waits", Text, nullable=False),
    info={"clustered": True},
)

change = Table(
    "change",
    metadata,
    Column("key", Key, primary_key=True, autoincrement=True),
    Column("token", Text, nullable=False, unique=True),
    Column("at", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
    Column("came_from", Text, nullable=False),
    Column("verb", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("count", Integer, nullable=False),
    Column("note", Text, nullable=False),
    info={"keys_once": True},
)
Index("change_target", change.c.target)

bucket = Table(
    "bucket",
    metadata,
    Column("task", Text, primary_key=True),
    Column("full_at", BigInteger, nullable=False),
)
