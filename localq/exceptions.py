"""Every error LocalQ raises, in one tree.

    LocalQError
    ├── ImproperlyConfigured          a setting, option or name that cannot work
    ├── ScheduleError                 (ValueError) a rule in time that cannot be understood or written down
    ├── QueryError                    (ValueError) a question about jobs that is not clear
    ├── SecurityError                 content of a kind not accepted here, or not signed as it must be
    ├── TaskPredicate                 raised inside a task to say what should happen to it
    │   ├── Ignore                    keep no outcome
    │   │   └── Replaced              run another call in its place (`Task.replace`)
    │   ├── Reject                    refuse the job, or put it back (requeue=True)
    │   └── Retry                     run again later
    ├── TaskError
    │   ├── NotRegistered             (KeyError) no task of that name
    │   ├── QueueNotFound             (KeyError) a call for a queue that task_queues does not have
    │   ├── AlreadyRegistered         two tasks of one name
    │   ├── InvalidTaskError          a job that cannot be understood
    │   ├── EncodeError               (TypeError) a value that cannot be written down
    │   ├── DecodeError               (ValueError) bytes that cannot be read back
    │   ├── UnknownJob                (LookupError) no job has the id that is waited for
    │   ├── TimeoutError              (builtin TimeoutError) waited too long for a result
    │   ├── MaxRetriesExceededError   retried as often as allowed
    │   ├── IncompleteStream          asked for all that follows from a job before it was there
    │   ├── ChordError                a chord's header did not succeed
    │   └── TaskRevokedError          the job was cancelled
    ├── JobLost
    │   ├── WorkerLostError           the process that ran the job died
    │   ├── TimeLimitExceeded         killed at the hard time limit
    │   └── Terminated                (TaskRevokedError) killed because the job was cancelled
    ├── BackendError                  a result could not be reached by the names of `app.backend`
    │   └── BackendGetMetaError, BackendStoreError   when reading it, when writing it
    ├── PoolBroken                    a worker's processes die before they can run anything
    └── StoreError                    the store refused or could not do it; see the classes
        └── Store{Busy,Full,ReadOnly,Damaged,Foreign,Version}, UnsafeFilesystem
    SoftTimeLimitExceeded             (Exception) raised inside a task at its soft limit
    WorkerShutdown, WorkerTerminate   (SystemExit) raised in a worker to stop it
    LocalQWarning                     (UserWarning)
    └── AlwaysEagerIgnored, NotConfigured, Duplicate{Nodename,TaskName}Warning, {Fixup,NoEffect,Security}Warning

Celery's names are kept (celery/exceptions.py of 5.7); some are there only to be caught.
"""

from __future__ import annotations

import builtins
from types import TracebackType
from typing import Any

__all__ = [
    "AlreadyRegistered",
    "AlwaysEagerIgnored",
    "BackendError",
    "BackendGetMetaError",
    "BackendStoreError",
    "CDeprecationWarning",
    "CPendingDeprecationWarning",
    "CeleryError",
    "CeleryWarning",
    "ChordError",
    "DecodeError",
    "DuplicateNodenameWarning",
    "DuplicateTaskNameWarning",
    "EncodeError",
    "FixupWarning",
    "Ignore",
    "ImproperlyConfigured",
    "IncompleteStream",
    "InvalidTaskError",
    "JobLost",
    "LocalQError",
    "LocalQWarning",
    "MaxRetriesExceededError",
    "NoEffectWarning",
    "NotConfigured",
    "NotRegistered",
    "OperationalError",
    "PoolBroken",
    "QueryError",
    "QueueNotFound",
    "Reject",
    "Replaced",
    "Retry",
    "ScheduleError",
    "SecurityError",
    "SecurityWarning",
    "SoftTimeLimitExceeded",
    "StoreBusy",
    "StoreDamaged",
    "StoreError",
    "StoreForeign",
    "StoreFull",
    "StoreReadOnly",
    "StoreVersion",
    "TaskError",
    "TaskPredicate",
    "TaskRevokedError",
    "Terminated",
    "TimeLimitExceeded",
    "TimeoutError",
    "UnknownJob",
    "UnsafeFilesystem",
    "WorkerLostError",
    "WorkerShutdown",
    "WorkerTerminate",
    "reraise",
]


