"""How helps are laid out where a terminal is narrow: click takes it for wider than it is, and cuts words."""

from __future__ import annotations

import shutil
from collections.abc import Iterable

import click

__all__ = ["HelpContext", "fitting"]

#: Columns that click takes at least, and the fewest that are laid out for.
_CLICKS_LEAST, _LEAST = 50, 20
#: Columns that a text beside its names has at least; with fewer it stands below them.
_BESIDE = 20


class HelpText(click.HelpFormatter):
    """A help that fits into the terminal, whatever its width."""

    def __init__(self, indent_increment: int = 2, width: int | None = None, max_width: int | None = None) -> None:
        super().__init__(indent_increment, width, max_width)
        if width is None and self.width <= _CLICKS_LEAST:
            self.width = min(self.width, max(shutil.get_terminal_size().columns - 2, _LEAST))

    def write_dl(self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2) -> None:
        """Write names and their texts: beside them, or below where there is no room."""
        rows = list(rows)
        names = min(max((len(name) for name, _ in rows), default=0), col_max)
        longest = max((len(word) for _, text in rows for word in text.split()), default=0)
        if self.width - self.current_indent - names - col_spacing < max(_BESIDE, longest):
            col_max = self.current_indent
        super().write_dl(rows, col_max, col_spacing)


class HelpContext(click.Context):
    """What a command runs in, with a help that fits."""

    formatter_class = HelpText


def fitting(command: click.Command) -> click.Command:
    """Have the helps of a command, and of those below it, fit into the terminal; return it."""
    command.context_class = HelpContext
    if isinstance(command, click.Group):
        for one in command.commands.values():
            # Click cuts what is not said to be short.
            one.short_help = one.get_short_help_str(1_000)
            fitting(one)
    return command
