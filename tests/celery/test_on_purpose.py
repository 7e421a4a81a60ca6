"""Workflows that come to something else on LocalQ than on Celery, each on both: the reasons are told in the docs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.celery.shapes import Shape
from tests.celery.sides import Outcome, Side, celery_side, localq_side


@pytest.fixture(scope="module")
def sides() -> Iterator[tuple[Side, Side]]:
    with celery_side() as celery, localq_side() as localq:
        yield celery, localq


def ok(label: str, **more: Any) -> Shape:
    return {"kind": "ok", "label": label, **more}


def fail(label: str, **more: Any) -> Shape:
    return {"kind": "fail", "label": label, **more}


def of(kind: str, *parts: Shape, **more: Any) -> Shape:
    return {"kind": kind, "parts": list(parts), **more}


def both(sides: tuple[Side, Side], shape: Shape) -> tuple[Outcome, Outcome]:
    celery, localq = sides
    return celery.outcome(shape), localq.outcome(shape)


def test_a_chord_that_is_a_body_is_told_that_the_header_failed(sides: tuple[Side, Side]) -> None:
    inner = of("chord", ok("b"), body=ok("c"), errbacks=["new"])
    celery, localq = both(sides, of("chord", fail("a"), ok("x"), body=inner))

    assert (celery.result, celery.callbacks) == (["PENDING", None], [])
    assert localq.result == ["FAILURE", "ChordError"]
    assert localq.callbacks == ["['new', ['ChordError', 'id of a job that did not run']]"]


def test_a_header_ends_when_a_chord_in_it_fails(sides: tuple[Side, Side]) -> None:
    celery, localq = both(sides, of("chord", of("chord", fail("a"), body=ok("b")), ok("x"), body=ok("c")))

    assert (celery.result, localq.result) == (["PENDING", None], ["FAILURE", "ChordError"])


def test_groups_in_a_header_keep_their_order(sides: tuple[Side, Side]) -> None:
    celery, localq = both(sides, of("chord", of("group", ok("a"), ok("b")), ok("c"), body=ok("d")))

    assert celery.result == ["SUCCESS", ["d", [["b"], ["a"], ["c"]]]]
    assert localq.result == ["SUCCESS", ["d", [["a"], ["b"], ["c"]]]]


def test_what_follows_a_chord_that_ends_in_a_group_runs_once(sides: tuple[Side, Side]) -> None:
    line = of("bars", of("chord", ok("a"), body=of("group", ok("b"), ok("c"))), of("chain", ok("d"), ok("e")))
    celery, localq = both(sides, line)

    assert [args for name, args in celery.runs if name == "ok d"] == [[["b", [["a"]]]], [["c", [["a"]]]]]
    assert [args for name, args in localq.runs if name == "ok d"] == [[[["b", [["a"]]], ["c", [["a"]]]]]]


def test_an_empty_group_between_bars_is_left_out(sides: tuple[Side, Side]) -> None:
    celery, localq = both(sides, of("bars", ok("a"), of("group"), ok("b")))

    assert celery.result == ["SUCCESS", ["b", []]]
    assert localq.result == ["SUCCESS", ["b", ["a"]]]


def test_an_empty_group_in_a_chain_that_begins_with_a_group_is_left_out(sides: tuple[Side, Side]) -> None:
    line = of("chain", of("group", ok("a"), ok("b")), ok("c"), of("group"), ok("d"))
    celery, localq = both(sides, line)

    assert celery.result == ["SUCCESS", ["d", []]]
    assert localq.result == ["SUCCESS", ["d", ["c", [["a"], ["b"]]]]]


def test_what_stands_behind_a_failure_has_a_state(sides: tuple[Side, Side]) -> None:
    celery, localq = both(sides, of("chain", fail("a"), of("group", ok("b"), ok("c"))))

    assert celery.result == [["PENDING", None]] * 2
    assert localq.result == [["FAILURE", "ValueError"]] * 2


def test_a_step_that_fails_in_eager_mode_is_raised_by_celery(sides: tuple[Side, Side]) -> None:
    celery, localq = sides
    first, last = of("chain", fail("a"), ok("b")), of("chain", ok("a"), fail("b"))
    for side in sides:
        side.app.conf.task_always_eager = True
    try:
        with pytest.raises(ValueError, match="a"):
            celery.made(first).apply_async()
        results = [localq.made(first).apply_async(), *(side.made(last).apply_async() for side in sides)]
    finally:
        for side in sides:
            side.app.conf.task_always_eager = False

    assert [(one.state, type(one.result)) for one in results] == [("FAILURE", ValueError)] * 3
    for side in sides:
        for shape in (first, last, of("group", fail("a")), of("chord", fail("a"), body=ok("b"))):
            with pytest.raises(ValueError, match=r"a|b"):
                side.made(shape).apply(throw=True)


def test_an_error_callback_is_a_task_and_no_workflow(sides: tuple[Side, Side]) -> None:
    celery, _ = sides
    for side in sides:
        line = side.canvas.chain(side.app.tasks["old"].s(), side.app.tasks["ok"].si(label="b"))
        failing = side.app.tasks["fail"].s(label="a").on_error(line)
        if side is celery:
            assert failing.apply_async().id
        else:
            with pytest.raises(TypeError, match="link_error takes tasks"):
                failing.apply_async()


def test_a_generator_is_drawn_when_a_chord_of_celery_is_sent_and_when_ours_is_made(sides: tuple[Side, Side]) -> None:
    counts = []
    for side in sides:
        drawn: list[int] = []

        def header(side: Side = side, drawn: list[int] = drawn) -> Iterator[Any]:
            for number in range(3):
                drawn.append(number)
                yield side.app.tasks["ok"].s(label=f"g{number}")

        made = side.canvas.chord(header())
        before = len(drawn)
        made(side.app.tasks["ok"].s(label="body"))
        counts.append((before, len(drawn)))

    assert counts == [(0, 3), (3, 3)]


def test_a_job_whose_result_is_ignored_has_a_state(sides: tuple[Side, Side]) -> None:
    quiet = {"kind": "quiet", "label": "a"}
    celery, localq = both(sides, of("chain", ok("b"), quiet))
    assert (celery.result, localq.result) == (["PENDING", None], ["SUCCESS", None])

    celery, localq = both(sides, of("chord", quiet, ok("b"), body=ok("c")))
    assert celery.result == ["FAILURE", "ChordError"]
    assert localq.result == ["SUCCESS", ["c", [["a"], ["b"]]]]

    celery, localq = both(sides, of("chain", fail("b"), quiet))
    assert celery.result == localq.result == ["FAILURE", "ValueError"]


def test_a_header_with_tasks_behind_a_failure_fails_with_that(sides: tuple[Side, Side]) -> None:
    line = of("chain", fail("a"), of("group", ok("b"), ok("c")))
    celery, localq = both(sides, of("chord", line, body=of("group", ok("d"), ok("e"))))

    assert celery.result == [["FAILURE", "TimeoutError"]] * 2
    assert localq.result == [["FAILURE", "ValueError"]] * 2


def test_a_replacement_takes_the_id_of_what_it_stands_for(sides: tuple[Side, Side]) -> None:
    shape = {"kind": "become", "label": "a", "shape": ok("b", named=True)}
    celery, localq = both(sides, shape)

    assert (celery.result, celery.named) == (["PENDING", None], ["b"])
    assert (localq.result, localq.named) == (["SUCCESS", ["b"]], [])


def test_a_task_of_a_header_may_be_replaced_with_any_workflow(sides: tuple[Side, Side]) -> None:
    inner = of("chord", ok("a"), body=of("chain", ok("b"), ok("c")))
    celery, localq = both(sides, of("chord", {"kind": "become", "label": "r", "shape": inner}, body=ok("d")))

    assert celery.result == ["FAILURE", "ChordError"]
    assert localq.result == ["SUCCESS", ["d", [["c", ["b", [["a"]]]]]]]


def test_callbacks_of_what_is_replaced_with_a_chain_get_its_result(sides: tuple[Side, Side]) -> None:
    line = of("chain", ok("a"), of("chord", ok("b"), body=ok("c")), ok("d"))
    celery, localq = both(sides, {"kind": "become", "label": "r", "links": ["l"], "shape": line})

    body = ["c", [["b", ["a"]]]]
    assert celery.result == localq.result == ["SUCCESS", ["d", body]]
    assert celery.callbacks == [repr(["called l", [body]])]
    assert localq.callbacks == [repr(["called l", [["d", body]]])]


def test_chords_in_a_header_that_a_chain_in_a_chain_begins_with_hear_of_errors(sides: tuple[Side, Side]) -> None:
    header = of("group", of("chord", ok("h"), body=fail("i")), ok("x"))
    line = of("chain", of("chain", header, ok("c")), ok("d"), errbacks=["old"])
    celery, localq = both(sides, line)

    assert celery.callbacks == ["['old', 'id of a job that did not run']"]
    assert localq.callbacks == [*celery.callbacks, "['old', 'id of i']"]


def test_a_chain_in_a_chain_of_a_header_keeps_no_chord_from_hearing_of_errors(sides: tuple[Side, Side]) -> None:
    def line(*rest: Shape) -> Shape:
        member = of("chain", of("group", ok("a"), ok("b")), ok("c"), *rest)
        return of("chord", member, ok("x"), body=ok("y"), errbacks=["old"])

    body, failed = "['old', 'id of a job that did not run']", "['old', 'id of d']"
    celery, localq = both(sides, line(fail("d"), ok("e")))
    assert celery.callbacks == localq.callbacks == [body, failed]

    celery, localq = both(sides, line(of("chain", fail("d"), ok("e"))))
    assert celery.callbacks == [body]
    assert localq.callbacks == [body, failed]


def test_a_chain_that_is_a_group_of_one_keeps_its_error_callbacks(sides: tuple[Side, Side]) -> None:
    line = of("bars", ok("a"), of("group", of("chain", ok("b"), fail("c"), errbacks=["old"])))
    celery, localq = both(sides, line)

    assert (celery.callbacks, localq.callbacks) == ([], ["['old', 'id of c']"])


def test_children_are_the_jobs_that_come_next(sides: tuple[Side, Side]) -> None:
    def children(result: Any) -> list[Any]:
        return [[len(one)] if hasattr(one, "results") else 1 for one in result.children or ()]

    told = []
    for side in sides:
        one, group = side.app.tasks["ok"].s(label="a"), side.canvas.group
        links = [[one], [one, one], [group(one, one), one, group(one, one, one)], [one | one], [one | one, one]]
        results = [one.apply_async(link=[part.clone() for part in link]) for link in links]
        body = (group(one, one) | one).apply_async()
        side.settle()
        told.append([children(one) for one in (*results, *body.parent.results)])

    same = [[1], [[2]], [[2], [3], [1]], [1]]
    assert told == [[*same, [[2]], [], []], [*same, [[1], 1], [], [1]]]
