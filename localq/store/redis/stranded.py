"""Looking for jobs that wait for what will never come."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from localq.model.job import Job, JobState
from localq.store.redis.rows import pairs
from localq.store.redis.scripts import script
from localq.store.redis.server import RedisServer

__all__ = ["stranded"]

_FAMILY = script("tell", "read_family", reads=True)
_AT_ONCE = 500


class _Waiting(NamedTuple):
    """A job that waits for so many others, and those that are there."""

    waits: int
    awaited: Sequence[str]


def stranded(server: RedisServer, get: Callable[[Sequence[str]], Mapping[str, Job]], limit: int) -> list[Job]:
    """Return the jobs that wait for more than is to come, or only for others that wait for them in turn."""
    waiting = _waiting(server)
    others = sorted({one for each in waiting.values() for one in each.awaited} - waiting.keys())
    unfinished = {job_id for job_id, job in get(others).items() if not JobState(job.state).final} | waiting.keys()
    behind: dict[str, list[str]] = {}
    for job_id, one in waiting.items():
        for awaited in one.awaited:
            behind.setdefault(awaited, []).append(job_id)
    # Whoever waits for what moves will be told, and then moves as well.
    moving = {job_id for job_id in unfinished if job_id not in waiting or not waiting[job_id].waits}
    ahead = list(moving)
    while ahead:
        for waiter in behind.get(ahead.pop(), ()):
            if waiter not in moving:
                moving.add(waiter)
                ahead.append(waiter)
    lost = [
        job_id
        for job_id, one in waiting.items()
        if one.waits and (one.waits > sum(awaited in unfinished for awaited in one.awaited) or job_id not in moving)
    ]
    return sorted(get(lost).values(), key=lambda job: job.key)[:limit]


def _waiting(server: RedisServer) -> dict[str, _Waiting]:
    """Return the jobs that wait for others."""
    found: dict[str, _Waiting] = {}
    queues = server.one("SMEMBERS", server.key("q"))
    sets = server.ask(*(("ZRANGE", server.key(f"w:{queue.decode()}"), 0, -1) for queue in queues))
    ids = [one.decode() for members in sets for one in members]
    for first in range(0, len(ids), _AT_ONCE):
        part = ids[first : first + _AT_ONCE]
        for job_id, told in zip(part, server.run(_FAMILY, *part), strict=True):
            if told is None:
                continue
            held = pairs(told[0])
            if int(held[b"s"]) == JobState.WAITING:
                edges = [entry.decode() for entry in told[2] if not entry.startswith(b"?")]
                found[job_id] = _Waiting(int(held.get(b"w", 0)), [entry[3:] for entry in edges])
    return found
