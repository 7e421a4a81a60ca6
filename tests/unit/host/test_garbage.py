"""The collector of garbage rests while many objects are made, and is as it was afterwards."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from localq import LocalQ
from localq.host.garbage import no_garbage


@pytest.fixture(autouse=True)
def collecting() -> Iterator[None]:
    gc.enable()
    yield
    gc.enable()


def test_it_rests_within_and_collects_again_afterwards() -> None:
    with no_garbage():
        assert not gc.isenabled()
        with no_garbage():
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled()


def test_it_collects_again_after_an_error() -> None:
    with pytest.raises(ZeroDivisionError), no_garbage():
        raise ZeroDivisionError
    assert gc.isenabled()


def test_where_a_program_has_turned_it_off_it_stays_off() -> None:
    gc.disable()
    with no_garbage():
        pass
    assert not gc.isenabled()


def test_the_calls_of_many_are_the_callers_code_and_made_as_ever() -> None:
    app = LocalQ(path=":memory:")
    add = app.task(lambda x: x, name="add")
    seen = []

    def calls() -> Iterator[object]:
        for number in range(3):
            seen.append(gc.isenabled())
            yield add.s(number)

    results = app.enqueue_many(calls())  # type: ignore[arg-type]

    assert seen == [True] * 3
    assert len({result.id for result in results}) == 3
    assert gc.isenabled()


def test_it_goes_on_where_tasks_run_in_the_caller() -> None:
    app = LocalQ(path=":memory:", task_always_eager=True)
    seen: list[bool] = []

    @app.task(name="look")
    def look() -> None:
        seen.append(gc.isenabled())

    app.enqueue_many([look.s(), look.s()])

    assert seen == [True, True]
