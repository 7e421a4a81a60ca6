from __future__ import annotations

import pytest

from localq import LocalQ
from localq.contrib.celery.names import APP, MADE, MODULES, RESULT, TASK, find


@pytest.mark.parametrize(
    ("module", "name", "there"),
    [
        ("celery", "Celery", "localq"),
        ("celery", "shared_task", "localq"),
        ("celery.app.task", "Context", "localq.app.task"),
        ("celery.app.base", "Celery", "localq"),
        ("celery.exceptions", "QueueNotFound", "localq.exceptions"),
        ("celery.states", "", "localq.states"),
        ("celery.utils.log", "get_task_logger", "localq.log"),
        ("celery.contrib.abortable", "AbortableTask", "localq.contrib.abortable"),
        ("kombu", "Queue", "localq"),
        ("kombu.utils.uuid", "uuid", "localq"),
        ("kombu.exceptions", "OperationalError", "localq.exceptions"),
        ("billiard.exceptions", "SoftTimeLimitExceeded", "localq.exceptions"),
        ("celery.contrib.testing", "worker", "localq.testing"),
        ("celery._state", "get_current_task", "localq.current"),
        ("celery.schedules", "BaseSchedule", "localq.schedules"),
        ("celery", "states", "localq"),
    ],
)
def test_a_name_is_found_where_it_is(module: str, name: str, there: str) -> None:
    assert find(module, name).module == there


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("celery", "task"),
        ("celery", "tasks"),
        ("celery", "log"),
        ("celery", "current"),
        ("celery.utils", "chunks"),
        ("celery.__main__", "main"),
        ("celery.worker.autoscale", "Autoscaler"),
        ("celery.backends.base", "Backend"),
        ("celery.schedules", "Any"),
    ],
)
def test_a_name_that_means_something_else_here_is_not_there(module: str, name: str) -> None:
    assert find(module, name).module is None


@pytest.mark.parametrize(
    ("module", "name", "said"),
    [
        ("celery.beat", "BeatLazyFunc", "scheduled_at"),
        ("celery.task", "task", "@shared_task"),
        ("celery.utils.nodenames", "gethostname", "socket.gethostname"),
        ("celery.utils.functional", "maybe_list", "a helper of Celery's own"),
        ("celery.app.trace", "build_tracer", "task_prerun"),
        ("celery.bin.celery", "celery", "`localq`"),
        ("kombu.mixins", "ConsumerMixin", "goes on with kombu"),
    ],
)
def test_a_name_is_not_there_for_the_reason_of_what_it_is_part_of(module: str, name: str, said: str) -> None:
    place = find(module, name)

    assert place.module is None
    assert said in place.note


@pytest.mark.parametrize("module", ["celery.bootsteps", "celery.no_such_module", "kombu.pools"])
def test_a_name_that_is_nowhere_has_a_reason(module: str) -> None:
    place = find(module, "Step")

    assert place.module is None
    assert place.note


def test_names_are_listed_once() -> None:
    for module, names in MODULES.items():
        assert len(names.split()) == len(set(names.split())), module
    assert min(map(len, (APP, TASK, RESULT))) > 30


def test_what_only_a_made_app_or_result_has_is_there() -> None:
    app = LocalQ("shop", eager=True, set_as_current=False)

    assert [name for name in MADE["app"] if not hasattr(app, name)] == []
    assert [name for name in MADE["result"] if not hasattr(app.AsyncResult("1"), name)] == []
    app.close()
