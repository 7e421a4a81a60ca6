from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest

from localq import LocalQ, Task
from localq.exceptions import ImproperlyConfigured


def double(method: Callable[..., int]) -> Callable[..., int]:
    def twice(*args: Any, **kwargs: Any) -> int:
        return 2 * method(*args, **kwargs)

    return twice


class ByRule:
    def annotate(self, task: Task[..., Any]) -> dict[str, Any] | None:
        return {"max_retries": 9} if task.name.endswith("add") else None

    def annotate_any(self) -> dict[str, Any]:
        return {"time_limit": 7}


def add_task(q: LocalQ) -> Task[..., Any]:
    @q.task(name="shop.add")
    def add(x: int, y: int) -> int:
        return x + y

    return add


@pytest.mark.parametrize("first", ["task", "settings"])
def test_tasks_made_before_and_after_get_their_attributes(eager: LocalQ, first: str) -> None:
    if first == "task":
        add = add_task(eager)
    eager.conf.task_annotations = {"shop.add": {"max_retries": 7}, "*": {"rate_limit": "5/s"}}
    eager.conf.load()
    if first == "settings":
        add = add_task(eager)

    assert (add.max_retries, add.rate_limit) == (7, "5/s")
    assert Task.rate_limit is None


def test_the_first_call_of_all_is_as_annotated(q: LocalQ) -> None:
    add = add_task(q)
    q.conf.task_annotations = {"shop.add": {"typing": False, "queue": "sums"}}

    assert add.delay(1, 2, 3).queue == "sums"


def test_a_method_is_wrapped_once(eager: LocalQ) -> None:
    add = add_task(eager)
    eager.conf.task_annotations = {"shop.add": {"@run": double}}

    assert add.delay(1, 2).get() == 6
    eager.conf.timezone = "UTC"
    assert add.delay(1, 2).get() == 6


@pytest.mark.parametrize("rule", [ByRule(), f"{__name__}.ByRule", [{"other": {"max_retries": 1}}, ByRule]])
def test_an_object_or_its_name_annotates(eager: LocalQ, rule: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, __name__, sys.modules.get(__name__) or type("M", (), {"ByRule": ByRule}))
    add = add_task(eager)
    eager.conf.task_annotations = rule
    eager.conf.load()

    assert (add.max_retries, add.time_limit) == (9, 7)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (5, "task_annotations has 5"),
        ("no.such.Class", "task_annotations names 'no.such.Class'"),
        ({"shop.add": 5}, "attributes must be a mapping, not 5"),
    ],
)
def test_annotations_that_cannot_be_are_named(eager: LocalQ, given: Any, told: str) -> None:
    add_task(eager)
    eager.conf.task_annotations = given

    with pytest.raises(ImproperlyConfigured, match=told):
        eager.conf.load()
