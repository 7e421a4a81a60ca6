"""Every table and statement of a store in SQL can be said in a second dialect, with nothing of the first in it."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Executable

from localq.model.job import JobState
from localq.store import sql
from localq.store.postgresql.dialect import POSTGRESQL
from localq.store.protocol import Filter
from localq.store.sql.found_jobs import looks, shape_of
from localq.store.sql.job_clauses import waiting_columns
from localq.store.sql.schedule_statements import Looking, listed
from localq.store.sql.schema import READY_BY_TASK, job, metadata
from localq.store.sql.statement import Statement, StatementTable

#: What only SQLite understands.
FOREIGN = re.compile(r"json_each|instr\(|rowid|INSERT OR|AUTOINCREMENT|PRAGMA|\?|\bmax\([^()]*,", re.IGNORECASE)


def tables() -> Iterator[type[StatementTable]]:
    """Yield every table of statements there is."""
    for module in pkgutil.iter_modules(sql.__path__):
        found = vars(importlib.import_module(f"{sql.__name__}.{module.name}")).values()
        yield from (
            kind
            for kind in found
            if isinstance(kind, type) and issubclass(kind, StatementTable) and kind.__module__.endswith(module.name)
        )


def in_words(one: Any) -> Iterator[Statement]:
    if isinstance(one, Statement):
        yield one
    elif isinstance(one, (Looking, dict)):
        for part in one.values() if isinstance(one, dict) else one:
            yield from in_words(part)


TABLES = {kind.__name__ + kind.__module__.rpartition(".")[2]: kind for kind in tables() if kind is not StatementTable}
#: Statements that depend on what is asked for.
MADE: dict[str, list[Executable]] = {
    "find": [
        clause
        for which in (
            Filter(),
            Filter(states=tuple(JobState), tasks=("a", "b"), queues=("q",), before=7),
            Filter(shown="PROGRESS", states=(JobState.READY,)),
            Filter(worker="anna", text="sought", added=(1, 2)),
        )
        for look in looks(shape_of(which), POSTGRESQL)
        for clause in (look.query(), look.newest())
    ],
    "purge": [waiting_columns(job.c.key, queues=queues).limit(5) for queues in (None, ["a", "b"])],
    "schedules": [listed(None, None, None, 5), listed(["a"], [], "b", 5)],
}


def test_there_are_as_many_tables_of_statements_as_there_should_be() -> None:
    assert len(TABLES) >= 9


@pytest.mark.parametrize("name", TABLES)
def test_every_statement_can_be_said_in_postgresqls_words(name: str) -> None:
    made = [statement for one in vars(TABLES[name](POSTGRESQL)).values() for statement in in_words(one)]

    assert made
    for statement in made:
        assert FOREIGN.search(statement.text) is None, statement.text
        assert sorted(set(re.findall(r"\$\d+", statement.text))) == sorted(
            f"${n + 1}" for n in range(len(statement.names))
        )


@pytest.mark.parametrize("name", MADE)
def test_what_is_asked_for_can_be_said_too(name: str) -> None:
    for clause in MADE[name]:
        assert FOREIGN.search(Statement(clause, POSTGRESQL.compiler).text) is None


def test_the_tables_can_be_made() -> None:
    made = "\n".join([*POSTGRESQL.tables(metadata), POSTGRESQL.made_if_missing(READY_BY_TASK)])

    assert FOREIGN.search(made) is None
    assert made.count("CREATE TABLE") == len(metadata.tables)
    assert (
        "CREATE INDEX job_due_in_queue ON job (queue, run_at) WHERE state = 0 AND run_at < 253402300799999999" in made
    )
    assert "key BIGSERIAL NOT NULL" in made
    # What has the key of another row gives itself none.
    assert "job BIGINT NOT NULL" in made
