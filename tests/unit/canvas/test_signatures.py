from __future__ import annotations

import copy
import json
import pickle
from pathlib import Path
from typing import Any

import pytest

from localq import LocalQ, Signature, Task, chain, chord, current, group, signature
from localq.exceptions import InvalidTaskError, NotRegistered
from localq.result import AsyncResult


@pytest.fixture
def add(eager: LocalQ) -> Task[..., Any]:
    @eager.task(name="add")
    def add(*args: int, **kwargs: int) -> list[Any]:
        return [list(args), kwargs]

    return add


def test_arguments_given_later_come_in_front(add: Task[..., Any]) -> None:
    sig = add.s(2, y=1)

    assert sig.delay(1, z=2).get() == [[1, 2], {"y": 1, "z": 2}]
    assert sig.apply_async((0,), {"y": 5}).get() == [[0, 2], {"y": 5}]
    assert sig(1) == [[1, 2], {"y": 1}]
    assert sig.args == (2,)


def test_an_immutable_signature_takes_no_more_arguments(add: Task[..., Any]) -> None:
    assert add.si(2).delay(1, z=2).get() == [[2], {}]
    assert add.si(2).immutable
    assert add.s(2).set(immutable=True).delay(1).get() == [[2], {}]
    assert add.signature((2,), immutable=True).clone((1,)).args == (2,)


def test_a_copy_is_a_signature_of_its_own(add: Task[..., Any]) -> None:
    sig = add.s(1).set(queue="a")
    sig.link(add.s(9))

    other = sig.clone((0,), {"k": 1}, queue="b", priority=2)
    other.link(add.s(8))

    assert (sig.args, sig.kwargs, sig.options["queue"]) == ((1,), {}, "a")
    assert (other.args, other.kwargs, other.options["queue"]) == ((0, 1), {"k": 1}, "b")
    assert len(sig.options["link"]) == 1
    assert len(other.options["link"]) == 2
    assert signature(sig) == sig
    assert signature(sig) is not sig


def test_options_are_set_in_place(add: Task[..., Any]) -> None:
    sig = add.signature((1,), {"y": 2}, countdown=5)

    assert sig.set(countdown=6, queue="a") is sig
    assert sig.options == {"countdown": 6, "queue": "a"}
    assert add.subtask((1,)) == add.s(1)


def test_a_signature_survives_json(add: Task[..., Any]) -> None:
    sig = add.s(1, y=2).set(queue="a")
    sig.link(add.si(3))

    back = signature(json.loads(json.dumps(sig)))

    assert back == sig or list(back["args"]) == list(sig["args"])
    assert back.delay().get() == [[1], {"y": 2}]
    assert pickle.loads(pickle.dumps(sig)) == sig
    assert copy.deepcopy(sig) == sig


def test_a_signature_is_made_of_a_name_or_a_task(add: Task[..., Any]) -> None:
    assert signature("add", (1,)).delay().get() == [[1], {}]
    assert Signature(add, (1,), {"y": 2}) == Signature("add", (1,), {"y": 2}, type=add) == add.s(1, y=2)
    assert repr(add.s(1, y="z")) == "add(1, y='z')"
    assert add.s(1).task == add.s(1).name == "add"


@pytest.mark.parametrize("bad", [None, "", 5, {"args": []}])
def test_a_signature_needs_a_task(bad: Any) -> None:
    with pytest.raises(InvalidTaskError, match="needs the name of a task"):
        Signature(bad)


def test_a_signatures_arguments_are_a_list(add: Task[..., Any]) -> None:
    with pytest.raises(TypeError, match="tuple or list"):
        add.signature("ab")


def test_a_misspelt_option_is_found_when_it_is_sent(add: Task[..., Any]) -> None:
    with pytest.raises(TypeError, match="Did you mean 'countdown'"):
        add.s(1).set(countdwn=5).delay()


def test_calling_an_unknown_task_names_it(eager: LocalQ) -> None:
    with pytest.raises(NotRegistered, match=r"nope"):
        eager.run_here(signature("nope"))


def test_a_callback_is_added_once(add: Task[..., Any]) -> None:
    sig = add.s(1)

    assert sig.link(add.s(2)) == add.s(2)
    sig.link(add.s(2))
    assert sig.on_error(add.s(3)) is sig
    sig.link_error(add.s(3))

    assert sig.options == {"link": [add.s(2)], "link_error": [add.s(3)]}


def test_many_signatures_come_back_in_order(eager: LocalQ, add: Task[..., Any]) -> None:
    results = eager.enqueue_many([add.s(n) for n in range(5)])

    assert [result.get() for result in results] == [[[n], {}] for n in range(5)]


def test_a_signature_belongs_to_the_current_app_if_to_none(eager: LocalQ) -> None:
    assert signature("add").app is eager
    current.set_app(None)


def test_the_parts_of_a_signature_can_be_set(add: Task[..., Any]) -> None:
    sig = add.s(1)
    sig.args, sig.kwargs, sig.options = [5, 6], {"y": 7}, {"queue": "q"}
    sig.kwargs["z"] = 8
    sig.id, sig.root_id, sig.parent_id = "own", "the-root", "the-parent"

    assert (sig.args, sig["args"], sig["kwargs"]) == ((5, 6), (5, 6), {"y": 7, "z": 8})
    assert sig.options == {"queue": "q", "task_id": "own", "root_id": "the-root", "parent_id": "the-parent"}
    assert (sig.id, sig.delay().id) == ("own", "own")
    sig.immutable, sig.task, sig.subtask_type = True, "other", None
    assert (sig["immutable"], sig.name, sig["task"], sig.subtask_type) == (True, "other", "other", None)
    assert Signature.args.__doc__ == "The positional arguments."


