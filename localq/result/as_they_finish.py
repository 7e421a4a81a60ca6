"""Jobs in the order in which they finish, however many they are."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any

from localq.exceptions import TimeoutError
from localq.result import waiting
from localq.result.final import keep_final, unknown_job
from localq.result.uncaught import say_at_end
from localq.result.waiting import FLOOR_S

__all__ = ["as_they_finish"]

#: Jobs looked at whenever a bell rings, beside those it named: they finish roughly in the order they were added in.
_FIRST = 500


def as_they_finish(
    bells: Callable[[], Any],
    results: Iterable[Any],
    timeout: float | None,
    *,
    in_all: bool = False,
    on_interval: Callable[[], Any] | None = None,
) -> Iterator[Any]:
    """Yield each result as soon as its job has finished, well or not.

    Args:
        bells: Returns the store's bells; asked only if something is to be waited for.
        results: Of single jobs.
        timeout: Seconds to wait for the next; None: as long as it takes.
        in_all: The timeout is for all of them, beginning now.
        on_interval: Called each time the store is looked at.

    Raises:
        TimeoutError: none finished in time; the jobs go on.
        UnknownJob: the store does not have one, or has it no more, and there is no timeout.
    """
    missing = _Missing(results, strict=timeout is None)
    total = len(missing)
    until = None if timeout is None else time.monotonic() + timeout
    while missing:
        left = max(0.0, until - time.monotonic()) if in_all and until is not None else timeout
        try:
            found = missing.look() or waiting.wait(bells(), missing, missing.look, left, on_interval)
        except KeyboardInterrupt as error:
            say_at_end(error, f"stopped while it waited for {len(missing):,} of {total:,} jobs.")
            raise
        if not found:
            raise TimeoutError(f"None of {len(missing):,} jobs finished within {timeout} s; they go on.")
        yield from missing.taken()


class _Missing:
    """Results whose jobs have not finished. A waiter asks it which ids it waits for, so that it knows what rang."""

    def __init__(self, results: Iterable[Any], *, strict: bool) -> None:
        self._by_id: dict[str, list[Any]] = {}
        for one in results:
            self._by_id.setdefault(one.id, []).append(one)
        self._strict = strict
        self._named: set[str] = set()
        self._found: list[str] = []
        self._all_at = 0.0

    def __len__(self) -> int:
        return sum(map(len, self._by_id.values()))

    def __contains__(self, job_id: object) -> bool:
        if job_id not in self._by_id:
            return False
        self._named.add(str(job_id))
        return True

    def look(self) -> bool:
        """Whether some have finished by now: of all every half second, else of the first and of those a bell named."""
        now = time.monotonic()
        if now >= self._all_at:
            self._all_at = now + FLOOR_S
            asked = list(self._by_id)
        else:
            named = [one for one in self._named if one in self._by_id]
            asked = list(dict.fromkeys([*islice(self._by_id, _FIRST), *named]))
        self._named.clear()
        unknown = keep_final([one for job_id in asked for one in self._by_id[job_id]])
        if unknown and self._strict:
            raise unknown_job(min(unknown))
        self._found = [job_id for job_id in asked if all(one.is_there() for one in self._by_id[job_id])]
        return bool(self._found)

    def taken(self) -> list[Any]:
        """Return those that the last look found, which are missing no more."""
        return [one for job_id in self._found for one in self._by_id.pop(job_id, ())]
