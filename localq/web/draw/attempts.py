"""A job's tries on one axis of time: how long it waited, ran, and waited again."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from markupsafe import Markup

from localq.model.job import Job, JobState
from localq.model.outcome import Attempt
from localq.web.draw.svg import element, figure

__all__ = ["attempts"]

_WIDTH, _ROW, _TOP, _LEFT = 640.0, 22, 8, 34
_TONES = {"SUCCESS": "good", "FAILURE": "bad", "RETRY": "warn", "LOST": "bad", "REVOKED": "off", "REJECTED": "off"}


def attempts(job: Job, runs: Sequence[Attempt], now: int, span: Callable[[float], str], title: str) -> Markup:
    """Return a line for each try: what it waited, in grey, and what it ran.

    Args:
        span: Says a span of seconds in words.
    """
    end = max([run.ended_at for run in runs] + ([now] if not JobState(job.state).final else []), default=now)
    whole = max(end - job.created_at, 1)
    scale = (_WIDTH - _LEFT - 4) / whole
    drawn, begin = [], job.created_at
    for row, run in enumerate(runs):
        started = run.started_at if run.started_at is not None else run.ended_at
        drawn += _line(row, run.number, (begin, started, run.ended_at), job.created_at, scale, span, run.ending)
        begin = run.ended_at
    if not JobState(job.state).final:
        ending = "RUNNING" if job.state == JobState.RUNNING else "WAITING"
        until = (begin, now, now) if ending == "WAITING" else (begin, begin, now)
        drawn += _line(len(runs), len(runs) + 1, until, job.created_at, scale, span, ending)
    rows = len(runs) + (not JobState(job.state).final)
    return figure(_WIDTH, 2 * _TOP + max(rows, 1) * _ROW, title, drawn, "attempts")


def _line(
    row: int,
    number: int,
    times: tuple[int, int, int],
    zero: int,
    scale: float,
    span: Callable[[float], str],
    ending: str,
) -> list[Markup]:
    begun, started, ended = times
    y = _TOP + row * _ROW
    x = [_LEFT + (at - zero) * scale for at in times]
    tone = "busy" if ending == "RUNNING" else _TONES.get(ending, "calm")
    parts = [element("text", str(number), x=_LEFT - 10, y=y + 12, text_anchor="end")]
    if started > begun:
        said = element("title", span((started - begun) / 1e6))
        parts.append(element("rect", said, x=x[0], y=y + 6, width=max(x[1] - x[0], 1), height=5, class_="waited"))
    if ended > started or ending != "WAITING":
        said = element("title", f"{ending}: {span((ended - started) / 1e6)}")
        wide = max(x[2] - x[1], 3.0)
        parts.append(element("rect", said, x=x[1], y=y + 1, width=wide, height=15, rx=3, class_=f"ran {tone}"))
    return parts
