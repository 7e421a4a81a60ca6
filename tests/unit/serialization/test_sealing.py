"""Calls, results and errors as they lie in the store, seen through an app that runs its jobs here and now."""

from __future__ import annotations

import pickle
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from localq import LocalQ, Task, current
from localq.exceptions import DecodeError, SecurityError
from localq.execution.callbacks import errbacks
from localq.model import events
from localq.model.job_options import JobOptions
from localq.serialization.compression import PACKED
from localq.serialization.sealing import open_call, seal_calls
from localq.serialization.signing import SIGNED
from localq.settings import Settings
from localq.tasks.calls.to_job import job_of

KEY, OTHER = "one: a secret of the tests", "two: a secret of others"
LONG = "all work and no play " * 500


@pytest.fixture
def signed() -> Iterator[LocalQ]:
    """Return an app that signs everything and runs its jobs here and now."""
    app = LocalQ("tests", eager=True, message_signing="require", message_keys=KEY)

    @app.task(name="add")
    def add(x: int, y: int) -> int:
        return x + y

    @app.task(name="fail")
    def fail() -> None:
        raise KeyError("lost")

    yield app
    app.close()
    current.set_app(None)


@pytest.fixture
def packed(q: LocalQ) -> LocalQ:
    """Return an app that packs what is long, on a file of its own."""
    q.conf.update(task_compression="zlib", result_compression="bzip2")
    return q


def stored(app: LocalQ, job_id: str) -> Any:
    found = app.store.read.get([job_id], args=True)[job_id]
    assert found is not None
    return found


# Packed


def test_long_arguments_are_packed_and_short_ones_are_not(packed: LocalQ) -> None:
    long, short = packed.send_task("echo", (LONG,)), packed.send_task("echo", ("short",))

    assert stored(packed, long.id).args.startswith(PACKED + b"z")
    assert len(stored(packed, long.id).args) < len(LONG) / 10
    assert stored(packed, short.id).args == b'[["short"],{}]'
    assert (long.args, short.args) == ((LONG,), ("short",))


def test_a_call_says_how_it_is_packed_and_so_does_its_task(q: LocalQ) -> None:
    @q.task(compression="xz")
    def echo(text: str) -> str:
        return text

    args = [stored(q, made.id).args for made in (echo.delay(LONG), echo.apply_async((LONG,), compression="gzip"))]

    assert [one[:2] for one in args] == [PACKED + b"x", PACKED + b"z"]


def test_a_compression_that_there_is_not_is_refused_in_the_caller(q: LocalQ) -> None:
    with pytest.raises(ValueError, match="compression='brotli' must be one of zlib, gzip"):
        q.send_task("echo", (LONG,), compression="brotli")


def test_results_retries_and_callbacks_are_packed_too(eager: LocalQ) -> None:
    eager.conf.update(task_compression="zlib", result_compression="bzip2")
    heard: list[Any] = []

    @eager.task(bind=True)
    def echo(self: Task[Any, Any], text: str) -> str:
        if not self.request.retries:
            raise self.retry(args=(text + "!",), countdown=0)
        return text

    @eager.task
    def tell(text: str) -> None:
        heard.append(text)

    result = echo.apply_async((LONG,), link=tell.s())

    assert result.get() == LONG + "!"
    assert heard == [LONG + "!"]
    _, last, _ = result.backend.read.seen([result.id])[result.id]
    assert last is not None
    assert last.result is not None
    assert last.result.startswith(PACKED + b"b")
    call = result.backend.read.get([result.id], args=True)[result.id]
    assert call is not None
    assert call.args is not None
    assert call.args.startswith(PACKED + b"z")


def test_arguments_that_unpack_to_more_than_the_limit_are_a_failure(eager: LocalQ) -> None:
    eager.conf.task_compression = "zlib"
    ran: list[str] = []

    @eager.task(name="echo")
    def echo(text: str) -> None:
        ran.append(text)
        eager.conf.task_args_max_bytes = 1_000

    first = echo.delay(LONG)
    again = eager._eager.store.jobs.requeue([first.id], 0)
    eager._eager._run_until_final(first.id)

    assert again == [first.id]
    assert ran == [LONG]
    with pytest.raises(DecodeError, match=r"more than the limit of 1,000 \(setting task_args_max_bytes\)"):
        eager.AsyncResult(first.id).get()


