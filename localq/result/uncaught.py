"""A Ctrl-C that ends a program while it waits: a line that says for what, in place of a traceback."""

from __future__ import annotations

import contextlib
import sys
from types import TracebackType
from typing import Any

__all__ = ["say_at_end"]

_SAID = "localq_said"
_before: Any = None


def say_at_end(error: KeyboardInterrupt, line: str = "") -> None:
    """Have a program that an interruption ends say a line on standard error, and show no traceback.

    The first line given to an interruption is the one that is said. Who catches the interruption hears nothing, nor do
    those who handle uncaught errors in their own way, such as notebooks. In Python's development mode the traceback
    is shown as well. The program ends as it always does: by the signal.
    """
    global _before
    if not getattr(error, _SAID, ""):
        setattr(error, _SAID, line)
    if sys.excepthook is not _tell:
        _before, sys.excepthook = sys.excepthook, _tell


def _tell(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    said = getattr(error, _SAID, None)
    if said is None or sys.flags.dev_mode:
        _before(kind, error, traceback)
    if said:
        with contextlib.suppress(Exception):
            print(f"localq: {said}", file=sys.stderr)
