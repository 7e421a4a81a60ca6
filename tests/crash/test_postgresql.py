"""What befalls a PostgreSQL server loses nothing that a client was told, and costs no more runs than it must."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import psycopg
import pytest

from localq.model.job import JobState
from tests.crash import journal
from tests.crash.checker import check
from tests.crash.lab import Lab, until
from tests.crash.places import PostgresqlBlows
from tests.crash.settled import settled
from tests.store.server import Server, reason

pytestmark = pytest.mark.skipif(reason() is not None, reason=str(reason()))


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """Return a server that keeps what it acknowledges."""
    started = Server("deadlock_timeout=50ms")
    yield started
    started.stop()


@pytest.fixture
def blows(server: Server) -> Iterator[PostgresqlBlows]:
    """Return what may befall it; the schema of a laboratory is gone afterwards."""
    yield PostgresqlBlows(server)
    with psycopg.connect(server.url) as connection:
        connection.execute("DROP SCHEMA IF EXISTS lab CASCADE")


def lab_on(server: Server) -> Lab:
    return Lab(url=f"{server.url}&schema=lab", task_max_crashes=1000)


@pytest.mark.parametrize("times", [3])
def test_a_server_that_crashes_under_load_loses_nothing(server: Server, blows: PostgresqlBlows, times: int) -> None:
    with lab_on(server) as lab:
        for name in ("one", "two"):
            lab.worker(name, wait=True)
        client = lab.client("work", 0, 300, 1, 0.01)
        for turn in range(times):
            until(lambda turn=turn: len(journal.ended(lab.folder)) > 20 * (turn + 1), lab.state)
            blows.restart()
            lab.forgot = True
        assert client.wait(120) == 0, client.told()
        lab.drained(120)

        verdict = check(lab)

        assert not verdict.faults()
        assert len(journal.acked(lab.folder)) == 300
        # No more than was under way when it crashed.
        assert verdict.reasons.total() <= times * 4 * 64
        assert set(lab.stop_all()) == {0}


@pytest.mark.parametrize("end", ["pg_terminate_backend", "pg_cancel_backend"])
def test_sessions_that_are_ended_under_load_cost_nothing(server: Server, blows: PostgresqlBlows, end: str) -> None:
    with lab_on(server) as lab:
        for name in ("one", "two"):
            lab.worker(name, wait=True)
        client = lab.client("work", 0, 300, 1, 0.01)
        for turn in range(5):
            until(lambda turn=turn: len(journal.ended(lab.folder)) > 20 * (turn + 1), lab.state)
            blows.to_each(end)
        assert client.wait(120) == 0, client.told()

        assert settled(lab).reasons.total() == 0
        assert len(journal.acked(lab.folder)) == 300


def test_a_lock_that_somebody_holds_at_a_prompt_only_takes_time(server: Server, blows: PostgresqlBlows) -> None:
    with lab_on(server) as lab:
        lab.worker("one", wait=True)
        lab.enqueue("work", 0, 50, 50)
        until(lambda: journal.ended(lab.folder), lab.state)
        blows.lock(3.0)
        lab.enqueue("work", 50, 50)

        assert settled(lab).reasons.total() == 0


def test_a_server_that_is_away_is_worked_for_again_once_it_is_back(server: Server, blows: PostgresqlBlows) -> None:
    with lab_on(server) as lab:
        lab.worker("one", wait=True)
        first = lab.enqueue("work", 0, 20)
        until(lambda: len(journal.ended(lab.folder)) >= 20, lab.state)
        blows.restart(away_s=10.0)
        lab.forgot = True
        (after,) = lab.enqueue("work", 20, 1)
        lab.begun(after)

        lab.drained()
        assert not check(lab).faults()
        assert {lab.store.read.get([name])[name].state for name in first} == {JobState.SUCCEEDED}
        assert lab.events("store.failed")
        assert lab.events("store.recovered")


def test_limits_on_statements_that_others_set_are_not_ours(server: Server, blows: PostgresqlBlows) -> None:
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute("ALTER ROLE postgres SET statement_timeout = '100ms'")
        connection.execute("ALTER ROLE postgres SET lock_timeout = '100ms'")
    try:
        unlimited = "-c statement_timeout=0 -c lock_timeout=0"
        with lab_on(server) as lab, psycopg.connect(server.url, options=unlimited) as other:
            lab.worker("one", wait=True)
            other.execute("LOCK TABLE lab.job IN ACCESS EXCLUSIVE MODE")
            adding = threading.Thread(target=lab.enqueue, args=("work", 0, 100, 10))
            adding.start()
            others = "SELECT count(*) FROM pg_locks WHERE NOT granted"
            until(lambda: (other.execute(others).fetchone() or (0,))[0] > 0, "others wait")
            # They do so for longer than they might by the limits of their role.
            other.execute("SELECT pg_sleep(0.3)")
            other.rollback()
            adding.join()

            assert settled(lab).reasons.total() == 0
    finally:
        with psycopg.connect(server.url, autocommit=True) as connection:
            connection.execute("ALTER ROLE postgres RESET ALL")
