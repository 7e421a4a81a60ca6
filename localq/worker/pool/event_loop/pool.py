"""The pools for tasks that mostly wait: hundreds of them at once in one process, as coroutines or as greenlets.

The process is started anew when it dies. Nothing tells which of several jobs did it: all are put back uncharged, and
each of them runs alone from then on, where its crash is its own. One that ignores its hard limit, because it never
waits, is ended together with the process; the others are put back uncharged.
"""

from __future__ import annotations

import contextlib
import json
import mmap
import selectors
import signal
from collections import deque
from collections.abc import Collection, Sequence

from localq.app.app import LocalQ
from localq.host.marks import Places
from localq.model import failpoints
from localq.model.clock import Clock
from localq.model.job import Job
from localq.model.outcome import Note, Outcome
from localq.worker.pool import frames
from localq.worker.pool.contract import Cause, Death, Handed, InHand, Logged, Printed, Report, cancelled_unstarted
from localq.worker.pool.event_loop.child_handle import ChildHandle
from localq.worker.pool.event_loop.run_ends import RunEnds
from localq.worker.pool.output import Output
from localq.worker.pool.process_facts import Stillborn, how_ended

__all__ = ["EventLoopPool"]

#: Seconds after which what the process had no room for is sent again.
_AGAIN_S = 0.02
#: Times the process may die, within a minute, before it is ready.
_MOST_STILLBORN = 3


