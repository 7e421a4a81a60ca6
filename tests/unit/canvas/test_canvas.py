"""Workflows as Celery's users write them, run in the caller: what each kind passes on, and what its result is."""

from __future__ import annotations

import copy
import json
import pickle
from typing import Any

import pytest

from localq import AsyncResult, GroupResult, LocalQ, Signature, chain, chord, chunks, group, signature
from localq.canvas import maybe_chain, maybe_signature, subtask, xmap, xstarmap
from localq.exceptions import ChordError, ImproperlyConfigured, InvalidTaskError, TaskRevokedError


class Tasks:
    """The tasks workflows are made of here."""

    def __init__(self, q: LocalQ) -> None:
        self.q = q
        heard: list[Any] = []
        self.heard = heard

        @q.task(name="add")
        def add(x: int, y: int = 0) -> int:
            return x + y

        @q.task(name="show")
        def show(*args: Any, **kwargs: Any) -> list[Any]:
            return [list(args), kwargs] if kwargs else list(args)

        @q.task(name="fail")
        def fail(*args: Any) -> None:
            raise KeyError("lost")

        @q.task(name="tell")
        def tell(*args: Any) -> None:
            heard.append(list(args))

        @q.task(name="told_why")
        def told_why(request: Any, exc: BaseException, traceback: str) -> None:
            heard.append((request.id, repr(exc)))

        self.add, self.show, self.fail, self.tell, self.told_why = add, show, fail, tell, told_why


@pytest.fixture
def t(eager: LocalQ) -> Tasks:
    return Tasks(eager)


# Chains


def test_each_step_of_a_chain_gets_the_result_of_the_one_before_in_front(t: Tasks) -> None:
    assert chain(t.add.s(1, 2), t.add.s(3), t.show.s("last"))().get() == [6, "last"]
    assert (t.add.s(1, 2) | t.add.s(3)).delay().get() == 6
    assert ~(t.add.s(1, 2) | t.add.s(3)) == 6


def test_an_immutable_step_gets_no_result(t: Tasks) -> None:
    assert chain(t.add.s(1, 2), t.show.si("own"), t.show.s())().get() == [["own"]]


def test_a_chains_first_step_gets_what_it_is_called_with(t: Tasks) -> None:
    line = t.add.s(1) | t.add.s(5)

    assert line(10).get() == 16
    assert line.apply_async((10,)).get() == 16
    assert (t.show.s() | t.show.s())(1, k=2).get() == [[[1], {"k": 2}]]


def test_the_results_of_a_chain_know_their_parents(t: Tasks) -> None:
    last = chain(t.add.s(1, 1), t.add.s(2), t.add.s(3))()

    assert [last.get(), last.parent.get(), last.parent.parent.get()] == [7, 4, 2]
    assert last.parent.parent.parent is None
    assert last.as_list() == [last.id, last.parent.id, last.parent.parent.id]
    assert t.q.AsyncResult(last.id).parent == last.parent


def test_a_chain_is_made_longer_with_a_bar(t: Tasks) -> None:
    line = t.add.s(1, 1) | t.add.s(2)

    assert isinstance(line, chain)
    assert len((line | t.add.s(3)).tasks) == 3
    assert len((line | (t.add.s(3) | t.add.s(4))).tasks) == 4
    assert len(line.tasks) == 2
    assert (t.add.s(1, 1) | line).tasks == [t.add.s(1, 1), *line.tasks]
    assert repr(line) == "add(1, 1) | add(2)"
    line |= t.add.s(9)
    assert line.delay().get() == 13


def test_a_chains_options_belong_to_its_ends(t: Tasks) -> None:
    line = chain(t.add.s(1, 1), t.add.s(2))
    result = line.apply_async(task_id="the-last", link=t.tell.s("done"), queue="first")

    assert result.id == "the-last"
    assert t.heard == [[4, "done"]]
    assert (result.parent.queue, result.queue) == ("first", "celery")


def test_a_chain_stops_at_its_first_failure(t: Tasks) -> None:
    last = chain(t.add.s(1, 1), t.fail.s(), t.tell.s(), t.tell.s())()

    with pytest.raises(KeyError, match="lost"):
        last.get()
    assert (last.state, last.parent.state, last.parent.parent.state) == ("FAILURE",) * 3
    assert last.parent.parent.parent.state == "SUCCESS"
    assert t.heard == []
    assert [run.outcome for run in last.attempts] == ["BEHIND"]


