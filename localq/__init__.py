"""LocalQ: durable background jobs from one SQLite file and a process pool, in Celery's programming model."""

from __future__ import annotations

from localq.app import Celery, LocalQ
from localq.canvas import Signature, chain, chord, chunks, group, maybe_signature, signature, xmap, xstarmap
from localq.current import current_app, current_task
from localq.exceptions import (
    Ignore,
    LocalQError,
    MaxRetriesExceededError,
    Reject,
    Retry,
    SoftTimeLimitExceeded,
    TimeLimitExceeded,
    TimeoutError,
    WorkerLostError,
)
from localq.host.interpreter import freeze_support
from localq.model.ids import new_id as uuid
from localq.result import AsyncResult, EagerResult, GroupResult, ResultSet
from localq.result.joining import allow_join_result
from localq.serialization.codec import register
from localq.tasks.request import Context
from localq.tasks.routing.queues import Exchange, Queue
from localq.tasks.shared_task import shared_task
from localq.tasks.task import Task

__all__ = [
    "CELERY_VERSION",
    "AsyncResult",
    "Celery",
    "Context",
    "EagerResult",
    "Exchange",
    "GroupResult",
    "Ignore",
    "LocalQ",
    "LocalQError",
    "MaxRetriesExceededError",
    "Queue",
    "Reject",
    "ResultSet",
    "Retry",
    "Signature",
    "SoftTimeLimitExceeded",
    "Task",
    "TimeLimitExceeded",
    "TimeoutError",
    "WorkerLostError",
    "allow_join_result",
    "chain",
    "chord",
    "chunks",
    "current_app",
    "current_task",
    "freeze_support",
    "group",
    "maybe_signature",
    "register",
    "shared_task",
    "signature",
    "uuid",
    "xmap",
    "xstarmap",
]

__version__ = "0.1.0"
#: The version of Celery whose programs this takes: for those that ask for it, as in
#: `Version(celery.__version__) >= Version("5")`.
CELERY_VERSION = "5.7.0"
