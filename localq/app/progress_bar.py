"""A bar that shows how far many jobs are: on standard error, where that is a terminal, or in a notebook."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

__all__ = ["ProgressBar"]


class ProgressBar:
    """Shows how far jobs are.

    Args:
        app: Whose part it is.
    """

    def __init__(self, app: Any) -> None:
        self._app = app

    @contextlib.contextmanager
    def beside(self, ending: Iterator[Any], title: str, total: int) -> Iterator[Iterator[Any]]:
        """Yield the same results, with a bar that counts them until the block ends; without one where nobody looks."""
        console = Console(file=None if _in_notebook() else sys.stderr, stderr=True)
        if not (console.is_terminal or console.is_jupyter) or console.is_dumb_terminal:
            yield ending
            return
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[failed]}", style="red"),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=console) as progress:
            bar = progress.add_task(title, total=total, failed="")
            yield _counted(ending, progress, bar)


def _counted(ending: Iterator[Any], progress: Progress, bar: Any) -> Iterator[Any]:
    failed = 0
    for one in ending:
        failed += not one.successful()
        progress.update(bar, advance=1, failed=f"{failed:,} failed" if failed else "")
        yield one


def _in_notebook() -> bool:
    """Whether a notebook's kernel runs this: its standard error is no terminal, but it shows what is displayed."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return type(shell).__name__ == "ZMQInteractiveShell"
