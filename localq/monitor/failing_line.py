"""The line of a program at which it failed, out of the text of a traceback. Pure."""

from __future__ import annotations

import re
from typing import NamedTuple

__all__ = ["FailingLine", "failing_line"]

#: What stands in front of the lines of an exception group.
_MARGIN = re.compile(r"^ *[|+] ")
_FRAME = re.compile(r'^  File "(?P<file>.*)", line (?P<line>\d+), in (?P<function>.*)$')


class FailingLine(NamedTuple):
    """Where something failed; `source` is empty where Python did not find it."""

    file: str
    line: int
    function: str
    source: str


def failing_line(traceback: str) -> FailingLine | None:
    """Return the last place in user code that a traceback names, that of the error itself and not of its causes.

    Libraries that were installed are passed over, as long as anything else is named.
    """
    frames = _frames(traceback)
    own = [one for one in frames if not _is_installed(one.file)]
    return (own or frames)[-1] if frames else None


def _frames(traceback: str) -> list[FailingLine]:
    found: list[FailingLine] = []
    lines = [_MARGIN.sub("", line) for line in traceback.splitlines()]
    for number, line in enumerate(lines):
        if line.lstrip().startswith("+-+"):
            # The parts of a group follow.
            break
        if line.endswith("Traceback (most recent call last):") and not line.startswith("    "):
            # Causes come first: what follows them is the error.
            found = []
        frame = _FRAME.match(line)
        if frame is not None:
            after = lines[number + 1] if number + 1 < len(lines) else ""
            source = after.strip() if after.startswith("    ") else ""
            found.append(FailingLine(frame["file"], int(frame["line"]), frame["function"], source))
    return found


def _is_installed(file: str) -> bool:
    return "site-packages" in file or "dist-packages" in file or "/lib/python" in file or file.startswith("<")