class LocalQError(Exception):
    """Root of every error LocalQ raises by itself."""


class ImproperlyConfigured(LocalQError):
    """A setting, an option or a combination of them cannot work."""


class ScheduleError(ValueError, LocalQError):
    """A rule in time cannot be understood, or cannot be written down."""


class QueryError(ValueError, LocalQError):
    """What was asked about jobs is not clear: a state that nothing is in, or the start of several ids."""


class SecurityError(LocalQError):
    """Content was refused: of a kind this process does not accept, or not signed as it must be."""


class TaskPredicate(LocalQError):
    """Base of what a task raises to say what should happen to its job."""


class Ignore(TaskPredicate):
    """Raised in a task: finish the job without storing an outcome."""


class Replaced(Ignore):
    """Raised by `Task.replace`: the job goes on as another call, `sig`, under the same id."""

    def __init__(self, sig: Any = None) -> None:
        self.sig = sig
        super().__init__("Replaced by new task")


class Reject(TaskPredicate):
    """Raised in a task: refuse the job.

    Args:
        reason: Why; kept as the failure's message.
        requeue: True puts the job back at once, uncounted; False ends it as a FAILURE.
    """

    def __init__(self, reason: object = None, requeue: bool = False) -> None:
        self.reason, self.requeue = reason, requeue
        super().__init__(reason, requeue)

    def __str__(self) -> str:
        return f"reject requeue={self.requeue}: {self.reason}"


class Retry(TaskPredicate):
    """Raised by `Task.retry`: the job runs again later, under the same id.

    Attributes:
        message, exc: Free text, and the error that caused the retry; each may be None.
        when: Seconds from now (a number), or the aware datetime to run at, or None.
        sig: The signature that will run, or None.
    """

    def __init__(
        self,
        message: str | None = None,
        exc: BaseException | str | None = None,
        when: Any = None,
        is_eager: bool = False,
        sig: Any = None,
        **_ignored: Any,
    ) -> None:
        self.message, self.when, self.is_eager, self.sig = message, when, is_eager, sig
        self.exc = exc if isinstance(exc, BaseException) else None
        self.excs = repr(exc) if isinstance(exc, BaseException) else exc
        super().__init__(message, exc, when)

    def humanize(self) -> str:
        """Say when the retry happens, in words."""
        return f"in {self.when}s" if isinstance(self.when, int | float) else f"at {self.when}"

    def __str__(self) -> str:
        because = f": {self.excs}" if self.excs else ""
        return self.message or f"Retry {self.humanize()}{because}"


class TaskError(LocalQError):
    """Base of errors about tasks and their jobs."""


class NotRegistered(KeyError, TaskError):
    """No task of that name is known here."""

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else "not registered"


class QueueNotFound(KeyError, TaskError):
    """A call names a queue that the setting task_queues does not have."""

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else "queue not found"


class AlreadyRegistered(TaskError):
    """A task of that name exists already."""


class InvalidTaskError(TaskError):
    """A job, a signature or a call cannot be understood."""


class EncodeError(TypeError, TaskError):
    """A value cannot be written down by the task's serializer."""


class DecodeError(ValueError, TaskError):
    """Stored bytes cannot be read back."""


class UnknownJob(LookupError, TaskError):
    """No job has the id that is waited for."""


class TimeoutError(builtins.TimeoutError, TaskError):
    """The result did not arrive in time; the job goes on."""


class MaxRetriesExceededError(TaskError):
    """The task asked for more retries than it is allowed.

    Attributes:
        task_args, task_kwargs: The arguments of the job that gave up.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.task_args = kwargs.pop("task_args", [])
        self.task_kwargs = kwargs.pop("task_kwargs", {})
        super().__init__(*args, **kwargs)


class IncompleteStream(TaskError):
    """What follows from a job was asked for, and not all of it is finished."""


class ChordError(TaskError):
    """A task of a chord's header did not succeed, so that its body was not run."""