def test_a_result_that_unpacks_to_more_than_the_readers_limit_is_refused(eager: LocalQ) -> None:
    eager.conf.result_compression = "zlib"

    @eager.task
    def long() -> str:
        return LONG

    result = eager.AsyncResult(long.delay().id)
    eager.conf.result_max_bytes = 1_000

    with pytest.raises(DecodeError, match=r"limit of 1,000 \(setting result_max_bytes\)"):
        result.get()


def test_an_error_callback_is_told_of_packed_arguments(eager: LocalQ) -> None:
    eager.conf.update(task_compression="zlib", compression_min_bytes=10)
    heard: list[Any] = []

    @eager.task
    def tell(request: Any, exc: Any, traceback: Any) -> None:
        heard.append((request.args, str(exc)))

    @eager.task
    def fail(text: str) -> None:
        raise ValueError("no")

    fail.apply_async((LONG,), link_error=tell.s())

    assert heard == [([LONG], "no")]


# Signed


def test_calls_results_and_errors_are_signed_and_read(signed: LocalQ) -> None:
    good, bad = signed.send_task("add", (2, 3)), signed.send_task("fail")

    assert good.get() == 5
    assert good.args == (2, 3)
    with pytest.raises(KeyError, match="lost"):
        bad.get()
    for result, column in ((good, "result"), (bad, "failure")):
        _, last, _ = signed.store.read.seen([result.id])[result.id]
        assert getattr(last, column).startswith(SIGNED)
        assert stored(signed, result.id).args.startswith(SIGNED)


def test_what_a_signed_job_brings_about_is_signed(signed: LocalQ) -> None:
    heard: list[Any] = []

    @signed.task(name="tell")
    def tell(*args: Any) -> None:
        heard.append(args)

    @signed.task(name="tell_of")
    def tell_of(request: Any, error: Any, traceback: Any) -> None:
        heard.append((request.task, str(error)))

    @signed.task(name="again", bind=True, max_retries=1)
    def again(self: Task[Any, Any], n: int) -> int:
        if n < 2:
            raise self.retry(args=(n + 1,), countdown=0)
        tell.delay("inside")
        return n

    assert again.apply_async((1,), link=tell.s("after")).get() == 2
    signed.send_task("fail", link_error=[tell.si("failed"), tell_of.s()])

    assert heard == [("inside",), (2, "after"), ("failed",), ("fail", "'lost'")]


def test_a_reader_without_the_key_is_refused(signed: LocalQ) -> None:
    good, bad = (signed.AsyncResult(signed.send_task(*call).id) for call in (("add", (2, 3)), ("fail",)))
    signed.conf.message_keys = OTHER

    with pytest.raises(SecurityError, match="signed with the key 'one'"):
        good.get()
    with pytest.raises(SecurityError, match="signed with the key 'one'"):
        bad.get()
    with pytest.raises(SecurityError, match="signed with the key 'one'"):
        _ = good.args


def test_signed_rows_are_read_where_signing_is_off(signed: LocalQ) -> None:
    good, bad = (signed.AsyncResult(signed.send_task(*call).id) for call in (("add", (2, 3)), ("fail",)))
    signed.conf.message_signing = "off"

    assert (good.get(), good.args) == (5, (2, 3))
    with pytest.raises(KeyError):
        bad.get()


def forged(app: LocalQ, **change: Any) -> Any:
    """Return a job of the signing app as somebody changed it in the file."""
    (new,) = seal_calls([_new_job(app)], app.conf)
    app.store.jobs.add([new._replace(**change)], app.clock.now())
    app._eager._run_until_final(change.get("id", new.id))
    return app.AsyncResult(change.get("id", new.id))


def _new_job(app: LocalQ) -> Any:
    return job_of(app, "add", (2, 3), {}, {"headers": {"a": 1}})[0]


