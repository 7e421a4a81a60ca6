"""Queues and workers."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

__all__ = [
    "Purge",
    "Queue",
    "QueueName",
    "Queues",
    "Worker",
    "Workers",
]


class Queue(Struct):
    """A queue. `oldest_at`: since when its longest waiting job could run. `drains_in_s`: at the present rate."""

    name: str
    ready: int
    waiting: int
    running: int
    oldest_at: datetime | None
    paused: bool
    served_by: list[str]
    drains_in_s: float | None
    per_second: float
    wait_p95_s: float | None


class Queues(Struct):
    """The queues, by name."""

    queues: list[Queue]


class QueueName(Struct, forbid_unknown_fields=True):
    """A queue that a worker is to serve, or not."""

    queue: Annotated[str, Meta(min_length=1, max_length=200)]


class Purge(Struct, forbid_unknown_fields=True):
    """How many jobs somebody knows to wait there: where there are more, none is removed."""

    most: Annotated[int, Meta(ge=0, lt=2**53)]


class Worker(Struct):
    """A worker that may be alive, and the ids of the jobs that it runs."""

    name: str
    state: Literal["alive", "silent", "gone"]
    host: str
    pid: int
    pool: str
    slots: int
    queues: list[str] | None
    started_at: datetime
    seen_at: datetime
    jobs: list[str]


class Workers(Struct):
    """The workers, by name."""

    workers: list[Worker]
