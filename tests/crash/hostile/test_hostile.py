"""Every hostile task in every pool it can run in: it becomes what the docs say, and harms nobody else."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.crash.hostile.body import BODIES, POOLS, Body
from tests.crash.hostile.page import NOT_RUN, PAGE, SECTIONS, told
from tests.crash.hostile.run import Hostile

TOLD = told(PAGE.read_text("utf-8"))
CASES = [(pool, body) for pool in POOLS for body in BODIES.values() if pool in body.pools]


class Workers:
    """One worker at a time, which must survive all bodies of its pool."""

    def __init__(self) -> None:
        self._last: Hostile | None = None

    def of(self, pool: str) -> Hostile:
        """Return the worker of a pool, started when it is first asked for."""
        if self._last is None or self._last.pool != pool:
            self.close()
            self._last = Hostile(pool)
        return self._last

    def close(self) -> None:
        last, self._last = self._last, None
        assert last is None or last.close() == 0


@pytest.fixture(scope="module")
def workers() -> Iterator[Workers]:
    workers = Workers()
    yield workers
    workers.close()


@pytest.mark.parametrize(("pool", "body"), CASES, ids=[f"{pool}-{body.name}" for pool, body in CASES])
def test_a_hostile_task_becomes_what_the_page_says_and_the_next_job_is_right(
    workers: Workers, pool: str, body: Body
) -> None:
    hostile = workers.of(pool)
    assert hostile.verdict(body) == TOLD[body.name, pool]
    hostile.follow(body)


def test_the_page_has_every_body_and_no_other() -> None:
    assert {name for name, _ in TOLD} == set(BODIES)
    assert {one.section for one in BODIES.values()} == set(SECTIONS)
    assert {(name, pool) for (name, pool), cell in TOLD.items() if cell != NOT_RUN} == {
        (body.name, pool) for pool, body in CASES
    }


def test_every_body_says_what_it_does() -> None:
    assert [body.name for body in BODIES.values() if not body.says] == []
