"""What running jobs have printed and logged so far: for who asks meanwhile, and for the row of their attempt."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from typing import NamedTuple

from localq.model.outcome import OUTPUT_KEPT

__all__ = ["Output", "Part"]


class Part(NamedTuple):
    """What a run has said from a place on, as far as it is kept: from `start`, which may be later than was asked for.

    `over`: it says no more.
    """

    start: int
    text: str
    over: bool


class _Tail:
    """The last of what one run has said, how much that was in all, and how many wait for more."""

    __slots__ = ("over", "text", "total", "watched")

    def __init__(self) -> None:
        self.text = ""
        self.total = self.watched = 0
        self.over = False


class Output:
    """The output of all jobs of a pool that run. Written by its worker; read from any thread."""

    def __init__(self) -> None:
        self._tails: dict[str, _Tail] = {}
        self._changed = threading.Condition()

    def add(self, job_id: str, text: str) -> None:
        """Take what a run has said."""
        if not text.isascii():
            # A task may print what no encoding knows, such as a file's name that is not UTF-8.
            text = text.encode("utf-8", "backslashreplace").decode()
        with self._changed:
            tail = self._tails.get(job_id)
            if tail is None:
                tail = self._tails[job_id] = _Tail()
            tail.text = (tail.text + text)[-OUTPUT_KEPT:]
            tail.total += len(text)
            if tail.watched:
                self._changed.notify_all()

    def take(self, job_id: str) -> str | None:
        """Return what is kept of a run that has ended, and forget it; None if it said nothing."""
        if not self._tails:
            return None
        with self._changed:
            tail = self._tails.pop(job_id, None)
            if tail is None:
                return None
            self._end(tail)
            return tail.text or None

    def drop(self, ids: Collection[str]) -> None:
        """Forget runs of which nothing will be reported."""
        with self._changed:
            for job_id in ids:
                tail = self._tails.pop(job_id, None)
                if tail is not None:
                    self._end(tail)

    def _end(self, tail: _Tail) -> None:
        tail.over = True
        if tail.watched:
            self._changed.notify_all()

    # Reading

    def after(self, job_id: str, place: int) -> Part:
        """Return what a job that runs has said after so many characters; nothing of one that is not here."""
        with self._changed:
            return _part(self._tails.get(job_id), place)

    def watch(self, job_id: str) -> Callable[[int, float], Part]:
        """Watch the run of a job that there is now, though another may follow it at once.

        Returns:
            What is to be called once: it takes a place, waits so many seconds until there is something after that, and
            returns it.
        """
        with self._changed:
            tail = self._tails.setdefault(job_id, _Tail())
            tail.watched += 1

        def awaited(place: int, patience: float) -> Part:
            with self._changed:
                self._changed.wait_for(lambda: tail.over or tail.total > place, patience)
                tail.watched -= 1
                if not tail.watched and not tail.total and self._tails.get(job_id) is tail:
                    # A job that said nothing may leave the pool by ways that are not told here.
                    del self._tails[job_id]
                return _part(tail, place)

        return awaited


def _part(tail: _Tail | None, place: int) -> Part:
    if tail is None:
        return Part(place, "", False)
    start = max(place, tail.total - len(tail.text))
    return Part(start, tail.text[len(tail.text) - (tail.total - start) :] if start < tail.total else "", tail.over)
