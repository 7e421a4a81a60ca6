"""What a caller holds of a job: its state, its result, its history (celery/result.py of 5.7)."""

from __future__ import annotations

import asyncio
import contextlib
import signal as signals
from collections.abc import Callable, Generator, Iterator
from datetime import datetime
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from localq import codec, current, failure, states, waiting
from localq.clock import to_datetime
from localq.exceptions import TaskRevokedError, TimeoutError
from localq.job import Attempt, Job, JobState
from localq.options import JobOptions
from localq.store.base import Store

__all__ = ["AsyncResult", "Run", "allow_join_result", "denied_join_result", "signal_number"]

R = TypeVar("R")


class Source(Protocol):
    """What results need of an app."""

    @property
    def store(self) -> Store: ...

    def accepts(self, task: str) -> tuple[str, ...]: ...

    def cancel(self, ids: list[str], *, signal: int = 0) -> dict[str, JobState]: ...


class Run(NamedTuple):
    """One attempt of a job, for reading.

    `outcome` is SUCCESS, FAILURE, RETRY, IGNORED, REJECTED, LOST or REVOKED. `peak_memory` is in bytes, that
    of the process when the run ended; `output` the last part of what the task printed.
    """

    number: int
    worker: str
    started: datetime | None
    ended: datetime
    outcome: str
    error: str | None
    traceback: str | None
    peak_memory: int | None
    output: str | None


@contextlib.contextmanager
def allow_join_result() -> Iterator[None]:
    """Let `get()` wait inside a task; the slot is blocked meanwhile, so beware of deadlock."""
    token = current.joining_allowed.set(True)
    try:
        yield
    finally:
        current.joining_allowed.reset(token)


@contextlib.contextmanager
def denied_join_result() -> Iterator[None]:
    """Forbid `get()` inside a task again."""
    token = current.joining_allowed.set(False)
    try:
        yield
    finally:
        current.joining_allowed.reset(token)


