"""From the format of an earlier version's file to that of this one: what is there stays, and works as before.

A program of the version that wrote the file may still have it open: its statements must go on to work, so that nothing
is renamed or taken away that they use.
"""

from __future__ import annotations

from typing import Any

from localq.store.sql.layout import SCHEMA_VERSION

__all__ = ["OLDEST", "convert"]

#: What makes a file of the format before into one of a format.
_STEPS: dict[int, tuple[str, ...]] = {
    3: (
        "ALTER TABLE letter ADD COLUMN token TEXT",
        "CREATE UNIQUE INDEX letter_token ON letter (token)",
        "ALTER TABLE reply ADD COLUMN token TEXT",
        "CREATE UNIQUE INDEX reply_token ON reply (letter, token)",
        "DROP INDEX ix_reply_letter",
    ),
    4: ("CREATE INDEX job_due_in_queue ON job (queue, run_at) WHERE state = 0 AND run_at < 253402300799999999",),
    5: (
        "CREATE TABLE tally (at BIGINT NOT NULL, task TEXT NOT NULL, queue TEXT NOT NULL, state INTEGER NOT NULL, "
        "count INTEGER NOT NULL, run_us BIGINT NOT NULL, runs TEXT NOT NULL, waits TEXT NOT NULL, "
        "PRIMARY KEY (at, task, queue, state)) WITHOUT ROWID",
        'CREATE TABLE change ("key" INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, token TEXT NOT NULL, '
        "at BIGINT NOT NULL, actor TEXT NOT NULL, came_from TEXT NOT NULL, verb TEXT NOT NULL, target TEXT NOT NULL, "
        "count INTEGER NOT NULL, note TEXT NOT NULL, UNIQUE (token))",
        "CREATE INDEX change_target ON change (target)",
    ),
}
#: The oldest format that can be converted.
OLDEST = min(_STEPS) - 1


def convert(cursor: Any, version: int) -> None:
    """Make a file's format this version's, within the transaction that is open."""
    for step in range(version + 1, SCHEMA_VERSION + 1):
        for statement in _STEPS[step]:
            cursor.execute(statement)
    cursor.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
