"""The verbs that only read jobs; see `localq.store.protocol.reading`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from localq.model.edges import Input, Tie
from localq.model.job import Job, JobState
from localq.model.outcome import Attempt
from localq.store.protocol.reading import LINE, LOOK, Filter, Inputs, Page, Seen, Stats
from localq.store.redis.found_jobs import page
from localq.store.redis.rows import job_of, pairs, tie_of, told_attempt
from localq.store.redis.scripts import script
from localq.store.redis.server import RedisServer
from localq.store.redis.stranded import stranded

__all__ = ["RedisReading"]

_GET, _SEE, _ATTEMPTS, _INPUTS, _FAMILY = (
    script("tell", name, reads=True) for name in ("get_jobs", "see_jobs", "read_attempts", "read_inputs", "read_family")
)
_AWAITED = script("tell", "read_awaited", reads=True)
_AHEAD, _FRONT = script("count_ahead", reads=True), script("read_front", reads=True)
#: Jobs told, and edges looked at, by one script.
_AT_ONCE = 1000
#: What `starting` scans at a time.
_SCANNED = 2000


class RedisReading:
    """What there is to know of jobs."""

    def __init__(self, server: RedisServer) -> None:
        self._server = server

    def get(self, ids: Sequence[str], args: bool = False) -> dict[str, Job]:
        """Return known jobs; see the protocol."""
        found: dict[str, Job] = {}
        for part in _parts(list(dict.fromkeys(ids))):
            for job_id, told in zip(part, self._server.run(_GET, int(args), *part), strict=True):
                if told is not None:
                    found[job_id] = job_of(job_id, pairs(told[0]), told[1], args=args)
        return found

    def seen(self, ids: Sequence[str]) -> dict[str, Seen]:
        """Return known jobs with their last attempts and notes; see the protocol."""
        found: dict[str, Seen] = {}
        for part in _parts(list(dict.fromkeys(ids))):
            for job_id, told in zip(part, self._server.run(_SEE, *part), strict=True):
                if told is not None:
                    fields, payload, last, note = told
                    found[job_id] = Seen(job_of(job_id, pairs(fields), payload), told_attempt(last), note)
        return found

    def notes(self, ids: Sequence[str]) -> dict[str, bytes]:
        """Return what jobs said last; see the protocol."""
        found: dict[str, bytes] = {}
        for part in _parts(list(dict.fromkeys(ids))):
            said = self._server.one("MGET", *(self._server.key(f"m:{job_id}") for job_id in part))
            found |= {job_id: data for job_id, data in zip(part, said, strict=True) if data is not None}
        return found

    def attempts(self, job_id: str) -> list[Attempt]:
        """Return every attempt of a job; see the protocol."""
        found = map(told_attempt, self._server.run(_ATTEMPTS, job_id))
        return [one for one in found if one is not None]

    def find(self, which: Filter, limit: int, look: int = LOOK) -> Page:
        """Return a page of jobs, newest first; see the protocol."""
        with self._server.question():
            return page(self._server, which, limit, look)

    def starting(self, prefix: str, limit: int) -> list[Job]:
        """Return jobs whose ids start so; see the protocol.

        There is no index of ids: all keys are gone through, some at a time.
        """
        start = self._server.key("j:").encode()
        pattern = _literally(self._server.key(f"j:{prefix}")) + "*"
        ids: set[bytes] = set()
        cursor = b"0"
        with self._server.question():
            while True:
                cursor, keys = self._server.one("SCAN", cursor, "MATCH", pattern, "COUNT", _SCANNED)
                ids.update(key.removeprefix(start) for key in keys)
                if cursor == b"0":
                    break
        found = self.get([one.decode() for one in sorted(ids, reverse=True)[:limit]])
        return list(found.values())

    def family(self, workflow: str, most: int | None = None) -> tuple[list[Job], list[Tie]]:
        """Return a workflow's jobs and edges; see the protocol."""
        last = -1 if most is None else most - 1
        members = [one.decode() for one in self._server.one("LRANGE", self._server.key(f"g:{workflow}"), 0, last)]
        jobs: dict[str, Job] = {}
        ties: dict[str, list[Tie]] = {}
        for part in _parts(list(dict.fromkeys([*members, workflow]))):
            for job_id, told in zip(part, self._server.run(_FAMILY, *part), strict=True):
                if told is None:
                    continue
                fields, payload, entries = told
                one = jobs[job_id] = job_of(job_id, pairs(fields), payload)
                if one.workflow == workflow or most is not None:
                    ties[job_id] = [tie_of(job_id, at, entry) for at, entry in enumerate(entries)]
        ordered = sorted(jobs.values(), key=lambda one: one.key)[:most]
        tied = [tie for one in ordered for tie in ties.get(one.id, ())]
        if most is None:
            return ordered, tied
        among = {one.id for one in ordered}
        return ordered, [tie for tie in tied if tie.awaited in among]

    def awaited(self, job_id: str, most: int) -> list[Job]:
        """Return jobs that one waits for; see the protocol."""
        told = self._server.run(_AWAITED, job_id, most)
        return [job_of(one.decode(), pairs(fields), payload) for one, fields, payload in told]

    def inputs(self, ids: Sequence[str]) -> dict[str, Inputs]:
        """Return what jobs get of those they waited for; see the protocol."""
        found: dict[str, Inputs] = {}
        left = dict.fromkeys(ids, b"0")
        while left:
            asked = list(left.items())[:_AT_ONCE]
            told = self._server.run(_INPUTS, _AT_ONCE, *(word for pair in asked for word in pair))
            for (job_id, _), one in zip(asked, told, strict=True):
                del left[job_id]
                if one is None:
                    continue
                goes_on, culprit, given = one
                before = found.get(job_id, Inputs([], None))
                found[job_id] = Inputs([*before.given, *map(_input, given)], _culprit(culprit) or before.culprit)
                if goes_on:
                    left[job_id] = goes_on
        return found

    def ahead(self, job_id: str, most: int) -> int:
        """Return how many jobs come before one; see the protocol."""
        return int(self._server.run(_AHEAD, job_id, most))

    def stranded(self, limit: int) -> list[Job]:
        """Return jobs that nothing will let go; see the protocol."""
        with self._server.question():
            return stranded(self._server, self.get, limit)

    def stats(self, finished: bool = True) -> Stats:
        """Return counts, and since when queues wait; see the protocol."""
        told = pairs(self._server.one("HGETALL", self._server.key("n")))
        counts: dict[tuple[str, JobState], int] = {}
        for name, count in told.items():
            state, _, queue = name.decode().partition(":")
            if int(count) > 0 and (finished or not JobState(int(state)).final):
                counts[queue, JobState(int(state))] = int(count)
        waits = (JobState.READY, JobState.SCHEDULED)
        since: dict[str, int] = {}
        next_at: dict[str, int] = {}
        in_front: dict[tuple[str, str], int] = {}
        for queue in sorted({queue for queue, state in counts if state in waits}):
            oldest, due, *tasks = self._server.run(_FRONT, LINE, queue)
            if oldest:
                since[queue] = int(oldest)
            if due:
                next_at[queue] = int(due)
            in_front |= {(queue, task.decode()): n for task, n in zip(tasks[::2], tasks[1::2], strict=True)}
        return Stats(counts, since, in_front, next_at)

    def waiting_tasks(self) -> dict[tuple[str, str], int]:
        """Return counts of waiting jobs by queue and task; see the protocol."""
        found: dict[tuple[str, str], int] = {}
        for name, count in pairs(self._server.one("HGETALL", self._server.key("t"))).items():
            queue, _, task = name.decode().partition("\0")
            if int(count) > 0:
                found[queue, task] = int(count)
        return found


def _parts(ids: list[str]) -> Iterator[list[str]]:
    for first in range(0, len(ids), _AT_ONCE):
        yield ids[first : first + _AT_ONCE]


def _input(told: Sequence[Any]) -> Input:
    job_id, fields, payload, passing, on_error, result = told
    one = job_of(job_id.decode(), pairs(fields), payload)
    return Input(one.id, one.state, one.options, int(passing), int(on_error), result)


def _culprit(told: Sequence[Any] | None) -> Seen | None:
    if told is None:
        return None
    job_id, fields, payload, last = told
    return Seen(job_of(job_id.decode(), pairs(fields), payload), told_attempt(last), None)


def _literally(text: str) -> str:
    """Return a pattern that only this text fits."""
    return "".join(f"\\{sign}" if sign in "*?[]\\^-" else sign for sign in text)
