"""`map` and `as_completed`: a task for each of many items, and results as they come."""

from __future__ import annotations

import asyncio
import builtins
import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from localq import LocalQ, allow_join_result, group
from localq.exceptions import TimeoutError
from localq.result import GroupResult, ResultSet, unattended
from localq.result.async_result import AsyncResult
from tests.worker.waiting import DEADLINE_S, hold, until


def test_values_come_in_the_order_of_the_items(q: LocalQ) -> None:
    @q.task
    def square(n: int) -> int:
        return n * n

    with q.running(2):
        squares = q.map(square, range(1_203))

        assert list(squares) == [n * n for n in range(1_203)]
        assert list(squares) == [n * n for n in range(1_203)], "a second time"
    assert len(squares) == len(squares.results) == 1_203


def test_a_value_is_there_before_those_behind_it(q: LocalQ, tmp_path: Path) -> None:
    gate = tmp_path / "gate"

    @q.task
    def wait_at(n: int) -> int:
        if n:
            hold(gate)
        return n

    with q.running(2):
        values = iter(q.map(wait_at, [0, 1]))

        assert next(values) == 0
        gate.touch()
        assert list(values) == [1]


def test_the_error_of_an_item_is_raised_at_its_turn_and_the_others_go_on(q: LocalQ) -> None:
    @q.task
    def invert(n: int) -> float:
        return 1 / n

    with q.running(2):
        inverted = q.map(invert, [1, 0, 2])
        values = iter(inverted)

        assert next(values) == 1
        with pytest.raises(ZeroDivisionError):
            next(values)
        assert inverted.results[2].get(timeout=DEADLINE_S) == 0.5


def test_a_second_run_with_keys_adds_nothing_and_runs_again_only_what_failed(q: LocalQ, tmp_path: Path) -> None:
    log = tmp_path / "log"

    @q.task
    def note(n: int) -> int:
        with log.open("a") as file:
            file.write(f"{n}\n")
        if n == 3 and not (tmp_path / "mended").exists():
            raise ValueError(n)
        return n

    with q.running(2):
        first = q.map(note, range(5), key=str)
        assert {one.id: one.state for one in q.as_completed(first)} == {
            one.id: "FAILURE" if n == 3 else "SUCCESS" for n, one in enumerate(first.results)
        }
        (tmp_path / "mended").touch()
        second = q.map(note, [*range(6), 0], key=str)

        assert list(second) == [0, 1, 2, 3, 4, 5, 0]
    assert [one.id for one in second.results[:5]] == [one.id for one in first.results]
    assert sorted(log.read_text().split()) == ["0", "1", "2", "3", "3", "4", "5"]


def test_what_waits_for_a_worker_is_not_added_again(q: LocalQ) -> None:
    @q.task
    def same(n: int) -> int:
        return n

    first = q.map(same, range(3), key=lambda n: ("n", n))

    second = q.map(same, range(4), key=lambda n: ("n", n))

    assert [one.id for one in second.results[:3]] == [one.id for one in first.results]
    assert sum(q.store.read.stats().counts.values()) == 4


def test_keys_of_different_tasks_and_types_are_different(q: LocalQ) -> None:
    @q.task
    def one(n: object) -> None: ...

    @q.task
    def other(n: object) -> None: ...

    ids = [q.map(task, [1], key=key).results[0].id for task in (one, other) for key in (str, int)]

    assert len(set(ids)) == 4


def test_a_key_that_is_not_the_same_in_every_run_is_refused(q: LocalQ) -> None:
    @q.task
    def same(n: int) -> int:
        return n

    with pytest.raises(TypeError, match=re.escape("for 7, which is not the same text in every run")):
        q.map(same, [7], key=lambda n: object())
    assert not q.store.read.stats().counts


def test_a_function_that_is_no_task_is_refused(q: LocalQ) -> None:
    with pytest.raises(TypeError, match=r"map\(\) takes a task first, such as a function decorated with @q.task, not"):
        q.map(len, ["a"])  # type: ignore[arg-type]


def test_options_hold_for_every_job(q: LocalQ) -> None:
    @q.task
    def same(n: int) -> int:
        return n

    mapped = q.map(same, range(2), queue="mail", priority=7)

    assert {one.queue for one in mapped.results} == {"mail"}


def test_calls_in_the_caller_are_there_at_once() -> None:
    q = LocalQ(eager=True)

    @q.task
    def square(n: int) -> int:
        return n * n

    with q:
        assert list(q.map(square, range(5))) == [0, 1, 4, 9, 16]
        assert list(q.map(square, [2, 2, 3], key=str)) == [4, 4, 9]
        assert sorted(one.get() for one in q.as_completed(square.delay(n) for n in range(3))) == [0, 1, 4]


def test_results_come_as_their_jobs_finish(q: LocalQ, tmp_path: Path) -> None:
    @q.task
    def wait_for(n: int) -> int:
        hold(tmp_path / str(n))
        return n

    with q.running(3):
        ended = q.as_completed([wait_for.delay(n) for n in range(3)])

        seen = []
        for n in (2, 0, 1):
            (tmp_path / str(n)).touch()
            seen.append(next(ended).get())
        assert seen == [2, 0, 1]
        assert list(ended) == []


