"""Django's own tasks on LocalQ's backend: `django.tasks`, or django-tasks before it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from localq import LocalQ
from localq.contrib.django import tasks as backend
from localq.exceptions import ImproperlyConfigured
from localq.model.clock import from_datetime
from localq.testing import drain
from tests.contrib import shop
from tests.worker.waiting import DEADLINE_S


def test_a_task_is_enqueued_run_and_read(q: LocalQ) -> None:
    result = shop.add.enqueue(2, y=3)
    waiting = shop.add.get_result(result.id)

    drain(q)
    result.refresh()

    assert (waiting.status, waiting.is_finished, waiting.args, waiting.kwargs) == ("READY", False, [2], {"y": 3})
    assert (result.status, result.return_value, result.errors) == ("SUCCESSFUL", 5, [])
    assert result.enqueued_at <= result.started_at <= result.finished_at
    assert result.attempts == 1


def test_it_is_a_job_of_the_app_by_its_dotted_name(q: LocalQ) -> None:
    result = shop.double.enqueue(4)
    job = q.AsyncResult(result.id)

    assert (job.name, job.queue) == ("tests.contrib.shop.double", "mail")
    drain(q)
    assert job.result == 8


def test_a_failure_tells_its_class_and_its_traceback(q: LocalQ) -> None:
    result = shop.broken.enqueue("no")

    drain(q)
    result.refresh()

    assert result.status == "FAILED"
    (error,) = result.errors
    assert error.exception_class is ValueError
    assert error.traceback.endswith("ValueError: no\n")
    with pytest.raises(ValueError, match="Task failed"):
        result.return_value  # noqa: B018 - reading it is the act


def test_a_task_is_told_of_its_run(q: LocalQ) -> None:
    result = shop.whoami.enqueue()

    drain(q)
    result.refresh()

    assert result.return_value == {"id": result.id, "attempt": 1, "status": "RUNNING"}


def test_a_value_that_is_no_json_is_a_failure_as_with_django_s_own_backends(q: LocalQ) -> None:
    result = shop.seen.enqueue()

    drain(q)
    result.refresh()

    assert result.status == "FAILED"
    assert result.errors[0].exception_class_path == "builtins.TypeError"


def test_arguments_that_are_no_json_are_refused_and_nothing_is_added(q: LocalQ) -> None:
    with pytest.raises(TypeError):
        shop.add.enqueue(object(), 1)

    assert q.store.read.stats().counts == {}


def test_a_run_can_be_put_off_and_higher_priorities_run_first(q: LocalQ) -> None:
    when = datetime.now(UTC) + timedelta(hours=1)
    later = shop.add.using(run_after=when, priority=100).enqueue(1, 1)
    rows = [shop.add.using(priority=rank).enqueue(1, 1).id for rank in (-100, 0, 50)]

    found = q.store.read.get([later.id, *rows])

    assert found[later.id].run_at == from_datetime(when)
    assert [found[one].priority for one in (*rows, later.id)] == [0, 4, 6, 9]


def test_signals_tell_of_each_step(q: LocalQ) -> None:
    told: list[tuple[str, str]] = []

    def hear(signal: Any, sender: Any, task_result: Any, **kwargs: Any) -> None:
        told.append((sender.__name__, task_result.status))

    signals = [backend.task_enqueued, backend.task_started, backend.task_finished]
    for signal in signals:
        signal.connect(hear)
    try:
        shop.add.enqueue(1, 1)
        drain(q)
    finally:
        for signal in signals:
            signal.disconnect(hear)

    assert told == [("LocalQBackend", status) for status in ("READY", "RUNNING", "SUCCESSFUL")]


def test_a_task_in_a_workflow_is_ready_while_it_waits_for_others(q: LocalQ) -> None:
    first, second = (q.tasks[f"tests.contrib.shop.{name}"] for name in ("add", "double"))
    last = (first.si(1, 2).set(queue="default") | second.si(4).set(queue="mail"))()

    waiting = shop.double.get_result(last.id)
    drain(q)

    assert (waiting.status, waiting.is_finished) == ("READY", False)
    assert shop.double.get_result(last.id).return_value == 8


def test_a_result_that_is_not_there_does_not_exist(q: LocalQ) -> None:
    foreign = q.send_task("elsewhere")

    for result_id in ("nothing", foreign.id):
        with pytest.raises(backend.TaskResultDoesNotExist):
            shop.add.get_result(result_id)


def test_a_worker_in_processes_runs_them(q: LocalQ, tmp_path: Path) -> None:
    with q.running(1):
        result = shop.add.enqueue(20, 22)
        assert q.AsyncResult(result.id).get(timeout=DEADLINE_S) == 42

    result.refresh()
    assert len(result.worker_ids) == 1


def test_an_app_that_is_none_is_named() -> None:
    with pytest.raises(ImproperlyConfigured, match=r"TASKS\['appless'\].*is no app"):
        shop.task(backend="appless")(shop.add.func)
