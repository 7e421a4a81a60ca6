"""Workflows whose jobs are packed and signed, and what somebody without the key makes of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from localq import LocalQ, Task, chain, chord, current, group
from localq.exceptions import ChordError, DecodeError, SecurityError
from localq.execution.dependents import Culprit, behind
from localq.execution.inputs import fed, read_call
from localq.execution.policy import PLAIN, Rules
from localq.model.edges import Input, OnError, Passing
from localq.model.job import Job, JobState
from localq.model.outcome import Attempt, Ending, Outcome
from localq.serialization import codec, failure
from localq.serialization.compression import PACKED, pack
from localq.serialization.sealing import open_call, seal_call, seal_outcome
from localq.serialization.signing import SIGNED, body_of
from localq.store.protocol import Filter
from localq.testing import drain

KEY = "one: a secret of the tests"
LONG = "all work and no play " * 500
SEALED: dict[str, Any] = {
    "task_compression": "zlib",
    "result_compression": "bzip2",
    "message_signing": "require",
    "message_keys": KEY,
}
Run = Callable[[], object]


def with_tasks(app: LocalQ) -> LocalQ:
    @app.task(name="join")
    def join(*texts: Any) -> str:
        return "+".join(",".join(one) if isinstance(one, list) else one for one in texts)

    @app.task(name="fail")
    def fail() -> None:
        raise KeyError("lost")

    @app.task(name="instead", bind=True)
    def instead(self: Task[Any, Any], text: str) -> None:
        self.replace(chain(join.s(text), join.s("replaced")))

    return app


@pytest.fixture(params=["eager", "drained"])
def sealed(request: pytest.FixtureRequest, q: LocalQ) -> Iterator[tuple[LocalQ, Run]]:
    """Return an app that packs and signs everything, and what runs its jobs."""
    if request.param == "drained":
        q.conf.update(SEALED)
        yield with_tasks(q), lambda: drain(q)
    else:
        app = with_tasks(LocalQ("tests", eager=True, **SEALED))
        yield app, lambda: None
        app.close()
    current.set_app(None)


def rows_of(app: LocalQ) -> list[Job]:
    found = [app.store.read.get([job.id], args=True)[job.id] for job in app.store.read.find(Filter(), 100).jobs]
    return [job for job in found if job is not None]


def test_a_chain_passes_packed_and_signed_results_on(sealed: tuple[LocalQ, Run]) -> None:
    app, run = sealed
    join = app.tasks["join"]

    last = chain(join.s(LONG), join.s("b"), join.s(LONG)).apply_async()
    run()

    assert last.get() == f"{LONG}+b+{LONG}"
    assert all(job.args is not None and job.args.startswith(SIGNED) for job in rows_of(app))
    assert sum(body_of(job.args).startswith(PACKED) for job in rows_of(app) if job.args is not None) == 2


def test_the_body_of_a_chord_gets_signed_results(sealed: tuple[LocalQ, Run]) -> None:
    app, run = sealed
    join = app.tasks["join"]

    body = chord(group(join.s(LONG), join.s("b")), join.s("body")).apply_async()
    run()

    assert body.get() == f"{LONG},b+body"


def test_a_job_that_is_replaced_runs_as_the_signed_call_in_its_place(sealed: tuple[LocalQ, Run]) -> None:
    app, run = sealed
    join, instead = app.tasks["join"], app.tasks["instead"]

    last = chain(instead.s(LONG), join.s("after")).apply_async()
    run()

    assert last.get() == f"{LONG}+replaced+after"


def test_the_error_of_a_job_is_signed_anew_for_those_behind_it(sealed: tuple[LocalQ, Run]) -> None:
    app, run = sealed
    join, fail = app.tasks["join"], app.tasks["fail"]

    last, body = (chain(fail.si(), join.s()).apply_async(), chord([fail.si(), join.s("b")], join.s()).apply_async())
    run()

    with pytest.raises(KeyError, match="lost"):
        last.get()
    with pytest.raises(ChordError, match=r"raised KeyError\('lost'\)"):
        body.get(follow_parents=False)


# What is not to be trusted


@pytest.mark.parametrize("written", [b'{"type":"OSError","module":"x","message":"evil"}', "a text", SIGNED])
def test_an_error_that_nobody_signed_is_not_passed_on(app: LocalQ, written: Any) -> None:
    culprit = job(b"")._replace(id="culprit", state=JobState.FAILED)
    last = Attempt(1, "w", 0, 0, "FAILURE", None, written, None, None)
    rules = Rules(PLAIN, 3, False, True, app.conf)

    done = behind(job(b""), Culprit(culprit, last), "w", rules, 0)

    assert done.attempt is not None
    assert done.attempt.failure is not None
    told = failure.load(done.attempt.failure)
    assert told.type in ("SecurityError", "DecodeError")
    assert "evil" not in told.message


def job(args: bytes, options: str | None = None) -> Job:
    return Job(1, "j", "join", "q", 0, 2, 0, None, 1, 1, 1, 0, 0, 0, None, 0, None, args, options)


def given(result: bytes, job_id: str = "i") -> Input:
    return Input(job_id, JobState.SUCCEEDED, None, Passing.FIRST, OnError.FAIL, result)


@pytest.fixture
def app() -> Iterator[LocalQ]:
    app = LocalQ("tests", eager=True, **SEALED)
    yield app
    app.close()
    current.set_app(None)


def result_of(app: LocalQ, value: Any, job_id: str = "i") -> bytes:
    returned = Outcome(Ending.SUCCESS, 0, 0, result=codec.encode(value))
    done = seal_outcome(job(b"")._replace(id=job_id), "json", returned, app.conf)
    assert done.result is not None
    return done.result


def test_whole_arguments_are_signed_and_packed_no_further(app: LocalQ) -> None:
    own = seal_call("j", "join", None, codec.encode_call(("own",), {}), app.conf)

    whole = fed(job(own), "json", [given(result_of(app, LONG))], app.conf)

    assert whole.args is not None
    assert whole.args.startswith(SIGNED)
    assert len(whole.args) > len(LONG)
    assert read_call(open_call(whole, app.conf)) == ((LONG, "own"), {})


def test_nothing_is_signed_for_a_job_or_a_result_that_nobody_signed(app: LocalQ) -> None:
    own = seal_call("j", "join", None, b"[[],{}]", app.conf)
    good = result_of(app, 5)

    for arguments, result in ((b'[["evil"],{}]', good), (own, b'"evil"'), (own, result_of(app, 5, "another"))):
        with pytest.raises(SecurityError, match=r"are not signed|do not fit their signature"):
            fed(job(arguments), "json", [given(result)], app.conf)


def test_a_result_that_is_a_bomb_is_refused(app: LocalQ) -> None:
    app.conf.update(message_signing="off", result_max_bytes=1_000)

    with pytest.raises(DecodeError, match=r"limit of 1,000 \(setting result_max_bytes\)"):
        fed(job(b"[[],{}]"), "json", [given(pack(codec.encode(LONG), "zlib", 0))], app.conf)