def test_an_error_that_is_ignored_reaches_what_waits(t: Tasks) -> None:
    with pytest.raises(KeyError, match="lost"):
        chain(t.fail.s().set(ignore_result=True), t.add.s(1))().get()
    with pytest.raises(KeyError, match="lost"):
        chord([t.fail.s().set(ignore_result=True)], t.show.s())().get()


# Groups


def test_a_groups_result_is_the_list_of_its_tasks_results(t: Tasks) -> None:
    result = group(t.add.s(n, n) for n in range(4))()

    assert isinstance(result, GroupResult)
    assert result.get() == result.join() == [0, 2, 4, 6]
    assert result.successful()
    assert result.completed_count() == len(result) == 4


def test_every_task_of_a_group_gets_what_it_is_called_with(t: Tasks) -> None:
    assert group(t.add.s(1), t.add.s(2))(10).get() == [11, 12]
    assert group([t.add.s(1), t.add.s(2)]).apply_async((10,)).get() == [11, 12]
    assert (t.add.s(5, 5) | group(t.add.s(1), t.add.s(2))).delay().get() == [11, 12]
    assert group(t.show.s(), t.show.s()).apply_async(kwargs={"k": 1}).get() == [[[], {"k": 1}]] * 2


def test_groups_within_a_group_are_part_of_it_and_lists_of_chains_stay(t: Tasks) -> None:
    inner = group(t.add.s(1, 0), t.add.s(2, 0))

    assert group(inner, t.add.s(3, 0))().get() == [1, 2, 3]
    assert group(t.add.s(1, 0) | group(t.add.s(1), t.add.s(2)), t.add.s(3, 0))().get() == [[2, 3], 3]


def test_a_group_waits_longer_from_task_to_task(t: Tasks) -> None:
    tasks = group(t.add.s(n) for n in range(4)).skew(1, 3).tasks

    assert [one.options["countdown"] for one in tasks] == [1, 2, 3, 3]
    assert [one.options["countdown"] for one in group(tasks).skew(start=0, step=0.5).tasks] == [0, 0.5, 1, 1.5]


def test_a_group_has_no_callback_of_its_own(t: Tasks) -> None:
    both = group(t.add.s(1, 1), t.add.s(2, 2))

    with pytest.raises(TypeError, match="use a chord"):
        both.apply_async(link=t.tell.s())
    with pytest.raises(TypeError, match="to the tasks"):
        both.apply_async(link_error=t.tell.s())
    both.link(t.tell.s("first"))
    both.link_error(t.tell.s("failed"))
    both.delay()
    assert t.heard == [["first"]]


def test_options_of_a_group_are_for_each_task(t: Tasks) -> None:
    result = group(t.add.s(1, 1), t.add.s(2, 2).set(queue="own")).apply_async(queue="q", priority=3)

    assert [one.queue for one in result] == ["q", "q"]


def test_the_error_of_a_group_is_that_of_the_first_that_failed(t: Tasks) -> None:
    result = group(t.add.s(1, 1), t.fail.s(), t.fail.s())()

    with pytest.raises(KeyError, match="lost"):
        result.get()
    assert repr(result.join(propagate=False)) == "[2, KeyError('lost'), KeyError('lost')]"
    assert (result.failed(), result.successful(), result.completed_count()) == (True, False, 1)


# Chords


def test_a_body_gets_the_list_of_results_in_the_order_of_the_header(t: Tasks) -> None:
    header = [t.add.s(n, n) for n in range(3)]

    assert chord(header)(t.show.s("own")).get() == [[0, 2, 4], "own"]
    assert chord(header, t.show.s()).delay().get() == [[0, 2, 4]]
    assert (group(header) | t.show.s()).delay().get() == [[0, 2, 4]]
    assert chain(t.add.s(1, 1), group(t.add.s(1), t.add.s(2)), t.show.s())().get() == [[3, 4]]
    assert chord(header, t.show.si("alone")).delay().get() == ["alone"]