class AsyncResult(Generic[R]):
    """A job, seen from outside.

    Every property reads the store when asked, until the job is finished: what is final is kept.

    Args:
        id: The job's id; an unknown one reads PENDING, as in Celery: `exists()` tells.
        app: The app whose store has it; default: the current app.
        ignored: The job keeps no result; `get` returns None at once.
    """

    def __init__(self, id: str, app: Source | None = None, *, ignored: bool = False) -> None:
        named: object = id
        if not isinstance(named, str) or not named:
            raise ValueError(f"AsyncResult takes the id of a job, not {id!r}")
        self.id = id
        self.ignored = ignored
        self._app: Source = current.app() if app is None else app
        self._kept: tuple[Job, Attempt | None, bytes | None] | None = None

    # Reading

    def _read(self) -> tuple[Job, Attempt | None, bytes | None] | None:
        if self._kept is None:
            found = self._app.store.results([self.id]).get(self.id)
            if found is not None and JobState(found[0].state).final:
                self._kept = found
            return found
        return self._kept

    def _job(self) -> Job | None:
        found = self._read()
        return None if found is None else found[0]

    @property
    def task_id(self) -> str:
        """The job's id."""
        return self.id

    @property
    def backend(self) -> Store:
        """The store."""
        return self._app.store

    @property
    def state(self) -> str:
        """PENDING, STARTED, RETRY, SUCCESS, FAILURE, REVOKED, or a state the task gave itself."""
        job = self._job()
        return states.PENDING if job is None else states.public_state(job)

    status = state

    @property
    def result(self) -> Any:
        """The return value; for a failed, retried or revoked job the error; else what the task said last,
        or None.
        """
        found = self._read()
        return None if found is None else self._value(*found)

    info = result

    @property
    def traceback(self) -> str | None:
        """The text of the last error's traceback, or None."""
        found = self._read()
        if found is None or found[1] is None or found[1].failure is None or not _speaks(found[0], found[1]):
            return None
        return failure.load(found[1].failure).traceback

    def _value(self, job: Job, last: Attempt | None, said: bytes | None) -> Any:
        options = JobOptions.read(job.options)
        if job.state == JobState.SUCCEEDED and job.shown is None:
            if last is None or last.result is None:
                return None
            return codec.decode(last.result, options.serializer, self._app.accepts(job.task))
        if job.shown is not None or job.state == JobState.RUNNING:
            return None if said is None else codec.decode(said)
        if last is not None and last.failure is not None and _speaks(job, last):
            return failure.rebuild(failure.load(last.failure))
        return TaskRevokedError("revoked") if job.state == JobState.CANCELLED else None

    def exists(self) -> bool:
        """Whether the store knows the job: an unknown id reads PENDING too."""
        return self._job() is not None

    def ready(self) -> bool:
        """Whether the job is finished, well or not."""
        job = self._job()
        return job is not None and JobState(job.state).final

    def successful(self) -> bool:
        """Whether the job finished well."""
        return self.state == states.SUCCESS

    def failed(self) -> bool:
        """Whether the job failed."""
        return self.state == states.FAILURE

    # Waiting

    def get(
        self,
        timeout: float | None = None,
        propagate: bool = True,
        interval: float = 0.5,
        no_ack: bool = True,
        follow_parents: bool = True,
        callback: Callable[[str, R], Any] | None = None,
        on_message: Callable[..., Any] | None = None,
        on_interval: Callable[[], Any] | None = None,
        disable_sync_subtasks: bool = True,
    ) -> R:
        """Wait for the job and return its result.

        Woken by a bell; `interval`, `no_ack`, `follow_parents` and `on_message` are accepted for Celery's
        sake.

        Args:
            timeout: Seconds to wait at most; None waits for ever. The job goes on after a timeout.
            propagate: Raise a failed job's error (its own class where an imported module has it); else
                return it.
            callback: Called with id and result.
            on_interval: Called each time the store is looked at.
            disable_sync_subtasks: Refuse to wait inside a task, where it can end in a deadlock.

        Raises:
            TimeoutError: not finished in time.
            RuntimeError: called inside a task (see `allow_join_result`).
        """
        if self.ignored:
            return None  # type: ignore[return-value]
        if disable_sync_subtasks:
            _assert_may_wait()

        def looked() -> bool:
            if on_interval is not None:
                on_interval()
            return self.ready()

        if not (self._kept is not None or waiting.wait(self._app.store, (self.id,), looked, timeout)):
            raise self._late(timeout)
        return self._settled(propagate, callback)

    wait = get

    def __await__(self) -> Generator[Any, None, R]:
        """Wait in a coroutine: `value = await result`."""
        return self._awaited().__await__()

    async def _awaited(self) -> R:
        if self.ignored:
            return None  # type: ignore[return-value]
        _assert_may_wait()
        await waiting.wait_async(self._app.store, self.id, self.ready)
        return await asyncio.to_thread(self._settled, True, None)

    def _late(self, timeout: float | None) -> TimeoutError:
        known = "" if self.exists() else " No job of this id exists."
        return TimeoutError(
            f"Job {self.id} did not finish within {timeout} s; it is {self.state}.{known} It goes on; is a "
            "worker running?"
        )

    def _settled(self, propagate: bool, callback: Callable[[str, R], Any] | None) -> R:
        return self.maybe_throw(propagate, callback)  # type: ignore[no-any-return]

    def throw(self, exc: BaseException | None = None) -> None:
        """Raise an error as if the job had: `exc`, or the job's own."""
        if exc is None:
            self.maybe_throw()
        else:
            raise exc

    def maybe_throw(self, propagate: bool = True, callback: Callable[[str, Any], Any] | None = None) -> Any:
        """Raise the job's error if it failed or was revoked; else return its result."""
        value = self.result
        if propagate and self.state in states.PROPAGATE_STATES and isinstance(value, BaseException):
            raise value
        if callback is not None:
            callback(self.id, value)
        return value

    maybe_reraise = maybe_throw

    def then(
        self,
        callback: Callable[[AsyncResult[R]], Any],
        on_error: Callable[[AsyncResult[R]], Any] | None = None,
        weak: bool = False,
    ) -> None:
        """Wait, then call `callback` with this result, or `on_error` if the job did not succeed."""
        self.get(propagate=False)
        if self.successful():
            callback(self)
        elif on_error is not None:
            on_error(self)

    # Changing

    def forget(self) -> None:
        """Remove a finished job with its result and history; an unfinished one stays."""
        self._app.store.forget([self.id])
        self._kept = None

    def revoke(
        self,
        connection: Any = None,
        terminate: bool = False,
        signal: str | int | None = None,
        wait: bool = False,
        timeout: float | None = None,
    ) -> None:
        """Cancel the job, durably: if it waits it never runs.

        Args:
            terminate: Stop it even if it runs: its process gets `signal`, and SIGKILL if that does not end
                it.
            signal: Name or number; default TERM.
            wait: Return only when the job is finished.
            connection: Ignored.
        """
        number = signal_number(signal) if terminate or signal is not None else 0
        self._app.cancel([self.id], signal=number if terminate else 0)
        if wait:
            waiting.wait(self._app.store, (self.id,), self.ready, timeout)

    # History

    @property
    def attempts(self) -> list[Run]:
        """Every run of the job that ended, first to last."""
        return [_run(one) for one in self._app.store.attempts(self.id)]

    @property
    def name(self) -> str | None:
        """The task's name."""
        job = self._job()
        return None if job is None else job.task

    @property
    def args(self) -> tuple[Any, ...] | None:
        """The call's positional arguments."""
        call = self._call()
        return None if call is None else call[0]

    @property
    def kwargs(self) -> dict[str, Any] | None:
        """The call's keyword arguments."""
        call = self._call()
        return None if call is None else call[1]

    def _call(self) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
        job = self._app.store.call(self.id)
        if job is None or job.args is None:
            return None
        options = JobOptions.read(job.options)
        return codec.decode_call(job.args, options.serializer, self._app.accepts(job.task))

    @property
    def worker(self) -> str | None:
        """The name of the worker that ran the last attempt."""
        found = self._read()
        return found[1].worker if found is not None and found[1] is not None else None

    @property
    def date_done(self) -> datetime | None:
        """When the job finished (aware, UTC)."""
        job = self._job()
        return None if job is None or job.finished_at is None else to_datetime(job.finished_at)

    @property
    def retries(self) -> int | None:
        """How often the task was retried; lost runs are not counted."""
        job = self._job()
        return None if job is None else job.retries

    @property
    def queue(self) -> str | None:
        """The queue's name."""
        job = self._job()
        return None if job is None else job.queue

    @property
    def parent(self) -> AsyncResult[Any] | None:
        """The job that made this one, or None."""
        job = self._job()
        parent_id = None if job is None else JobOptions.read(job.options).parent_id
        return None if parent_id is None else AsyncResult(parent_id, self._app)

    def as_tuple(self) -> tuple[tuple[str, Any], None]:
        """Return the id and the parent's, as nested tuples."""
        parent = self.parent
        return (self.id, None if parent is None else parent.as_tuple()), None

    def as_list(self) -> list[str]:
        """Return this id and those of its parents."""
        parent = self.parent
        return [self.id, *([] if parent is None else parent.as_list())]

    def __str__(self) -> str:
        return self.id

    def __repr__(self) -> str:
        return f"<AsyncResult: {self.id}>"

    def __eq__(self, other: object) -> bool:
        return self.id == (other.id if isinstance(other, AsyncResult) else other)

    def __hash__(self) -> int:
        return hash(self.id)

    def __reduce__(self) -> tuple[Any, ...]:
        return AsyncResult, (self.id,)