def test_the_id_of_a_workflow_can_be_set(add: Task[..., Any]) -> None:
    line, side, both = chain(add.s(1), add.s(2)), group(add.s(1), add.s(2)), chord([add.s(1)], add.s())
    line.id, side.id, both.id = "line", "side", "both"

    assert (line.delay().id, side.delay().id, both.delay().id) == ("line", "side", "both")
    assert (line.id, side.id) == ("line", "side")


def test_a_frozen_signature_keeps_what_it_was_given(add: Task[..., Any]) -> None:
    sig = add.s(1)

    assert sig.freeze("first", group_id="g", root_id="r", parent_id="p").id == "first"
    assert sig.freeze("second").id == "first"
    assert sig.options == {"task_id": "first", "group_id": "g", "root_id": "r", "parent_id": "p"}
    assert sig.clone(group_id="other", root_id="other").options["group_id"] == "g"
    side = group(add.s(1), add.s(2))
    frozen = side.freeze("the-group")
    assert [one.options["group_id"] for one in side.tasks] == ["the-group"] * 2
    assert side.freeze("another") == frozen == side.apply_async()


def test_options_that_are_none_leave_a_signatures_own(add: Task[..., Any]) -> None:
    assert add.s(1).set(queue="own").apply_async(queue=None, priority=None).queue == "own"


def test_a_class_of_ones_own_may_be_registered(add: Task[..., Any]) -> None:
    @Signature.register_type()
    class Doubled(Signature[Any]):
        def __init__(self, x: int, **options: Any) -> None:
            super().__init__("add", (x, x), {}, options, subtask_type="Doubled")

        @classmethod
        def from_dict(cls, d: Any, app: Any = None) -> Signature[Any]:
            made = cls(d["args"][0], **d["options"])
            made["kwargs"] = d["kwargs"]
            return made

    @Signature.register_type("plain")
    class Plain(Signature[Any]):
        pass

    try:
        sig = Doubled(4).set(queue="q")
        for one in (sig.clone(), signature(json.loads(json.dumps(sig))), pickle.loads(pickle.dumps(sig))):
            assert isinstance(one, Doubled)
            assert one == sig
            assert one is not sig
        assert sig.delay().get() == [[4, 4], {}]
        assert chain(add.s(1), sig, add.s()).delay().get() == [[[[[[1], {}], 4, 4], {}]], {}]
        assert group(sig, add.s(1)).delay().get() == [[[4, 4], {}], [[1], {}]]
        plain = Plain("add", (1,), subtask_type="plain")
        assert isinstance(signature(dict(plain)), Plain)
        assert isinstance(plain.clone((0,)), Plain)
        add.apply_async((0,), link=plain).get()
    finally:
        del Signature.TYPES["Doubled"], Signature.TYPES["plain"]


def test_a_signature_tells_what_json_should_have_of_it(add: Task[..., Any]) -> None:
    sig = chain(add.s(1), group(add.s(2), add.s(3)))

    assert sig.__json__() == dict(sig)
    assert type(sig.__json__()) is dict
    assert signature(add.delay(sig).get()[0][0]).delay().get() == sig.delay().get()


def test_a_task_stands_for_its_signature(add: Task[..., Any]) -> None:
    assert chain(add, add).delay(1).get() == [[[[1], {}]], {}]
    assert (add.s(1) | add).delay().get() == (chain(add.s(1)) | add).delay().get() == [[[[1], {}]], {}]
    assert group(add, add).delay().get() == group([add, add]).delay().get() == [[[], {}]] * 2
    both = [[[[[], {}]]], {}]
    assert chord([add])(add).get() == chord([add], add)().get() == (group([add]) | add).delay().get() == both
    assert add.apply_async((1,), link=add, link_error=[add]).get() == [[1], {}]
    assert add.s(1).on_error(add).delay().get() == [[1], {}]
    with pytest.raises(TypeError):
        add.s(1) | "add"


def test_a_frozen_signature_has_its_task_s_own_class_of_results(tmp_path: Path) -> None:
    class Mine(AsyncResult[Any]):
        pass

    class Base(Task[..., Any]):
        def AsyncResult(self, task_id: str, **options: Any) -> Mine:  # noqa: N802 - Celery's name
            return Mine(task_id, self.app)

    q = LocalQ("own", path=tmp_path / "jobs.db", set_as_current=False)
    own = q.task(int, name="own", base=Base)
    plain = q.task(int, name="plain")

    frozen = [own.s().freeze(), (plain.s() | own.s()).freeze(), chord([plain.s()], own.s()).freeze()]
    assert [type(one) for one in frozen] == [Mine] * 3
    assert [type(one) for one in group(own.s(), plain.s()).freeze().results] == [Mine, AsyncResult]
    assert type(q.signature("nobody").freeze()) is AsyncResult


def test_what_is_made_of_tasks_is_sent_by_their_app(tmp_path: Path) -> None:
    q = LocalQ("theirs", path=tmp_path / "jobs.db", set_as_current=False)
    one = q.task(int, name="one")
    named = signature("one")

    for many in (
        group(one.s(), one.s()),
        chain(one.s(), one.si(1)),
        chord([one.s()], one.s()),
        chord([named], one.s()),
    ):
        assert many.app is q
        assert many.clone().app is q
    assert group(chain(one.s(), one.s()), one.s()).app is q
    assert {job.task for job in sent(q, group(one.s(), one.s()))} == {"one"}
    assert group(named).app is current.app()


def sent(q: LocalQ, sig: Any) -> list[Any]:
    """Send a group; return its jobs."""
    return list(q.store.read.get([one.id for one in sig.apply_async().results]).values())
