"""What `localq top` shows: one screen, drawn anew from what was asked, within the size of the terminal."""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import NamedTuple

from rich.console import Console, Group, OverflowMethod, RenderableType
from rich.table import Table
from rich.text import Text

from localq.cli.screen import printable
from localq.model.worker import WorkerState
from localq.monitor.jobs import ELLIPSIS, short_ids
from localq.web import words
from localq.web.ask.listing import Line
from localq.web.ask.overview import Overview
from localq.web.language import language
from localq.web.pages.reasons import told

__all__ = ["Seen", "drawn"]

#: Rows of queues, workers and sentences at most, on a terminal of 24 lines; a taller one has more.
_ROWS, _NEEDS, _HEIGHT = 3, 2, 24
#: Lines that are not rows: sentence, figures, names of columns, blank lines, and the foot.
_FIXED = 9
_TONES = {"good": "green", "bad": "red", "warn": "yellow", "busy": "cyan"}


class Seen(NamedTuple):
    """What was asked at once: the overview, and the jobs that run and that failed last, in the order of the screen."""

    overview: Overview
    jobs: list[Line]
    now: int


def drawn(console: Console, seen: Seen, selected: int | None, foot: str) -> RenderableType:
    """Return the screen.

    Args:
        selected: The job that keys are about, by its place; None: nobody can press any.
        foot: The last line.
    """
    height = console.height if selected is not None else 1000
    more = _ROWS + max(0, height - _HEIGHT) // 4
    top = _sentences(seen.overview)
    queues, workers = seen.overview.queues[:more], seen.overview.workers[:more]
    rows = max(3, height - _FIXED - len(top) - len(queues) - len(workers))
    first = max(0, (selected or 0) - rows + 1)
    parts: list[RenderableType] = [
        *(Text(_fit(console, line), style="bold" if place == 0 else "") for place, line in enumerate(top)),
        Text(_fit(console, _figures(seen.overview))),
        Text(""),
        _queues(console, seen, more),
        Text(""),
        _workers(console, seen, more),
        Text(""),
        _jobs(console, seen, first, rows, selected),
    ]
    return Group(*parts, Text(_fit(console, foot), style="reverse")) if foot else Group(*parts)


def _span(seconds: float | None) -> str:
    return words.span_text(seconds, language("en"))


def _sentences(seen: Overview) -> list[str]:
    say = language("en")
    if not seen.needs:
        slots, workers = seen.slots, len(seen.workers)
        return [f"All is well: {workers} worker{'s' * (workers != 1)}, {slots} slots, nothing overdue"]
    count = len(seen.needs)
    told_so = [f"  ! {told(one.text, one.values, say)}" for one in seen.needs[:_NEEDS]]
    return [f"{count} thing{'s need' if count > 1 else ' needs'} you", *told_so]


def _figures(seen: Overview) -> str:
    share = seen.hour.failed_share
    return (
        f"Last hour: {seen.hour.finished:,} finished, {'-' if share is None else f'{share:.1%}'} failed, "
        f"wait p95 {_span(seen.hour.wait_p95)}, running {seen.running}/{seen.slots}"
    )


def _queues(console: Console, seen: Seen, most: int) -> Table:
    rows = []
    for one in seen.overview.queues[:most]:
        oldest = None if one.oldest_at is None else (seen.now - one.oldest_at) / 1e6
        state = "paused" if one.paused else "" if one.served_by else "nobody serves it"
        drains = _span(one.drains_in_s)
        rows.append(((one.name, f"{one.ready:,}", str(one.running), _span(oldest), drains, state), ""))
    return _table(console, ("QUEUE", "READY", "RUNNING", "OLDEST", "EMPTY IN", ""), rows, cut=(0,))


def _workers(console: Console, seen: Seen, most: int) -> Table:
    rows = []
    for one in seen.overview.workers[:most]:
        card = one.row.card
        cells = "#" * min(len(one.jobs), 20) + "." * min(one.idle, 20)
        state = "" if one.row.state == WorkerState.ALIVE else one.row.state.name.lower()
        rows.append(((card.name, f"{len(one.jobs)}/{card.concurrency}", cells, card.pool, state), ""))
    return _table(console, ("WORKER", "BUSY", "SLOTS", "POOL", ""), rows, cut=(0,))


def _jobs(console: Console, seen: Seen, first: int, most: int, selected: int | None) -> Table:
    rows = []
    names = dict(enumerate(short_ids([line.job.id for line in seen.jobs])))
    for place, line in enumerate(seen.jobs[first : first + most], first):
        tone = words.SHAPES[line.state].tone if line.state in words.SHAPES else ""
        style = "reverse" if place == selected else _TONES.get(tone, "")
        mark = ">" if place == selected else " "
        at = line.job.finished_at or line.job.created_at
        ago = words.ago(at, seen.now, language("en"))
        # Commands take it without its sign too.
        name = names[place] if console.encoding.startswith("utf") else names[place].removeprefix(ELLIPSIS)
        rows.append(((f"{mark}{name}", line.state, line.job.task, ago, line.error or line.call), style))
    return _table(console, (" JOB", "STATE", "TASK", "WHEN", "ERROR OR ARGUMENTS"), rows, cut=(2, 4))


def _table(
    console: Console, columns: Sequence[str], rows: Sequence[tuple[Sequence[str], str]], cut: Container[int]
) -> Table:
    """Return a table in which only some columns are cut where the terminal is too narrow."""
    shown = [[_shown(console, field) for field in row] for row, _ in rows]
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for place, name in enumerate(columns):
        widest = max(len(row[place]) for row in (columns, *shown))
        overflow: OverflowMethod = "ellipsis" if console.encoding.startswith("utf") else "crop"
        table.add_column(name, no_wrap=True, overflow=overflow, min_width=None if place in cut else widest)
    for fields, (_, style) in zip(shown, rows, strict=True):
        table.add_row(*(Text(field, no_wrap=True) for field in fields), style=style)
    return table


def _fit(console: Console, line: str) -> str:
    said = _shown(console, line)
    return said if len(said) < console.width else said[: console.width - 1]


def _shown(console: Console, text: str) -> str:
    """Return a text that this terminal can print, and that does not steer it."""
    return printable(text).encode(console.encoding, "backslashreplace").decode(console.encoding)