def _speaks(job: Job, last: Attempt) -> bool:
    """Whether the last attempt's failure is what the job has to show now: not if it was put back, or
    revoked since.
    """
    if job.state in (JobState.READY, JobState.SCHEDULED):
        return bool(job.retries or job.crashes)
    return job.state == JobState.FAILED or (job.state == JobState.CANCELLED and last.ending == "REVOKED")


def _run(one: Attempt) -> Run:
    said = None if one.failure is None else failure.load(one.failure)
    return Run(
        number=one.number,
        worker=one.worker,
        started=None if one.started_at is None else to_datetime(one.started_at),
        ended=to_datetime(one.ended_at),
        outcome=one.ending,
        error=None if said is None else f"{said.type}: {said.message}",
        traceback=None if said is None else said.traceback,
        peak_memory=None if one.peak_kb is None else one.peak_kb * 1024,
        output=one.output,
    )


def signal_number(signal: str | int | None) -> int:
    """Return a signal's number.

    Raises:
        ValueError: for a signal that does not exist.
    """
    try:
        if signal is None:
            return int(signals.SIGTERM)
        if isinstance(signal, int):
            return int(signals.Signals(signal))
        return int(signals.Signals[f"SIG{signal.upper().removeprefix('SIG')}"])
    except (KeyError, ValueError):
        raise ValueError(f"signal={signal!r} is no signal of this system; try 'TERM' or 'KILL'") from None


def _assert_may_wait() -> None:
    request = current.request.get()
    if request is not None and not request.is_eager and not current.joining_allowed.get():
        raise RuntimeError(
            "Never call result.get() within a task: the slot it occupies may be the one it waits for. "
            "Use a callback (link=...), or allow_join_result() if you know better."
        )
