"""Calls whose jobs are added in a transaction of the user's own."""

from __future__ import annotations

import asyncio
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from localq import LocalQ, chord, current
from localq.exceptions import ImproperlyConfigured, StoreBusy, StoreError
from localq.model.job import JobState
from localq.store.protocol import Filter, Topic
from localq.store.sql.schema import metadata
from tests.worker.waiting import DEADLINE_S


@pytest.fixture
def q(tmp_path: Path) -> Iterator[LocalQ]:
    app = LocalQ(path=tmp_path / "shop.db")
    app.task(name="shop.add")(lambda x, y: x + y)
    app.store.open()
    with closing(sqlite3.connect(app.location)) as connection:
        connection.execute("CREATE TABLE customer (name TEXT UNIQUE)")
    yield app
    app.close()
    current.set_app(None)


@pytest.fixture
def connection(q: LocalQ) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(q.location)) as opened:
        yield opened


def jobs(q: LocalQ) -> list[str]:
    return sorted(job.task for job in q.store.read.find(Filter(), 1000).jobs)


def customers(q: LocalQ) -> list[str]:
    with closing(sqlite3.connect(q.location)) as other:
        return [name for (name,) in other.execute("SELECT name FROM customer")]


def call(q: LocalQ, **options: Any) -> Any:
    return q.tasks["shop.add"].apply_async((1, 2), **options)


def insert(connection: Any, name: str = "Ann") -> None:
    connection.execute("INSERT INTO customer (name) VALUES (?)", (name,))


def test_a_job_is_there_with_the_rows_and_not_before(q: LocalQ, connection: sqlite3.Connection) -> None:
    with q.within(connection):
        insert(connection)
        result = call(q)
        assert (jobs(q), customers(q)) == ([], [])

    assert (jobs(q), customers(q)) == ([], [])
    connection.commit()

    assert (jobs(q), customers(q)) == (["shop.add"], ["Ann"])
    assert q.store.read.get([result.id])[result.id].state == JobState.READY


def test_a_rollback_takes_the_jobs_along(q: LocalQ, connection: sqlite3.Connection) -> None:
    def broken_off() -> None:
        with connection, q.within(connection):
            call(q)
            insert(connection)
            call(q, countdown=60)
            raise LookupError

    with pytest.raises(LookupError):
        broken_off()

    assert (jobs(q), customers(q)) == ([], [])
    call(q)
    assert jobs(q) == ["shop.add"]


def test_a_job_that_comes_first_begins_the_transaction(q: LocalQ, connection: sqlite3.Connection) -> None:
    with q.within(connection):
        call(q)
        assert connection.in_transaction

    connection.rollback()

    assert jobs(q) == []


def test_many_calls_and_workflows_belong_to_it_too(q: LocalQ, connection: sqlite3.Connection) -> None:
    add = q.signature("shop.add", (1, 2), immutable=True)
    with q.within(connection):
        q.enqueue_many([add] * 3)
        chord([add, add])(add)
        call(q, task_id="long", queue="far")
        q.send_task("shop.add", ("x" * 5000, "y"))
        assert jobs(q) == []
        connection.commit()

    assert jobs(q) == ["shop.add"] * 8


def test_an_error_of_a_call_leaves_the_rest_of_the_transaction_alone(q: LocalQ, connection: sqlite3.Connection) -> None:
    with q.within(connection):
        insert(connection)
        call(q, task_id="once")
        with pytest.raises(TypeError):
            q.enqueue_many([q.signature("shop.add", (1, 2)), "no signature"])  # type: ignore[list-item]
        connection.commit()

    assert (jobs(q), customers(q)) == (["shop.add"], ["Ann"])


def test_an_id_that_exists_is_left_as_it_is(q: LocalQ, connection: sqlite3.Connection) -> None:
    call(q, task_id="once", queue="first")

    with q.within(connection):
        call(q, task_id="once", queue="second")
        connection.commit()

    assert q.store.read.get(["once"])["once"].queue == "first"


def test_rows_of_another_shape_do_no_harm(q: LocalQ, connection: sqlite3.Connection) -> None:
    connection.row_factory = sqlite3.Row
    add = q.signature("shop.add", (1, 2), immutable=True)

    with q.within(connection):
        chord([add, add])(add)
        assert isinstance(connection.execute("SELECT 1").fetchone(), sqlite3.Row)
        connection.commit()

    assert jobs(q) == ["shop.add"] * 3


def test_what_is_called_behind_the_block_or_by_another_app_is_not_in_it(
    q: LocalQ, connection: sqlite3.Connection, tmp_path: Path
) -> None:
    other = LocalQ(path=tmp_path / "other.db")
    with q.within(connection):
        other.send_task("theirs")
    call(q)
    connection.rollback()

    assert (jobs(q), jobs(other)) == (["shop.add"], ["theirs"])
    other.close()


def test_an_app_within_the_block_of_another_adds_its_jobs_in_the_same_transaction(
    q: LocalQ, connection: sqlite3.Connection
) -> None:
    other = LocalQ(path=q.location)
    with q.within(connection), other.within(connection):
        call(q)
        other.send_task("theirs")
        call(q)
        connection.commit()

    assert jobs(q) == ["shop.add", "shop.add", "theirs"]
    other.close()


def test_a_coroutine_that_outlives_the_block_adds_its_jobs_by_itself(q: LocalQ, connection: sqlite3.Connection) -> None:
    async def scenario() -> None:
        behind = asyncio.Event()

        async def late() -> None:
            await behind.wait()
            call(q)

        with q.within(connection):
            task = asyncio.create_task(late())
            await asyncio.sleep(0)
        behind.set()
        await task

    asyncio.run(scenario())

    assert jobs(q) == ["shop.add"]
    assert not connection.in_transaction