class TaskRevokedError(TaskError):
    """The job was cancelled before it could finish."""


class JobLost(LocalQError):
    """The process that ran the job did not live to report an outcome."""


class WorkerLostError(JobLost):
    """The process that ran the job died; the text names the signal or exit code."""


class TimeLimitExceeded(JobLost):
    """The job was killed at its hard time limit."""


class Terminated(JobLost, TaskRevokedError):
    """The job was killed because it was cancelled while it ran."""


class BackendError(LocalQError):
    """A result could not be reached by the names of `app.backend`."""


class BackendGetMetaError(BackendError):
    """A result of the job `task_id` could not be read."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.task_id = kwargs.get("task_id", "")
        super().__init__(*args)


class BackendStoreError(BackendError):
    """The `state` of the job `task_id` could not be written."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.state, self.task_id = kwargs.get("state", ""), kwargs.get("task_id", "")
        super().__init__(*args)


class PoolBroken(LocalQError):
    """The worker gave up: its pool can run nothing, and every job it had was put back."""

    def __str__(self) -> str:
        return f"The pool is broken: {super().__str__()}. What the processes wrote is above, or in the log."


class SoftTimeLimitExceeded(Exception):
    """Raised inside a task when its soft time limit is over."""

    def __str__(self) -> str:
        return f"SoftTimeLimitExceeded{self.args!r}" if self.args else "soft time limit exceeded"


class StoreError(LocalQError):
    """The store could not do what was asked; nothing was changed by that call."""


class StoreBusy(StoreError):
    """Others held the write lock for the whole time allowed, or the server is not to be reached; try again."""


class StoreFull(StoreError):
    """There is no space left for the store; free some, nothing stored is lost."""


class StoreReadOnly(StoreError):
    """The store cannot be written by this user."""


class StoreDamaged(StoreError):
    """The store's file is damaged; it is left as it is."""


class StoreForeign(StoreError):
    """The file exists but was not made by LocalQ; it is left as it is."""


class StoreVersion(StoreError):
    """The store was made by another version of LocalQ, whose format this one does not use."""


class UnsafeFilesystem(StoreError):
    """The file lies on a filesystem where SQLite's locks do not work."""


class WorkerShutdown(SystemExit):
    """Raised in a worker to stop it when its running jobs are done."""


class WorkerTerminate(SystemExit):
    """Raised in a worker to stop it at once."""


class LocalQWarning(UserWarning):
    """Root of the warnings that programs may filter."""


class AlwaysEagerIgnored(LocalQWarning):
    """A call went to the store although task_always_eager is set."""


class DuplicateNodenameWarning(LocalQWarning):
    """Two workers have the same name."""


class DuplicateTaskNameWarning(LocalQWarning):
    """Two functions have the same name, of which one is no task."""


class FixupWarning(LocalQWarning):
    """A framework is there but cannot be set up."""


class NoEffectWarning(LocalQWarning):
    """Something was said that means nothing here, or that cannot be what was meant."""


class NotConfigured(LocalQWarning):
    """There is no configuration."""


class SecurityWarning(LocalQWarning):
    """Something may be unsafe."""


class CPendingDeprecationWarning(PendingDeprecationWarning):
    """Celery's name for a warning of something that will be deprecated."""


class CDeprecationWarning(DeprecationWarning):
    """Celery's name for a warning of something that is deprecated."""


CeleryError = LocalQError
CeleryWarning = LocalQWarning
#: What Celery's users catch when a call cannot be sent.
OperationalError = StoreError


def reraise(kind: type[BaseException], value: BaseException, traceback: TracebackType | None = None) -> None:
    """Raise an error again, with a traceback."""
    raise value.with_traceback(traceback) if traceback is not None else value