def test_a_group_with_a_bar_is_a_chord_even_of_one_or_none(t: Tasks) -> None:
    assert isinstance(group(t.add.s(1, 1)) | t.show.s(), chord)
    assert (group(t.add.s(1, 1)) | t.show.s())().get() == [[2]]
    assert chord([t.add.s(1, 1)], t.show.s())().get() == [[2]]
    assert chord([], t.show.s())().get() == [[]]
    # As in Celery: a chain unrolls a group of one.
    assert chain(group(t.add.s(1, 1)), t.show.s())().get() == [2]
    assert chain(group(t.add.s(1, 1)))().get() == [2]
    assert chain(group(t.add.s(1, 0), t.add.s(2, 0)), group(t.show.s()), t.show.s("x"))().get() == [[[[1, 2]]], "x"]
    assert chain(t.add.s(1, 0), group(t.add.s(1)), t.add.s(2))().get() == 4


def test_a_chords_result_knows_its_header(t: Tasks) -> None:
    result = (t.add.s(1, 1) | group(t.add.s(1), t.add.s(2)) | t.show.s())()

    assert isinstance(result.parent, GroupResult)
    assert (result.get(), result.parent.get(), result.parent.parent.get()) == ([[3, 4]], [3, 4], 2)


def test_workflows_nest_in_any_depth(t: Tasks) -> None:
    add, show = t.add, t.show
    inner = chord([add.s(1, 1), add.s(2, 2) | add.s(1)], show.s())
    deep = chord([inner, chain(add.s(1, 0), group(add.s(1), add.s(2)) | show.s())], show.s("outer"))

    assert deep().get() == [[[[2, 5]], [[2, 3]]], "outer"]
    assert (group(add.s(1, 0), add.s(2, 0)) | group(show.s(), show.s("b")) | show.s())().get() == [
        [[[1, 2]], [[1, 2], "b"]]
    ]
    assert chain(chord([add.s(1, 0)], show.s()), show.s("c"), group(show.s()))().get() == [[[[1]], "c"]]
    line: Any = add.s(0, 0)
    for _ in range(60):
        line = chain(line, group(add.s(1), add.s(1)), t.q.tasks.find("localq.accumulate").s(), show.si(1), add.si(1))
    assert line.delay().get() == 1


def test_a_chord_is_followed_by_what_its_body_is(t: Tasks) -> None:
    two = chord([t.add.s(1, 0)], t.show.s()) | t.show.s("x") | t.show.s("y")

    assert isinstance(two, chord)
    assert two().get() == [[[[1]], "x"], "y"]
    assert (chord([t.add.s(1, 0)], t.show.s()) | group(t.show.s("x"), t.show.s("y")))().get() == [
        [[[1]], "x"],
        [[[1]], "y"],
    ]


def test_a_body_fails_with_a_chord_error_and_get_raises_the_headers_own(t: Tasks) -> None:
    body = t.tell.s()
    body.link_error(t.told_why.s())
    result = chord([t.add.s(1, 1), t.fail.s()], body)()
    told = f"Dependency {result.parent[1].id} raised KeyError('lost')"

    with pytest.raises(KeyError, match="lost") as caught:
        result.get()
    assert isinstance(caught.value.__cause__, ChordError)
    assert str(caught.value.__cause__) == told
    assert str(result.result) == str(result.get(propagate=False)) == told
    with pytest.raises(ChordError):
        result.get(follow_parents=False)
    with pytest.raises(ChordError):
        t.q.AsyncResult(result.id).get()
    assert [(job_id, "ChordError" in said) for job_id, said in t.heard] == [(result.id, True)]


def test_the_error_of_a_header_is_raised_by_all_that_is_behind_it(t: Tasks) -> None:
    def bodies() -> list[Any]:
        failing = [t.add.s(1, 1), t.add.s(2, 2) | t.fail.si()]
        return [
            chord(failing, t.show.s()),
            chord(failing, t.show.s()) | t.show.s() | t.show.s(),
            chord([chord(failing, t.show.s()), t.add.s(1, 1)], t.show.s()),
            group(failing) | t.show.s(),
            group([chord(failing, t.show.s()), t.add.s(1, 1)]),
        ]

    for sig in bodies():
        for result in (sig.apply_async(), sig.apply()):
            with pytest.raises(KeyError, match="lost"):
                result.get()


def test_a_chords_error_callback_is_its_bodys_and_the_headers_if_so_set(t: Tasks) -> None:
    result = chord([t.fail.s(), t.add.s(1, 1)], t.show.s()).on_error(t.told_why.s()).apply_async()
    assert [job_id for job_id, _ in t.heard] == [result.id]

    t.heard.clear()
    t.q.conf.task_allow_error_cb_on_chord_header = True
    chord([t.fail.s(), t.add.s(1, 1)], t.show.s()).on_error(t.tell.s("failed")).apply_async()

    assert [(type(said[1]), said[3]) for said in t.heard] == [(KeyError, "failed"), (ChordError, "failed")]


