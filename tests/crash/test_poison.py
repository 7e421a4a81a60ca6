"""Tasks that do the worst: each ends as a failure with the right reason, and the worker goes on."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from localq.model.job import JobState
from localq.model.outcome import Attempt
from localq.serialization import failure
from localq.store.protocol import Topic
from tests.crash.checker import check_clean
from tests.crash.lab import Lab, Program, descendants, until


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """Return a laboratory with a worker that must survive all tests of this module."""
    with Lab(worker_unknown_tasks="fail") as lab:
        worker = lab.worker("one", 2, wait=True)
        yield lab
        assert worker.alive()
        lab.drained()
        assert lab.stop_all() == [0]
        assert check_clean(lab) == []


def ended(lab: Lab, task: str, *args: Any, **options: Any) -> tuple[JobState, list[Attempt]]:
    """Run a job to its end, and a good one after it; return the state and the attempts."""
    job_id = lab.send(task, *args, **options)
    until(lambda: JobState(lab.store.read.get([job_id])[job_id].state).final, lambda: f"{task} ended\n{lab.state()}")
    good = lab.send("work", 7)
    until(
        lambda: lab.store.read.get([good])[good].state == JobState.SUCCEEDED, lambda: f"a good job ended\n{lab.state()}"
    )
    return JobState(lab.store.read.get([job_id])[job_id].state), lab.store.read.attempts(job_id)


def errors(attempts: list[Attempt]) -> list[failure.Failure]:
    return [failure.load(one.failure) for one in attempts if one.failure is not None]


@pytest.mark.parametrize(
    ("task", "args", "how"),
    [
        ("leave", [0], "exited with code 0"),
        ("leave", [1], "exited with code 1"),
        ("segfault", [], "was killed by SIGSEGV"),
        ("abort", [], "was killed by SIGABRT"),
        ("close_descriptors", [3, 256], "exited with code 1"),
        ("fork_children", [5], "was killed by SIGKILL"),
    ],
)
def test_a_task_that_kills_its_process_is_a_failure_after_three_deaths(
    lab: Lab, task: str, args: list[Any], how: str
) -> None:
    state, attempts = ended(lab, task, *args)
    assert state == JobState.FAILED
    told = errors(attempts)
    assert [one.type for one in told] == ["WorkerLostError"] * 3
    for number, one in enumerate(told, 1):
        assert how in one.message
        assert f"(attempt {number}, crash {number} of 3)" in one.message


@pytest.mark.parametrize(
    ("task", "limit"),
    [("loop_in_c", "0.5"), ("swallow_the_soft_limit", "0.6"), ("block_every_signal", "0.6"), ("stop_itself", "0.5")],
)
def test_a_task_that_does_not_end_is_killed_at_its_hard_limit(lab: Lab, task: str, limit: str) -> None:
    state, attempts = ended(lab, task)
    assert state == JobState.FAILED
    [told] = errors(attempts)
    assert (told.type, told.message) == ("TimeLimitExceeded", f"hard time limit of {limit} s exceeded")
    [attempt] = attempts
    assert attempt.started_at is not None
    assert (attempt.ended_at - attempt.started_at) / 1e6 < float(limit) + 1


@pytest.mark.parametrize(
    ("task", "args", "kind", "part"),
    [
        ("recurse", [], "RecursionError", "maximum recursion depth"),
        ("raise_unspeakable", [], "Unspeakable", "raised ValueError"),
        ("raise_chain", [900], "ValueError", "899"),
        ("raise_named", ["SystemExit"], "WorkerLostError", "SystemExit(3)"),
        ("raise_named", ["KeyboardInterrupt"], "WorkerLostError", "KeyboardInterrupt(3)"),
        ("raise_named", ["GeneratorExit"], "GeneratorExit", "3"),
        ("return_bytes", [100 << 20], "EncodeError", "over the limit of 67,108,864"),
        ("return_unwritable", [], "EncodeError", "[1]['a']"),
        ("return_itself", [], "EncodeError", "itself"),
    ],
)
def test_a_task_that_ends_badly_is_a_failure_that_says_why(
    lab: Lab, task: str, args: list[Any], kind: str, part: str
) -> None:
    state, attempts = ended(lab, task, *args)
    assert state == JobState.FAILED
    [told] = errors(attempts)
    assert told.type == kind
    assert part in told.message


def test_a_task_that_prints_ten_megabytes_keeps_the_end_of_it(lab: Lab) -> None:
    state, [attempt] = ended(lab, "print_much", 10_000_000)
    assert state == JobState.SUCCEEDED
    assert attempt.output is not None
    assert 0 < len(attempt.output) <= 16_384


def test_a_task_that_kills_the_fork_server_is_a_failure_after_three_deaths(lab: Lab) -> None:
    state, attempts = ended(lab, "kill_parent")
    assert state == JobState.FAILED
    assert [one.type for one in errors(attempts)] == ["WorkerLostError"] * 3


def test_a_task_unknown_to_the_worker_is_a_failure(lab: Lab) -> None:
    state, attempts = ended(lab, "nobody")
    assert state == JobState.FAILED
    assert errors(attempts)[0].type == "NotRegistered"


@pytest.mark.parametrize("column", ["args", "options"])
def test_a_damaged_row_stops_no_worker(lab: Lab, column: str) -> None:
    job_id = lab.send("work", 1, countdown=3600)
    with lab.store.database.lock, lab.store.database.writing as cursor:
        cursor.execute(f"UPDATE job SET {column} = ?, state = 1 WHERE id = ?", (b"\xff[", job_id))
    lab.store.bells.ring(Topic.WORK)
    until(lambda: JobState(lab.store.read.get([job_id])[job_id].state).final, lambda: f"ended\n{lab.state()}")
    assert ended(lab, "work", 1)[0] == JobState.SUCCEEDED


def test_many_poison_jobs_let_the_good_ones_through(lab: Lab) -> None:
    bad = [lab.send("leave", 1) for _ in range(15)]
    good = [lab.send("work", number) for number in range(100)]
    lab.drained()
    assert {lab.store.read.get([one])[one].state for one in good} == {JobState.SUCCEEDED}
    assert {len(lab.store.read.attempts(one)) for one in good} == {1}
    assert {lab.store.read.get([one])[one].state for one in bad} == {JobState.FAILED}


def test_a_task_over_twice_its_memory_limit_is_killed() -> None:
    with Lab(task_max_crashes=1) as lab:
        lab.worker("one", 1, 0, 150_000)
        state, attempts = ended(lab, "eat_memory", 900)
        assert state == JobState.FAILED
        assert [one.type for one in errors(attempts)] == ["WorkerLostError"]
        assert "over twice the limit of 150,000 KiB" in errors(attempts)[0].message


def test_a_job_that_crashed_once_is_handed_out_alone() -> None:
    with Lab() as lab:
        lab.worker("one", 1, wait=True)
        lab.enqueue("work", 0, 100, 100)
        lab.drained()  # the pool knows by now that jobs are short
        job_id = lab.send("crash_in", 1)
        lab.enqueue("work", 100, 200, 200)
        lab.drained()
        assert lab.store.read.get([job_id])[job_id].state == JobState.SUCCEEDED
        attempts = lab.store.read.attempts(job_id)
        assert [one.ending for one in attempts] == ["LOST", "SUCCESS"]
        assert attempts[1].result == b'"alone"'


@pytest.mark.parametrize("killed", ["worker", "forkserver", "slot"])
def test_what_a_task_started_dies_with_its_worker(killed: str) -> None:
    with Lab() as lab:
        worker = lab.worker("one", 1)
        run = lab.begun(lab.send("wait_beside_a_child", 1000))
        [child] = until(lambda: descendants(run.pid), "a child")
        pid = {"worker": worker.pid, "forkserver": worker.forkserver(), "slot": run.pid}[killed]
        lab.kill(pid, killed)
        until(lambda: not _lives(child) and not _lives(run.pid), "dead")
        assert worker.alive() == (killed != "worker") or worker.wait() == -signal.SIGKILL


def test_a_task_that_leaves_a_thread_behind_costs_no_slot() -> None:
    """A process does not end while a thread runs in it, also when it has done all the tasks it may."""
    with Lab() as lab:
        lab.worker("one", 1, 1)
        assert ended(lab, "leave_a_thread")[0] == JobState.SUCCEEDED


def _lives(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] not in "ZX"


def test_a_process_that_outlives_its_job_dies_with_the_worker() -> None:
    with Lab() as lab:
        worker: Program = lab.worker("one", 1)
        _, [attempt] = ended(lab, "leave_a_child", 1000)
        child = int(attempt.result or b"0")
        assert os.path.exists(f"/proc/{child}")
        assert worker.stop() == 0
        until(lambda: not _lives(child), "dead")
