"""A call of which no more is said than where in a workflow it stands becomes the job that any other call becomes."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from localq import LocalQ
from localq.exceptions import EncodeError
from localq.tasks.calls.to_job import job_of

ID = "018f0000-0000-7000-8000-000000000001"


@pytest.mark.parametrize(
    "said",
    [
        {"task_id": ID, "group_id": "g"},
        {"task_id": ID, "root_id": "r", "group_id": "g"},
        {"task_id": ID, "parent_id": "p", "root_id": "r", "group_id": "g"},
        {"task_id": ID, "parent_id": "p"},
        {"task_id": ID, "group_id": UUID(int=7)},
        {"task_id": ID},
    ],
)
@pytest.mark.parametrize("task", ["known", "unknown"])
def test_a_member_is_the_job_of_any_call(said: dict[str, Any], task: str) -> None:
    with LocalQ("app", path=":memory:") as app:
        app.task(name="known", queue="mail", priority=3, ignore_result=True)(lambda x: x)

        member = job_of(app, task, (1,), {}, said)
        # What says nothing is read all the same, with all that a call may say.
        call = job_of(app, task, (1,), {}, {**said, "shadow": None})

    assert member == call
    assert member[0].id == ID


def test_an_id_that_cannot_be_is_refused() -> None:
    with LocalQ("app", path=":memory:") as app, pytest.raises(ValueError, match="task_id"):
        job_of(app, "add", (), {}, {"task_id": "two words", "group_id": "g"})


def test_arguments_of_a_member_that_are_too_large_are_refused() -> None:
    app = LocalQ("app", path=":memory:")
    app.conf.task_args_max_bytes = 100

    with pytest.raises(EncodeError, match="task_args_max_bytes"):
        job_of(app, "add", ("x" * 200,), {}, {"task_id": ID, "group_id": "g"})