def test_a_body_may_wait_for_all_or_do_without_those_that_failed(t: Tasks) -> None:
    header = [t.add.s(1, 0), t.fail.s(), t.add.s(3, 0)]

    assert chord(header, t.show.s(), on_error="skip")().get() == [[1, 3]]
    assert (group(header, on_error="skip") | t.show.s())().get() == [[1, 3]]
    assert chain(group(header, on_error="skip"), t.show.s())().get() == [[1, 3]]
    assert chord([t.fail.s()], t.show.s(), on_error="skip")().get() == [[]]
    with pytest.raises(KeyError, match="lost"):
        chord(header, t.show.s(), on_error="wait")().get()


def test_a_misspelt_policy_is_told(t: Tasks) -> None:
    with pytest.raises(ValueError, match=r"on_error='skp' must be one of fail, wait, skip. Did you mean 'skip'"):
        chord([t.add.s(1, 1)], t.show.s(), on_error="skp")
    with pytest.raises(ValueError, match="must be one of"):
        group(t.add.s(1, 1), on_error=5).delay()


def test_what_is_behind_a_revoked_step_is_revoked(t: Tasks) -> None:
    line = chain(t.add.s(1, 1).set(expires=-1), t.add.s(2))
    with pytest.warns(UserWarning, match="in the past"):
        last = line.apply_async()

    assert (last.parent.state, last.state) == ("REVOKED", "REVOKED")
    with pytest.raises(TaskRevokedError, match="expired"):
        last.get()


# Nothing to do


def test_a_group_without_tasks_is_a_result_of_nothing(t: Tasks) -> None:
    for empty in (group([]), group(), group(chain()), t.add.chunks([], 3)):
        result = empty.apply_async()

        assert isinstance(result, GroupResult)
        assert (result.get(), result.ready(), result.successful(), result.failed()) == ([], True, True, False)
    assert t.q.store.read.stats().counts == {}


def test_a_chain_without_tasks_is_nothing(t: Tasks) -> None:
    for empty in (chain(), chain([]), chain(chain(), chain()), chain([group([])]), chain(chain(), group([]))):
        assert (empty(), empty.delay(), empty.apply_async(), empty.apply()) == (None,) * 4
    assert chain(group([])).delay().get() == []


def test_what_is_empty_is_left_out_of_a_workflow(t: Tasks) -> None:
    add, show = t.add, t.show

    assert chain(add.s(1, 1), group([]), add.s(2))().get() == 4
    assert chain(group([]), add.s(1), add.s(2)).delay(3).get() == 6
    assert (add.s(1, 1) | group([])).delay().get() == 2
    assert (add.s(1, 1) | chain() | add.s(2)).delay().get() == 4
    assert group(chain(), add.s(1, 1))().get() == [2]
    assert chord([chain(), add.s(1, 1)], show.s())().get() == [[2]]
    assert chord([], show.s())().get() == [[]]
    assert chord([chain()], show.s())().get() == [[]]
    assert chain(add.s(1, 1), group(chain()), show.s())().get() == [2]
    assert chain(add.s(1, 1), group(chain(), chain()), show.s())().get() == [2]
    assert chord([add.s(1, 1)], group([]))().get() == []
    assert chain(chord([add.s(1, 1)], group([])), show.s())().get() == [[]]
    assert chain(add.s(1, 1), add.chunks([], 2), show.s())().get() == [[]]
    assert chain(add.s(1, 1), group(add.chunks([], 2), add.s(1)), show.s())().get() == [[[], 3]]
    assert chain(t.fail.s(), group(add.chunks([], 2), add.chunks([], 2)), t.tell.s())().state == "FAILURE"
    assert chain(t.fail.s(), chord([], t.tell.s()))().state == "FAILURE"
    assert t.heard == []
    assert (group([]) | show.s())().get() == [[]]
    assert (group([]) | group([]) | show.s())().get() == [[]]


def test_a_group_of_one_is_its_task_within_a_chain(t: Tasks) -> None:
    assert chain(t.add.s(1, 1), group(t.add.s(2)), t.add.s(3))().get() == 7
    assert group([t.add.s(1, 1)])().get() == [2]
    assert chain(group([t.add.s(1, 1)]))().get() == [2]
    assert group([t.add.s(1, 1) | group(t.add.s(1), t.add.s(2))])().get() == [3, 4]


