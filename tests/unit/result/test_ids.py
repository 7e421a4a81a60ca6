from __future__ import annotations

import uuid
from typing import Any

import pytest

from localq import AsyncResult, EagerResult, GroupResult, LocalQ, ResultSet, Task
from localq.model.ids import ids_of


@pytest.fixture
def add(q: LocalQ) -> Task[..., int]:
    @q.task(name="add")
    def add(x: int, y: int = 0) -> int:
        return x + y

    return add


def test_a_uuid_is_an_id_wherever_one_is_taken(q: LocalQ, add: Task[..., int]) -> None:
    ids = [uuid.uuid4() for _ in range(7)]
    sent = [add.apply_async((1,), task_id=one, root_id=ids[0], group_id=ids[1]) for one in ids]

    assert [one.id for one in sent] == [str(one) for one in ids]
    results: list[Any] = [AsyncResult(ids[0], q), q.AsyncResult(ids[0]), add.AsyncResult(ids[0])]
    assert [(one.id, one.exists(), one == ids[0], one == sent[0]) for one in results] == [
        (str(ids[0]), True, True, True)
    ] * 3

    q.control.revoke(ids[0])
    q.control.revoke([ids[1], str(ids[2])])
    q.control.terminate(ids[3])
    q.control.revoke(one for one in ids[4:5])
    AsyncResult(ids[5], q).revoke()
    q.control.broadcast("revoke", {"task_id": ids[6]})

    assert [one.state for one in sent] == ["REVOKED"] * 6 + ["PENDING"]
    q.backend.forget(ids[0])
    assert not q.backend.task_result_exists(ids[0])
    assert q.backend.get_state(ids[1]) == "REVOKED"
    assert q.requeue([ids[1]]) == [str(ids[1])]
    q.annotate(ids[1], "MINE", None)
    assert q.AsyncResult(ids[1]).state == "MINE"


def test_a_group_has_a_uuid_as_well(q: LocalQ, add: Task[..., int]) -> None:
    named, member = uuid.uuid4(), uuid.uuid4()
    group = GroupResult(named, [AsyncResult(member, q)], app=q)
    group.save()

    found = GroupResult.restore(named, app=q)
    many = ResultSet([AsyncResult(member, q)], q)
    many.remove(member)

    assert found == group == named
    assert (group.id, len(many)) == (str(named), 0)


def test_nothing_is_no_id_and_revokes_nothing(q: LocalQ, add: Task[..., int]) -> None:
    waits = add.delay(1)

    assert q.control.revoke(None) is None
    q.control.revoke([None])
    for wrong in (None, 5):
        with pytest.raises(ValueError, match="takes the id of a job"):
            AsyncResult(wrong, q)  # type: ignore[arg-type]

    assert waits.state == "PENDING"
    assert EagerResult(None, 4, "SUCCESS").get() == 4


def test_ids_are_listed_as_texts() -> None:
    one = uuid.uuid4()

    assert [ids_of(given) for given in (None, "a", one, [one, "b", None], iter("c"))] == [
        [],
        ["a"],
        [str(one)],
        [str(one), "b"],
        ["c"],
    ]
