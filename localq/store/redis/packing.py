"""Jobs and completions as arguments of scripts: flat, so that their bytes are sent as they are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from localq.model.job import JobState, NewJob
from localq.model.outcome import Attempt, Completion

__all__ = ["pack_completions", "pack_jobs"]

_RUNNING = int(JobState.RUNNING)
#: Where nothing is said.
_NONE = ""


def pack_jobs(jobs: Sequence[NewJob]) -> list[Any]:
    """Return jobs to add: how many, and of each what `lua/insert.lua` reads."""
    words: list[Any] = [len(jobs)]
    for new in jobs:
        words += _job(new)
    return words


def _job(new: NewJob) -> list[Any]:
    run_at, expires = new.run_at, new.expires_at
    words: list[Any] = [
        new.id,
        new.task,
        new.queue,
        new.priority,
        _NONE if run_at is None else run_at,
        _NONE if expires is None else expires,
        new.options or _NONE,
        new.args,
    ]
    if new.workflow is None and not new.after and new.beside is None:
        words.append(_NONE)
    else:
        words += (len(new.after), new.workflow or _NONE, new.beside or _NONE)
        words += [f"{edge.passing:d}{edge.on_error:d}.{edge.awaited}" for edge in new.after]
    return words


def pack_completions(completions: Iterable[Completion]) -> list[Any]:
    """Return what attempts came to, as `lua/finish.lua` reads it; their workers' names come first."""
    names: dict[str, int] = {}
    words: list[Any] = []
    count = 0
    for done in completions:
        if done.state == _RUNNING:
            raise ValueError(f"the completion of job {done.id} says RUNNING; an attempt that is over leaves that state")
        words += _completion(done, names)
        count += 1
    return [len(names), *names, count, *words]


def _completion(done: Completion, names: dict[str, int]) -> list[Any]:
    said: list[Any] = []
    letters = ""
    if done.shown is not None:
        letters = "s"
        said.append(done.shown)
    if done.attempt is not None:
        letters += _attempt(done.attempt, names, said)
    if done.args is not None:
        letters += "c"
        said += (done.args, done.options or _NONE)
    if done.queue is not None:
        letters += "q"
        said.append(done.queue)
    if done.priority is not None:
        letters += "p"
        said.append(done.priority)
    if done.follow_ups:
        letters += "F"
        said += pack_jobs(done.follow_ups)
    if done.replaced is not None:
        letters += "R"
        said += _job(done.replaced)
    state = int(done.state)
    # Nobody's key is 0.
    return [done.id, done.run_token, done.owner or 0, state, done.run_at, done.retries, done.crashes, letters, *said]


def _attempt(one: Attempt, names: dict[str, int], said: list[Any]) -> str:
    """Say what is kept of an attempt; return the letters that announce it."""
    started = "-" if one.started_at is None else one.started_at
    peak = "-" if one.peak_kb is None else one.peak_kb
    worker = names.setdefault(one.worker, len(names) + 1)
    said += (one.number, worker, f"{started} {one.ended_at} {peak} {one.ending}")
    letters = "a"
    if one.result is not None:
        letters += "r"
        said.append(one.result)
    if one.failure is not None:
        letters += "f"
        said.append(one.failure)
    if one.output is not None:
        letters += "o"
        said.append(one.output.encode("utf-8", "surrogatepass"))
    return letters
