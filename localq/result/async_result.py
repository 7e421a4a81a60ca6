"""A job as its caller holds it: its state, its result, its history (celery/result.py of 5.7)."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from typing import Any, Generic, TypeVar
from uuid import UUID

from localq import current, states
from localq.exceptions import ChordError, TaskError, TimeoutError
from localq.model.ids import text_id
from localq.model.job import Job
from localq.result import waiting
from localq.result.actions import Actions, signal_of
from localq.result.final import unknown_job
from localq.result.job_facts import JobFacts
from localq.result.job_view import JobView, runner_of
from localq.result.joining import assert_may_join
from localq.result.lineage import Lineage, Source
from localq.result.progress import Progress
from localq.result.stamped_jobs import stamped
from localq.result.unattended import Unattended, what_lacks
from localq.result.uncaught import say_at_end
from localq.store.protocol import Store

__all__ = ["NOWHERE", "AsyncResult"]

R = TypeVar("R")


class AsyncResult(Actions, Progress, JobFacts, Lineage, Generic[R]):
    """A job, seen from outside.

    Every property reads the store when asked, until the job is finished: what is final is kept.

    Args:
        id: The job's id, text or UUID; an unknown one reads PENDING, as in Celery: `exists()` tells.
        app: The app whose store has it; default: the current app.
        ignored: The job keeps no result; `get` returns None at once.
        parent: The result whose job comes before, where that is known; default: the job that made this one.
    """

    #: As in `except result.TimeoutError`.
    TimeoutError = TimeoutError

    def __init__(
        self, id: str | UUID, app: Source | None = None, *, ignored: bool = False, parent: AsyncResult[Any] | Any = None
    ) -> None:
        named: object = id if type(id) is str else text_id(id)
        if not isinstance(named, str):
            raise ValueError(f"AsyncResult takes the id of a job, not {id!r}")
        self.id: str = named
        self.ignored = ignored
        self._app: Source = current.app() if app is None else app
        self._kept: JobView | None = None
        self._parent = parent

    def _held(self) -> tuple[Source, list[Any]]:
        return self._app, [self]

    def _before(self) -> Any:
        """Return the parent that this was made with: no store is asked."""
        return self._parent

    # Reading

    def _read(self) -> JobView | None:
        if self._kept is not None:
            return self._kept
        if not self.id:
            raise ValueError("This result has an empty id, which no job has: no state or value can be asked of it.")
        found = self._app.store.read.seen([self.id]).get(self.id)
        view = None if found is None else JobView(*found)
        if view is not None and view.final:
            self._kept = view
        return view

    def _job(self) -> Job | None:
        view = self._read()
        return None if view is None else view.job

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
        """The return value; for a failed, retried or revoked job the error; else what the task said last, or None.

        For a running job that said nothing yet: `{"pid", "hostname"}` of its worker, as in Celery.
        """
        view = self._read()
        if view is None:
            return None
        if view.silent:
            return runner_of(view.job, self._app.store.workers)
        return view.value(self._app.accepts(view.job.task), self._app.conf)

    info = result

    @property
    def traceback(self) -> str | None:
        """The text of the last error's traceback, or None."""
        view = self._read()
        told = None if view is None else view.failure
        return None if told is None else told.traceback

    def exists(self) -> bool:
        """Whether the store has the job now: an unknown id reads PENDING too, and finished jobs are pruned."""
        return bool(self._app.store.read.seen([self.id]))

    def ready(self) -> bool:
        """Whether the job is finished, well or not."""
        view = self._read()
        return view is not None and view.final

    def is_there(self) -> bool:
        """Whether this holds the job's end already; no store is asked."""
        return self._kept is not None

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

        Woken by a bell; `interval`, `no_ack` and `on_message` are accepted for Celery's sake.

        Args:
            timeout: Seconds to wait at most, until the job is there as well; None waits for as long as the store has
                it. The job goes on after a timeout.
            propagate: Raise a failed job's error (its own class where an imported module has it); else return it.
            follow_parents: Raise the error of the first that failed of those before it, where it is a chord's whose
                header failed; the ChordError is its cause.
            callback: Called with id and result.
            on_interval: Called each time the store is looked at.
            disable_sync_subtasks: Refuse to wait inside a task, where it can end in a deadlock.

        Raises:
            TimeoutError: not finished in time.
            UnknownJob: the store does not have the job, or has it no more, and no timeout says how long to wait for it.
            RuntimeError: called inside a task (see `allow_join_result`).
        """
        __tracebackhide__ = True  # pytest shows the line that asked, not these
        if self.ignored:
            return None  # type: ignore[return-value]
        if disable_sync_subtasks:
            assert_may_join()
        try:
            there = self._kept is not None or waiting.wait(
                self._app.store.bells,
                (self.id,),
                self.ready if timeout is not None else self.known_end,
                timeout,
                Unattended(lambda: self._app.store, on_interval),
            )
        except KeyboardInterrupt as error:
            say_at_end(error, f"stopped while it waited for job {self.id}; `localq result` shows what becomes of it.")
            raise
        if not there:
            raise self._late(timeout)
        return self._outcome(propagate, callback, follow_parents)  # type: ignore[no-any-return]

    wait = get

    def __await__(self) -> Generator[Any, None, R]:
        """Wait in a coroutine: `value = await result`."""
        return self._awaited().__await__()

    async def _awaited(self) -> R:
        import asyncio

        if self.ignored:
            return None  # type: ignore[return-value]
        assert_may_join()
        if self._kept is None:
            unattended = Unattended(lambda: self._app.store)
            await waiting.wait_async(self._app.store.bells, self.id, self.known_end, on_interval=unattended)
        return await asyncio.to_thread(self._outcome)

    def known_end(self) -> bool:
        """Whether the job is finished.

        Raises:
            UnknownJob: the store does not have it: it was removed since, or nobody ever added it.
        """
        if not self.is_there() and self._read() is None:
            raise unknown_job(self.id)
        return self.ready()

    def _late(self, timeout: float | None) -> Exception:
        if not self.exists():
            return TimeoutError(
                f"No job {self.id} appeared within {timeout} s. Is this the queue it was added to? A relative path "
                "names another file in every folder."
            )
        job = self._job()
        lack = "" if job is None else what_lacks(self._app.store.workers.all(), job)
        told = f" {lack}" if lack else " It goes on."
        more = f" `localq why {self.id}` says more." if self._app.store.shared else ""
        return TimeoutError(f"Job {self.id} did not finish within {timeout} s; it is {self.state}.{told}{more}")

    def throw(self, exc: BaseException | None = None) -> None:
        """Raise an error as if the job had: `exc`, or the job's own."""
        if exc is None:
            self.maybe_throw()
        else:
            raise exc

    def maybe_throw(self, propagate: bool = True, callback: Callable[[str, Any], Any] | None = None) -> Any:
        """Raise the job's error if it failed or was revoked; else return its result."""
        value = self.result
        if propagate and value is not None and self.state in states.PROPAGATE_STATES:
            raise value if isinstance(value, BaseException) else TaskError(f"Job {self.id} is {self.state}: {value!r}")
        if callback is not None:
            callback(self.id, value)
        return value

    maybe_reraise = maybe_throw

    def _outcome(
        self, propagate: bool = True, callback: Callable[[str, Any], Any] | None = None, follow_parents: bool = True
    ) -> Any:
        """Return what `get` does of a finished job; raise the error that counts, its own or that of a parent."""
        __tracebackhide__ = True  # pytest shows the line that asked, not these
        if propagate and follow_parents and (error := self._error()) is not None:
            raise error
        return self.maybe_throw(propagate, callback)

    def _error(self) -> BaseException | None:
        """Return the error a failed job is told with: of a chord whose header failed, the header's."""
        own = self.result if self.state in states.PROPAGATE_STATES else None
        if not isinstance(own, ChordError):
            return own if isinstance(own, BaseException) else None
        before, node = [], self._parent
        while node is not None:
            before.append(node)
            node = node._before()
        for one in reversed(before):
            error: BaseException | None = one._error()
            if error is not None and error is not own:
                # Its traceback is shown with it still.
                own.__cause__, error.__cause__ = error.__cause__, own
                return error
        return own

    # Changing

    def revoke_by_stamped_headers(
        self,
        headers: Mapping[str, Any],
        connection: Any = None,
        terminate: bool = False,
        signal: str | int | None = None,
        wait: bool = False,
        timeout: float | None = None,
    ) -> list[str]:
        """Cancel every unfinished job that has one of these stamps, or headers; return their ids.

        Args:
            headers: Values by the name of the stamp: one, or several of which any will do.
            terminate, signal: As of `revoke`.
            connection, wait, timeout: Ignored: what is cancelled is so when this returns.
        """
        number = signal_of(terminate, signal)
        ids = [job.id for job in stamped(self._app.store.read, headers)]
        self._app.cancel(ids, signal=number)
        return ids

    def _get_task_meta(self) -> dict[str, Any]:
        """Return what the store knows of the job, by the names Celery's back ends give it."""
        meta = {"task_id": self.id, "status": self.state, "result": self.result, "traceback": self.traceback}
        if not self.exists():
            return meta
        done = self.date_done
        return meta | {
            "date_done": None if done is None else done.isoformat(),
            "children": self.children,
            "name": self.name,
            "args": self.args,
            "kwargs": self.kwargs,
            "worker": self.worker,
            "retries": self.retries,
            "queue": self.queue,
        }

    def __str__(self) -> str:
        return self.id

    def __repr__(self) -> str:
        return f"<AsyncResult: {self.id}>"

    def __eq__(self, other: object) -> bool:
        return bool(self.id == (other.id if isinstance(other, AsyncResult) else text_id(other)))

    def __hash__(self) -> int:
        return hash(self.id)

    def __reduce__(self) -> tuple[Any, ...]:
        return AsyncResult, (self.id,)


AsyncResult.single_type = AsyncResult
#: Stands for the app of a result that has no job.
NOWHERE: Any = object()
