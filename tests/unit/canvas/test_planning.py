"""From a signature to jobs and edges, without app or store."""

from __future__ import annotations

import json
from typing import Any

from localq.canvas import Signature, chain, chord, group, signature
from localq.canvas.planning import ACCUMULATE, Plan, plan
from localq.canvas.shapes import Many, Step
from localq.model.edges import OnError, Passing
from localq.model.job import NewJob


def make(sig: Signature[Any], fed: int, waits: bool) -> tuple[NewJob, bool]:
    """Return a job that shows in its arguments what it was made of."""
    options = {name: sig.options[name] for name in ("root_id", "parent_id", "group_id") if name in sig.options}
    as_body = sig.options.get("as_body")
    told = None if as_body is None else json.dumps(as_body)
    return NewJob(sig.options["task_id"], sig.task, "q", repr((fed, sig.args, options)).encode(), options=told), False


def s(name: str, *args: Any, **options: Any) -> Signature[Any]:
    return signature(name, args, task_id=name, **options)


def planned(sig: Any, **more: Any) -> dict[str, NewJob]:
    made = plan(sig, make, **more)
    assert isinstance(made, Plan)
    return {new.id: new for new in made.jobs}


def ties(new: NewJob) -> list[tuple[str, Passing]]:
    return [(edge.awaited, edge.passing) for edge in new.after]


def test_a_single_task_is_a_plain_job() -> None:
    (new,) = planned(s("a")).values()

    assert (new.after, new.workflow, new.args) == ((), None, b"(0, (), {})")
    assert plan(s("a"), make).shape == Step("a", task="a")


def test_a_chains_jobs_wait_each_for_the_one_before() -> None:
    jobs = planned(chain(s("a", 1), s("b"), s("c").set(immutable=True)))

    assert [ties(new) for new in jobs.values()] == [[], [("a", Passing.FIRST)], [("b", Passing.NOTHING)]]
    assert {new.workflow for new in jobs.values()} == {"a"}
    assert jobs["b"].args == b"(1, (), {'root_id': 'a', 'parent_id': 'a'})"
    assert jobs["c"].args == b"(0, (), {'root_id': 'a', 'parent_id': 'b'})"


def test_a_body_waits_for_every_task_of_the_header_in_its_order() -> None:
    jobs = planned(chord([s("a"), s("b"), chain(s("c"), s("d"))], s("body"), on_error="wait"))

    assert ties(jobs["body"]) == [("a", Passing.LISTED), ("b", Passing.LISTED), ("d", Passing.LISTED)]
    assert {edge.on_error for edge in jobs["body"].after} == {OnError.WAIT}
    assert ties(planned(chord([s("a")], s("body").set(immutable=True)))["body"]) == [("a", Passing.COUNTED)]
    shape = plan(chord([s("a")], s("body")), make).shape
    assert isinstance(shape.parent, Many)
    assert shape.parent.members == (Step("a", task="a"),)


def test_a_group_behind_a_group_waits_for_one_list() -> None:
    made = plan(group(s("a"), s("b")) | group(s("c"), s("d")), make)
    (joint,) = [new for new in made.jobs if new.task == ACCUMULATE]

    assert ties(joint) == [("a", Passing.LISTED), ("b", Passing.LISTED)]
    assert [ties(new) for new in made.jobs if new.id in ("c", "d")] == [[(joint.id, Passing.FIRST)]] * 2
    assert len(made.jobs) == 5


def test_members_of_a_group_know_it() -> None:
    made = plan(group(s("a"), s("b"), task_id="g"), make)

    assert b"'group_id': 'g'" in made.jobs[1].args
    assert made.shape == Many("g", (Step("a", task="a"), Step("b", task="b")))


def test_a_workflow_sent_by_a_job_is_of_its_family() -> None:
    jobs = planned(chain(s("a"), s("b")), root_id="root", parent_id="sender")

    assert jobs["a"].args == b"(0, (), {'root_id': 'root', 'parent_id': 'sender'})"
    assert {new.workflow for new in planned(s("a"), root_id="root", parent_id="sender").values()} == {"root"}


def test_a_workflow_may_have_to_end_in_one_job() -> None:
    for sig in (s("x"), chain(s("a"), s("x")), group(s("a"), s("b")), chord([s("a")], s("x"))):
        jobs = plan(sig, make, as_one="the-one").jobs

        assert jobs[-1].id == "the-one"
    assert jobs[-1].task == "x"
    assert plan(group(s("a"), s("b")), make, as_one="the-one").jobs[-1].task == ACCUMULATE


def test_what_is_sent_along_is_for_the_first() -> None:
    jobs = planned(chain(s("a", 1), s("b", 2)), args=(0,))
    assert (jobs["a"].args, jobs["b"].args[:8]) == (b"(0, (0, 1), {})", b"(1, (2,)")
    both = planned(group(s("a", 1), s("b", 2)), args=(0,))
    assert [new.args[:11] for new in both.values()] == [b"(0, (0, 1),", b"(0, (0, 2),"]


def test_a_plan_is_of_dicts_as_well() -> None:
    assert list(planned({**chain(s("a"), s("b"))})) == ["a", "b"]


def test_nothing_is_planned_of_nothing() -> None:
    assert plan(chain(), make) == Plan([], None)
    assert plan(group([]).set(task_id="g"), make) == Plan([], Many("g", ()))
    assert list(planned(chain(s("a"), group([])))) == ["a"]


def heard(new: NewJob) -> dict[str, Any] | None:
    """Return what a job knows of the chord whose body it is."""
    return None if new.options is None else json.loads(new.options)


def test_a_body_knows_before_what_its_header_did_not_fail() -> None:
    told = {"after": [], "wrapped": True}

    assert heard(planned(chord([s("a")], s("x")))["x"]) == told
    assert heard(planned(chain(s("a"), group(s("b"), s("c")), s("x")))["x"]) == {**told, "after": ["a"]}
    assert heard(planned(chain(s("a"), group(s("b"), s("c")), group(s("x"), s("y"))))["y"]) == {
        "after": ["a"],
        "wrapped": False,
    }
    within = planned(chord([s("a")], chord([s("b")], s("x"))))
    assert heard(within["b"]) is None
    assert heard(within["x"]) == {**told, "after": ["a"], "outer": told}, "what is told to a chord is told to its body"
    assert heard(planned(chain(s("a"), s("b")))["b"]) is None


def test_of_a_chain_that_is_a_body_its_own_error_callbacks_hear_of_the_header() -> None:
    step = s("x").on_error(s("of the step"))
    alone = planned(chord([s("a")], chain(step, s("y")).on_error(s("of the chain"))))
    in_a_chain = planned(chain(group(s("a"), s("b")), chain(step, s("y")).on_error(s("of the chain"))))

    assert heard(alone["x"]) == {"after": [], "wrapped": True, "told": [1]}
    assert heard(in_a_chain["x"]) == {"after": [], "wrapped": True}, "there it is a chord with the step as its body"
