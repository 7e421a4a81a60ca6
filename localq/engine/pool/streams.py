"""Standard streams of a process in which tasks run in threads: what a task prints goes to its pool."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from localq import current

__all__ = ["Redirection"]

#: Takes the id of the printing job, the text, and whether it went to stderr; says whether the job is its own.
Heard = Callable[[str, str, bool], bool]


class _Stream:
    """Stands before a stream: text of a running task goes to its pool, all else to the stream itself."""

    def __init__(self, before: Any, heard: Heard, is_error: bool) -> None:
        self._before, self._heard, self._is_error = before, heard, is_error

    def write(self, text: str) -> int:
        """Write text, or hand it to the pool of the task that prints."""
        request = current.request.get()
        if request is not None and request.id is not None and self._heard(request.id, text, self._is_error):
            return len(text)
        return 0 if self._before is None else int(self._before.write(text) or 0)

    def writelines(self, lines: Any) -> None:
        """Write several texts."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Flush the stream itself."""
        if self._before is not None:
            self._before.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._before, name)


class Redirection:
    """The redirection of sys.stdout and sys.stderr for a pool, as long as it lasts."""

    def __init__(self, heard: Heard) -> None:
        self._out = _Stream(sys.stdout, heard, False)
        self._err = _Stream(sys.stderr, heard, True)
        self._before = (sys.stdout, sys.stderr)
        sys.stdout, sys.stderr = self._out, self._err

    def end(self) -> None:
        """Put the streams back, unless somebody has put others there since."""
        if sys.stdout is self._out:
            sys.stdout = self._before[0]
        if sys.stderr is self._err:
            sys.stderr = self._before[1]