@pytest.mark.parametrize(
    "change",
    [
        {"args": b"[[2,4],{}]"},
        {"task": "evil"},
        {"id": "another"},
        {"options": '{"headers":{"a":1},"serializer":"pickle"}'},
        {"options": None},
        {"args": SIGNED},
        {"args": b""},
    ],
    ids=["plain", "task", "id", "options", "no-options", "mark", "empty"],
)
def test_a_changed_job_is_a_failure_and_none_of_its_tasks_code_hears_of_it(
    signed: LocalQ, change: dict[str, Any]
) -> None:
    heard: list[str] = []

    class Told(Task[Any, Any]):
        def on_failure(self, *args: Any) -> None:
            heard.append("on_failure")

    for name in ("add", "evil"):
        signed.tasks.pop(name, None)

        @signed.task(name=name, base=Told)
        def run(*args: Any) -> None:
            heard.append("run")

    result = forged(signed, **change)

    assert result.state == "FAILURE"
    with pytest.raises(SecurityError, match=f"job {result.id} (are not signed|do not fit|are signed with the key '')"):
        result.get()
    assert heard == []


def test_a_pickle_nobody_signed_is_never_unpickled(signed: LocalQ, tmp_path: Path) -> None:
    signed.conf.accept_content = ("json", "pickle")
    touched = tmp_path / "touched"
    bomb = b"\x80\x04cos\nmkdir\n(V" + str(touched).encode() + b"\ntR."

    result = forged(signed, args=bomb, options='{"serializer":"pickle"}')

    with pytest.raises(SecurityError, match="are not signed"):
        result.get()
    assert not touched.exists()
    pickle.loads(bomb)
    assert touched.exists(), "it would have been no bomb"


def test_queue_priority_and_time_may_change(signed: LocalQ) -> None:
    assert forged(signed, queue="other", priority=9).get() == 5


def test_a_forged_job_has_no_error_callbacks(signed: LocalQ) -> None:
    """Else the worker would sign what the forger wrote."""
    heard: list[Any] = []
    told: list[str] = []

    @signed.task(name="evil")
    def evil() -> None:
        heard.append("ran")

    options = '{"link_error":[{"task":"evil","call":"[[],{}]","options":{},"immutable":true}]}'
    with events.subscribe(lambda event, fields: told.append(fields["reason"]), ["job.discarded"]):
        result = forged(signed, options=options)

    assert result.state == "FAILURE"
    assert heard == []
    assert [reason[:38] for reason in told] == ["its error callbacks are not to be trus"]


def test_unsigned_jobs_still_run_during_a_change_over(eager: LocalQ) -> None:
    @eager.task
    def add(x: int, y: int) -> int:
        return x + y

    before = add.delay(1, 1)
    eager.conf.update(message_signing="accept", message_keys=[KEY])

    assert before.get() == 2
    eager._eager.store.jobs.requeue([before.id], 0)
    eager._eager._run_until_final(before.id)
    assert eager.AsyncResult(before.id).get() == 2
    eager.conf.message_signing = "require"
    assert eager.AsyncResult(before.id).get() == 2
    with pytest.raises(SecurityError, match="are not signed"):
        _ = before.args


def test_error_callbacks_of_a_job_without_its_arguments_are_not_made() -> None:
    app = LocalQ("tests", eager=True, message_signing="require", message_keys=KEY)
    options = '{"link_error":[{"task":"t","call":"[[],{}]","options":{},"immutable":true}]}'
    job, read = forged_job(app, options), JobOptions.read(options)

    assert len(errbacks(job, read, None, app.conf, 0)) == 1
    assert errbacks(job._replace(args=None), read, None, app.conf, 0) == ()
    app.close()


def forged_job(app: LocalQ, options: str) -> Any:
    (new,) = seal_calls([_new_job(app)._replace(options=options)], app.conf)
    app.store.jobs.add([new], 0)
    return app.store.read.get([new.id], args=True)[new.id]


def test_a_row_whose_arguments_are_text_is_told_as_such(q: LocalQ) -> None:
    made = q.send_task("add", (1, 2))
    q.close()
    with sqlite3.connect(q.location) as file:
        file.execute("UPDATE job SET args = '[[1],{}]' WHERE id = ?", (made.id,))
    file.close()

    with pytest.raises(DecodeError, match=r"<class 'str'> where bytes are due"):
        open_call(stored(q, made.id), Settings())
