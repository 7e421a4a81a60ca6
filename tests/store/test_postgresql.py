"""Every table and statement of a store in SQL can be said in a second dialect, with nothing of the first in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from localq.model.job import JobState
from localq.store.postgresql.dialect import POSTGRESQL
from localq.store.protocol import Filter
from localq.store.sql.compiler import TABLES
from localq.store.sql.job_shape import shape_of
from localq.store.sql.schema import metadata
from localq.store.sql.statement import Statement

#: What only SQLite understands.
FOREIGN = re.compile(r"json_each|instr\(|rowid|INSERT OR|AUTOINCREMENT|PRAGMA|\?|\bmax\([^()]*,", re.IGNORECASE)


def in_words(one: Any) -> Iterator[Statement]:
    if isinstance(one, Statement):
        yield one
    elif hasattr(one, "one"):
        yield one.one
        yield one.every


@pytest.mark.parametrize("room", TABLES)
def test_every_statement_is_said_in_postgresqls_words(room: str) -> None:
    made = [said for one in vars(type(getattr(POSTGRESQL.texts, room))).values() for said in in_words(one)]

    assert made
    for statement in made:
        assert FOREIGN.search(statement.text) is None, statement.text
        assert sorted(set(re.findall(r"\$\d+", statement.text))) == sorted(
            f"${n + 1}" for n in range(len(statement.names))
        )


@pytest.mark.parametrize(
    "which",
    [
        Filter(),
        Filter(states=tuple(JobState), tasks=("a", "b"), queues=("q",), before=7),
        Filter(shown="PROGRESS", states=(JobState.READY,)),
        Filter(worker="anna", text="sought", added=(1, 2)),
    ],
)
def test_what_is_asked_for_can_be_said_too(which: Filter) -> None:
    made = [said for look in POSTGRESQL.lookers(shape_of(which)) for said in look if said is not None]

    assert made
    assert [said.text for said in made if FOREIGN.search(said.text)] == []


def test_the_tables_can_be_made() -> None:
    made = "\n".join([*POSTGRESQL.texts.tables, POSTGRESQL.texts.ready_by_task])

    assert FOREIGN.search(made) is None
    assert made.count("CREATE TABLE") == len(metadata.tables)
    assert (
        "CREATE INDEX job_due_in_queue ON job (queue, run_at) WHERE state = 0 AND run_at < 253402300799999999" in made
    )
