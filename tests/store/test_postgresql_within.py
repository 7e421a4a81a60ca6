"""Calls whose jobs are added in a transaction of the user's own, on a PostgreSQL server."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session

from localq import LocalQ, chord, current
from localq.exceptions import ImproperlyConfigured, StoreError
from localq.model.job import JobState
from localq.store.protocol import Filter, Topic
from tests.store.given import NOW, claimed, done, new, worker
from tests.store.server import reason, server
from tests.store.together import DEADLINE_S

pytestmark = pytest.mark.skipif(reason() is not None, reason=str(reason()))


@pytest.fixture
def q() -> Iterator[LocalQ]:
    schema = server().schema()
    app = LocalQ(url=f"{server().url}&schema={schema}")
    app.task(name="shop.add")(lambda x, y: x + y)
    app.store.open()
    with psycopg.connect(server().url) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS customer (name text UNIQUE)")
        connection.execute("TRUNCATE customer")
    yield app
    app.close()
    current.set_app(None)
    server().give_back(schema)


@pytest.fixture
def connection() -> Iterator[psycopg.Connection[Any]]:
    opened = psycopg.connect(server().url)
    yield opened
    opened.close()


def jobs(q: LocalQ) -> list[str]:
    return sorted(job.task for job in q.store.read.find(Filter(), 1000).jobs)


def customers() -> list[str]:
    with psycopg.connect(server().url) as other:
        return [name for (name,) in other.execute("SELECT name FROM customer ORDER BY name")]


def call(q: LocalQ, **options: Any) -> Any:
    return q.tasks["shop.add"].apply_async((1, 2), **options)


def insert(connection: Any, name: str = "Ann") -> None:
    connection.execute("INSERT INTO customer (name) VALUES (%s)", (name,))


def test_a_job_is_there_with_the_rows_and_not_before(q: LocalQ, connection: psycopg.Connection[Any]) -> None:
    with q.within(connection):
        insert(connection)
        result = call(q)
        assert (jobs(q), customers()) == ([], [])
    connection.commit()

    assert (jobs(q), customers()) == (["shop.add"], ["Ann"])
    assert q.store.read.get([result.id])[result.id].state == JobState.READY


def test_a_rollback_takes_the_jobs_along(q: LocalQ, connection: psycopg.Connection[Any]) -> None:
    def broken_off() -> None:
        with connection.transaction(), q.within(connection):
            call(q)
            insert(connection)
            call(q, countdown=60)
            raise LookupError

    with pytest.raises(LookupError):
        broken_off()

    assert (jobs(q), customers()) == ([], [])


def test_many_calls_and_workflows_belong_to_it_and_hold_nobody_up(
    q: LocalQ, connection: psycopg.Connection[Any]
) -> None:
    add = q.signature("shop.add", (1, 2), immutable=True)
    with q.within(connection):
        q.enqueue_many([add] * 3)
        chord([add, add])(add)
        call(q, task_id="long", queue="far")
        q.send_task("shop.add", ("x" * 5000, "y"))
        assert jobs(q) == []
        # What must see no other writer does not wait for the owner's commit.
        assert q.store.jobs.cancel(["long"], NOW) == {}
        me = worker(q.store)
    connection.commit()

    assert jobs(q) == ["shop.add"] * 8
    while taken := claimed(q.store, me, 10):
        q.store.jobs.finish([done(one) for one in taken], NOW)
    assert {state for _, state in q.store.read.stats().counts} == {JobState.SUCCEEDED}


def test_an_error_of_a_call_leaves_the_rest_of_the_transaction_alone(
    q: LocalQ, connection: psycopg.Connection[Any]
) -> None:
    with q.within(connection):
        insert(connection)
        call(q, task_id="once")
        with pytest.raises(StoreError), q.store.within(connection) as writes:
            writes.add([new("bad", priority="high")], NOW)
        insert(connection, "Bob")
    connection.commit()

    assert (jobs(q), customers()) == (["shop.add"], ["Ann", "Bob"])


def test_the_owners_statements_find_what_they_did_before(q: LocalQ, connection: psycopg.Connection[Any]) -> None:
    connection.row_factory = dict_row  # type: ignore[assignment]
    before = connection.execute("SHOW search_path").fetchone()
    with q.within(connection):
        call(q)
        assert connection.execute("SHOW search_path").fetchone() == before
        q.enqueue_many([q.signature("shop.add", (1, 2))] * 2)
        assert connection.execute("SHOW search_path").fetchone() == before
    connection.commit()

    assert jobs(q) == ["shop.add"] * 3


def test_workers_are_woken_when_a_block_ends_that_has_committed(q: LocalQ, connection: psycopg.Connection[Any]) -> None:
    bell = q.store.bells.hang(Topic.WORK)
    with q.within(connection):
        call(q)
        connection.commit()

    assert bell.wait(DEADLINE_S)
    bell.close()


def test_a_connection_or_a_session_of_sqlalchemy_will_do(q: LocalQ) -> None:
    engine = create_engine(server().url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.connect() as opened, q.within(opened):
        call(q)
        opened.execute(text("INSERT INTO customer VALUES ('Ann')"))
        opened.commit()
        call(q)
        opened.rollback()
    with Session(engine) as session, q.within(session):
        session.execute(text("INSERT INTO customer VALUES ('Bob')"))
        call(q)
        session.commit()
    with Session(engine) as session, session.begin(), q.within(session):
        call(q)
    engine.dispose()

    assert (jobs(q), customers()) == (["shop.add"] * 3, ["Ann", "Bob"])


@pytest.fixture
def django(q: LocalQ) -> Iterator[Any]:
    """Return a connection of Django's."""
    from django.conf import settings
    from django.db.backends.postgresql.base import DatabaseWrapper

    if not settings.configured:
        settings.configure()
    folder = str(server().folder)
    wrapper = DatabaseWrapper(
        {
            "NAME": "postgres", "USER": "postgres", "PASSWORD": "", "HOST": folder, "PORT": "", "OPTIONS": {},
            "TIME_ZONE": None, "CONN_MAX_AGE": 0, "CONN_HEALTH_CHECKS": False, "AUTOCOMMIT": True,
            "ATOMIC_REQUESTS": False, "DISABLE_SERVER_SIDE_CURSORS": False,
        },
        alias="shop",
    )  # fmt: skip
    yield wrapper
    wrapper.close()


