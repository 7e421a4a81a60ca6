"""The standard streams of a slot's process: what its tasks print goes to the worker."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Callable
from typing import Any

__all__ = ["set_streams"]


class _Stream(io.TextIOBase):
    """A standard stream whose whole lines travel to the worker, with the job they belong to."""

    def __init__(self, printed: Callable[[str, bool], None], raw: Any, is_error: bool) -> None:
        self._printed, self._is_error = printed, is_error
        self._kept = ""
        self.buffer = getattr(raw, "buffer", raw)

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return "utf-8"

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return 2 if self._is_error else 1

    def write(self, text: str) -> int:
        self._kept += text
        if "\n" in text or len(self._kept) > 65536:
            whole, newline, self._kept = self._kept.rpartition("\n")
            if not newline:
                whole, self._kept = self._kept, ""
            self._printed(whole + newline, self._is_error)
        return len(text)

    def flush(self) -> None:
        if self._kept:
            kept, self._kept = self._kept, ""
            self._printed(kept, self._is_error)


def set_streams(printed: Callable[[str, bool], None], output: int, *, redirect: bool) -> None:
    """Send descriptors 1 and 2 into the output pipe, and Python's own streams where texts are told by job.

    Args:
        printed: Called with whole lines, and whether they went to stderr.
        output: The pipe's end; it is closed here.
        redirect: False leaves Python's streams as they are, on the descriptors.
    """
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(output)
    if redirect:
        sys.stdout = sys.__stdout__ = _Stream(printed, sys.__stdout__, False)  # type: ignore[misc, assignment]
        sys.stderr = sys.__stderr__ = _Stream(printed, sys.__stderr__, True)  # type: ignore[misc, assignment]