def test_an_empty_callback_does_nothing(t: Tasks) -> None:
    assert t.add.apply_async((1, 1), link=[group([]), chain()]).get() == 2


# Many calls


def test_one_job_may_call_a_task_for_many_arguments(t: Tasks) -> None:
    assert (~t.add.map([1, 2]), ~t.add.starmap([(1, 2), (3, 4)])) == ([1, 2], [3, 7])
    assert isinstance(t.add.map([]), xmap)
    assert isinstance(t.add.starmap([]), xstarmap)
    assert repr(t.add.map([1, 2])) == "[add(x) for x in [1, 2]]"
    assert repr(t.add.starmap([(1, 2)])) == "[add(*x) for x in [(1, 2)]]"
    assert (t.add.map(iter([1, 2])) | t.show.s())().get() == [[1, 2]]
    assert t.add.map([5, 6])() == [5, 6]


def test_chunks_are_a_group_of_jobs_of_several_calls(t: Tasks) -> None:
    parts = t.add.chunks(zip(range(5), range(5), strict=True), 2)

    assert isinstance(parts, chunks)
    assert parts().get() == [[0, 2], [4, 6], [8]]
    assert len(parts.group()) == 3
    assert (parts.group() | t.show.s())().get() == [[[0, 2], [4, 6], [8]]]
    assert parts.group().skew().tasks[1].options == {"countdown": 2.0}
    with pytest.raises(ValueError, match="1 or more, not 0"):
        t.add.chunks([], 0)


# As data


def everything(t: Tasks) -> Signature[Any]:
    head = t.add.s(1, 1).set(queue="q")
    head.link(t.tell.s("linked"))
    return chain(head, chord([t.add.s(1), group(t.add.s(2))], t.show.s(k="v"), on_error="wait"), t.show.s())


def test_a_workflow_survives_json_pickle_and_copies(t: Tasks) -> None:
    sig = everything(t)

    for back in (
        signature(json.loads(json.dumps(sig))),
        Signature.from_dict(json.loads(json.dumps(sig))),
        pickle.loads(pickle.dumps(sig)),
        copy.deepcopy(sig),
        signature(sig),
        subtask(dict(sig)),
        sig.clone(),
    ):
        assert isinstance(back, chain)
        assert back is not sig
        assert back.delay().get() == [[[[3, 4]], {"k": "v"}]]
        assert json.loads(json.dumps(back)) == json.loads(json.dumps(sig))
    assert t.heard == [[2, "linked"]] * 7
    assert signature(json.loads(json.dumps(t.add.chunks([(1, 2)], 1))))().get() == [[3]]
    assert signature(json.loads(json.dumps(t.add.map([7])))).delay().get() == [7]


def test_a_copy_of_a_workflow_shares_nothing_with_it(t: Tasks) -> None:
    sig: Any = everything(t)
    other: Any = sig.clone()
    other.tasks[0].set(queue="else")
    other.tasks[1].tasks[0].set(queue="else")
    other.tasks[1].body.set(queue="else")

    assert sig.tasks[0].options["queue"] == "q"
    assert sig.tasks[1].tasks[0].options == sig.tasks[1].body.options == {}


def test_what_may_be_a_signature_is_made_one(t: Tasks) -> None:
    sig = t.add.s(1)

    assert maybe_signature(None) is None
    assert maybe_signature(sig) is sig
    assert maybe_signature(sig, clone=True) == sig
    assert maybe_signature(dict(sig)) == sig
    assert maybe_chain(dict(sig)) == sig
    assert isinstance(maybe_chain([sig, sig]), chain)


def test_a_workflow_frozen_has_the_ids_it_was_given(t: Tasks) -> None:
    sig = chain(t.add.s(1, 1), group(t.add.s(1), t.add.s(2)), t.show.s())
    frozen = sig.freeze("the-last")
    sent = sig.apply_async()

    assert (frozen.id, sent.id) == ("the-last", "the-last")
    assert frozen.parent.parent == sent.parent.parent
    assert [one.id for one in frozen.parent] == [one.id for one in sent.parent]
    header = chord([t.add.s(1, 1)], t.show.s())
    assert header.freeze().parent == header.apply_async().parent


