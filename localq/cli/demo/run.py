"""A run of the demo: its list of files, its jobs, and what came of them; nothing here prints.

A run is a job, the list of its files, whose id is also the name of the run's queue. The job of a file has the
run's id and the file's number in that list. So a run can be taken up after a kill at any moment: before the
list there is nothing to lose, after it every id is known, and adding an id that exists changes nothing.
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Mapping
from itertools import islice
from typing import Any, NamedTuple

from localq.app import LocalQ
from localq.canvas import Signature
from localq.cli.demo.tasks import digest, list_files
from localq.model.job import Job, JobState
from localq.model.outcome import Attempt
from localq.result import AsyncResult
from localq.result.paged_jobs import paged
from localq.serialization import codec, exception_rebuild, failure
from localq.store.protocol import Filter, Seen

__all__ = [
    "Counted",
    "Digested",
    "Failed",
    "Listing",
    "Look",
    "Run",
    "begin_run",
    "find_run",
    "job_id",
    "list_run",
    "new_run",
    "waiting",
]

#: Jobs added in one transaction; some 20 ms.
_ADDED_AT_ONCE = 2_000
#: Jobs read in one transaction.
_READ_AT_ONCE = 256
#: Seconds over which the rate is measured.
_WINDOW_S = 10.0


class Run(NamedTuple):
    """A run: `id` is its list's job and its queue; `folder` is absolute."""

    id: str
    folder: str


class Listing(NamedTuple):
    """The files of a run, relative to its folder; what could not be listed, and why; what was left out."""

    files: list[str]
    unlisted: list[tuple[str, str]]
    left_out: dict[str, int]


class Digested(NamedTuple):
    """A file that was read."""

    number: int
    name: str
    sha256: str
    size: int
    lines: int
    language: str


class Failed(NamedTuple):
    """A file, or a directory (without a number), that could not be read."""

    number: int | None
    name: str
    reason: str


class Look(NamedTuple):
    """How far a run is; `rate` is files a second, `left_s` seconds, both None while unknown."""

    done: int
    total: int
    failed: int
    rate: float | None
    left_s: float | None


# Runs


def new_run(folder: str) -> Run:
    """Return a run that nobody has begun."""
    return Run(f"demo-{os.urandom(4).hex()}", folder)


def begin_run(q: LocalQ, run: Run) -> AsyncResult[Any]:
    """Add the job that lists a run's folder; from then on the run can be resumed."""
    return list_files.apply_async((run.folder, os.path.realpath(q.location)), task_id=run.id, queue=run.id)


def find_run(q: LocalQ, folder: str | None) -> Run | None:
    """Return the run begun last, of a folder or of any, unless its folder could not be listed."""
    for job in paged(q.store.read, Filter(tasks=(list_files.name,)), 100):
        if job.state in (JobState.FAILED, JobState.CANCELLED):
            continue
        args = q.AsyncResult(job.id).args
        if args is not None and folder in (None, args[0]):
            return Run(job.id, args[0])
    return None


def waiting(q: LocalQ, run: Run) -> bool:
    """Whether jobs of a run wait, or are being run by another process."""
    states = (JobState.WAITING, JobState.SCHEDULED, JobState.READY, JobState.RUNNING)
    return any(paged(q.store.read, Filter(states=states, queues=(run.id,)), 1))


def list_run(q: LocalQ, run: Run, told: Callable[[int], None]) -> Listing:
    """Return the files of a run that was begun, once a worker has listed them: from then on always the same.

    Args:
        told: Called now and then with the number of files found so far.

    Raises:
        OSError: the folder cannot be listed.
    """
    result = q.AsyncResult(run.id)

    def tell() -> None:
        info = result.info
        told(info["done"] if isinstance(info, dict) and "done" in info else 0)

    said = result.get(on_interval=tell)
    files = [os.path.join(directory, name) for directory, names in said["files"] for name in names]
    return Listing(files, [(name, reason) for name, reason in said["unlisted"]], said["left_out"])


