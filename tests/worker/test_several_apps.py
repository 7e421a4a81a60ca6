"""Several apps on one file: each runs its own jobs, and leaves those of others alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from localq import LocalQ
from localq.exceptions import NotRegistered, TaskRevokedError
from localq.model.events import subscribe
from tests.worker.waiting import DEADLINE_S, until


def shop(path: Path, name: str, *tasks: str) -> LocalQ:
    """Return an app with tasks that say whose they are."""
    app = LocalQ(name, path=path, durability="normal", set_as_current=False)
    for task in tasks:
        app.task(lambda n=0, task=task: f"{name}.{task}({n})", name=task)
    return app


@pytest.fixture
def apps(tmp_path: Path) -> Iterator[tuple[LocalQ, LocalQ]]:
    """Return two apps on one file; they know one task each, and one both know."""
    one, two = shop(tmp_path / "jobs.db", "one", "mine", "ours"), shop(tmp_path / "jobs.db", "two", "yours", "ours")
    yield one, two
    one.close(), two.close()


@pytest.mark.parametrize("pool", ["processes", "threads", "asyncio"])
def test_a_worker_leaves_alone_what_it_does_not_know(apps: tuple[LocalQ, LocalQ], pool: str) -> None:
    one, two = apps
    yours = [two.send_task("yours", (n,)) for n in range(200)]
    mine = [one.send_task("mine", (n,)) for n in range(3)]

    with one.running(concurrency=1, pool=pool):
        assert [result.get(DEADLINE_S) for result in mine] == [f"one.mine({n})" for n in range(3)]
        assert {result.state for result in yours} == {"PENDING"}
    with two.running(concurrency=1, pool=pool):
        assert [result.get(DEADLINE_S) for result in yours] == [f"two.yours({n})" for n in range(200)]

    assert {len(result.attempts) for result in yours} == {1}


def test_workers_of_two_apps_share_what_both_know(apps: tuple[LocalQ, LocalQ]) -> None:
    one, two = apps
    with one.running(concurrency=1), two.running(concurrency=1):
        results = [app.send_task(task, (n,)) for n in range(30) for app in apps for task in ("mine", "yours", "ours")]
        values = [str(result.get(DEADLINE_S)) for result in results]

    assert {value.partition("(")[0] for value in values} >= {"one.mine", "two.yours"}
    assert all(
        value.split(".")[1] == f"{result.name}({n})"
        for value, result, n in zip(values, results, [n for n in range(30) for _ in range(6)], strict=True)
    )


def test_jobs_that_no_live_worker_knows_are_told_of_once(
    apps: tuple[LocalQ, LocalQ], caplog: pytest.LogCaptureFixture
) -> None:
    one, two = apps
    said: list[dict[str, Any]] = []
    with subscribe(lambda event, fields: said.append(fields), ["task.unknown"]), one.running(concurrency=1):
        for _ in range(3):
            two.send_task("yours")
            one.send_task("mine").get(DEADLINE_S)
        until(lambda: said)

    assert said == [{"worker": said[0]["worker"], "task": "yours", "elsewhere": False}]
    assert caplog.text.count("Jobs of yours wait: this worker does not know the task, and no live worker does") == 1


def test_who_else_knows_the_task_is_left_to_run_it_in_silence(
    apps: tuple[LocalQ, LocalQ], caplog: pytest.LogCaptureFixture
) -> None:
    one, two = apps
    with two.running(concurrency=1, queues=["other"]), one.running(concurrency=1):
        two.send_task("yours")
        one.send_task("mine").get(DEADLINE_S)

    assert "Jobs of yours wait" not in caplog.text


def test_a_task_that_is_defined_later_runs_what_waited_for_it(apps: tuple[LocalQ, LocalQ]) -> None:
    one, _ = apps
    with one.running(concurrency=1):
        early = one.send_task("late", (5,))
        one.send_task("mine").get(DEADLINE_S)
        one.task(lambda n: n + 1, name="late")

        assert early.get(DEADLINE_S) == 6


@pytest.mark.parametrize(("what", "error"), [("fail", NotRegistered), ("discard", TaskRevokedError)])
def test_unknown_jobs_fail_or_are_discarded_where_that_is_asked_for(
    apps: tuple[LocalQ, LocalQ], what: str, error: type[Exception]
) -> None:
    one, two = apps
    one.conf.worker_unknown_tasks = what
    with one.running(concurrency=1):
        with pytest.raises(error):
            two.send_task("yours").get(DEADLINE_S)
        assert one.send_task("mine").get(DEADLINE_S) == "one.mine(0)"


def test_a_rolling_upgrade_loses_no_job_of_the_new_task(tmp_path: Path) -> None:
    old, new = shop(tmp_path / "jobs.db", "old", "a"), shop(tmp_path / "jobs.db", "new", "a", "b")
    with old.running(concurrency=1):
        jobs = [new.send_task(task) for _ in range(20) for task in ("a", "b")]
        with new.running(concurrency=1):
            assert {str(job.get(DEADLINE_S))[4:] for job in jobs} == {"a(0)", "b(0)"}
    old.close(), new.close()
