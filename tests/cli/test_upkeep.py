"""localq prune and compact: what is old goes, and its room comes back."""

from __future__ import annotations

import os
import re
from collections.abc import Callable

import pytest
from click.testing import Result

from localq import LocalQ, chain
from localq.cli import main
from localq.model.job import JobState
from tests.cli.runner import runner

Run = Callable[..., Result]
DAY_US = 86_400 * 1_000_000


def finished(q: LocalQ, count: int, days: float, size: int = 10) -> list[str]:
    """Return the ids of jobs that were cancelled so many days ago."""
    task = q.task(len, name="len")
    ids = [one.id for one in q.enqueue_many([task.s("x" * size) for _ in range(count)])]
    q.store.jobs.cancel(ids, q.clock.now() - int(days * DAY_US))
    return ids


def test_jobs_that_finished_long_enough_ago_are_removed(q: LocalQ, localq: Run) -> None:
    old, young = finished(q, 1_203, 8), finished(q, 2, 6)
    waits = q.send_task("len", ("x",)).id

    result = localq("prune", "--older", "7d")

    assert result.stdout == "1,203 jobs removed.\n"
    assert set(q.store.read.get([*old, *young, waits])) == {*young, waits}


@pytest.mark.parametrize(("age", "left"), [("90s", 0), ("30", 0), ("1.5h", 1), ("2w", 1), ("0", 0)])
def test_an_age_is_a_number_with_a_unit(q: LocalQ, localq: Run, age: str, left: int) -> None:
    finished(q, 1, 100 / 86_400)

    assert localq("prune", "--older", age).exit_code == 0

    assert sum(q.store.read.stats().counts.values()) == left


@pytest.mark.parametrize("age", ["", "soon", "7 years", "-1d", "1d2h"])
def test_what_is_no_age_is_refused(q: LocalQ, localq: Run, age: str) -> None:
    finished(q, 1, 1)

    result = localq("prune", "--older", age)

    assert result.exit_code == 2
    assert "an age is a number and a unit: 90s, 30m, 12h, 7d, 2w." in result.stderr
    assert sum(q.store.read.stats().counts.values()) == 1


def test_without_an_age_the_app_says_how_long_results_are_kept(q: LocalQ, localq: Run) -> None:
    finished(q, 1, 2)
    finished(q, 1, 0.5)

    assert localq("prune").stdout == "1 job removed.\n"


def test_where_results_are_kept_for_ever_an_age_must_be_named(q: LocalQ) -> None:
    finished(q, 1, 1_000)
    q.conf.result_expires = None

    result = runner().invoke(main, ["prune"], obj=q)

    assert result.exit_code == 2
    assert "Say --older 30d" in result.stderr
    assert sum(q.store.read.stats().counts.values()) == 1


def test_a_workflow_stays_until_all_of_it_is_old_and_hides_nothing_behind_it(q: LocalQ, localq: Run) -> None:
    task = q.task(abs, name="abs")
    for _ in range(3):
        first = chain(task.s(1), task.s()).apply_async().parent
        q.store.jobs.cancel([first.id], q.clock.now() - 30 * DAY_US)
    unfinished = {job.id for job in q.store.read.family(first.id)[0] if not JobState(job.state).final}
    finished(q, 700, 20)

    result = localq("prune", "--older", "7d")

    assert result.stdout == ("700 jobs removed.\n" if unfinished else "706 jobs removed.\n")


def test_the_file_is_as_small_as_what_is_in_it_while_others_use_it(q: LocalQ, localq: Run) -> None:
    finished(q, 300, 8, size=20_000)
    waits = q.send_task("len", ("y",)).id
    localq("prune", "--older", "7d")

    result = localq("compact")

    assert result.exit_code == 0
    assert re.fullmatch(r"[56]\.\d MiB before, \d+\.\d KiB now\.\n", result.stdout)
    assert os.stat(q.location).st_size < 500_000
    assert q.AsyncResult(waits).exists()
    assert q.store.read.get([waits], args=True)[waits].args is not None


def test_a_file_without_spare_room_stays_as_it_is(q: LocalQ, localq: Run) -> None:
    finished(q, 1, 1)

    assert localq("compact").exit_code == 0

    assert sum(q.store.read.stats().counts.values()) == 1
