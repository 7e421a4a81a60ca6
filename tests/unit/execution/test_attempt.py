from __future__ import annotations

import json
from typing import Any

import pytest

from localq import LocalQ, Task
from localq.exceptions import WorkerTerminate
from localq.execution.attempt import run
from localq.execution.policy import rules_of
from localq.execution.running import Runtime
from localq.model.clock import SYSTEM
from localq.model.job import Job
from localq.model.outcome import Ending, Outcome
from localq.serialization import codec
from localq.serialization.failure import Failure, load


def attempt_of(q: LocalQ, task: Task[..., Any], args: bytes = b"[[],{}]", **options: Any) -> Outcome:
    """Return what a run of a job comes to."""
    text = json.dumps(options) if options else None
    job = Job(1, "j", task.name, "q", 0, 2, 0, None, 1, 1, 1, 0, 0, 0, None, 0, None, args, text)
    return run(task, job, rules_of(job, task, q.conf).terms, Runtime("w", SYSTEM, q.conf))


def failure_of(outcome: Outcome) -> Failure:
    assert outcome.ending == Ending.FAILURE
    assert outcome.failure is not None
    return load(outcome.failure)


class Interrupted:
    """A value that the worker's interruption hits while it is written down, or read back."""

    def __init__(self, when: str) -> None:
        self.when = when

    def __getstate__(self) -> dict[str, Any]:
        if self.when == "writing":
            raise WorkerTerminate("the worker is stopping")
        return {"when": self.when}

    def __setstate__(self, state: dict[str, Any]) -> None:
        raise WorkerTerminate("the worker is stopping")


def test_a_coroutines_error_says_nothing_of_the_loop_it_ran_in(q: LocalQ) -> None:
    @q.task
    async def fail() -> None:
        raise ValueError("no")

    failure = failure_of(attempt_of(q, fail))

    assert failure.cause is None
    assert failure.traceback.count("Traceback") == 1


def test_a_run_interrupted_while_its_result_is_written_has_no_outcome(q: LocalQ) -> None:
    q.conf.accept_content = ["json", "pickle"]

    @q.task
    def make() -> Interrupted:
        return Interrupted("writing")

    with pytest.raises(WorkerTerminate):
        attempt_of(q, make, codec.encode_call((), {}, "pickle"), serializer="pickle")


def test_a_run_interrupted_while_its_arguments_are_read_has_no_outcome(q: LocalQ) -> None:
    q.conf.accept_content = ["json", "pickle"]

    @q.task
    def take(value: Any) -> None: ...

    with pytest.raises(WorkerTerminate):
        attempt_of(q, take, codec.encode_call((Interrupted("reading"),), {}, "pickle"), serializer="pickle")


def test_an_error_callback_whose_row_makes_no_sense_is_a_failure(q: LocalQ) -> None:
    @q.task
    def report(request: Any, exc: Any, traceback: Any) -> None: ...

    outcome = attempt_of(q, report, b'[["id"],{}]', errback={"failure": "{}", "request": [1]})

    assert failure_of(outcome).type == "TypeError"
