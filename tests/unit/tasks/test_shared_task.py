"""What `shared_task` returns looks like the task it stands for, with an app and without one."""

from __future__ import annotations

import copy
import gc
import inspect
import pickle
from collections.abc import Iterator
from typing import Any
from unittest import mock

import pytest

from localq import LocalQ, Task, current, shared_task
from localq.exceptions import ImproperlyConfigured
from localq.signals import task_success


class Base(Task[Any, Any]):
    """Has a class method."""

    @classmethod
    def kind(cls) -> str:
        return "base"


@pytest.fixture(autouse=True)
def _no_shared_tasks_left_over(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("localq.tasks.shared_task._makers", [])
    current.set_app(None)
    yield
    current.set_app(None)
    gc.collect()


@pytest.fixture
def job() -> Any:
    @shared_task(base=Base, bind=True, name="job", max_retries=7)
    def job(self: Task[Any, Any], n: int, *, k: int = 2) -> list[Any]:
        """Do it."""
        return [self.name, n, k]

    return job


@pytest.mark.parametrize("with_app", [False, True])
def test_a_shared_task_looks_like_a_task(job: Any, with_app: bool) -> None:
    app = LocalQ("tests", eager=True) if with_app else None

    assert job(1, k=3) == ["job", 1, 3]
    assert isinstance(job, Task)
    assert isinstance(job, Base)
    assert job.__class__.kind() == "base"
    assert (job.__module__, job.__name__, job.__doc__) == (__name__, "job", "Do it.")
    assert job.__qualname__.endswith("<locals>.job")
    assert (job.name, job.max_retries, job.request.called_directly) == ("job", 7, True)
    assert list(inspect.signature(job).parameters) == ["n", "k"]
    assert "max_retries" in dir(job)
    with pytest.raises(AttributeError, match="no attribute 'nosuch'"):
        job.nosuch  # noqa: B018 - it is asked for
    assert app is None or app.tasks["job"] is not None


def test_a_shared_task_is_the_one_of_the_app(job: Any) -> None:
    app = LocalQ("tests", eager=True)
    task = app.tasks["job"]

    assert job == task
    assert task == job
    assert job == job
    assert {job: 1}[task] == 1
    assert copy.copy(job) is task
    assert copy.deepcopy(job) is task
    assert pickle.loads(pickle.dumps(job)) is task


def test_what_is_set_on_a_shared_task_is_set_on_the_task(job: Any) -> None:
    job.rate_limit = "10/m"
    app = LocalQ("tests", eager=True)
    job.queue = "slow"

    assert (app.tasks["job"].rate_limit, app.tasks["job"].queue) == ("10/m", "slow")
    del job.queue
    assert app.tasks["job"].queue is None


@pytest.mark.parametrize("with_app", [False, True])
def test_a_method_of_a_shared_task_can_be_replaced_for_a_test(job: Any, with_app: bool) -> None:
    app = LocalQ("tests", eager=True) if with_app else None

    with mock.patch.object(job, "run", return_value="replaced"), mock.patch.object(job, "apply_async") as sent:
        assert job(1) == "replaced"
        assert app is None or job.apply((1,)).get() == "replaced"
        job.delay(5)

    sent.assert_called_once_with((5,), {})
    assert job(1) == ["job", 1, 2]
    assert not vars(job._get_current_object()).get("run")


def test_a_shared_task_without_an_app_says_what_is_missing_where_it_is_sent(job: Any) -> None:
    with pytest.raises(ImproperlyConfigured, match="Make an app first"):
        job.delay(1)


def test_a_signals_sender_equals_the_shared_task(job: Any) -> None:
    LocalQ("tests", eager=True)
    heard: list[bool] = []

    def hear(sender: Any, **_more: Any) -> None:
        heard.append(sender == job)

    task_success.connect(hear, sender=job)
    try:
        job.delay(1)
    finally:
        task_success.disconnect(hear, sender=job)

    assert heard == [True]
