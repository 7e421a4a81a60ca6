"""LocalQ: durable background jobs from one SQLite file and a process pool, in Celery's programming model."""

from __future__ import annotations

from localq.app import LocalQ
from localq.call import new_id as uuid
from localq.canvas import Signature, signature
from localq.codec import register
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
from localq.joining import allow_join_result
from localq.queues import Exchange, Queue
from localq.request import Context
from localq.result import AsyncResult
from localq.shared import shared_task
from localq.task import Task

__all__ = [
    "AsyncResult",
    "Celery",
    "Context",
    "Exchange",
    "Ignore",
    "LocalQ",
    "LocalQError",
    "MaxRetriesExceededError",
    "Queue",
    "Reject",
    "Retry",
    "Signature",
    "SoftTimeLimitExceeded",
    "Task",
    "TimeLimitExceeded",
    "TimeoutError",
    "WorkerLostError",
    "allow_join_result",
    "current_app",
    "current_task",
    "register",
    "shared_task",
    "signature",
    "uuid",
]

#: The same class, under its users' name.
Celery = LocalQ

__version__ = "0.1.0"
