"""An attempt while it runs: its task and job, the request the task is told of, and where this happens."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

from localq.execution.callbacks import errback_call
from localq.execution.inputs import read_call
from localq.execution.policy import Terms, ignores_result
from localq.host.memory import peak_kb
from localq.model.clock import Clock, to_datetime
from localq.model.edges import Role
from localq.model.job import Job, NewJob
from localq.model.outcome import Ending, Outcome
from localq.serialization.sealing import open_call
from localq.settings import Settings
from localq.tasks.request import Context
from localq.tasks.task import Task

__all__ = ["End", "Limiter", "Running", "Runtime"]

_peak = 0
_SUCCESS = Ending.SUCCESS
#: The fields of a request that each job has of its own.
_OF_ONE = dict.fromkeys(
    (
        "id",
        "args",
        "kwargs",
        "retries",
        "attempt",
        "delivery_info",
        "root_id",
        "awaited",
        "time_limit",
        "soft_time_limit",
    )
)
#: Makes a request without fields.
_empty = object.__new__


class Limiter(Protocol):
    """What interrupts a run at its limits, in the way of the pool at hand."""

    @property
    def hard(self) -> float | None:
        """Seconds after which it raises TimeLimitExceeded; None: that limit is another's to keep."""
        ...

    def start(self, seconds: float | None) -> None:
        """Raise SoftTimeLimitExceeded in this thread after so many seconds, if any; and what `hard` says."""
        ...

    def stop(self) -> None:
        """Raise nothing any more."""
        ...


class End(NamedTuple):
    """What an attempt came to, as it is: the value it returned, or the error it failed with."""

    value: Any
    failed: bool


class Runtime(NamedTuple):
    """Where an attempt runs: the worker's name, its clock and settings, and what interrupts runs.

    `eager` runs are done for the caller itself; `ends` takes what the jobs it names came to, and `calls` has the
    arguments of those that were called right here, both as they are. `templates` keeps, by task, what the requests
    of plain jobs have in common; None builds each anew.
    """

    worker: str
    clock: Clock
    settings: Settings
    limiter: Limiter | None = None
    eager: bool = False
    ends: dict[str, End | None] | None = None
    calls: dict[str, tuple[tuple[Any, ...], dict[str, Any]]] | None = None
    templates: dict[str, dict[str, Any]] | None = None


class Running:
    """An attempt while it runs.

    Attributes:
        context: The request, empty before `read_call`.
        args, kwargs: What the task is called with, as far as that could be read.
        retval: What it returned, or raised.
        begun: Whether the task is, or was, about to be called.
    """

    __slots__ = (
        "args",
        "begun",
        "context",
        "job",
        "kwargs",
        "limits",
        "options",
        "retval",
        "runtime",
        "started_at",
        "task",
    )

    def __init__(self, task: Task[..., Any], job: Job, terms: Terms, runtime: Runtime) -> None:
        self.task, self.job, self.runtime = task, job, runtime
        self.options, self.limits = terms
        self.started_at = runtime.clock.now()
        self.context, self.begun = _empty(Context), False
        self.args: tuple[Any, ...] = ()
        self.kwargs: dict[str, Any] = {}
        self.retval: Any = None

    def read_call(self) -> None:
        """Verify, unpack and decode the arguments, and fill in the request; raises what users' classes raise.

        Raises:
            SecurityError: the arguments are not to be trusted, and nothing of them was read.
        """
        options = self.options
        settings = self.runtime.settings
        calls = self.runtime.calls
        if calls is not None and self.job.id in calls:
            args, kwargs = calls[self.job.id]
        else:
            stored = open_call(self.job, settings) or b"[[],{}]"
            args, kwargs = read_call(stored, options.serializer, settings.accept_content)
        self.args, self.kwargs = args, kwargs
        self._fill_in()
        if options.errback is not None:
            self.args = errback_call(self.task.run, options.errback, args, kwargs)

    def fail(self, error: BaseException) -> None:
        """Take note of the error that the attempt ends with, for whoever wants it as it was raised."""
        self._end(error, failed=True)

    def succeed(self, value: Any) -> None:
        """Take note of what the task returned."""
        self._end(value, failed=False)

    def _end(self, value: Any, *, failed: bool) -> None:
        self.retval = value
        ends = self.runtime.ends
        if ends is not None and self.job.id in ends:
            ends[self.job.id] = End(value, failed)

    def outcome(self, ending: Ending, **more: Any) -> Outcome:
        """Return the outcome of a run that ends now."""
        now = self.runtime.clock.now()
        shown = self.context.__dict__.get("shown")
        return Outcome(ending, self.started_at, now, shown=shown, peak_kb=_peak_kb(self.started_at, now), **more)

    def success(self, result: bytes | None, follow_ups: tuple[NewJob, ...]) -> Outcome:
        """Return the outcome of a run that ends well now."""
        now = self.runtime.clock.now()
        shown = self.context.__dict__.get("shown")
        peak = _peak_kb(self.started_at, now)
        # By place: to name the fields takes twice the time.
        return Outcome(
            _SUCCESS, self.started_at, now, result, None, None, None, None, None, None, follow_ups, False, shown, peak
        )

    def _fill_in(self) -> None:
        """Fill in the request; what is the same for every plain job of a task is put together once."""
        job, templates, options = self.job, self.runtime.templates, self.options
        fields = None if templates is None or job.options is not None else templates.get(job.task)
        if fields is None:
            fields = self._common_fields()
            if templates is not None and job.options is None:
                templates[job.task] = fields
        # Each has its place in there already: a dictionary that grows is made anew.
        said = fields.copy()
        said["id"] = job.id
        said["args"] = list(self.args)
        said["kwargs"] = self.kwargs
        said["retries"] = job.retries + (options.retries or 0)
        said["attempt"] = job.attempts
        said["delivery_info"] = {
            "exchange": "",
            "queue": job.queue,
            "routing_key": job.queue,
            "priority": job.priority,
            "redelivered": job.crashes > 0,
        }
        said["root_id"] = options.root_id or job.id
        said["awaited"] = bool(job.role & Role.AWAITED)
        said["time_limit"], said["soft_time_limit"] = self.limits
        self.context.__dict__ = said
        eta = None if self.runtime.eager else options.eta_of(job)
        if eta is not None:
            said["eta"] = to_datetime(eta).isoformat()
        if job.expires_at is not None:
            said["expires"] = to_datetime(job.expires_at).isoformat()
        if options.argsrepr is not None:
            said["argsrepr"] = options.argsrepr
        if options.kwargsrepr is not None:
            said["kwargsrepr"] = options.kwargsrepr

    def _common_fields(self) -> dict[str, Any]:
        options, task, conf = self.options, self.task, self.runtime.settings
        return {
            **_OF_ONE,
            "called_directly": False,
            "task": self.job.task,
            "is_eager": self.runtime.eager,
            "hostname": self.runtime.worker,
            "parent_id": options.parent_id,
            "group": options.group_id,
            "callbacks": options.link,
            "errbacks": options.link_error,
            "headers": options.headers,
            "shadow": options.shadow,
            "ignore_result": ignores_result(options, task, conf),
            "max_retries": options.max_retries,
            "shown": None,
            "stamps": options.stamps or {},
            "stamped_headers": None if options.stamps is None else sorted(options.stamps),
        }


def _peak_kb(started_at: int, now: int) -> int:
    """Return the process's peak memory; asked again only after runs that took a millisecond."""
    global _peak
    if not _peak or now - started_at > 1000:
        _peak = peak_kb()
    return _peak
