"""A bar that shows how far many jobs are: on standard error, where that is a terminal, or in a notebook."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from time import monotonic
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

__all__ = ["ProgressBar"]

#: Seconds between two drawings of a bar below a cell.
_REDRAW_S = 0.1


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
        console, in_notebook = Console(file=sys.stderr, force_jupyter=False), _in_notebook()
        if not (in_notebook or (console.is_terminal and not console.is_dumb_terminal)):
            yield ending
            return
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[failed]}", style="red"),
            TimeRemainingColumn(),
        )
        progress = Progress(*columns, console=console)
        bar = progress.add_task(title, total=total, failed="")
        with _in_a_cell(progress) if in_notebook else _on_a_terminal(progress) as shown:
            yield _counted(ending, progress, bar, shown)


@contextlib.contextmanager
def _on_a_terminal(progress: Progress) -> Iterator[Callable[[], None]]:
    with progress:
        yield lambda: None  # it draws itself, now and then


@contextlib.contextmanager
def _in_a_cell(progress: Progress) -> Iterator[Callable[[], None]]:
    """Show a bar below the cell and yield what draws it anew.

    As a plain display: rich's own needs ipywidgets, and passes on what a cell prints in a way that ends in itself when
    the kernel flushes its streams before it displays something.
    """
    import IPython.display

    display: Any = IPython.display.display
    handle, drawn = display(progress, display_id=True), monotonic()

    def draw() -> None:
        nonlocal drawn
        if monotonic() - drawn >= _REDRAW_S:
            handle.update(progress)
            drawn = monotonic()

    try:
        yield draw
    finally:
        handle.update(progress)


def _counted(ending: Iterator[Any], progress: Progress, bar: Any, shown: Callable[[], None]) -> Iterator[Any]:
    failed = 0
    for one in ending:
        failed += not one.successful()
        progress.update(bar, advance=1, failed=f"{failed:,} failed" if failed else "")
        shown()
        yield one


def _in_notebook() -> bool:
    """Whether a notebook's kernel runs this: its standard error is no terminal, but it shows what is displayed."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return type(shell).__name__ == "ZMQInteractiveShell"
