from __future__ import annotations

from typing import Any

import pytest

from localq import AsyncResult, GroupResult, LocalQ, WorkerLostError, chord, group
from localq.result import result_from_tuple
from localq.testing import drain


@pytest.mark.parametrize("ends", [SystemExit(3), KeyboardInterrupt(), SystemExit("bye")])
def test_a_task_that_would_end_its_process_is_a_lost_one_for_who_asks(q: LocalQ, ends: BaseException) -> None:
    heard: list[Any] = []

    @q.task
    def stop() -> None:
        raise ends

    @q.task
    def tell(request: Any, exc: Any, traceback: Any) -> None:
        heard.append(type(exc))

    result = stop.apply_async(link_error=tell.s())
    drain(q)

    with pytest.raises(WorkerLostError) as caught:
        result.get()
    assert repr(ends) in str(caught.value)
    assert f"raise {'ends'}" in (result.traceback or "")
    assert heard == [WorkerLostError]


def test_a_result_that_is_a_result_is_stored_as_its_tuple(q: LocalQ) -> None:
    @q.task
    def add(x: int, y: int) -> int:
        return x + y

    @q.task
    def one() -> Any:
        return add.delay(2, 2)

    @q.task
    def many() -> Any:
        return group(add.s(1, 1), add.s(2, 2))()

    @q.task
    def after() -> Any:
        return chord([add.s(1, 1)], sum_.s())()

    @q.task
    def sum_(values: list[int]) -> int:
        return sum(values)

    asked = [task.delay() for task in (one, many, after)]
    drain(q)
    told = [one.get() for one in asked]
    found = [result_from_tuple(one, q) for one in told]

    assert [type(one) for one in found] == [AsyncResult, GroupResult, AsyncResult]
    assert [one.get() for one in found] == [4, [2, 4], 2]
    assert told[0] == [[found[0].id, None], None]
    assert told[1] == [[found[1].id, None], [[[one.id, None], None] for one in found[1]]]
    assert isinstance(found[2].parent, GroupResult)
    assert isinstance(one.apply().get(), AsyncResult)
