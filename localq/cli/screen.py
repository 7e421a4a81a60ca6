"""How commands show things: tables on a terminal, lines of tab-separated fields elsewhere, and JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Self, TypeVar

import click

from localq.model.clock import to_datetime
from localq.monitor.jobs import short_ids

__all__ = [
    "Instant",
    "Shortened",
    "age",
    "iso",
    "numbered",
    "on_terminal",
    "printable",
    "show_json",
    "show_table",
    "took",
    "when",
]

T = TypeVar("T")

#: A last column that stands below its row, where a terminal is too narrow for both.
_BELOW = ("error",)
#: Columns that are cut where a terminal is too narrow, the widest first; the others keep their width.
_CUT = ("task", "queue", "queues", "name", "error", "rule", "reason", "value", "default", "meaning", "call")
#: Characters that are left of such a column at least; where that is not enough, each row is a block.
_LEAST = 8


def on_terminal() -> bool:
    """Whether a person looks at the output."""
    return sys.stdout is not None and sys.stdout.isatty()


def printable(text: object, keep: str = "") -> str:
    """Return a text whose control characters are escaped: what jobs say must not steer a terminal.

    Args:
        keep: Characters to leave as they are.
    """
    said = str(text)
    if said.isprintable():
        return said
    return "".join(c if c.isprintable() or c in keep else c.encode("unicode_escape").decode() for c in said)


def show_json(value: Any) -> None:
    """Print a value as JSON: ASCII, so that no locale can break it."""
    click.echo(json.dumps(value, indent=2))


def show_table(columns: Sequence[str], rows: Iterable[Sequence[object]], kind: str = "", once: str = "") -> None:
    """Print rows: on a terminal under their columns' names; elsewhere one line a row, fields parted by tabs.

    Args:
        kind: What a row is: a heading on a terminal, elsewhere the first field of each line.
        once: A column that is told in a line below where a terminal is too narrow, and all rows have the same there.
    """
    fields = [list(row) for row in rows]
    shown = [[printable(field) for field in row] for row in fields]
    if not on_terminal():
        for row in shown:
            click.echo("\t".join([kind, *row] if kind else row))
        return
    if kind:
        click.secho(f"{kind}s" if shown else f"{kind}s: none", bold=True)
    if shown or not kind:
        _print_table(columns, shown, fields, once)


class Shortened(str):
    """A text as a column shows it, with the shorter one that stands for it where a table is too wide."""

    short: str

    @classmethod
    def to(cls, text: str, short: str) -> Self:
        """Return a text with its shorter one."""
        made = cls(text)
        made.short = short
        return made


class Instant(Shortened):
    """A time."""

    @classmethod
    def of(cls, when: datetime, now: datetime) -> Instant:
        """Return a time in its own zone; the short text leaves out what it shares with now."""
        there = now.astimezone(when.tzinfo)
        same_day, same_year = when.date() == there.date(), when.year == there.year
        short = when.strftime("%H:%M:%S" if same_day else "%m-%d %H:%M" if same_year else "%Y-%m-%d %H:%M")
        return cls.to(when.isoformat(sep=" ", timespec="seconds"), short)


def _print_table(
    columns: Sequence[str], shown: Sequence[Sequence[str]], fields: Sequence[Sequence[object]], once: str
) -> None:
    # Half of what a command takes to start, and of no use where nobody looks.
    from rich.cells import cell_len, set_cell_size
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False)
    every, whole = columns, shown
    columns, shown, told = _shortened(columns, shown, fields, once, console.width)
    natural = [max(map(cell_len, column)) for column in zip(columns, *shown, strict=True)]
    below = columns[-1] in _BELOW and _total(natural) > console.width
    widths = _fitted(columns, natural[:-1] if below else natural, console.width)
    if widths is None:
        _print_blocks(console, every, whole)
        return

    def line(fields: Sequence[str], style: str = "") -> None:
        cells = [_cut(field, width) for field, width in zip(fields, widths, strict=False)]
        padded = [set_cell_size(cell, width) for cell, width in zip(cells, widths, strict=True)]
        console.print(Text("  ".join(padded).rstrip(), style=style), no_wrap=True, overflow="ignore", crop=False)

    line(columns[: len(widths)], "dim")
    for row in shown:
        line(row[: len(widths)])
        if below and row[-1]:
            console.print(Text(f"    {row[-1]}"), no_wrap=True, overflow="ellipsis")
    if told:
        console.print(Text(told, style="dim"), soft_wrap=True)


def _shortened(
    columns: Sequence[str], shown: Sequence[Sequence[str]], fields: Sequence[Sequence[object]], once: str, width: int
) -> tuple[Sequence[str], Sequence[Sequence[str]], str]:
    """Return columns and rows, and a line below them: where a table is too wide, without what can be told once there,
    then with short texts, then with the ends of ids.
    """
    told = ""

    def fits() -> bool:
        widths = [max(map(len, one)) for one in zip(columns, *shown, strict=True)]
        return _total(widths[:-1] if columns[-1] in _BELOW else widths) <= width

    if not fits() and once:
        at = columns.index(once)
        values = {row[at] for row in shown}
        if len(values) == 1:
            told = f"{once}: {values.pop()}"
            columns = _without(at, columns)
            shown, fields = [_without(at, row) for row in shown], [_without(at, row) for row in fields]
    if not fits():
        shown = [
            [field.short if isinstance(field, Shortened) else text for field, text in zip(row, texts, strict=True)]
            for row, texts in zip(fields, shown, strict=True)
        ]
    if not fits() and columns[0] == "id":
        short = short_ids([row[0] for row in shown])
        shown = [[one, *row[1:]] for one, row in zip(short, shown, strict=True)]
    return columns, shown, told


def _without(at: int, row: Sequence[T]) -> list[T]:
    return [*row[:at], *row[at + 1 :]]


def _print_blocks(console: Any, columns: Sequence[str], shown: Sequence[Sequence[str]]) -> None:
    """Print each row as a block, for a terminal that is too narrow for a line: nothing is cut."""
    from rich.text import Text

    wide = max(map(len, columns[1:]), default=0)
    for first, *others in shown:
        console.print(Text(first, style="bold"), soft_wrap=True)
        for name, field in zip(columns[1:], others, strict=True):
            if field:
                console.print(Text(f"  {name:<{wide}}  {field}"), soft_wrap=True)


def _cut(text: str, width: int) -> str:
    from rich.cells import cell_len, set_cell_size

    return text if cell_len(text) <= width else f"{set_cell_size(text, width - 1)}…"


def _total(widths: Sequence[int]) -> int:
    """Return the characters that a table of these columns takes."""
    return sum(widths) + 2 * (len(widths) - 1)


def _fitted(columns: Sequence[str], natural: Sequence[int], most: int) -> list[int] | None:
    """Return widths that fit, the widest of the columns that may be cut being cut first; None: none do.

    The first column says what the row is, and is never cut.
    """
    widths = list(natural)
    may = [at for at in range(1, len(widths)) if columns[at] in _CUT]
    while _total(widths) > most:
        widest = max(may, key=widths.__getitem__, default=0)
        if not may or widths[widest] <= _LEAST:
            return None
        widths[widest] -= 1
    return widths


def iso(micros: int | None) -> str | None:
    """Return a time (microseconds since 1970) as ISO 8601 in UTC, always of the same length, for programs."""
    return None if micros is None else to_datetime(micros).isoformat(timespec="microseconds")


def when(micros: int | None) -> str:
    """Return a time in the zone of this machine, for people."""
    if micros is None:
        return "-"
    return to_datetime(micros).astimezone().isoformat(sep=" ", timespec="milliseconds")


def took(seconds: float) -> str:
    """Return how long something took, in a unit that has something to say: "152 µs", "3.2 ms", "2.018 s"."""
    if seconds >= 1:
        return f"{seconds:,.3f} s"
    millis = max(0.0, seconds) * 1000
    return f"{millis:.3g} ms" if millis >= 1 else f"{millis * 1000:.0f} µs"


def numbered(count: int, one: str, many: str | None = None) -> str:
    """Return a number with what it counts: "1 file", "2,000 files"."""
    return f"{count:,} {one if count == 1 else many or f'{one}s'}"


def age(since: int | None, now: int) -> str:
    """Return how long ago a time was, in its largest unit: "12s", "3m", "5h", "2d"; "-" for None."""
    if since is None:
        return "-"
    seconds = max(0, now - since) // 1_000_000
    for unit, size in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if seconds >= size:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"