def test_a_signatures_parts_can_be_replaced_and_extended(t: Tasks) -> None:
    sig = t.add.s(1, y=2)

    assert sig.replace(args=(5,)).args == (5,)
    assert sig.replace(kwargs={"y": 9}, options={"queue": "q"}).options == {"queue": "q"}
    sig.extend_list_option("link", [t.tell.s(), t.tell.s()])
    assert [one.task for one in sig.flatten_links()] == ["add", "tell"]
    assert sig.reprcall(7) == "add(7, 1, y=2)"


# Bad input


def test_a_chord_without_a_body_is_refused(t: Tasks) -> None:
    for body in (None, chain(), chain(chain(), chain())):
        with pytest.raises(InvalidTaskError, match="without a body"):
            chord([t.add.s(1)], body).apply_async()


@pytest.mark.parametrize("option", ["link", "link_error"])
def test_a_callback_that_is_its_own_callback_is_refused(t: Tasks, option: str) -> None:
    ring = t.add.s(1, 1)
    ring.options[option] = [ring]

    for send in (ring.delay, lambda: t.add.apply_async((1, 1), **{option: ring})):
        with pytest.raises(InvalidTaskError, match="contains itself"):
            send()


def test_a_workflow_that_contains_itself_is_refused(t: Tasks) -> None:
    ring: Any = chain(t.add.s(1, 1), t.add.s(2))
    ring.tasks.append(ring)
    with pytest.raises(InvalidTaskError, match="contains itself"):
        ring.apply_async()

    d: dict[str, Any] = dict(t.add.s(1))
    d["options"] = {"link": [d]}
    with pytest.raises(InvalidTaskError, match="contains itself"):
        signature(d)
    shared = t.add.s(1, 1)
    assert group(shared, shared)().get() == [2, 2]


def test_a_workflow_nested_too_deeply_is_refused(t: Tasks) -> None:
    deep: Any = t.add.s(1, 1)
    for _ in range(2000):
        deep = chord([deep], t.show.s())
    with pytest.raises(InvalidTaskError, match="nested too deeply"):
        deep.apply_async()
    assert t.q.store.read.stats().counts == {}


def test_one_id_twice_is_refused(t: Tasks) -> None:
    sig = t.add.s(1, 1).set(task_id="twice")
    with pytest.raises(InvalidTaskError, match="have the id 'twice'"):
        group(sig, sig).apply_async()


def test_a_call_that_does_not_fit_is_refused_before_anything_is_added(t: Tasks) -> None:
    for bad in (
        chain(t.add.s(1, 1), t.add.s(2, 3)),
        chord([t.add.s(1, 1)], t.add.si(z=1)),
        group(t.add.s(1, 1), t.add.s()),
    ):
        with pytest.raises(TypeError):
            bad.apply_async()
    with pytest.raises(TypeError, match="countdwn"):
        (t.add.s(1, 1) | t.add.s(2).set(countdwn=3)).apply_async()

    assert t.q.store.read.stats().counts == {}


@pytest.mark.parametrize("bad", [5, "add", [1], [{"args": []}]])
def test_what_is_no_signature_is_refused(t: Tasks, bad: Any) -> None:
    with pytest.raises((TypeError, InvalidTaskError), match="signature"):
        group(bad)


def test_an_error_callback_is_no_workflow(t: Tasks) -> None:
    with pytest.raises(TypeError, match="link_error takes tasks"):
        t.add.apply_async((1, 1), link_error=t.tell.s() | t.tell.s())


def test_workflows_are_added_together_with_tasks(t: Tasks) -> None:
    results = t.q.enqueue_many([t.add.s(1, 1), t.add.s(1, 1) | t.add.s(2), group(t.add.s(1, 0), t.add.s(2, 0))])

    assert [one.get() for one in results] == [2, 4, [1, 2]]


# Callbacks that are workflows


def test_a_callback_may_be_a_workflow(t: Tasks) -> None:
    t.add.apply_async((1, 1), link=chain(t.add.s(5), t.tell.s("chained")))
    t.add.apply_async((1, 1), link=group(t.add.s(5), t.add.s(6)) | t.tell.s("chord"))

    assert t.heard == [[7, "chained"], [[7, 8], "chord"]]


# Within tasks


