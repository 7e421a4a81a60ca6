"""How commands show things: tables on a terminal, lines of tab-separated fields elsewhere, and JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any

import click

from localq.model.clock import to_datetime

__all__ = ["age", "iso", "on_terminal", "printable", "show_json", "show_table", "when"]

#: A last column that stands below its row, where a terminal is too narrow for both.
_BELOW = ("error",)
#: Columns that are cut where a terminal is too narrow, the widest first; the others keep their width.
_CUT = ("task", "queue", "queues", "name", "error", "rule", "reason")


def on_terminal() -> bool:
    """Whether a person looks at the output."""
    return sys.stdout.isatty()


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


def show_table(columns: Sequence[str], rows: Iterable[Sequence[object]], kind: str = "") -> None:
    """Print rows: on a terminal under their columns' names; elsewhere one line a row, fields parted by tabs.

    Args:
        kind: What a row is: a heading on a terminal, elsewhere the first field of each line.
    """
    shown = [[printable(field) for field in row] for row in rows]
    if not on_terminal():
        for row in shown:
            click.echo("\t".join([kind, *row] if kind else row))
        return
    if kind:
        click.secho(f"{kind}s", bold=True)
    _print_table(columns, shown)


def _print_table(columns: Sequence[str], shown: Sequence[Sequence[str]]) -> None:
    # Half of what a command takes to start, and of no use where nobody looks.
    from rich.console import Console
    from rich.segment import Segment, Segments
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False)
    below = columns[-1] in _BELOW and _width(columns, shown) > console.width
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for name in columns[:-1] if below else columns:
        table.add_column(name, no_wrap=name not in _CUT)
    for row in shown:
        table.add_row(*(Text(field, no_wrap=True, overflow="ellipsis") for field in row[: len(table.columns)]))
    if not below:
        console.print(table)
        return
    for line, field in zip(console.render_lines(table, pad=False), ["", *(row[-1] for row in shown)], strict=True):
        console.print(Segments([*line, Segment.line()]), end="")
        if field:
            console.print(Text(f"    {field}"), no_wrap=True, overflow="ellipsis")


def _width(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> int:
    """Return the characters that a table takes where nothing is cut."""
    return sum(max(map(len, column)) + 2 for column in zip(columns, *rows, strict=True))


def iso(micros: int | None) -> str | None:
    """Return a time (microseconds since 1970) as ISO 8601 in UTC, always of the same length, for programs."""
    return None if micros is None else to_datetime(micros).isoformat(timespec="microseconds")


def when(micros: int | None) -> str:
    """Return a time in the zone of this machine, for people."""
    if micros is None:
        return "-"
    return to_datetime(micros).astimezone().isoformat(sep=" ", timespec="milliseconds")


def age(since: int | None, now: int) -> str:
    """Return how long ago a time was, in its largest unit: "12s", "3m", "5h", "2d"; "-" for None."""
    if since is None:
        return "-"
    seconds = max(0, now - since) // 1_000_000
    for unit, size in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if seconds >= size:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"