def test_the_jobs_of_groups_are_results_too(q: LocalQ) -> None:
    @q.task
    def same(n: int) -> int:
        return n

    with q.running(1):
        results = [group(same.s(1), same.s(2)).apply_async(), same.delay(3)]

        assert sorted(one.get() for one in q.as_completed(results)) == [1, 2, 3]


def test_a_timeout_is_for_all_of_them(q: LocalQ) -> None:
    @q.task
    def never() -> None: ...

    with pytest.raises(TimeoutError, match=r"None of 1 jobs finished within 0.01 s; they go on"):
        list(q.as_completed([never.delay()], timeout=0.01))


def test_a_task_may_not_wait_for_what_it_maps_unless_it_says_so(q: LocalQ) -> None:
    @q.task
    def same(n: int) -> int:
        return n

    @q.task
    def parent() -> list[int]:
        with allow_join_result():
            return list(q.map(same, range(3)))

    @q.task
    def careless() -> list[int]:
        return list(q.map(same, range(3)))

    with q.running(2):
        assert parent.delay().get(timeout=DEADLINE_S) == [0, 1, 2]
        with pytest.raises(RuntimeError, match=r"Never call result\.get"):
            careless.delay().get(timeout=DEADLINE_S)


def test_many_results_are_read_together(q: LocalQ, monkeypatch: pytest.MonkeyPatch) -> None:
    @q.task
    def same(n: int) -> int:
        return n

    results = [same.delay(n) for n in range(600)]
    monkeypatch.setattr(AsyncResult, "ready", lambda self: pytest.fail("each is asked for by itself"))

    with q.running(1, pool="solo"):
        assert len(list(q.as_completed(results))) == 600


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("stream", [io.StringIO, Terminal])
def test_a_bar_counts_what_ended_and_what_failed_on_a_terminal_alone(
    q: LocalQ, stream: type[io.StringIO], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr("sys.stderr", said := stream())

    @q.task(throws=(ValueError,))
    def odd(n: int) -> int:
        if n % 2 == 0:
            raise ValueError(n)
        return n

    with q.running(1):
        mapped = q.map(odd, range(4))
        assert len(list(q.as_completed(mapped))) == 4
        without_bar = said.getvalue()
        assert len(list(q.as_completed(mapped, progress=False))) == 4

    assert said.getvalue() == without_bar
    if stream is Terminal:
        assert "4/4" in without_bar
        assert "2 failed" in without_bar
    else:
        assert without_bar == ""


def test_jobs_added_while_it_waits_are_none_of_its_own(q: LocalQ, tmp_path: Path) -> None:
    @q.task
    def same(n: int) -> int:
        return n

    with q.running(1):
        first = q.as_completed([same.delay(1)])
        until(lambda: same.delay(2).get(timeout=DEADLINE_S))

        assert [one.get() for one in first] == [1]


async def _awaited(result: Any) -> Any:
    async with asyncio.timeout(0.05):
        return await result


WAITS: dict[str, Callable[[LocalQ, Any], Any]] = {
    "get": lambda q, job: job.get(timeout=0.01),
    "await": lambda q, job: asyncio.run(_awaited(job)),
    "as_completed": lambda q, job: next(q.as_completed([job], timeout=0.01)),
    "join": lambda q, job: ResultSet([job]).join(timeout=0.01),
    "get of a group": lambda q, job: GroupResult("group", [job]).get(timeout=0.01),
    "iterate": lambda q, job: next(ResultSet([job]).iterate(timeout=0.01)),
    "iter_native": lambda q, job: next(GroupResult("group", [job]).iter_native(timeout=0.01)),
}


@pytest.mark.parametrize("how", WAITS)
def test_who_waits_while_nobody_works_is_told_so_once(
    q: LocalQ, how: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(unattended, "_AFTER_S", 0.0)

    @q.task
    def same(n: int) -> int:
        return n

    job = same.delay(1)
    for _ in range(2):
        with pytest.raises(builtins.TimeoutError):
            WAITS[how](q, job)

    assert [one for one in caplog.messages if one.startswith("No worker is running.")] == caplog.messages
    assert len(caplog.messages) == 1


def test_whoever_waits_for_a_worker_that_has_ended_since_is_told_again(
    q: LocalQ, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(unattended, "_AFTER_S", 0.0)

    @q.task
    def same(n: int) -> int:
        return n

    with pytest.raises(TimeoutError):
        same.delay(1).get(timeout=0.01)
    with q.running(1):
        same.delay(2).get(timeout=DEADLINE_S)
    with pytest.raises(TimeoutError):
        same.delay(3).get(timeout=0.01)

    assert [one.startswith("No worker is running.") for one in caplog.messages] == [True, True]


def test_who_waits_for_a_worker_that_is_there_is_told_nothing(
    q: LocalQ, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(unattended, "_AFTER_S", 0.0)

    @q.task
    def wait_at() -> None:
        hold(tmp_path / "gate")

    with q.running(1):
        job = wait_at.delay()
        with pytest.raises(TimeoutError):
            job.get(timeout=0.01)
        (tmp_path / "gate").touch()
        job.get(timeout=DEADLINE_S)

    assert not [one for one in caplog.messages if "No worker" in one]