def test_a_task_may_go_on_as_another_call(t: Tasks, eager: LocalQ) -> None:
    @eager.task(bind=True)
    def other(self: Any, kind: str) -> Any:
        sigs = {
            "task": t.add.s(1, 1),
            "chain": t.add.s(1, 1) | t.add.s(5),
            "group": group(t.add.s(1, 1), t.add.s(2, 2)),
            "chord": group(t.add.s(1, 1), t.add.s(2, 2)) | t.show.s(),
            "itself": self.s("task"),
            "failure": t.fail.s() | t.add.s(1),
            "none": group([]),
        }
        raise self.replace(sigs[kind])

    for kind, expected in {"none": [], "task": 2, "chain": 7, "group": [2, 4], "chord": [[2, 4]], "itself": 2}.items():
        result = (other.s(kind) | t.show.s("then"))()
        assert result.get() == [expected, "then"]
        assert result.parent.get() == expected
    t.heard.clear()
    other.apply_async(("failure",), link_error=t.told_why.s(), link=t.tell.s())
    assert [why for _, why in t.heard] == ["KeyError('lost')"], "once, for the step that failed"
    assert chord([other.s("chain"), other.s("group")], t.show.s())().get() == [[7, [2, 4]]]
    with pytest.raises(RuntimeError, match="called as a function"):
        other("task")


def test_a_task_cannot_go_on_as_nothing(t: Tasks, eager: LocalQ) -> None:
    @eager.task(bind=True)
    def other(self: Any) -> Any:
        raise self.replace(chain())

    with pytest.raises(ImproperlyConfigured, match="empty chain"):
        other.delay().get()


def test_a_task_may_add_another_to_the_header_it_is_in(t: Tasks, eager: LocalQ) -> None:
    @eager.task(bind=True, max_retries=2)
    def more(self: Any, x: int) -> int:
        self.add_to_chord(t.add.s(x, 100))
        self.add_to_chord(t.add.s(x, 200), lazy=True).delay()
        if not self.request.retries:
            raise self.retry(countdown=0)
        return x

    assert chord([more.s(1), t.add.s(2, 0)], t.show.s())().get() == [[1, 2, 101, 201]]
    with pytest.raises(ValueError, match="is in no chord"):
        more.apply((1,)).get()


@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ("chain", [6]),
        ("chord", [18]),
        ("group", [5, 6]),
        ("chain to a group", [6, 7]),
        ("group to a group", [[[5, 6]], 11]),
        ("chunks", [[3, 5], [7]]),
    ],
)
def test_a_workflow_may_be_added_to_the_header_and_its_end_is_what_the_body_gets(
    t: Tasks, eager: LocalQ, lazy: bool, shape: str, expected: list[Any]
) -> None:
    ran: list[tuple[int, int]] = []

    @eager.task
    def step(x: int, y: int) -> int:
        ran.append((x, y))
        return x + y

    @eager.task
    def total(numbers: list[int]) -> int:
        return sum(numbers)

    shapes = {
        "chain": lambda: chain(step.s(1, 4), step.s(1)),
        "chord": lambda: group(step.s(n, 4) for n in (1, 2, 3)) | total.s(),
        "group": lambda: group(step.s(1, 4), step.s(2, 4)),
        "chain to a group": lambda: step.s(1, 4) | group(step.s(1), step.s(2)),
        "group to a group": lambda: group(step.s(1, 4), step.s(2, 4)) | group(t.show.s(), total.s()),
        "chunks": lambda: step.chunks([(1, 2), (2, 3), (3, 4)], 2),
    }

    @eager.task(bind=True, max_retries=1)
    def more(self: Any) -> int:
        added = self.add_to_chord(shapes[shape](), lazy=lazy)
        if lazy:
            added.delay()
        if not self.request.retries:
            raise self.retry(countdown=0)
        return 0

    assert chord([more.s()], t.show.s())().get() == [[0, *expected]]
    assert len(ran) == len(set(ran)), "what was added ran once, although it was added twice"


def test_what_a_task_sends_is_its_child(t: Tasks, eager: LocalQ) -> None:
    sent: list[Any] = []

    @eager.task(bind=True)
    def parent(self: Any) -> str:
        sent.append(self.add_trail(t.add.delay(1, 1)))
        sent.append(group(t.add.s(2, 2), t.add.s(3, 3))())
        return "parent"

    result = parent.delay()

    assert result.children == sent
    assert list(result.collect()) == [
        (result, "parent"),
        (sent[0], 2),
        (sent[1], [4, 6]),
        (sent[1][0], 4),
        (sent[1][1], 6),
    ]
    assert result.get_leaf() == 6
    assert result.graph[result] == sent
    assert isinstance(t.q.AsyncResult(sent[0].id).parent, AsyncResult)
