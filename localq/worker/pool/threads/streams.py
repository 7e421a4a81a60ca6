"""Standard streams of a process in which tasks run in threads: what a task prints goes to its pool."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import Any

from localq import current

__all__ = ["Redirection"]

#: Takes the id of the printing job, the text, and whether it went to stderr; says whether the job is its own.
Heard = Callable[[str, str, bool], bool]


#: Characters of an unfinished line that are kept.
_LONGEST = 65_536


class _Stream:
    """Stands before a stream: whole lines of a running task go to its pool, all else to the stream itself."""

    def __init__(self, before: Any, heard: Heard, is_error: bool) -> None:
        self._before, self._heard, self._is_error = before, heard, is_error
        self._kept = threading.local()

    def write(self, text: str) -> int:
        """Write text, or hand it to the pool of the task that prints."""
        request = current.request.get()
        if request is None or request.id is None:
            return 0 if self._before is None else int(self._before.write(text) or 0)
        job_id, kept = self._kept.__dict__.get("line", (request.id, ""))
        if job_id != request.id:
            self.end_line()
            kept = ""
        whole, newline, rest = (kept + text).rpartition("\n")
        if len(rest) > _LONGEST:
            whole, rest = whole + newline + rest, ""
        self._kept.line = request.id, rest
        self._hand(request.id, whole + newline)
        return len(text)

    def end_line(self) -> None:
        """Hand over what this thread's task has left unfinished."""
        job_id, kept = self._kept.__dict__.pop("line", ("", ""))
        self._hand(job_id, kept)

    def _hand(self, job_id: str, text: str) -> None:
        if text and not self._heard(job_id, text, self._is_error) and self._before is not None:
            self._before.write(text)

    def writelines(self, lines: Any) -> None:
        """Write several texts."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Hand over what is unfinished, and flush the stream itself."""
        self.end_line()
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

    def end_lines(self) -> None:
        """Hand over what the calling thread's task has left unfinished."""
        self._out.end_line()
        self._err.end_line()

    def end(self) -> None:
        """Put the streams back, unless somebody has put others there since."""
        if sys.stdout is self._out:
            sys.stdout = self._before[0]
        if sys.stderr is self._err:
            sys.stderr = self._before[1]
