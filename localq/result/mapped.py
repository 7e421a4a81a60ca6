"""What came of a task's calls for many items: their values in the order of the items."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, Generic, TypeVar

from localq.result.async_result import AsyncResult
from localq.result.joining import assert_may_join

__all__ = ["Mapped"]

R = TypeVar("R")

#: Yields results as their jobs finish.
Ending = Callable[[Sequence[Any]], AbstractContextManager[Iterable[Any]]]


class Mapped(Generic[R]):
    """The values of `LocalQ.map`, in the order of the items; each is waited for when its turn comes.

    Going through it raises the error of the first job in order that failed, when that one's turn comes; the others
    go on, and `results` has them all. It may be gone through more than once.

    Attributes:
        results: The job of each item, in the same order.
    """

    def __init__(self, results: Sequence[AsyncResult[R]], ending: Ending) -> None:
        self.results = list(results)
        self._ending = ending

    def __iter__(self) -> Iterator[R]:
        assert_may_join()
        turn = 0
        with self._ending(self.results) as ending:
            for _ in ending:
                while turn < len(self.results) and self.results[turn].is_there():
                    yield self.results[turn].get()
                    turn += 1

    def __len__(self) -> int:
        return len(self.results)

    def __repr__(self) -> str:
        return f"<Mapped: {len(self):,} jobs>"
