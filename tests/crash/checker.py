"""Joins the journal with the database once everything has drained, and says what is wrong.

The rules, for every job whose client was told that it is in, and for every other job found in the file:
lost       it is not there, or did not end as its task must end;
stuck      it is not final;
repeated   it began more often than attempts are on record, or an attempt on record as lost has no death to
           explain it: of the slot it names, of that slot's parent, or of the worker it names;
wrong      its value is not the task's, or its attempts do not fit together.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from localq.model.job import Job, JobState
from localq.model.outcome import Attempt
from localq.serialization import codec, failure
from localq.store.protocol import Topic
from localq.store.sqlite.database import CHECKPOINT_BYTES
from localq.store.sqlite.log_file import bytes_in_log
from tests.crash import journal
from tests.crash.lab import Lab, until

__all__ = ["Verdict", "check", "check_clean"]

_PID = re.compile(r"\(pid (\d+)\)")


@dataclass
class Verdict:
    """What was found. `reasons` counts the repeats that a death explains."""

    jobs: int = 0
    runs: int = 0
    lost: list[str] = field(default_factory=list)
    stuck: list[str] = field(default_factory=list)
    unexplained: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)

    def faults(self) -> list[str]:
        """Return everything that must not be."""
        return [f"{name}: {one}" for name in ("lost", "stuck", "unexplained", "wrong") for one in getattr(self, name)]


class _Deaths:
    """Who died, or was stopped, by which hand."""

    def __init__(self, lab: Lab) -> None:
        self._killed = dict(lab.kills)
        for pid, point, _ in lab.faults():
            self._killed[pid] = point
        self._parents = {run.pid: run.parent for run in lab.starts()}
        self.forgot = lab.forgot

    def reason(self, pid: int) -> str | None:
        """Say why a process died, if that is known."""
        for one in (pid, self._parents.get(pid)):
            if one is not None and one in self._killed:
                return self._killed[one]
        return None


def check(lab: Lab, expected: dict[str, JobState] | None = None, *, poison: Iterable[str] = ()) -> Verdict:
    """Join journal and database.

    Args:
        expected: How jobs end that do not succeed, by id.
        poison: Jobs that die by themselves; nothing is asked of their runs.
    """
    verdict = Verdict()
    acked = {ack.job_id: ack for ack in journal.acked(lab.folder)}
    begun: dict[str, list[journal.Run]] = defaultdict(list)
    for run in lab.starts():
        begun[run.job_id].append(run)
    known = lab.ids()
    gone = lab.undone.difference(known)
    deaths = _Deaths(lab)
    verdict.jobs = len(known)
    verdict.runs = sum(len(runs) for runs in begun.values())
    there = gone.union(known)
    verdict.lost += [f"{ack} is not in the file" for job_id, ack in acked.items() if job_id not in there]
    verdict.wrong += [f"job {job_id} ran and is not in the file" for job_id in begun if job_id not in there]
    poisonous = set(poison)
    for job_id in known:
        job = lab.store.read.get([job_id], args=True)[job_id]
        assert job is not None
        if not JobState(job.state).final:
            verdict.stuck.append(f"{_said(job)}")
            continue
        attempts = lab.store.read.attempts(job_id)
        if job_id not in poisonous:
            _check_end(verdict, job, attempts, (expected or {}).get(job_id), deaths)
            _check_runs(verdict, job, attempts, begun[job_id], deaths)
        _check_attempts(verdict, job, attempts)
    return verdict


def _check_end(verdict: Verdict, job: Job, attempts: list[Attempt], expected: JobState | None, deaths: _Deaths) -> None:
    state = JobState(job.state)
    if expected is None and state != JobState.SUCCEEDED:
        # Such a job may fail by a death; then that death must be known.
        last = attempts[-1] if attempts else None
        at_most_once = last is not None and last.ending == "LOST" and "at most once" in _error(last)
        if not at_most_once:
            verdict.lost.append(f"{_said(job)} ended as {state.name}: {_error(last) if last else 'no attempt'}")
        return
    if expected is not None and state != expected:
        verdict.lost.append(f"{_said(job)} ended as {state.name}, not {expected.name}")
        return
    if state == JobState.SUCCEEDED and job.task.rpartition(".")[2] in ("work", "once", "twice", "parent"):
        args, _ = codec.decode_call(job.args or b"", "json", ("json",))
        result = codec.decode(attempts[-1].result) if attempts and attempts[-1].result is not None else None
        if result != args[0] * args[0]:
            verdict.wrong.append(f"{_said(job)} has the result {result!r}")


def _check_runs(verdict: Verdict, job: Job, attempts: list[Attempt], begun: list[journal.Run], deaths: _Deaths) -> None:
    """Each attempt runs at most once; each beyond the first has a reason."""
    recorded = {one.number: one for one in attempts}
    for number, times in Counter(run.attempt for run in begun).items():
        if times > 1 and deaths.forgot:
            verdict.reasons["server stopped"] += times - 1
        elif times > 1:
            who = [f"{run.pid} of {run.parent} ({deaths.reason(run.pid)})" for run in begun if run.attempt == number]
            verdict.unexplained.append(f"{_said(job)}: attempt {number} began {times} times, in {who}")
        if number not in recorded and not deaths.forgot:
            verdict.unexplained.append(f"{_said(job)}: attempt {number} began and is not on record")
    for one in attempts:
        if one.ending != "LOST":
            continue
        said = _PID.search(_error(one))
        reason = deaths.reason(int(said.group(1))) if said else None
        if reason is None and deaths.forgot:
            reason = "server stopped"
        if reason is None:
            verdict.unexplained.append(f"{_said(job)}: attempt {one.number}: {_error(one)}")
        else:
            verdict.reasons[re.sub(r"\d+", "N", reason)] += 1


def _check_attempts(verdict: Verdict, job: Job, attempts: list[Attempt]) -> None:
    numbers = [one.number for one in attempts]
    if numbers != list(range(1, len(numbers) + 1)):
        verdict.wrong.append(f"{_said(job)} has attempts {numbers}")
    good = [one.number for one in attempts if one.ending == "SUCCESS"]
    if len(good) > 1 or (good and good[-1] != numbers[-1]):
        verdict.wrong.append(f"{_said(job)} succeeded in attempts {good} of {numbers}")
    if job.state == JobState.SUCCEEDED and not good:
        verdict.wrong.append(f"{_said(job)} succeeded in no attempt")


def check_clean(lab: Lab) -> list[str]:
    """Return what is left behind once every program has ended: nothing may be but the file and its id."""
    wrong = []
    with contextlib.suppress(AssertionError):
        until(lambda: not lab.leftovers(), "all ended")
    # The bell of a killed worker goes with the next ring.
    lab.store.bells.ring(Topic.WORK)
    if (said := lab.integrity()) != "ok":
        wrong.append(f"integrity check: {said}")
    if left := lab.leftovers():
        wrong.append(f"processes {left} live on")
    # This process waits for results, too, by a bell of its own.
    own = f"-{os.getpid()}-"
    # A bell without its name yet is left by who is killed within a microsecond of making it.
    left = [
        name for name in lab.files() if name not in ("id", "turns") and own not in name and not name.startswith("neww")
    ]
    if files := left:
        wrong.append(f"files lie about: {files}")
    wal = f"{lab.path}-wal"
    # It is looked at every so many commits, and may have grown a little past the mark in between.
    if bytes_in_log(wal) > CHECKPOINT_BYTES + (4 << 20):
        wrong.append(f"the log holds {bytes_in_log(wal):,} bytes")
    if os.path.exists(wal) and os.path.getsize(wal) > 3 * CHECKPOINT_BYTES:
        wrong.append(f"the log takes {os.path.getsize(wal):,} bytes")
    for program in lab.programs:
        if "Traceback (most recent call last)" in program.told():
            wrong.append(f"{program.kind} {program.name} printed a traceback:\n{program.told()[-3000:]}")
    return wrong


def _said(job: Job) -> str:
    return f"{job.task.rpartition('.')[2]} {job.id}"


def _error(attempt: Attempt) -> str:
    return failure.load(attempt.failure).message if attempt.failure is not None else attempt.ending
