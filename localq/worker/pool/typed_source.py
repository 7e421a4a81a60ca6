"""The source of code that stands in no file, such as a notebook's cells: tracebacks of jobs show its lines."""

from __future__ import annotations

import linecache
from collections.abc import Iterable, Mapping
from types import FunctionType

__all__ = ["keep_source", "source_of"]


def source_of(functions: Iterable[FunctionType]) -> dict[str, list[str]]:
    """Return the lines of what functions were typed in, by the name that their code has for it."""
    found = {}
    for name in {function.__code__.co_filename for function in functions}:
        entry = linecache.cache.get(name)
        # What was read from a file has a time, and is read again where it is needed.
        if entry is not None and len(entry) == 4 and entry[1] is None:
            found[name] = entry[2]
    return dict(sorted(found.items()))


def keep_source(lines: Mapping[str, list[str]]) -> None:
    """Let tracebacks of this process show these lines."""
    for name, typed in lines.items():
        linecache.cache[name] = sum(map(len, typed)), None, typed, name