@pytest.mark.filterwarnings("ignore:Accessing the database during app initialization")
def test_a_connection_of_django_will_do_in_a_transaction(q: LocalQ, django: Any) -> None:
    with pytest.raises(StoreError, match="atomic"), q.within(django):
        call(q)
    django.set_autocommit(False)
    with q.within(django):
        with django.cursor() as cursor:
            cursor.execute("INSERT INTO customer VALUES ('Ann')")
        call(q)
    assert jobs(q) == []
    django.commit()
    django.set_autocommit(True)

    assert (jobs(q), customers()) == (["shop.add"], ["Ann"])


def closed() -> Any:
    opened = psycopg.connect(server().url, dbname="template1")
    return opened


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (object, "give a connection of psycopg"),
        (lambda: psycopg.connect(server().url, autocommit=True), "in no transaction and commits each statement"),
        (closed, "is to the database 'template1' at .*, and the jobs are in the schema"),
    ],
)
def test_what_cannot_be_one_commit_is_refused(q: LocalQ, given: Callable[[], Any], said: str) -> None:
    lent = given()
    with pytest.raises((ImproperlyConfigured, StoreError), match=said), q.within(lent):
        call(q)
    if isinstance(lent, psycopg.Connection):
        lent.close()


def test_a_transaction_that_stays_open_keeps_no_worker_from_its_work(
    q: LocalQ, connection: psycopg.Connection[Any]
) -> None:
    first = call(q)
    with q.within(connection):
        call(q)
    me = worker(q.store)
    ended = threading.Event()

    def work() -> None:
        (run,) = claimed(q.store, me, 5)
        q.store.workers.beat(me, {run.id: run.run_token}, 10**7, NOW)
        q.store.jobs.finish([done(run)], NOW)
        ended.set()

    threading.Thread(target=work, daemon=True).start()

    assert ended.wait(DEADLINE_S)
    assert q.store.read.get([first.id])[first.id].state == JobState.SUCCEEDED
    connection.rollback()