class EventLoopPool:
    """A pool of coroutines or greenlets; see `localq.worker.pool.contract.Pool`.

    Args:
        app: The app whose tasks run.
        size: Jobs that run at once.
        kind: asyncio or gevent.
        worker: The worker's name.
        marks: The file, and its mapping, in which jobs are marked that have started; None without a store's folder.
        printed: Called with what tasks print.
        logged: Called with the log records of the process.
        redirect: Whether Python's standard streams are captured by job.
        max_tasks: Runs after which the process is replaced, once it has nothing to do.
        max_memory_kb: The same for the memory it has used.
    """

    def __init__(
        self,
        app: LocalQ,
        size: int,
        kind: str,
        *,
        worker: str,
        clock: Clock,
        printed: Printed,
        logged: Logged,
        marks: tuple[str, mmap.mmap] | None = None,
        redirect: bool = True,
        max_tasks: int | None = None,
        max_memory_kb: int | None = None,
    ) -> None:
        self.size = size
        self.broken: str | None = None
        self.output = Output()
        self._app, self._kind, self._worker, self._clock = app, kind, worker, clock
        self._printed, self._logged, self._redirect = printed, logged, redirect
        self._max_tasks, self._max_memory_kb = max_tasks, max_memory_kb
        self._marks_path = None if marks is None else marks[0]
        self._places = Places(None if marks is None else marks[1], lambda: {job.key for job in self._here()})
        self._child: ChildHandle | None = None
        self._held: deque[Handed] = deque()
        self._hand: dict[str, tuple[Handed, float]] = {}
        self._ended: list[Report] = []
        self._notes: list[Note] = []
        self._ends = RunEnds(clock)
        self._stillborn = Stillborn(_MOST_STILLBORN)
        self._worn = self._closing = False

    # The process

    def prepare(self) -> None:
        """Start the process; it takes a while."""
        self._worn = False
        self._child = ChildHandle(self._app, self._kind, self._worker, self._redirect, self._marks_path)

    def start(self, selector: selectors.BaseSelector) -> None:
        """Listen to the process."""
        assert self._child is not None
        self._selector = selector
        self._child.listen(selector, self._read, self._read_output)

    def _start_next(self) -> None:
        if self.broken is None and not self._closing:
            self.prepare()
            self.start(self._selector)
            self._give_held()

    def _died(self, child: ChildHandle) -> None:
        """Report what a dead process was running, and start the next, for what had not begun as well."""
        self._read_output()
        self._child = None
        how = how_ended(child.close())
        begun = {job_id for job_id, (handed, _) in self._hand.items() if self._begun(handed.job)}
        idle = not begun and (bool(self._hand) or not child.ready)
        for job_id, (handed, since) in reversed(self._hand.items()):
            started_at = self._wall(since) if job_id in begun else None
            end = self._ends.of_process(child, how, handed, started_at, alone=len(begun) == 1)
            if end is None:
                self._held.appendleft(handed)
            else:
                self._ended.append(Report(handed, end, self.output.take(job_id)))
        self._hand.clear()
        if idle and child.reason is None and self._stillborn.too_many(self._clock.steady()):
            self.broken = f"its process died {_MOST_STILLBORN} times before it began anything; the last {how}"
        self._start_next()

    def _begun(self, job: Job) -> bool:
        return self._places.begun(job.key, job.run_token)

    def _wall(self, since: float) -> int:
        return self._clock.now() - int((self._clock.steady() - since) * 1e6)

    # Handing out

    def room(self) -> int:
        """Return how many more jobs may run."""
        if self.broken is not None or self._closing or self._worn or self._held:
            return 0
        if self._alone():
            return 0
        return max(0, self.size - len(self._hand))

    def busy_for(self) -> float:
        """Return 0: nothing waits in the process for its turn."""
        return 0.0

    def submit(self, jobs: Sequence[Handed]) -> None:
        """Hand jobs to the process."""
        self._places.give(handed.job.key for handed in jobs)
        self._held.extend(jobs)
        self._give_held()
        failpoints.point("hand.after")

    def _give_held(self) -> None:
        """Send what may run now: what has crashed before, by itself.

        Nothing before the process is ready: one that cannot even import its tasks must be nobody's crash.
        """
        if self._child is None or not self._child.ready:
            return
        share: list[Handed] = []
        while self._held and not self._alone():
            if self._ends.runs_alone(self._held[0]) and self._hand:
                break
            handed = self._held.popleft()
            share.append(handed)
            self._hand[handed.job.id] = handed, self._clock.steady()
        if not share:
            return
        try:
            for name in {handed.job.task for handed in share}:
                self._child.define(name)
            if not self._child.marking:
                for handed in share:
                    self._places.begin(handed.job.key, handed.job.run_token)
            jobs = [(self._places.of(handed.job.key), frames.pack_handed(handed)) for handed in share]
            self._child.send("jobs", jobs)
        except OSError:
            # Its socket is full, or it is gone, of which its other pipe tells.
            for handed in share:
                del self._hand[handed.job.id]
            self._held.extendleft(reversed(share))

    def _alone(self) -> bool:
        """Whether a job is in the process that runs alone; it is the only one then, so that there is one to look at."""
        return len(self._hand) == 1 and any(self._ends.runs_alone(handed) for handed, _ in self._hand.values())

    def take_back(self) -> list[Job]:
        """Return jobs that wait for the process to have room."""
        back = [handed.job for handed in self._held]
        self._held.clear()
        return back

    # Hearing

    def collect(self) -> list[Report]:
        """Return what has ended."""
        ended, self._ended = self._ended, []
        return ended

    def notes(self) -> list[Note]:
        """Return what tasks said of themselves."""
        said, self._notes = self._notes, []
        return said

    def _read(self) -> None:
        child = self._child
        if child is None:
            return
        try:
            heard, there = child.read()
            for kind, body in heard:
                self._take(child, kind, body)
        except Exception as error:
            # Whatever a task wrote into the pipe: it costs this process, and never the worker.
            child.disown(error)
            there = False
        if not there:
            self._died(child)
        elif self._worn and not self._hand:
            child.close()
            self._start_next()
        else:
            self._give_held()

    def _take(self, child: ChildHandle, kind: int, body: bytes) -> None:
        if kind in (frames.Kind.DONE, frames.Kind.ENDED):
            job_id, token, outcome = frames.unpack_outcome(kind, body)
            if job_id in self._hand and self._hand[job_id][0].job.run_token == token:
                self._ended_well(child, job_id, outcome)
        elif kind == frames.Kind.NOTE:
            self._notes.append(frames.unpack_note(body))
        elif kind == frames.Kind.PRINTED:
            self._heard(*json.loads(body))
        elif kind == frames.Kind.LOG:
            job_id, line, record = json.loads(body)
            if job_id in self._hand:
                self.output.add(job_id, line)
            self._logged(record)
        elif kind == frames.Kind.READY:
            child.ready, child.marking = True, body.endswith(b" 1")

    def _ended_well(self, child: ChildHandle, job_id: str, outcome: Outcome) -> None:
        handed, since = self._hand.pop(job_id)
        child.done += 1
        end = self._ends.reported(job_id, outcome, self._wall(since))
        self._ended.append(Report(handed, end, self.output.take(job_id)))
        worn = self._max_tasks is not None and child.done >= self._max_tasks
        fat = self._max_memory_kb is not None and (outcome.peak_kb or 0) > self._max_memory_kb
        self._worn = self._worn or worn or fat

    def _read_output(self) -> None:
        """Read what was written past Python's streams; whose it is cannot be told."""
        text = self._child.read_output() if self._child is not None else ""
        if text:
            self._printed(None, text, True)

    def _heard(self, job_id: str, text: str, is_error: bool) -> None:
        found = self._hand.get(job_id)
        if found is not None:
            self.output.add(job_id, text)
        self._printed(None if found is None else found[0].job, text, is_error)

    # Limits and ends

    def in_hand(self) -> dict[str, int]:
        """Return `id -> run_token` of all jobs here."""
        return {job.id: job.run_token for job in self._here()}

    def _here(self) -> list[Job]:
        jobs = [handed.job for handed in self._held]
        jobs += [handed.job for handed, _ in self._hand.values()]
        jobs += [report.job for report in self._ended]
        return jobs

    def jobs(self) -> list[InHand]:
        """Return every job here, those that run first."""
        pid = None if self._child is None else self._child.pid
        runs = [InHand(handed.job, self._wall(since), pid) for handed, since in self._hand.values()]
        return runs + [InHand(handed.job, None, None) for handed in self._held]

    def tick(self) -> float | None:
        """Tell what is over its hard limit to end, and end the process if it does not."""
        now = self._clock.steady()
        after: list[float] = [_AGAIN_S] if self._held and not self._hand else []
        for job_id, (handed, since) in list(self._hand.items()):
            hard, left = handed.limits.hard, self._ends.left(job_id)
            if left is not None:
                after.append(left)
            elif hard is not None and now >= since + hard and not self._begun(handed.job):
                # Another job keeps it from beginning: its time counts from where it can have begun.
                self._hand[job_id] = handed, now
                after.append(hard)
            elif hard is not None and now >= since + hard:
                reason = f"hard time limit of {hard:g} s exceeded"
                self._ends.tell(self._child, job_id, "hard", Death(Cause.TIME_LIMIT, reason, None, signal.SIGKILL))
                after.append(self._ends.left(job_id) or 0.0)
            elif hard is not None:
                after.append(since + hard - now)
        if self._child is not None and self._ends.overdue():
            self._child.kill("another job in the same process did not end when it had to")
        self._give_held()
        return max(0.0, min(after)) if after else None

    def stop_job(self, job_id: str, number: int) -> None:
        """End a cancelled job: raise WorkerTerminate in it, where it waits."""
        for handed in [one for one in self._held if one.job.id == job_id]:
            self._held.remove(handed)
            self._ended.append(cancelled_unstarted(handed))
        if job_id in self._hand and number:
            death = Death(Cause.CANCELLED, f"cancelled by signal {number}", None, number)
            self._ends.tell(self._child, job_id, "terminate", death)

    def drop(self, ids: Collection[str]) -> None:
        """End jobs that are not ours any more, and say nothing of them."""
        gone = set(ids)
        self.output.drop(gone)
        self._held = deque(handed for handed in self._held if handed.job.id not in gone)
        self._ended = [report for report in self._ended if report.job.id not in gone]
        for job_id in gone & set(self._hand):
            del self._hand[job_id]
            self._ends.forget(job_id)
            with contextlib.suppress(OSError):
                if self._child is not None:
                    self._child.send("terminate", job_id)

    def interrupt(self) -> None:
        """Raise WorkerTerminate in every run, where it waits."""
        for job_id in self._hand:
            self._ends.tell(self._child, job_id, "terminate", None)

    def kill(self) -> None:
        """End the process, and so every run."""
        if self._hand and self._child is not None:
            self._child.kill("the worker stopped before it ended")

    def resize(self, size: int) -> None:
        """Change how many run at once."""
        self.size = max(1, size)

    def restart(self) -> None:
        """Replace the process, once it has nothing to do."""
        self._worn = True
        if not self._hand and self._child is not None:
            self._child.close()
            self._start_next()

    def pids(self) -> list[int]:
        """Return the process."""
        return [] if self._child is None else [self._child.pid]

    def close(self) -> None:
        """End the process."""
        self._closing = True
        if self._child is not None:
            self._child.close()
            self._child = None
