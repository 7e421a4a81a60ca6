"""What a job's keys hold, as values; see `localq.store.redis.keys` for how each is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from localq.model.edges import Tie
from localq.model.job import Job, JobState
from localq.model.outcome import Attempt

__all__ = ["edge_word", "job_of", "pairs", "split_payload", "tie_of", "told_attempt"]

_LENGTH = 4


def pairs(told: Sequence[bytes]) -> dict[bytes, bytes]:
    """Return a hash, which the server tells as a list."""
    return dict(zip(told[::2], told[1::2], strict=True))


def split_payload(payload: bytes) -> tuple[bytes, bytes]:
    """Return the arguments and the options that lie in `p:<id>`."""
    end = _LENGTH + int.from_bytes(payload[:_LENGTH], "big")
    return payload[_LENGTH:end], payload[end:]


def job_of(job_id: str, held: Mapping[bytes, bytes], payload: bytes | None = None, *, args: bool = False) -> Job:
    """Return a job.

    Args:
        held: The fields of its hash.
        payload: What lies in `p:<id>`, of a job that has field `L`; None: its options are not asked for.
        args: Whether it is returned with its arguments.
    """
    get = held.get
    state = int(held[b"s"])
    created = int(held[b"i"])
    options = get(b"O")
    arguments = get(b"A", b"")
    if payload is not None:
        arguments, options = split_payload(payload)
    owner, shown, culprit, workflow = get(b"o"), get(b"h"), get(b"u"), get(b"g")
    run_at, expires, finished = get(b"r"), get(b"x"), get(b"f")
    return Job(
        int(held[b"k"]),
        job_id,
        held[b"t"].decode(),
        held[b"q"].decode(),
        int(get(b"p", 0)),
        state,
        created if run_at is None else int(run_at),
        None if expires is None else int(expires),
        int(get(b"n", 0)),
        int(owner) if owner is not None and state == JobState.RUNNING else None,
        int(get(b"a", 0)),
        int(get(b"y", 0)),
        int(get(b"z", 0)),
        int(get(b"c", 0)),
        None if shown is None else shown.decode(),
        created,
        None if finished is None else int(finished),
        arguments if args else None,
        options.decode() if options else None,
        int(get(b"w", 0)),
        int(get(b"R", 0)),
        None if culprit is None else culprit.decode(),
        None if workflow is None else workflow.decode(),
    )


def told_attempt(told: Sequence[Any] | None) -> Attempt | None:
    """Return an attempt, as scripts tell it."""
    if told is None:
        return None
    number, word, worker, result, failure, output = told
    _, started, ended, peak, ending = word.split(b" ", 4)
    return Attempt(
        int(number),
        worker.decode(),
        None if started == b"-" else int(started),
        int(ended),
        ending.decode(),
        result,
        failure,
        None if peak == b"-" else int(peak),
        None if output is None else output.decode("utf-8", "surrogatepass"),
    )


def tie_of(waiter: str, position: int, entry: bytes) -> Tie:
    """Return an edge, as scripts tell it: after a question mark where what is awaited is not there."""
    text = entry.decode()
    gone = text.startswith("?")
    text = text.removeprefix("?")
    return Tie(waiter, position, None if gone else text[3:], int(text[0]), int(text[1]))


def edge_word(tie: Tie) -> str:
    """Return an edge as it is written."""
    mark = "!" if tie.awaited is None else "."
    return f"{tie.passing:d}{tie.on_error:d}{mark}{tie.awaited or ''}"