def job_id(run: Run, number: int) -> str:
    """Return the id of a file's job; numbers begin at 1."""
    return f"{run.id}-{number:06d}"


# Counting


class Counted:
    """Adds the jobs of a run that are not there yet, and counts every file once, by its number.

    Args:
        files: The names of the run's files, relative to its folder.

    Attributes:
        before: Files that were done when this began.
        again: Files whose job ran more than once, because a process died under it.
    """

    def __init__(self, q: LocalQ, run: Run, files: list[str]) -> None:
        self._q, self._run, self._files = q, run, files
        self._next = 0
        #: Number by id, in the order of adding, which is about the order of finishing.
        self._waiting: dict[str, int] = {}
        self._marks: deque[tuple[float, int]] = deque([(time.monotonic(), 0)])
        self.digested: list[Digested] = []
        self.failed: list[Failed] = []
        self.before = self.again = 0

    @property
    def finished(self) -> bool:
        """Whether every file is counted."""
        return self.done == len(self._files)

    @property
    def all_added(self) -> bool:
        """Whether every file has its job."""
        return self._next >= len(self._files)

    @property
    def done(self) -> int:
        """Files counted so far."""
        return len(self.digested) + len(self.failed)

    def add(self) -> None:
        """Add the next jobs, those left out that an earlier process has added; count what is done of them."""
        first = self._next
        self._next = min(first + _ADDED_AT_ONCE, len(self._files))
        numbers = {job_id(self._run, number): number for number in range(first + 1, self._next + 1)}
        known = self._q.store.read.seen(list(numbers))
        self._q.enqueue_many(
            digest.signature(
                (os.path.join(self._run.folder, self._files[number - 1]),), task_id=one, queue=self._run.id
            )
            for one, number in numbers.items()
            if one not in known
        )
        self._waiting.update(numbers)
        self.before += self._count(list(known), known)

    def _job(self, one: str, number: int) -> Signature[Any]:
        path = os.path.join(self._run.folder, self._files[number - 1])
        return digest.signature((path,), task_id=one, queue=self._run.id)

    def look(self) -> Look:
        """Count what has finished since, and return how far the run is."""
        while self._waiting:
            # Jobs finish about in the order of adding: where none of so many has, later ones hardly have.
            ids = list(islice(self._waiting, _READ_AT_ONCE))
            if not self._count(ids, self._q.store.read.seen(ids)):
                break
        now, fresh = time.monotonic(), self.done - self.before
        self._marks.append((now, fresh))
        while now - self._marks[0][0] > _WINDOW_S:
            self._marks.popleft()
        since, then = self._marks[0]
        rate = (fresh - then) / (now - since) if fresh > then else None
        left = len(self._files) - self.done
        return Look(self.done, len(self._files), len(self.failed), rate, left / rate if rate else None)

    def _count(self, ids: list[str], found: Mapping[str, Seen]) -> int:
        """Count those of some jobs that are finished, or gone; return how many."""
        before = len(self._waiting)
        for one in ids:
            job, last, _ = found.get(one, (None, None, None))
            if job is None or JobState(job.state).final:
                self._take(self._waiting.pop(one), job, last)
        return before - len(self._waiting)

    def _take(self, number: int, job: Job | None, last: Attempt | None) -> None:
        name = self._files[number - 1]
        self.again += job is not None and job.attempts > 1
        if job is not None and job.state == JobState.SUCCEEDED and last is not None and last.result is not None:
            said: dict[str, Any] = codec.decode(last.result)
            self.digested.append(Digested(number, name, **said))
        else:
            self.failed.append(Failed(number, name, _reason(job, last)))


def _reason(job: Job | None, last: Attempt | None) -> str:
    """Say in a few words why a file was not read."""
    if job is None:
        return "Its job was removed from the queue"
    if job.state == JobState.CANCELLED:
        return "Its job was cancelled"
    if last is None or last.failure is None:
        return "Its job left no result"
    error = exception_rebuild.rebuild(failure.load(last.failure))
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return f"{type(error).__name__}: {error}"
