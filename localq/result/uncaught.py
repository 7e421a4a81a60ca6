"""What a program says of an error that ends it: of a Ctrl-C while it waits, a line that says for what, in place of a
traceback; of a job's error, no second time what its own worker has shown of it.
"""

from __future__ import annotations

import contextlib
import sys
from collections import deque
from collections.abc import Iterator
from types import TracebackType
from typing import Any

from localq.serialization.failure import RemoteTraceback

__all__ = ["say_at_end", "shown_already"]

_SAID = "localq_said"
#: The last tracebacks of jobs that were shown; not the texts, which may be long.
_shown: deque[int] = deque(maxlen=1_000)
_before: Any = None


def say_at_end(error: KeyboardInterrupt, line: str = "") -> None:
    """Have a program that an interruption ends say a line on standard error, and show no traceback.

    The first line given to an interruption is the one that is said. Who catches the interruption hears nothing, nor do
    those who handle uncaught errors in their own way, such as notebooks. In Python's development mode the traceback
    is shown as well. The program ends as it always does: by the signal.
    """
    if not getattr(error, _SAID, ""):
        setattr(error, _SAID, line)
    _listen()


def shown_already(traceback: str) -> None:
    """Have a program that an error of a job ends leave out a job's traceback that was shown on standard error.

    Who handles uncaught errors in his own way gets all of it.
    """
    _shown.append(hash(traceback))
    _listen()


def _listen() -> None:
    global _before
    if sys.excepthook is not _tell:
        _before, sys.excepthook = sys.excepthook, _tell


def _tell(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    said = getattr(error, _SAID, None)
    if said is None or sys.flags.dev_mode:
        if _before is sys.__excepthook__:
            _leave_out(error)
        _before(kind, error, traceback)
    if said:
        with contextlib.suppress(Exception):
            print(f"localq: {said}", file=sys.stderr)


def _leave_out(error: BaseException) -> None:
    """Take the tracebacks that were shown from an error, and from those it came of."""
    with contextlib.suppress(Exception):
        for one in _all_of(error):
            if isinstance(one.__cause__, RemoteTraceback) and hash(one.__cause__.args[0]) in _shown:
                one.__cause__ = None


def _all_of(error: BaseException) -> Iterator[BaseException]:
    """Yield an error, its causes and its parts, each once."""
    seen: dict[int, BaseException] = {}
    left: list[BaseException | None] = [error]
    while left:
        one = left.pop()
        if one is not None and id(one) not in seen:
            seen[id(one)] = one
            yield one
            left += [one.__cause__, one.__context__, *(one.exceptions if isinstance(one, BaseExceptionGroup) else ())]
