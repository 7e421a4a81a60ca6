"""A task of Celery's that runs one of LocalQ's: its function, its hooks and its words for how a run ends."""

from __future__ import annotations

import contextlib
import inspect
import signal
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import billiard.exceptions
import billiard.pool
import celery
import celery.exceptions

from localq import current
from localq.contrib.celery.bridge.serializers import known_there
from localq.contrib.celery.bridge.signatures import Signatures
from localq.exceptions import Ignore, Reject, Replaced, Retry, SoftTimeLimitExceeded
from localq.execution.own_loop import in_own_loop
from localq.tasks.request import Context
from localq.tasks.task import Task

__all__ = ["CarriedTask", "carried", "running"]

#: Options of a task that mean the same there.
_SAME = (
    "max_retries", "default_retry_delay", "ignore_result", "store_errors_even_if_ignored", "time_limit",
    "soft_time_limit", "acks_late", "throws", "expires", "rate_limit", "track_started", "send_events", "trail",
    "reject_on_worker_lost", "acks_on_failure_or_timeout", "resultrepr_maxsize", "autoretry_for",
    "dont_autoretry_for", "retry_kwargs", "retry_backoff", "retry_backoff_max", "retry_jitter", "compression",
)  # fmt: skip
#: Options that say where its calls go, which Celery takes with each call alone.
_PLACE = ("queue", "exchange", "routing_key", "delivery_mode")
#: What a request of LocalQ's has of one of Celery's.
_FIELDS = (
    "id", "task", "args", "kwargs", "retries", "is_eager", "hostname", "eta", "expires", "delivery_info", "root_id",
    "parent_id", "group", "headers", "shadow", "ignore_result", "stamps", "stamped_headers", "callbacks", "errbacks",
    "chain", "chord", "reply_to", "properties",
)  # fmt: skip


class _SoftLimit(billiard.exceptions.SoftTimeLimitExceeded, SoftTimeLimitExceeded):  # type: ignore[misc]
    """A soft time limit, by Celery's name and by LocalQ's."""


class CarriedTask(celery.Task):  # type: ignore[misc] # Celery has no types
    """Runs a task of LocalQ's, which is its `twin`."""

    abstract = True
    twin: Task[..., Any]
    signatures: Signatures
    #: Options of its calls that say none of their own.
    place: Mapping[str, Any] = {}

    def apply_async(self, args: Any = None, kwargs: Any = None, *more: Any, **options: Any) -> Any:
        """Send a call, to where the task says if the call does not."""
        return super().apply_async(args, kwargs, *more, **{**self.place, **options})

    def run(self, *args: Any, **kwargs: Any) -> Any:
        """Run the twin as LocalQ would, and end as it says."""
        _mind_soft_limit()
        twin = self.twin
        own_call = type(twin).__call__ is not Task.__call__
        with running(self):
            try:
                value = twin(*args, **kwargs) if own_call else twin.run(*args, **kwargs)
                return in_own_loop(value) if inspect.iscoroutine(value) else value
            except Replaced as ended:
                raise self.replace(self.signatures.of(ended.sig)) from None
            except Ignore:
                raise celery.exceptions.Ignore from None
            except Reject as ended:
                raise celery.exceptions.Reject(ended.reason, requeue=ended.requeue) from None
            except Retry as ended:
                raise self._again(ended) from ended.__cause__

    def _again(self, ended: Retry) -> BaseException:
        """Return what ends this run and sends the next, as a retry of LocalQ's says."""
        when = ended.when
        timed = {"eta": when} if isinstance(when, datetime) else {"countdown": when}
        call: dict[str, Any] = {}
        if ended.sig is not None:
            kept = ("queue", "priority", "time_limit", "soft_time_limit", "headers", "serializer", "compression")
            call = {name: ended.sig.options[name] for name in kept if ended.sig.options.get(name) is not None}
            call.update(args=ended.sig.args, kwargs=ended.sig.kwargs)
        # Whether one more is allowed was LocalQ's to say.
        most = self.request.retries + 1
        again: BaseException = self.retry(exc=ended.exc, throw=False, max_retries=most, **timed, **call)
        return again

    # Hooks of the twin's class

    def before_start(self, task_id: str, args: Any, kwargs: Any) -> None:
        """Run the twin's hook."""
        with running(self):
            self.twin.before_start(task_id, args, kwargs)

    def on_success(self, retval: Any, task_id: str, args: Any, kwargs: Any) -> None:
        """Run the twin's hook."""
        with running(self):
            self.twin.on_success(retval, task_id, args, kwargs)

    def on_retry(self, exc: Any, task_id: str, args: Any, kwargs: Any, einfo: Any) -> None:
        """Run the twin's hook."""
        with running(self):
            self.twin.on_retry(exc, task_id, args, kwargs, einfo)

    def on_failure(self, exc: Any, task_id: str, args: Any, kwargs: Any, einfo: Any) -> None:
        """Run the twin's hook."""
        with running(self):
            self.twin.on_failure(exc, task_id, args, kwargs, einfo)

    def after_return(self, status: str, retval: Any, task_id: str, args: Any, kwargs: Any, einfo: Any) -> None:
        """Run the twin's hook."""
        with running(self):
            self.twin.after_return(status, retval, task_id, args, kwargs, einfo)


@contextlib.contextmanager
def running(task: CarriedTask) -> Iterator[None]:
    """Let `self.request`, and whatever asks for the current task, find the run of Celery's within the block."""
    asked = task.request
    said = {name: value for name in _FIELDS if (value := asked.get(name)) is not None}
    hard, soft = asked.timelimit or (None, None)
    said.update(time_limit=hard, soft_time_limit=soft, called_directly=asked.called_directly)
    said.update(attempt=(asked.retries or 0) + 1, awaited=asked.chord is not None, carried=task)
    token = current.request.set(Context(said))
    try:
        yield
    finally:
        current.request.reset(token)


def _mind_soft_limit() -> None:
    """Let a soft limit raise what catches it by either name: the pool's process has put its own handler there."""
    number = billiard.pool.SIG_SOFT_TIMEOUT
    if number is not None and signal.getsignal(number) is billiard.pool.soft_timeout_sighandler:
        signal.signal(number, _soft_limit)


def _soft_limit(number: int, frame: Any) -> None:
    raise _SoftLimit


def carried(twin: Task[..., Any], signatures: Signatures, priority: int | None) -> CarriedTask:
    """Return the task of Celery's that runs one of LocalQ's.

    Args:
        priority: The task's own, as the broker counts.
    """
    plain: Task[..., Any] = Task()
    options = {name: getattr(twin, name) for name in _SAME if getattr(twin, name) != getattr(plain, name)}
    place = {name: value for name in _PLACE if (value := getattr(twin, name)) is not None}
    if priority is not None:
        place["priority"] = priority
    body = {
        **options,
        "place": place,
        "name": twin.name,
        "twin": twin,
        "signatures": signatures,
        "typing": twin.typing and twin._check is not None,
        "__module__": type(twin).__module__,
        "__doc__": twin.__doc__,
        "__header__": staticmethod(twin._check or _any_call),
        "max_retries": twin.max_retries,
        "default_retry_delay": twin.default_retry_delay,
    }
    if twin.serializer is not None:
        body["serializer"] = known_there(twin.serializer)
    made: CarriedTask = type(twin.name.rpartition(".")[2], (CarriedTask,), body)()
    return made


def _any_call(*args: Any, **kwargs: Any) -> None:
    """Take any arguments."""
