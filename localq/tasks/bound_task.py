"""What a task's own code uses while it runs: the request, other ends than a result, and what it shows of itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Unpack

from localq import current
from localq.canvas import Signature
from localq.exceptions import MaxRetriesExceededError, Replaced, Retry
from localq.model.ids import follow_up_id
from localq.model.option_types import RetryOptions
from localq.tasks.request import Context
from localq.tasks.retry_call import retry_call, send_apart

__all__ = ["BoundTask"]


class BoundTask:
    """The part of a task that is about the current run of it."""

    name: str
    app: Any
    max_retries: int | None
    default_retry_delay: float
    run: Callable[..., Any]

    apply_async: Callable[..., Any]
    asks: Callable[[], bool]

    @property
    def request(self) -> Context:
        """What this run is for; outside a run an empty context whose `called_directly` is True."""
        return current.request.get() or Context()

    def push_request(self, *args: Any, **fields: Any) -> None:
        """Let `request` be another, until `pop_request`: for tests that call `run`."""
        current.request.set(Context(*args, _before=current.request.get(), **fields))

    def pop_request(self) -> None:
        """Let `request` be what it was before `push_request`."""
        current.request.set(self.request.__dict__.get("_before"))

    # Other ends

    def retry(
        self,
        args: Sequence[Any] | None = None,
        kwargs: Mapping[str, Any] | None = None,
        exc: BaseException | None = None,
        throw: bool = True,
        eta: datetime | None = None,
        countdown: float | None = None,
        max_retries: int | None = None,
        **options: Unpack[RetryOptions],
    ) -> Retry:
        """Run the job again later: end this run and go on under the same id, or with `throw=False` as a job of its own.

        Args:
            args, kwargs: New arguments; default: the same. Where only one of them is given, what the other was stays as
                far as it does not name the same parameter.
            exc: The error that is the reason: raised when no retry is left.
            throw: False adds a job at once, a child of this one, with the call, the callbacks and the number of retries
                that the retry would have; this run goes on, and ends as it ends. Each such call adds one. Where the
                Retry that it returns is raised after all, the job is taken back and this one is retried.
            eta, countdown: When; default: `default_retry_delay` seconds from now.
            max_retries: For this time only; default: the task's own.
            options: Of the runs from now on: queue, priority, time_limit, soft_time_limit, link, and the
                others that are kept with a job; `expires` stays what it was.

        Raises:
            Retry: always, unless `throw` is False.
            MaxRetriesExceededError: no retry is left and `exc` was not given.
        """
        request = self.request
        if request.called_directly:
            raise exc or Retry("Task can be retried", None)
        limit = self._retry_limit(max_retries)
        if limit is not None and request.retries >= limit:
            raise exc or MaxRetriesExceededError(
                f"Can't retry {self.name}[{request.id}] args:{request.args} kwargs:{request.kwargs}",
                task_args=request.args,
                task_kwargs=request.kwargs,
            )
        if eta is None and countdown is None:
            countdown = self.default_retry_delay
        sig, when = retry_call(self, args, kwargs, options, countdown if eta is None else None, eta)
        again = Retry(exc=exc, when=when, is_eager=request.is_eager, sig=sig)
        if throw:
            raise again from exc
        if not request.is_eager:
            send_apart(self, sig, when)
        return again

    def _retry_limit(self, given: int | None) -> int | None:
        if given is not None:
            return given
        own = self.request.__dict__.get("max_retries")
        return self.max_retries if own is None else own

    def replace(self, sig: Signature[Any]) -> Any:
        """End this run and go on as another call, of any kind, under the same id: `raise self.replace(sig)`.

        What waits for this job waits for that; its callbacks are kept. A group's result is the list of its members'.

        Raises:
            Replaced: always; `on_replace` is called before.
            RuntimeError: there is no job to go on as another.
        """
        if self.request.called_directly:
            raise RuntimeError(f"{self.name} was called as a function: there is no job that could be replaced.")
        return self.on_replace(sig)

    def on_replace(self, sig: Signature[Any]) -> Any:
        """Put `sig` in the place of the running job; a subclass may do more."""
        raise Replaced(sig)

    def add_to_chord(self, sig: Signature[Any], lazy: bool = False) -> Any:
        """Add a task to the header that this job is in: the chord's body waits for it, too, and gets its result.

        Args:
            lazy: Return the signature, to be sent later in this run, instead of sending it.

        Raises:
            ValueError: this job is in no chord's header.
        """
        request = self.request
        job_id = request.id
        if request.called_directly or job_id is None or not request.awaited:
            raise ValueError(f"{self.name} is in no chord: add_to_chord() needs a body that waits for it.")
        number = request.__dict__["added"] = request.__dict__.get("added", 0) + 1
        # The same id in each run of this job: it is added once, however often it runs.
        new = sig.clone((), {}, beside=job_id, task_id=sig.id or follow_up_id(job_id, 0, number))
        new.options.setdefault("group_id", request.group)
        return new if lazy else new.delay()

    def add_trail(self, result: Any) -> Any:
        """Return a result; what a job sends is known as its child without that."""
        return result

    # Shown while it runs

    def update_state(
        self, task_id: str | None = None, state: str | None = None, meta: Any = None, **_ignored: Any
    ) -> None:
        """Show a state of your own, with data, until the run ends: `AsyncResult.state` and `.info`.

        A task that was called as a function has no job to show it for.
        """
        job_id = task_id or self.request.id
        if job_id is not None:
            self.app.annotate(job_id, state, meta)

    def progress(self, done: float, total: float | None = None, message: str | None = None) -> None:
        """Show how far the run is: state PROGRESS, info `{"done", "total", "message"}`."""
        self.update_state(state="PROGRESS", meta={"done": done, "total": total, "message": message})

    def send_event(self, type_: str, **fields: Any) -> None:
        """Send an event of the task's own, such as "task-moved", to whoever listens to `app.events`."""
        self.app.events.send(type_, uuid=self.request.id, **fields)
