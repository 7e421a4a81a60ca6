"""A job's tries on one axis of time: how long it waited, ran, and waited again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from markupsafe import Markup

from localq.model.job import Job, JobState
from localq.model.outcome import Attempt
from localq.web.draw.svg import element, figure

__all__ = ["attempts"]

_WIDTH, _HEIGHT = 1000.0, 16
#: The width at which a try is seen, however short it was.
_LEAST = 4.0
_TONES = {"SUCCESS": "good", "FAILURE": "bad", "RETRY": "warn", "LOST": "bad", "REVOKED": "off", "REJECTED": "off"}


class _Try(NamedTuple):
    """A try, in microseconds since 1970. `ending` is RUNNING or WAITING where it has not ended."""

    number: int
    begun: int
    started: int
    ended: int
    ending: str


def attempts(
    job: Job, runs: Sequence[Attempt], now: int, said: Callable[[float, float | None], str], began: int | None = None
) -> Markup:
    """Return a line for each try: what it waited, in grey, what it ran, and both in words.

    Args:
        began: Since when it runs, where that is known.
        said: Says how long a try waited, and ran, in seconds; None: it has not begun.
    """
    tries = _tries(job, runs, now, began)
    end = max((one.ended for one in tries), default=now)
    scale = _WIDTH / max(end - job.created_at, 1)
    return Markup('<ol class="attempts">{}</ol>').format(
        Markup("").join(_line(one, job.created_at, scale, said) for one in tries)
    )


def _tries(job: Job, runs: Sequence[Attempt], now: int, began: int | None) -> list[_Try]:
    tries, begun = [], job.created_at
    for run in runs:
        started = run.ended_at if run.started_at is None else run.started_at
        tries.append(_Try(run.number, begun, started, run.ended_at, run.ending))
        begun = run.ended_at
    if not JobState(job.state).final:
        running = job.state == JobState.RUNNING
        started = now if not running else min(now, max(begun, began)) if began is not None else begun
        tries.append(_Try(len(runs) + 1, begun, started, now, "RUNNING" if running else "WAITING"))
    return tries


def _line(one: _Try, zero: int, scale: float, said: Callable[[float, float | None], str]) -> Markup:
    begun, started, ended = ((at - zero) * scale for at in (one.begun, one.started, one.ended))
    tone = "busy" if one.ending == "RUNNING" else _TONES.get(one.ending, "calm")
    waited = (one.started - one.begun) / 1e6
    words = said(waited, None if one.ending == "WAITING" else (one.ended - one.started) / 1e6)
    drawn = [element("line", x1=0.0, x2=_WIDTH, y1=8, y2=8, class_="grid")]
    if started > begun:
        drawn.append(element("rect", x=begun, y=5, width=started - begun, height=6, class_="waited"))
    if one.ending != "WAITING":
        wide = max(ended - started, _LEAST)
        x = min(started, _WIDTH - wide)
        drawn.append(element("rect", x=x, y=0, width=wide, height=_HEIGHT, class_=f"ran {tone}"))
    picture = figure(_WIDTH, _HEIGHT, f"{one.number}: {words}", drawn, stretched=True)
    return Markup('<li><span class="number">{}</span>{}<span class="muted">{}</span></li>').format(
        one.number, picture, words
    )
