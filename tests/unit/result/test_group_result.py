"""Sets of results and groups: what they tell, and how a group is found again by its id."""

from __future__ import annotations

import asyncio
import pickle
from typing import Any

import pytest

from localq import AsyncResult, EagerResult, GroupResult, LocalQ, ResultSet, group
from localq.exceptions import DecodeError
from localq.result import DependencyGraph, result_from_tuple
from localq.testing import drain
from tests.worker.waiting import DEADLINE_S


@pytest.fixture
def add(eager: LocalQ) -> Any:
    @eager.task(name="add")
    def add(x: int, y: int) -> int:
        return x + y

    return add


def test_a_set_holds_each_result_once(add: Any, eager: LocalQ) -> None:
    one, other = add.delay(1, 1), add.delay(2, 2)
    both = eager.ResultSet([one])
    both.add(other)
    both.add(AsyncResult(one.id, eager))
    both.update([one, other])

    assert list(both) == both.subtasks == [one, other]
    assert both == ResultSet([one, other])
    both.remove(one.id)
    both.discard(one)
    with pytest.raises(KeyError):
        both.remove(one)
    assert both[0] is other
    both.clear()
    assert (len(both), both.get(), both.ready(), both.successful()) == (0, [], True, True)


def test_joining_tells_of_each_result_in_order(add: Any) -> None:
    told: list[Any] = []
    result = group(add.s(n, n) for n in range(3))()

    result.join(callback=lambda job_id, value: told.append((job_id, value)))

    assert told == [(one.id, n * 2) for n, one in enumerate(result)]


def test_then_hears_of_the_whole(add: Any, eager: LocalQ) -> None:
    heard: list[str] = []
    good = group(add.s(1, 1))()
    bad = eager.GroupResult("g", [EagerResult("e", ValueError("no"), "FAILURE")])

    good.then(lambda result: heard.append("good"), lambda result: heard.append("bad"))
    bad.then(lambda result: heard.append("good"), lambda result: heard.append("bad"))

    assert heard == ["good", "bad"]
    with pytest.raises(ValueError, match="no"):
        bad.maybe_throw()


def test_a_group_is_saved_and_restored_by_its_id(add: Any, eager: LocalQ) -> None:
    result = (add.s(1, 1) | group(add.s(1), add.s(2)))()
    assert GroupResult.restore(result.id) is None

    result.save()
    back = GroupResult.restore(result.id)

    assert isinstance(back, GroupResult)
    assert (back, back.parent, back.get()) == (result, result.parent, [3, 4])
    result.delete()
    assert GroupResult.restore(result.id, app=eager) is None
    eager.store.groups.save("broken", b"[1", 0)
    with pytest.raises(DecodeError, match="saved group broken"):
        GroupResult.restore("broken")


def test_results_travel_as_tuples(add: Any, eager: LocalQ) -> None:
    result = (add.s(1, 1) | group(add.s(1), add.s(2)) | eager.tasks.find("localq.accumulate").s())()  # type: ignore[union-attr]

    back = result_from_tuple(result.as_tuple(), eager)

    assert (back, back.parent, back.parent.parent) == (result, result.parent, result.parent.parent)
    assert result_from_tuple(back) is back
    assert result_from_tuple(("id", None)) == AsyncResult("id", eager)
    assert pickle.loads(pickle.dumps(result.parent)) == result.parent


def test_a_group_is_awaited(add: Any) -> None:
    async def both() -> list[int]:
        return list(await group(add.s(1, 1), add.s(2, 2))())

    assert asyncio.run(both()) == [2, 4]


def test_forgetting_a_group_removes_its_jobs(add: Any, eager: LocalQ) -> None:
    result = group(add.s(1, 1), add.s(2, 2))()

    result.forget()

    assert [one.exists() for one in result] == [False, False]


def test_a_group_needs_an_id() -> None:
    with pytest.raises(ValueError, match="takes the id of a group"):
        GroupResult(None)


def test_a_result_made_by_hand_tells_what_it_was_given() -> None:
    good = EagerResult("a", 4)
    bad = EagerResult("b", KeyError("x"), "FAILURE", "Traceback ...", name="add")

    assert (good.get(), good.state, good.ready(), good.successful(), good.children) == (4, "SUCCESS", True, True, None)
    assert (bad.failed(), bad.traceback, bad.name) == (True, "Traceback ...", "add")
    with pytest.raises(KeyError):
        bad.get()
    assert isinstance(bad.get(propagate=False), KeyError)
    good.revoke()
    good.forget()
    assert good.state == "REVOKED"
    assert pickle.loads(pickle.dumps(bad)).traceback == "Traceback ..."
    assert repr(good) == "<EagerResult: a>"


def test_what_is_run_here_gives_an_eager_result(add: Any) -> None:
    for result in (add.apply((1, 2)), add.s(1, 2).apply(), (add.s(1, 0) | add.s(2)).apply()):
        assert result.get() == 3
        assert isinstance(result, EagerResult | AsyncResult)
    assert isinstance(add.apply((1, 2)), EagerResult)
    assert group(add.s(1, 1)).apply().get() == [2]


def test_a_graph_is_sorted_and_drawn(tmp_path: Any) -> None:
    graph = DependencyGraph()
    graph.add_edge("a", "b")
    graph.add_edge("b", "c")
    graph.add_arc("alone")

    assert (list(graph), graph["a"], "c" in graph, len(graph)) == (["b", "a", "c", "alone"], ["b"], True, 4)
    order = graph.topsort()
    assert order.index("a") < order.index("b") < order.index("c")
    assert graph.edges() == ["b", "a"]
    assert dict(graph.items())["c"] == []
    with (tmp_path / "graph.dot").open("w") as file:
        graph.to_dot(file)
    assert '    "a" -> "b"\n' in (tmp_path / "graph.dot").read_text()
    assert "a: b" in repr(graph)


def test_results_made_by_hand_are_waited_for_among_others(q: LocalQ) -> None:
    @q.task
    def add(x: int, y: int) -> int:
        return x + y

    by_hand = [EagerResult(None, 1, "SUCCESS"), EagerResult(None, 2, "SUCCESS")]
    sent = add.delay(1, 2)
    many = ResultSet([*by_hand, sent])
    with pytest.raises(TimeoutError, match="2 of 3 jobs finished within 0 s"):
        many.join(timeout=0)
    seen = many.iter_native(timeout=0)
    first = [next(seen), next(seen)]
    drain(q)

    assert many.join(timeout=DEADLINE_S) == [1, 2, 3]
    assert [told["result"] for _, told in first] == [1, 2]
    assert [(job_id, told["result"]) for job_id, told in seen] == [(sent.id, 3)]
    assert sorted(many.iterate()) == [1, 2, 3]
    many.revoke()
    many.forget()
    assert ResultSet(by_hand).get() == [1, 2]


def test_the_time_for_a_join_is_counted_over_all_its_members(q: LocalQ, monkeypatch: pytest.MonkeyPatch) -> None:
    @q.task
    def add(x: int, y: int) -> int:
        return x + y

    many = ResultSet([add.delay(1, n) for n in range(3)])
    asked: list[Any] = []

    def wait(bells: Any, ids: Any, done: Any, timeout: float | None, *more: Any) -> bool:
        asked.append(timeout)
        drain(q)
        return bool(done())

    monkeypatch.setattr("localq.result.waiting.wait", wait)

    assert many.join(timeout=DEADLINE_S) == [1, 2, 3]
    assert asked == [DEADLINE_S]
