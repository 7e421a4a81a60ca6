"""The streams of one browser: so many that its other requests still find a connection."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["Tabs"]

#: Streams of one browser. With HTTP/1.1 it has six connections to one host, for all of its tabs; a seventh tab waits.
_MOST = 4


class Tabs:
    """Who listens, by session; the newest few of each do."""

    def __init__(self) -> None:
        self._of: dict[str, list[asyncio.Event]] = {}

    @contextmanager
    def one_more(self, session: str) -> Iterator[asyncio.Event]:
        """Let a tab listen, in place of the oldest where there are many; yields what is set when it is enough."""
        enough = asyncio.Event()
        tabs = self._of.setdefault(session, [])
        tabs.append(enough)
        for old in tabs[:-_MOST]:
            old.set()
        try:
            yield enough
        finally:
            tabs.remove(enough)
            if not tabs:
                self._of.pop(session, None)