def test_a_connection_that_was_committed_and_closed_ends_the_block_and_wakes_workers(
    q: LocalQ, connection: sqlite3.Connection
) -> None:
    def closed_within() -> None:
        with q.within(connection):
            call(q)
            connection.commit()
            connection.close()

    assert rang(q, closed_within)
    assert jobs(q) == ["shop.add"]


def test_the_page_names_every_table_that_a_file_must_not_have_of_its_own() -> None:
    page = (Path(__file__).parents[3] / "docs" / "tasks.md").read_text()
    listed = page.partition("has the names")[2].partition("for its own")[0]

    assert re.findall(r"`(\w+)`", listed) == sorted(metadata.tables)


# Bells


def rang(q: LocalQ, act: Callable[[], None]) -> bool:
    """Whether the workers' bell rang for something."""
    with closing(q.store.bells.hang(Topic.WORK)) as bell:
        bell.drain()
        act()
        return bell.wait(0)


def test_workers_are_woken_once_it_is_committed_and_not_before(q: LocalQ, connection: sqlite3.Connection) -> None:
    def committed_within() -> None:
        with q.within(connection), closing(q.store.bells.hang(Topic.WORK)) as early:
            call(q)
            assert not early.wait(0)
            connection.commit()

    def committed_behind() -> None:
        with q.within(connection):
            call(q)
        connection.commit()

    assert rang(q, committed_within)
    assert not rang(q, committed_behind)
    assert jobs(q) == ["shop.add"] * 2


def test_a_worker_finds_jobs_that_nobody_was_woken_for(q: LocalQ, connection: sqlite3.Connection) -> None:
    q.start(1, pool="threads")
    try:
        with q.within(connection):
            result = call(q)
        connection.commit()

        assert result.get(timeout=DEADLINE_S) == 3
    finally:
        q.stop()


# Connections


def test_a_connection_or_a_session_of_sqlalchemy_will_do(q: LocalQ) -> None:
    engine = create_engine(f"sqlite:///{q.location}")
    with engine.connect() as opened, q.within(opened):
        call(q)
        opened.execute(text("INSERT INTO customer VALUES ('Ann')"))
        opened.commit()
    with Session(engine) as session, q.within(session):
        session.execute(text("INSERT INTO customer VALUES ('Bob')"))
        call(q)
        session.commit()
    with engine.connect() as opened, q.within(opened):
        call(q)
        opened.rollback()
    with Session(engine) as session, session.begin(), q.within(session):
        call(q)
    engine.dispose()

    assert (jobs(q), customers(q)) == (["shop.add"] * 3, ["Ann", "Bob"])


@pytest.mark.parametrize("kind", ["sqlite3", "connection", "session"])
def test_what_is_called_after_a_commit_within_the_block_belongs_to_the_next_transaction(q: LocalQ, kind: str) -> None:
    engine = create_engine(f"sqlite:///{q.location}")
    made: dict[str, Callable[[], Any]] = {
        "sqlite3": lambda: closing(sqlite3.connect(q.location)),
        "connection": engine.connect,
        "session": lambda: Session(engine),
    }
    with made[kind]() as opened, q.within(opened):
        for _ in range(3):
            call(q)
            call(q, countdown=60)
            opened.commit()
        call(q)
        opened.rollback()
    engine.dispose()

    assert jobs(q) == ["shop.add"] * 6


def test_a_connection_that_commits_each_statement_is_refused(q: LocalQ) -> None:
    with closing(sqlite3.connect(q.location, isolation_level=None)) as bare:
        with pytest.raises(StoreError, match="commits each statement by itself"), q.within(bare):
            call(q)
        bare.execute("BEGIN")
        with q.within(bare):
            call(q)
        bare.execute("COMMIT")

    assert jobs(q) == ["shop.add"]


@pytest.mark.parametrize("given", [5, None, AsyncSession()], ids=["number", "nothing", "asyncio"])
def test_what_is_no_connection_to_a_file_is_refused(q: LocalQ, given: Any) -> None:
    with pytest.raises(ImproperlyConfigured, match=r"give a connection of sqlite3"), q.within(given):
        call(q)

    assert jobs(q) == []


def test_a_connection_to_another_file_is_refused(q: LocalQ, tmp_path: Path) -> None:
    for place in (tmp_path / "other.db", ":memory:"):
        with (
            closing(sqlite3.connect(place)) as other,
            pytest.raises(ImproperlyConfigured, match=r"and the jobs are in '.*shop\.db'"),
            q.within(other),
        ):
            call(q)

    assert jobs(q) == []


def test_a_store_in_memory_says_that_it_shares_no_connection(connection: sqlite3.Connection) -> None:
    app = LocalQ(path=":memory:")

    with pytest.raises(ImproperlyConfigured, match=":memory:"), app.within(connection):
        app.send_task("shop.add")

    app.close()


def test_a_locked_file_is_told_as_ever(q: LocalQ) -> None:
    with closing(sqlite3.connect(q.location, timeout=0)) as one, closing(sqlite3.connect(q.location)) as holding:
        holding.execute("BEGIN IMMEDIATE")

        with pytest.raises(StoreBusy), q.within(one):
            call(q)


def test_calls_that_run_in_the_caller_do_so_here_too(connection: sqlite3.Connection) -> None:
    app = LocalQ(eager=True)
    app.task(name="shop.add")(lambda x, y: x + y)

    with app.within(connection):
        assert app.tasks["shop.add"].delay(1, 2).get() == 3

    app.close()
