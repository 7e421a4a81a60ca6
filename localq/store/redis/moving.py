"""The verbs that carry what a store holds into another; see `localq.store.protocol.moving`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from localq.model.job import Job, JobState
from localq.model.outcome import Attempt
from localq.model.tally import FINE_US, Tally
from localq.store.protocol.moving import Held, Portion, SavedGroup, Tied, WholeJob
from localq.store.redis.rows import edge_word, job_of, pairs, tie_of, told_attempt
from localq.store.redis.scripts import script
from localq.store.redis.server import RedisServer

__all__ = ["RedisMoving"]

_TAKE = script("tell", "take_portion", reads=True)
_PUT = script("wake", "jobs", "edges", "attempts", "tallies", "put_portion")
#: Jobs that one script looks at.
_AT_ONCE = 5000
_packed = msgspec.msgpack.encode


class RedisMoving:
    """What goes from one store into another."""

    def __init__(self, server: RedisServer) -> None:
        self._server = server

    # Taking

    def take(self, held: Held, after: str | None, limit: int) -> Portion:
        """Return some of what there is; see the protocol."""
        if held == Held.GROUPS:
            return self._groups(after or "", limit)
        last = after or "0"
        told: list[Any] = []
        while not told:
            found, *told = self._server.run(_TAKE, held, last, limit, _AT_ONCE)
            if not found:
                break
            last = found.decode()
        if held == Held.JOBS:
            jobs = tuple(_whole(one) for one in told)
            return Portion(jobs, last=str(jobs[-1].job.key) if jobs else None)
        return Portion(ties=tuple(_tied(one) for one in told), last=told[-1][1].decode() if told else None)

    def _groups(self, after: str, limit: int) -> Portion:
        key = self._server.key
        saved = pairs(self._server.one("ZRANGE", key("Gz"), 0, -1, "WITHSCORES"))
        names = sorted(name.decode() for name in saved if name.decode() > after)[:limit]
        contents = self._server.ask(*(("GET", key(f"G:{name}")) for name in names))
        groups = (
            SavedGroup(name, content, int(float(saved[name.encode()])))
            for name, content in zip(names, contents, strict=True)
            if content is not None
        )
        return Portion(groups=tuple(groups), last=names[-1] if names else None)

    # Putting

    def put(self, portion: Portion, now: int) -> int:
        """Write what another store held; see the protocol."""
        running = [one.job.id for one in portion.jobs if one.job.state == JobState.RUNNING]
        if running:
            raise ValueError(f"job {running[0]} is RUNNING; wait until it is over, then move it")
        self._server.inside("move.inside")
        # Bytes travel beside, and are named by their numbers: MessagePack, as Redis has it, knows texts alone.
        data: list[bytes] = []
        words = {
            "jobs": [_job(one, data) for one in portion.jobs],
            "ties": [_waiter(one) for one in portion.ties],
            "groups": [(one.id, _beside(one.content, data), str(one.saved_at)) for one in portion.groups],
            "tallies": [_tally(one) for one in portion.tallies],
        }
        return int(self._server.run(_PUT, _packed(words), *data))


def _whole(told: Sequence[Any]) -> WholeJob:
    job_id, fields, payload, attempts, note = told
    one = job_of(job_id.decode(), pairs(fields), payload, args=True)
    runs = tuple(run for run in map(told_attempt, attempts) if run is not None)
    return WholeJob(one._replace(culprit=None if one.culprit is None else ""), runs, note)


def _tied(told: Sequence[Any]) -> Tied:
    job_id, _, culprit, entries = told
    name = job_id.decode()
    ties = tuple(tie_of(name, at, entry) for at, entry in enumerate(entries))
    there = {tie.awaited for tie in ties}
    if culprit is None:
        return Tied(name, ties)
    return Tied(name, ties, culprit.decode() if culprit.decode() in there else "")


def _beside(some: bytes | None, data: list[bytes]) -> int | bool:
    """Put bytes beside what is packed; return their number, False for none."""
    if some is None:
        return False
    data.append(some)
    return len(data)


def _job(whole: WholeJob, data: list[bytes]) -> Mapping[str, Any]:
    one = whole.job
    return {
        "id": one.id,
        "task": one.task,
        "queue": one.queue,
        "workflow": one.workflow or False,
        "shown": one.shown or False,
        "args": _beside(one.args or b"", data),
        "options": one.options or "",
        "note": _beside(whole.note, data),
        "fields": [word for pair in _fields(one).items() for word in pair],
        "attempts": [_run(run, data) for run in whole.attempts],
    }


def _fields(one: Job) -> dict[str, str]:
    """Return the fields of a job's hash that do not follow from others, as text."""
    always = {"t": one.task, "q": one.queue, "s": str(int(one.state)), "i": str(one.created_at)}
    counts = {
        "p": one.priority,
        "n": one.run_token,
        "a": one.attempts,
        "y": one.retries,
        "z": one.crashes,
        "c": one.cancel,
        "w": one.waits,
        "R": one.role,
    }
    times = {"x": one.expires_at, "f": one.finished_at, "r": None if one.run_at == one.created_at else one.run_at}
    some = {name: str(value) for name, value in counts.items() if value}
    some |= {name: str(value) for name, value in times.items() if value is not None}
    texts = {"g": one.workflow, "u": None if one.culprit is None else ""}
    return always | some | {name: value for name, value in texts.items() if value is not None}


def _run(run: Attempt, data: list[bytes]) -> list[Any]:
    started = "-" if run.started_at is None else run.started_at
    peak = "-" if run.peak_kb is None else run.peak_kb
    output = None if run.output is None else run.output.encode("utf-8", "surrogatepass")
    parts = [_beside(part, data) for part in (run.result, run.failure, output)]
    return [str(run.number), run.worker, f"{started} {run.ended_at} {peak} {run.ending}", *parts]


def _waiter(one: Tied) -> Mapping[str, Any]:
    return {"id": one.id, "culprit": one.culprit or False, "after": [edge_word(tie) for tie in one.ties]}


def _tally(one: Tally) -> tuple[str, str, str]:
    runs, waits = (",".join(f"{size}:{count}" for size, count in sizes.items()) for sizes in (one.runs, one.waits))
    name = f"{one.task}\0{one.queue}\0{one.state}"
    return str(one.at - one.at % FINE_US), name, f"{one.count} {one.run_us} {runs} {waits}"
