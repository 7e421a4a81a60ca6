"""Which error callbacks of a workflow are called, how often, and for which job: the values are Celery's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from localq import LocalQ, chain, chord, group

#: Makes a workflow of `ok`, which returns its arguments, `bad`, which fails, and `e`, an error callback with a name.
Shape = Callable[[Any, Any, Any], Any]


@pytest.fixture
def heard(eager: LocalQ) -> list[str]:
    """Define the tasks; return what the error callbacks heard: their name, the job's label and the error's class."""
    told: list[str] = []
    labels: dict[str, str] = {}

    @eager.task(name="ok", bind=True)
    def ok(self: Any, *args: Any) -> list[Any]:
        return list(args)

    @eager.task(name="bad", bind=True)
    def bad(self: Any, *args: Any) -> None:
        labels[self.request.id] = "bad"
        raise KeyError("lost")

    @eager.task(name="e")
    def e(request: Any, exc: BaseException, traceback: str, name: str) -> None:
        told.append(f"{name}: {labels.get(request.id, 'not run')}, {type(exc).__name__}")

    return told


FAILED, BODY, MEMBER = "a: bad, KeyError", "a: not run, ChordError", "a: not run, KeyError"
SHAPES: dict[str, tuple[Shape, list[str]]] = {
    "a group: once for each that fails": (
        lambda ok, bad, e: group(bad.s(), bad.s(), ok.s()).on_error(e("a")),
        [FAILED] * 2,
    ),
    "a chain: once, for the step that fails": (
        lambda ok, bad, e: chain(ok.s(), bad.s(), ok.s(), ok.s()).on_error(e("a")),
        [FAILED],
    ),
    "what is put on steps behind is not called": (
        lambda ok, bad, e: chain(bad.s(), ok.s().on_error(e("b")), group(ok.s(), ok.s()), ok.s().on_error(e("c"))),
        [],
    ),
    "before a chord: for the step that fails": (
        lambda ok, bad, e: chain(bad.s(), group(ok.s(), ok.s()), ok.s()).on_error(e("a")),
        [FAILED],
    ),
    "a header: once, for the body": (lambda ok, bad, e: chord([bad.s(), bad.s()], ok.s()).on_error(e("a")), [BODY]),
    "a header's chain": (lambda ok, bad, e: chord([chain(bad.s(), ok.s()), ok.s()], ok.s().on_error(e("a"))), [BODY]),
    "a header's group": (lambda ok, bad, e: chord([group(ok.s(), bad.s()), ok.s()], ok.s()).on_error(e("a")), [BODY]),
    "a header's chord, which is told too": (
        lambda ok, bad, e: chord([chord([bad.s()], ok.s()), ok.s()], ok.s()).on_error(e("a")),
        [BODY] * 2,
    ),
    "a header's chord that something follows": (
        lambda ok, bad, e: chord([(group(ok.s(), ok.s()) | bad.s() | group([ok.s()]))], ok.s()).on_error(e("a")),
        [FAILED, BODY],
    ),
    "a header in a chain: of its body, not of what is behind that": (
        lambda ok, bad, e: chain(ok.s(), group(ok.s(), bad.s()), ok.s().on_error(e("a")), ok.s().on_error(e("b"))),
        [BODY],
    ),
    "a chain in a chain, that ends in a header and fails before it": (
        lambda ok, bad, e: chain(chain(bad.s(), group(ok.s(), ok.s())).on_error(e("b")), ok.s().on_error(e("a"))),
        ["b: bad, KeyError"],
    ),
    "a chain in a chain, that ends in a header which fails": (
        lambda ok, bad, e: chain(chain(ok.s(), group(bad.s(), ok.s())).on_error(e("b")), ok.s().on_error(e("a"))),
        ["b: bad, KeyError", BODY],
    ),
    "chords in a header that a chain begins with": (
        lambda ok, bad, e: chain(group(chord([ok.s()], bad.s()), ok.s()), ok.s()).on_error(e("a")),
        [FAILED, BODY],
    ),
    "chords in a header that is in a chain: not them": (
        lambda ok, bad, e: chain(ok.s(), group(chord([ok.s()], bad.s()), ok.s()), ok.s()).on_error(e("a")),
        [BODY],
    ),
    "chords in the header of a chord that is in a chain: not them": (
        lambda ok, bad, e: chain(ok.s(), chord([chord([ok.s()], bad.s())], ok.s())).on_error(e("a")),
        [BODY],
    ),
    "chords in the header of a body, of a chord in a chain: not them": (
        lambda ok, bad, e: chain(
            ok.s(), chord([ok.s()], chord([chord([ok.s()], bad.s()), ok.s()], ok.s())).on_error(e("b"))
        ).on_error(e("a")),
        ["b: bad, KeyError", "b: not run, ChordError", BODY],
    ),
    "chords in the header of a chain that is a body, of a chord in a chain: not them": (
        lambda ok, bad, e: chain(
            ok.s(), chord([ok.s()], chain(group(ok.s(), chord([ok.s()], bad.s())), ok.s(), ok.s()))
        ).on_error(e("a")),
        [BODY],
    ),
    "chords in the header of a chord in a group that a chain ends in: not them": (
        lambda ok, bad, e: chain(ok.s(), group(chord([chord([ok.s()], bad.s()), ok.s()], ok.s()), ok.s())).on_error(
            e("a")
        ),
        [BODY],
    ),
    "a header's chain that begins with a header, as it is a chord": (
        lambda ok, bad, e: chord([ok.s(), chain(group(ok.s(), ok.s()), bad.s(), ok.s())], ok.s()).on_error(e("a")),
        [FAILED, BODY],
    ),
    "a chain of more than one chord in a header: not it": (
        lambda ok, bad, e: chord(
            [ok.s(), chain(group(ok.s(), ok.s()), bad.s(), group(ok.s(), ok.s()))], ok.s()
        ).on_error(e("a")),
        [BODY],
    ),
    "a chain that begins with a header, in the header that a chain begins with": (
        lambda ok, bad, e: chain(group(ok.s(), chain(group(ok.s(), ok.s()), bad.s())), ok.s()).on_error(e("a")),
        [FAILED, BODY],
    ),
    "chords in headers of a chain that is a step of another": (
        lambda ok, bad, e: chain(chain(ok.s(), chord([chord([ok.s()], bad.s())], ok.s())).on_error(e("a")), ok.s()),
        [FAILED, BODY],
    ),
    "chords in the header of a chord that something follows": (
        lambda ok, bad, e: (chord([chord([ok.s()], bad.s())], ok.s()) | ok.s()).on_error(e("a")),
        [FAILED, BODY],
    ),
    "a body": (lambda ok, bad, e: chord([ok.s()], bad.s()).on_error(e("a")), [FAILED]),
    "a body's chain": (lambda ok, bad, e: chord([ok.s()], chain(bad.s(), ok.s()).on_error(e("a"))), [FAILED]),
    "a body's group": (lambda ok, bad, e: chord([ok.s()], group(bad.s(), ok.s()).on_error(e("a"))), [FAILED]),
    "a chain behind a header": (lambda ok, bad, e: chord([bad.s()], chain(ok.s(), ok.s())).on_error(e("a")), [BODY]),
    "a step of a chain that is a body": (
        lambda ok, bad, e: chord([bad.s()], chain(ok.s().on_error(e("b")), ok.s()).on_error(e("a"))),
        [BODY],
    ),
    "the same in a chain": (
        lambda ok, bad, e: chain(ok.s(), group(ok.s(), bad.s()), chain(ok.s().on_error(e("a")), ok.s())),
        [BODY],
    ),
    "a group behind a header: each hears the error itself": (
        lambda ok, bad, e: chord([bad.s(), ok.s()], group(ok.s(), ok.s())).on_error(e("a")),
        [MEMBER] * 2,
    ),
    "a chain that begins with a group behind a header": (
        lambda ok, bad, e: chord([bad.s()], chain(group(ok.s().on_error(e("a")), ok.s()), ok.s()).on_error(e("a"))),
        [BODY],
    ),
    "a chord behind a header": (
        lambda ok, bad, e: chord([bad.s(), ok.s()], chord([ok.s(), ok.s()], ok.s())).on_error(e("a")),
        [BODY],
    ),
    "a chord in a group behind a header, of its own header": (
        lambda ok, bad, e: chord([ok.s()], group(chord([bad.s()], ok.s().on_error(e("a"))), ok.s())),
        [BODY],
    ),
    "a chord in a group behind a header, of that": (
        lambda ok, bad, e: chord([bad.s()], group(chord([ok.s()], ok.s().on_error(e("a"))), ok.s())),
        [MEMBER],
    ),
    "a chain that ends in a group, and what follows as its body": (
        lambda ok, bad, e: chain(ok.s(), group(ok.s(), bad.s())).on_error(e("a")) | ok.s(),
        [BODY],
    ),
    "a chain, and not what follows": (lambda ok, bad, e: chain(ok.s(), ok.s()).on_error(e("a")) | bad.s(), []),
    "a chain that ends in a chord, and what follows": (
        lambda ok, bad, e: chain(ok.s(), chord([ok.s()], ok.s())).on_error(e("a")) | bad.s(),
        [FAILED],
    ),
    "a chain that ends in a chord, and all that follows": (
        lambda ok, bad, e: chain(ok.s(), chord([ok.s()], ok.s())).on_error(e("a")) | ok.s() | bad.s(),
        [FAILED],
    ),
    "a chain that ends in a group, and a chain that follows": (
        lambda ok, bad, e: chain(ok.s(), group(ok.s(), ok.s())).on_error(e("a")) | chain(ok.s(), bad.s(), ok.s()),
        [FAILED],
    ),
    "a chain that ends in a chord, and not the group that follows": (
        lambda ok, bad, e: chain(ok.s(), chord([ok.s()], ok.s())).on_error(e("a")) | ok.s() | group(bad.s(), ok.s()),
        [],
    ),
    "a chain that ends in a chord, and chords in its header, where another chord follows": (
        lambda ok, bad, e: (
            chain(ok.s(), chord([chord([ok.s()], bad.s())], ok.s())).on_error(e("a")) | chord([ok.s()], ok.s())
        ),
        [FAILED, BODY],
    ),
    "what is called with": (lambda ok, bad, e: Called(chain(bad.s(), ok.s()), link_error=e("a")), [FAILED]),
    "a chord called with": (lambda ok, bad, e: Called(chord([bad.s()], ok.s()), link_error=e("a")), [BODY]),
}


class Called:
    """A workflow with the options it is sent with."""

    def __init__(self, sig: Any, **options: Any) -> None:
        self.sig, self.options = sig, options

    def apply_async(self) -> Any:
        return self.sig.apply_async(**self.options)


@pytest.mark.parametrize("shape", SHAPES)
def test_error_callbacks_hear_of_what_failed(eager: LocalQ, heard: list[str], shape: str) -> None:
    make, expected = SHAPES[shape]
    ok, bad, e = (eager.tasks[name] for name in ("ok", "bad", "e"))

    make(ok, bad, lambda name: e.s(name)).apply_async()

    assert heard == expected


def test_of_a_task_that_went_on_as_a_workflow_its_step_that_fails_calls_back(eager: LocalQ, heard: list[str]) -> None:
    ok, bad, e = (eager.tasks[name] for name in ("ok", "bad", "e"))
    shapes = {
        "chain": lambda: chain(bad.s(), ok.s()),
        "group": lambda: group(bad.s(), bad.s()),
        "to a group": lambda: chain(ok.s(), group(bad.s(), ok.s())),
        "chord": lambda: chord([bad.s()], ok.s()),
        "task": lambda: bad.s(),
    }

    @eager.task(bind=True)
    def other(self: Any, kind: str) -> Any:
        raise self.replace(shapes[kind]())

    for kind in shapes:
        chain(other.s(kind), ok.s()).apply_async(link_error=e.s("a"))

    assert heard == [FAILED, BODY, BODY, BODY, FAILED]
