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
        ("celery", "states", "localq"),
    ],
)
def test_a_name_is_found_where_it_is(module: str, name: str, there: str) -> None:
    assert find(module, name).module == there


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
