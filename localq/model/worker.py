"""What workers say and are told: their cards, claims and heartbeats."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from localq.model.job import Job
from localq.model.orders import Order

__all__ = ["EVERY_QUEUE", "Beat", "Claim", "Lost", "Served", "WorkerCard", "WorkerRow", "WorkerState", "other_name"]


#: What names of workers begin with where nobody chose one, by the class of their app.
_USUAL = ("localq@", "celery@")


def other_name(name: str) -> str:
    """Return the other name of a worker: `celery@host` for `localq@host`, and the other way round; else the same."""
    for one, other in (_USUAL, _USUAL[::-1]):
        if name.startswith(one):
            return other + name.removeprefix(one)
    return name


class Served(NamedTuple):
    """What a worker serves: these queues (None: every one), but for those excluded, and jobs of these tasks.

    `tasks` None: whatever their tasks are.
    """

    queues: tuple[str, ...] | None = None
    excluded: tuple[str, ...] = ()
    tasks: frozenset[str] | None = None

    def serves(self, queue: str) -> bool:
        """Whether a queue is among them."""
        return queue not in self.excluded and (self.queues is None or queue in self.queues)


EVERY_QUEUE = Served()


class Claim(NamedTuple):
    """What a claim brought. `held` False: the worker was declared dead meanwhile and must register again.

    `unknown` are tasks not served of which ready jobs were met; not all, and not each time.
    """

    jobs: list[Job]
    next_at: int | None
    held: bool = True
    unknown: tuple[str, ...] = ()


class Beat(NamedTuple):
    """The answer to a heartbeat: what holds now, told again until it does no more.

    `stop` are ids of jobs this worker runs no longer by right; `cancel` maps ids to the signal number asked for;
    `orphans` are jobs the store counts to this worker but which it does not know; `orders` are all that hold.
    `undone` is the number of writes that the store has lost, as far as is known and was not told before.
    """

    held: bool
    stop: tuple[str, ...]
    cancel: dict[str, int]
    orphans: tuple[Job, ...]
    orders: tuple[Order, ...] = ()
    undone: int = 0


class WorkerCard(NamedTuple):
    """What a worker says of itself when it enters. `uuid` is its own, and names its presence files."""

    uuid: str
    name: str
    host: str
    pid: int
    pool: str
    concurrency: int
    queues: tuple[str, ...] | None
    excluded: tuple[str, ...]
    tasks: tuple[str, ...]

    @property
    def served(self) -> Served:
        """The queues it serves."""
        return Served(self.queues, self.excluded)


class WorkerState(StrEnum):
    """How a worker stands."""

    #: It holds its lease.
    ALIVE = "alive"
    #: Its lease is over, but nothing proves that its process is gone: it is stopped, suspended, stuck, or cut off.
    SILENT = "silent"
    #: It left, was declared gone, or is proven dead.
    GONE = "gone"


class WorkerRow(NamedTuple):
    """A worker that entered. `declared`: it left, or others declared it gone; it can claim nothing any more."""

    key: int
    card: WorkerCard
    started_at: int
    seen_at: int
    state: WorkerState
    declared: bool


class Lost(NamedTuple):
    """A job whose worker is no more.

    `started`: whether that had begun to run it; None: nobody can tell, as where the machine went down under it. That is
    no fault of the job's, but one that must not run twice may have run.
    """

    job: Job
    started: bool | None
