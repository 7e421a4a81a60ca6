"""Names that programs and libraries written for Celery use beside the public ones."""

from __future__ import annotations

import logging
from typing import Any

import pytest

import localq
from localq import EagerResult, LocalQ, Task, current
from localq.contrib.celery.names import find
from localq.exceptions import EncodeError, NotRegistered, OperationalError
from localq.log import get_logger
from localq.result.backend import DisabledBackend
from localq.testing import drain


@pytest.fixture
def add(q: LocalQ) -> Task[..., int]:
    @q.task(name="add")
    def add(x: int, y: int) -> int:
        return x + y

    return add


def test_what_is_current_is_returned_itself(q: LocalQ, eager: LocalQ) -> None:
    @eager.task
    def look() -> Any:
        return current.get_current_task(), current.get_current_app()

    assert look.delay().get() == (look, eager)
    assert current.get_current_task() is None
    assert look._get_app() is eager


def test_a_task_is_taken_out_of_the_registry_by_itself_or_by_name(q: LocalQ, add: Task[..., int]) -> None:
    sub: Any = q.task(lambda x: x, name="sub")  # type: ignore[call-overload]
    sub.type = "periodic"
    assert (q.tasks.regular(), q.tasks.periodic()) == ({"add": add}, {"sub": sub})

    q.tasks.unregister("sub")
    q.tasks.unregister(add)

    assert dict(q.tasks) == {}
    with pytest.raises(NotRegistered, match="Unknown task 'add'"):
        q.tasks.unregister("add")


def test_what_a_back_end_knows_of_a_job_is_at_hand(q: LocalQ, add: Task[..., int]) -> None:
    result = add.delay(1, 2)
    drain(q)

    meta = result._get_task_meta()

    assert meta == q.backend.get_task_meta(result.id)
    assert (meta["task_id"], meta["status"], meta["result"], meta["children"]) == (result.id, "SUCCESS", 3, [])
    assert q.AsyncResult("nobody")._get_task_meta() == {
        "task_id": "nobody",
        "status": "PENDING",
        "result": None,
        "traceback": None,
    }
    by_hand = EagerResult(None, 4, "SUCCESS", name="add")._get_task_meta()
    assert by_hand == {"task_id": None, "result": 4, "status": "SUCCESS", "traceback": None, "name": "add"}
    assert not isinstance(q.backend, DisabledBackend)


def test_a_logger_is_the_one_of_its_name() -> None:
    assert get_logger("shop.tasks") is logging.getLogger("shop.tasks")


@pytest.mark.parametrize(
    ("module", "name", "here"),
    [
        ("celery._state", "get_current_task", "localq.current"),
        ("celery.backends.base", "DisabledBackend", "localq.result.backend"),
        ("celery.utils.log", "get_logger", "localq.log"),
        ("kombu.exceptions", "OperationalError", "localq.exceptions"),
        ("kombu.exceptions", "EncodeError", "localq.exceptions"),
        ("kombu.utils.uuid", "uuid", "localq"),
        ("kombu.serialization", "register", "localq"),
    ],
)
def test_each_is_found_by_the_check(module: str, name: str, here: str) -> None:
    assert find(module, name).module == here


def test_programs_may_ask_which_celery_it_is() -> None:
    assert tuple(map(int, localq.CELERY_VERSION.split("."))) >= (5, 7)
    assert "localq.CELERY_VERSION" in find("celery", "__version__").note
    assert issubclass(OperationalError, Exception)
    assert issubclass(EncodeError, Exception)
