"""What `localq demo` shows: a bar on a terminal, plain lines elsewhere, and the tables at the end."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from rich.console import Console
from rich.filesize import decimal
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn
from rich.table import Table
from rich.text import Text

from localq.cli.demo.run import Digested, Failed, Look
from localq.cli.screen import numbered, printable

__all__ = ["Display", "clock", "report", "say", "shown"]

#: Seconds between two lines where there is no terminal.
_LINE_EVERY_S = 1.0
#: Rows of a table; what is beyond them is said in one.
_LANGUAGES, _ROWS = 12, 5


def say(console: Console, text: str = "") -> None:
    """Print a line as it is: no markup, no wrapping, so that commands can be copied."""
    console.print(Text(shown(text, console)), soft_wrap=True)


def shown(text: str, console: Console) -> str:
    """Return a text in which every character can be printed: a file's name may hold anything."""
    return printable(text).encode(console.encoding, "backslashreplace").decode(console.encoding)


def clock(seconds: float) -> str:
    """Return seconds as 0:07 or 1:02:03."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


# While it runs


class Display:
    """Shows how far a run is; refreshed by who calls it, so that no thread is started."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._line_at = time.monotonic() + _LINE_EVERY_S
        self._bar = Progress(
            SpinnerColumn(finished_text=" "),
            TextColumn("{task.description}"),
            BarColumn(bar_width=None),
            TextColumn("{task.fields[count]}"),
            TextColumn("[cyan]{task.fields[rate]}"),
            TextColumn("{task.fields[left]}"),
            console=console,
            auto_refresh=False,
            expand=True,
        )
        self._task = self._bar.add_task("Listing", total=None, count="", rate="", left="")

    def live(self) -> AbstractContextManager[Any]:
        """Return what is entered while the bar is to be seen."""
        return self._bar if self._console.is_terminal else nullcontext()

    def listing(self, count: int) -> None:
        """Show how many files were found so far."""
        if self._console.is_terminal:
            self._bar.update(self._task, count=numbered(count, "file") if count else "", refresh=True)
        elif count and self._may_print():
            say(self._console, f"  listing: {numbered(count, 'file')} so far")

    def look(self, at: Look) -> None:
        """Show how far the digests are."""
        rate = f"{at.rate:,.0f} files/s" if at.rate is not None else ""
        left = f"{clock(at.left_s)} left" if at.left_s is not None and at.done < at.total else ""
        count = f"{at.done:,}/{at.total:,}"
        if self._console.is_terminal:
            self._bar.update(
                self._task, description="Digesting", completed=at.done, total=max(1, at.total), count=count,
                rate=rate, left=left, refresh=True,
            )  # fmt: skip
        elif self._may_print() or at.done == at.total:
            failed = f"{at.failed:,} failed" if at.failed else ""
            say(
                self._console,
                "  " + "   ".join(part for part in (f"{count} files", rate, left, failed) if part),
            )

    def _may_print(self) -> bool:
        now = time.monotonic()
        if now < self._line_at:
            return False
        self._line_at = now + _LINE_EVERY_S
        return True


# At the end


def report(
    console: Console, digested: Sequence[Digested], failed: Sequence[Failed], left_out: Mapping[str, int]
) -> None:
    """Print totals by language, duplicates, the largest files, and what could not be read."""
    if digested:
        _print_table(console, _languages(digested))
        _print_duplicates(console, digested)
        _print_table(console, _largest(console, digested))
    if failed:
        _print_table(console, _failures(console, failed))
    if left_out:
        say(console, f"Left out: {', '.join(f'{kind}: {count:,}' for kind, count in sorted(left_out.items()))}.")
        say(console)


def _table(title: str, *columns: str, footer: bool = False) -> Table:
    """Return a table whose columns that begin with > are numbers, and whose last one may be folded."""
    table = Table(title=title, box=None, pad_edge=False, show_footer=footer, header_style="dim", footer_style="bold")
    for column in columns:
        if column.startswith(">"):
            table.add_column(column[1:], justify="right", no_wrap=True)
        else:
            table.add_column(column, overflow="fold")
    return table


def _print_table(console: Console, table: Table) -> None:
    title, table.title = table.title, None
    console.print(Text(str(title), style="bold"), soft_wrap=True)
    console.print(table)
    console.print()


def _languages(digested: Iterable[Digested]) -> Table:
    sums: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for one in digested:
        for total in (sums[one.language], sums[""]):
            total[0] += 1
            total[1] += one.lines
            total[2] += one.size
    whole = sums.pop("")
    ranked = sorted(sums.items(), key=lambda item: (-item[1][2], item[0]))
    if len(ranked) > _LANGUAGES:
        rest = [total for _, total in ranked[_LANGUAGES - 1 :]]
        ranked[_LANGUAGES - 1 :] = [(f"{len(rest)} more", [sum(column) for column in zip(*rest, strict=True)])]
    table = _table("Totals", "Language", ">Files", ">Lines", ">Size", footer=True)
    for language, (files, lines, size) in ranked:
        table.add_row(language, f"{files:,}", f"{lines:,}" if lines else "", decimal(size))
    table.columns[0].footer = "All"
    for column, text in zip(table.columns[1:], (f"{whole[0]:,}", f"{whole[1]:,}", decimal(whole[2])), strict=True):
        column.footer = text
    return table


def _print_duplicates(console: Console, digested: Iterable[Digested]) -> None:
    same: dict[str, list[Digested]] = defaultdict(list)
    for one in digested:
        if one.size:
            same[one.sha256].append(one)
    groups = [sorted(group, key=lambda one: one.number) for group in same.values() if len(group) > 1]
    if not groups:
        say(console, "No two files are the same.")
        say(console)
        return
    groups.sort(key=lambda group: (-_wasted(group), group[0].number))
    copies = sum(len(group) - 1 for group in groups)
    size = decimal(sum(map(_wasted, groups)))
    are = numbered(copies, "file is a copy", "files are copies")
    title = f"Duplicates: {are} of {numbered(len(groups), 'other')}, {size} in all"
    table = _table(title, ">Copies", ">Of", "File")
    for group in groups[:_ROWS]:
        table.add_row(f"{len(group) - 1:,}", decimal(group[0].size), Text(shown(group[0].name, console)))
    _print_table(console, table)


def _wasted(group: Sequence[Digested]) -> int:
    return (len(group) - 1) * group[0].size


def _largest(console: Console, digested: Iterable[Digested]) -> Table:
    table = _table("Largest", ">Size", ">Lines", "File")
    for one in sorted(digested, key=lambda one: (-one.size, one.number))[:_ROWS]:
        table.add_row(decimal(one.size), f"{one.lines:,}" if one.lines else "", Text(shown(one.name, console)))
    return table


def _failures(console: Console, failed: Sequence[Failed]) -> Table:
    table = _table(f"Failed: {len(failed):,}", "Reason", "File")
    for one in failed[:_ROWS]:
        table.add_row(Text(shown(one.reason, console)), Text(shown(one.name, console)))
    if len(failed) > _ROWS:
        table.add_row(f"... and {len(failed) - _ROWS:,} more", "")
    return table
