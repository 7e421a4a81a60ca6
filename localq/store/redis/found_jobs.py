"""Finding jobs by what they are: a page at a time, by looking at one job after another, the newest first."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from localq.model.job import Job, JobState
from localq.store.protocol.reading import Filter, Page
from localq.store.redis.rows import job_of, pairs
from localq.store.redis.scripts import script
from localq.store.redis.server import RedisServer
from localq.store.worker_cards import card_of

__all__ = ["page"]

_FIND = script("tell", "find_jobs", reads=True)
#: States whose jobs lie apart, and where.
_APART = {JobState.RUNNING: "h:", JobState.FAILED: "x:4", JobState.CANCELLED: "x:5"}
#: Jobs that one script looks at, and tells.
_AT_ONCE = 1000
_packed = msgspec.msgpack.encode


class _Look(NamedTuple):
    """What a look found: jobs, the key down to which all were seen (0: all), and when the last seen was added."""

    jobs: list[Job]
    end: int
    end_at: int | None


def page(server: RedisServer, which: Filter, limit: int, look: int) -> Page:
    """Return a page of jobs; see `localq.store.protocol.reading`."""
    looks = [
        _through(server, where, _wants(server, which, where, states), which.before, limit, look)
        for where, states in _places(which)
    ]
    end, end_at = 0, None
    for one in looks:
        if one.end > end:
            end, end_at = one.end, one.end_at
    # What one look found further back than another came is for the next page: others may stand before it.
    jobs = sorted((job for one in looks for job in one.jobs if job.key >= end), key=lambda job: -job.key)
    if len(jobs) > limit:
        jobs = jobs[:limit]
        end = jobs[-1].key
    if not end:
        return Page(jobs, None, None)
    return Page(jobs, end, jobs[-1].created_at if jobs and jobs[-1].key == end else end_at)


def _places(which: Filter) -> list[tuple[str, tuple[JobState, ...] | None]]:
    """Return where to look, each with the states that are meant there; no job is in two of them."""
    if which.shown is not None:
        return [(f"hs:{which.shown}", which.states)]
    # Where tasks are named, each has a list.
    lists = [""] if which.tasks is None else [f"i:{task}" for task in dict.fromkeys(which.tasks)]
    if which.states is None:
        return [(where, None) for where in lists]
    common = tuple(state for state in which.states if state not in _APART)
    apart = [(where, (state,)) for state, where in _APART.items() if state in which.states]
    return [*((where, common) for where in lists if common), *apart]


def _wants(server: RedisServer, which: Filter, where: str, states: tuple[JobState, ...] | None) -> bytes:
    """Return what jobs must be, as the script reads it."""
    # A job that took another task stands in the lists of both.
    tasks = [where[2:]] if where.startswith("i:") else which.tasks and list(which.tasks)
    since, until = which.added
    wants: dict[str, Any] = {
        "states": states is not None and [str(int(state)) for state in states],
        "tasks": which.tasks is not None and tasks,
        "queues": which.queues is not None and list(which.queues),
        "shown": which.shown or False,
        "since": since is not None and str(since),
        "till": until is not None and str(until),
        "text": which.text or False,
        "owners": False,
        "number": False,
    }
    if which.worker is not None:
        number, cards = server.ask(("HGET", server.key("nm"), f"n{which.worker}"), ("HGETALL", server.key("wk")))
        named = (key for key, row in pairs(cards).items() if _card_name(row) == which.worker)
        wants |= {"number": number is not None and number.decode(), "owners": [key.decode() for key in named]}
    return _packed(wants)


def _card_name(row: bytes) -> str:
    return card_of(row.decode().split(" ", 3)[3]).name


def _through(server: RedisServer, where: str, wants: bytes, before: int | None, limit: int, look: int) -> _Look:
    """Look at one job after another, some by each script: others may want something meanwhile."""
    jobs: list[Job] = []
    at: int | None = None
    while True:
        some = min(look, _AT_ONCE)
        told = server.run(_FIND, where, "" if before is None else before, min(limit - len(jobs), _AT_ONCE), some, wants)
        end, end_at, looked, *found = told
        jobs += [_job(one) for one in found]
        look -= int(looked)
        at = int(end_at) if end_at else at
        before = int(end)
        if not before or look <= 0 or len(jobs) >= limit:
            return _Look(jobs, before, at)


def _job(told: Any) -> Job:
    job_id, fields, payload = told
    return job_of(job_id.decode(), pairs(fields), payload)
