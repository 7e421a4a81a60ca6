"""Results of other jobs in front of a job's arguments."""

from __future__ import annotations

from typing import Any

import pytest

from localq.exceptions import DecodeError, SecurityError
from localq.execution import inputs
from localq.execution.inputs import is_container, read_call
from localq.model.edges import Input, OnError, Passing
from localq.model.job import Job, JobState
from localq.model.job_options import JobOptions
from localq.serialization import codec
from localq.settings import Settings

PICKLE = '{"serializer":"pickle"}'


def job(args: bytes = b'[["own"],{"k":1}]', options: str | None = None) -> Job:
    return Job(1, "j", "t", "q", 0, 2, 0, None, 1, 1, 1, 0, 0, 0, None, 0, None, args, options)


def given(result: Any, passing: Passing = Passing.FIRST, state: JobState = JobState.SUCCEEDED, **more: Any) -> Input:
    data = result if result is None or isinstance(result, bytes) else codec.encode(result)
    return Input("i", state, more.get("options"), passing, more.get("on_error", OnError.FAIL), data)


def fed(job: Job, given: list[Input]) -> Job:
    return inputs.fed(job, JobOptions.read(job.options).serializer, given, Settings())


def test_a_result_comes_in_front() -> None:
    assert fed(job(), [given(5)]).args == b'[[5,"own"],{"k":1}]'
    assert fed(job(b"[[],{}]"), [given([1])]).args == b"[[[1]],{}]"
    assert fed(job(b""), [given(None)]).args == b"[[null],{}]"


def test_many_results_are_one_list() -> None:
    both = [given(5, Passing.LISTED), given("x", Passing.LISTED)]

    assert fed(job(), both).args == b'[[[5,"x"],"own"],{"k":1}]'
    assert fed(job(), [given(5, Passing.COUNTED)]).args == job().args
    assert fed(job(), []) == job()


def test_what_did_not_succeed_is_left_out_where_that_may_be() -> None:
    skipped = given(None, Passing.LISTED, JobState.FAILED, on_error=OnError.SKIP)

    assert fed(job(), [skipped, given(5, Passing.LISTED)]).args == b'[[[5],"own"],{"k":1}]'
    assert fed(job(), [skipped]).args == b'[[[],"own"],{"k":1}]'
    # It runs again, and has a result of its first life.
    again = given(7, Passing.LISTED, JobState.RUNNING)
    assert fed(job(), [again]).args == b'[[[7],"own"],{"k":1}]'


def test_other_serializers_are_read_where_that_is_allowed() -> None:
    pickled = given(codec.encode({1, 2}, "pickle"), Passing.LISTED, options=PICKLE)
    whole = fed(job(), [given(5, Passing.LISTED), pickled, given(None, Passing.LISTED)])

    assert is_container(whole.args)
    assert read_call(whole.args or b"", "json", ("json", "pickle")) == (([5, {1, 2}, None], "own"), {"k": 1})
    with pytest.raises(SecurityError, match="pickle"):
        read_call(whole.args or b"")
    alone = fed(job(codec.encode_call((1,), {}, "pickle"), PICKLE), [given(5)])
    assert read_call(alone.args or b"", "pickle", ("json", "pickle")) == ((5, 1), {})


def test_plain_arguments_are_read_as_ever() -> None:
    assert read_call(b"[[1],{}]") == ((1,), {})
    assert not is_container(b"[[1],{}]")
    assert not is_container(None)
    for broken in (b"\0fedbroken", b"\0fed5", b"\0fed[1,[[1,2]],3]"):
        with pytest.raises(DecodeError, match="cannot be read"):
            read_call(broken)
