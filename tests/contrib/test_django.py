"""Apps in a Django project: the class of their tasks, and the connections of their runs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection, transaction
from django.test import override_settings

from localq import LocalQ, Task, current
from localq.app.frameworks import set_up
from localq.contrib.django.task import DjangoTask
from localq.exceptions import FixupWarning, StoreError
from localq.store.protocol import Filter
from tests.worker.python import run_python
from tests.worker.waiting import DEADLINE_S


def jobs(q: LocalQ) -> list[str]:
    return [job.queue for job in q.store.read.find(Filter(), 10).jobs]


def test_tasks_of_a_django_project_can_wait_for_a_commit(fitted: LocalQ) -> None:
    @fitted.task
    def add(x: int, y: int) -> int:
        return x + y

    assert isinstance(add, DjangoTask)


def test_an_app_outside_of_django_or_with_a_class_of_its_own_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Own(Task[..., Any]):
        abstract = True

    plain = LocalQ(path=tmp_path / "jobs.db")
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "shop.settings")
    own = LocalQ(path=tmp_path / "jobs.db", task_cls=Own)

    assert not issubclass(plain.Task, DjangoTask)
    assert issubclass(own.Task, Own)
    current.set_app(None)


def test_a_call_waits_for_its_transaction(fitted: LocalQ, database: Path) -> None:
    task: Any = fitted.task(lambda x: x, name="mail")  # type: ignore[call-overload]

    with transaction.atomic():
        task.delay_on_commit(1)
        task.apply_async_on_commit((2,), queue="slow")
        inside = jobs(fitted)

    assert inside == []
    assert sorted(jobs(fitted)) == ["celery", "slow"]


def test_a_call_of_a_transaction_that_is_rolled_back_is_never_made(fitted: LocalQ, database: Path) -> None:
    task: Any = fitted.task(lambda x: x, name="mail")  # type: ignore[call-overload]

    with transaction.atomic():
        task.delay_on_commit(1)
        transaction.set_rollback(True)

    assert jobs(fitted) == []


def test_a_call_is_one_commit_with_the_rows_of_its_transaction_in_the_same_file(fitted: LocalQ, database: Path) -> None:
    fitted.relocate(path=database)
    fitted.store.open()

    with transaction.atomic(), fitted.within(connection):
        fitted.send_task("mail", queue="kept")
        assert jobs(fitted) == []
    with transaction.atomic(), fitted.within(connection):
        fitted.send_task("mail", queue="rolled back")
        transaction.set_rollback(True)
    with pytest.raises(StoreError, match="atomic"), fitted.within(connection):
        fitted.send_task("mail", queue="by itself")

    assert jobs(fitted) == ["kept"]


def test_a_call_outside_of_a_transaction_is_made_at_once(fitted: LocalQ, database: Path) -> None:
    task: Any = fitted.task(lambda x: x, name="mail")  # type: ignore[call-overload]

    task.delay_on_commit(1)

    assert jobs(fitted) == ["celery"]


def test_a_run_leaves_no_connection_behind(fitted: LocalQ, database: Path) -> None:
    @fitted.task
    def query() -> bool:
        fresh = connection.connection is None
        connection.settings_dict["NAME"] = str(database)
        connection.ensure_connection()
        return fresh

    with fitted.running(1, pool="threads"):
        found = [query.delay().get(timeout=DEADLINE_S) for _ in range(2)]

    assert found == [True, True]


def test_an_eager_call_keeps_its_caller_s_connection(fitted: LocalQ, database: Path) -> None:
    task: Any = fitted.task(lambda: None, name="query")  # type: ignore[call-overload]
    connection.ensure_connection()
    before = connection.connection

    task.apply()

    assert connection.connection is before


def test_a_project_without_django_is_warned_and_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "shop.settings")
    monkeypatch.delitem(sys.modules, "django.conf")
    monkeypatch.setitem(sys.modules, "django.db", None)

    with pytest.warns(FixupWarning, match="DJANGO_SETTINGS_MODULE is 'shop.settings', but Django is not there"):
        app = LocalQ(path=tmp_path / "jobs.db")

    assert not issubclass(app.Task, DjangoTask)
    assert not set_up()
    current.set_app(None)


NOWHERE = """
import os
from localq import Celery

os.environ["DJANGO_SETTINGS_MODULE"] = "no_such.settings"
app = Celery("proj", path="jobs.db")

@app.task
def add(x, y):
    return x + y

if __name__ == "__main__":
    with app.running(concurrency=1):
        print(add.delay(2, 3).get(timeout=120))
    app.start()
"""


def test_settings_that_are_not_there_are_warned_of_and_the_program_goes_on(tmp_path: Path) -> None:
    (tmp_path / "proj.py").write_text(NOWHERE)

    done = run_python(tmp_path, "proj.py", "list")

    assert (done.returncode, done.stdout.splitlines()[0]) == (0, "5"), done.stderr
    assert "FixupWarning: DJANGO_SETTINGS_MODULE is 'no_such.settings', but there is no such module" in done.stderr


def test_settings_that_cannot_be_imported_are_an_error(tmp_path: Path) -> None:
    (tmp_path / "proj.py").write_text(NOWHERE.replace("no_such.settings", "broken"))
    (tmp_path / "broken.py").write_text("import no_such_library\n")

    done = run_python(tmp_path, "-m", "localq", "-A", "proj", "worker", "-P", "threads")

    assert done.returncode != 0
    assert "No module named 'no_such_library'" in done.stderr


@pytest.fixture
def configured(fitted: LocalQ) -> LocalQ:
    """Return an app that has read Django's settings."""
    fitted.config_from_object("django.conf:settings", namespace="CELERY")
    fitted.conf.load()
    return fitted


def test_settings_that_a_test_overrides_hold_whenever_they_are_set(configured: LocalQ) -> None:
    @configured.task
    def add(x: int, y: int) -> int:
        return x + y

    before = add.delay(1, 1).state
    with override_settings(CELERY_TASK_ALWAYS_EAGER=True):
        inside = add.delay(1, 2).state, configured.conf.task_always_eager
    after = add.delay(1, 3).state, configured.conf.task_always_eager

    assert (before, inside, after) == ("PENDING", ("SUCCESS", True), ("PENDING", False))


def test_a_setting_that_is_assigned_holds_from_the_next_call_on(
    configured: LocalQ, monkeypatch: pytest.MonkeyPatch
) -> None:
    @configured.task
    def add(x: int, y: int) -> int:
        return x + y

    with monkeypatch.context() as for_now:
        for_now.setattr(settings, "CELERY_TASK_ALWAYS_EAGER", True, raising=False)
        inside = add.delay(1, 2).state
    after = add.delay(1, 3).state

    assert (inside, after) == ("SUCCESS", "PENDING")


def test_overridden_settings_within_each_other_are_taken_back_in_turn(configured: LocalQ) -> None:
    with override_settings(CELERY_TASK_DEFAULT_QUEUE="outer", CELERY_TASK_TIME_LIMIT=5):
        with override_settings(CELERY_TASK_DEFAULT_QUEUE="inner"):
            inner = configured.conf.task_default_queue, configured.conf.task_time_limit
        outer = configured.conf.task_default_queue, configured.conf.task_time_limit

    assert (inner, outer, configured.conf.task_default_queue) == (("inner", 5), ("outer", 5), "celery")
