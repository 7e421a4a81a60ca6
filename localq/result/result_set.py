"""Several jobs as their caller holds them (celery/result.py of 5.7)."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from typing import Any
from uuid import UUID

from localq import current, states
from localq.exceptions import TimeoutError
from localq.result import waiting
from localq.result.actions import Actions
from localq.result.as_they_finish import as_they_finish
from localq.result.async_result import NOWHERE, AsyncResult
from localq.result.final import keep_final
from localq.result.joining import assert_may_join
from localq.result.lineage import Source
from localq.result.unattended import Unattended
from localq.result.uncaught import say_at_end

__all__ = ["ResultSet"]

#: Results read ahead of those returned, while some are not there yet.
_WINDOW = 64


class ResultSet(Actions):
    """Results that are waited for together, in their order.

    Args:
        results: Results of jobs or of groups.
        app: The app whose store has them; default: that of the first, or the current one.
    """

    def __init__(self, results: Iterable[Any], app: Source | None = None, **_ignored: Any) -> None:
        self.results = list(results)
        self._given_app = app

    @property
    def app(self) -> Any:
        """The app whose store has them."""
        if self._given_app is not None:
            return self._given_app
        # Results that were made by hand are in none.
        return next((one._app for one in self.results if one._app is not NOWHERE), None) or current.app()

    _app = app

    @property
    def backend(self) -> Any:
        """The store."""
        return self.app.store

    # Changing the set

    def add(self, result: Any) -> None:
        """Add a result, unless it is there."""
        if result not in self.results:
            self.results.append(result)

    def remove(self, result: Any) -> None:
        """Remove a result, or the one of an id.

        Raises:
            KeyError: it is not there.
        """
        try:
            self.results.remove(self._meant(result))
        except ValueError:
            raise KeyError(result) from None

    def discard(self, result: Any) -> None:
        """Remove a result, or the one of an id, if it is there."""
        if self._meant(result) in self.results:
            self.remove(result)

    def _meant(self, result: Any) -> Any:
        return AsyncResult(result, self.app) if isinstance(result, str | UUID) else result

    def update(self, results: Iterable[Any]) -> None:
        """Add several results."""
        for one in results:
            self.add(one)

    def clear(self) -> None:
        """Remove all."""
        self.results[:] = []

    def _held(self) -> tuple[Source, list[Any]]:
        return self.app, [one for one in self._leaves() if one._app is not NOWHERE]

    def _before(self) -> Any:
        return getattr(self, "parent", None)

    # Looking

    def _look(self) -> None:
        """Read all that is not known to be final, at once."""
        keep_final(self._leaves())

    def _leaves(self) -> list[AsyncResult[Any]]:
        leaves: list[AsyncResult[Any]] = []
        for one in self.results:
            leaves.extend(one._leaves() if isinstance(one, ResultSet) else [one])
        return leaves

    def ready(self) -> bool:
        """Whether all are finished, well or not."""
        self._look()
        return all(one.ready() for one in self.results)

    def successful(self) -> bool:
        """Whether all finished well."""
        self._look()
        return all(one.successful() for one in self.results)

    def failed(self) -> bool:
        """Whether any failed."""
        self._look()
        return any(one.failed() for one in self.results)

    def waiting(self) -> bool:
        """Whether any is not finished."""
        return not self.ready()

    def completed_count(self) -> int:
        """Return how many finished well; of a group within, each job counts."""
        self._look()
        return sum(
            one.completed_count() if isinstance(one, ResultSet) else int(one.successful()) for one in self.results
        )

    def maybe_throw(self, callback: Callable[[str, Any], Any] | None = None, propagate: bool = True) -> None:
        """Raise the error of the first that failed or was revoked."""
        for one in self.results:
            one.maybe_throw(callback=callback, propagate=propagate)

    maybe_reraise = maybe_throw

    # Waiting

    def join(
        self,
        timeout: float | None = None,
        propagate: bool = True,
        interval: float = 0.5,
        callback: Callable[[str, Any], Any] | None = None,
        no_ack: bool = True,
        on_message: Callable[..., Any] | None = None,
        disable_sync_subtasks: bool = True,
        on_interval: Callable[[], Any] | None = None,
    ) -> list[Any]:
        """Wait for all and return their results, in order.

        Args:
            timeout: Seconds to wait at most for all; the jobs go on after a timeout.
            propagate: Raise the error of the first in order that failed, as soon as all before it are there; else
                return errors among the results.
            callback: Called with id and result, for each in order.
            on_interval: Called each time the store is looked at.
            disable_sync_subtasks: Refuse to wait inside a task, where it can end in a deadlock.
            interval, no_ack, on_message: Accepted for Celery's sake.

        Raises:
            TimeoutError: not all finished in time.
            UnknownJob: the store does not have one, or has it no more, and there is no timeout.
            RuntimeError: called inside a task (see `allow_join_result`).
        """
        if disable_sync_subtasks:
            assert_may_join()
        leaves = [one for one in self._leaves() if not one.ignored]
        head = _Head(leaves, propagate, strict=timeout is None)
        there = not leaves or head.advance()
        try:
            there = there or waiting.wait(
                self.backend.bells, head, head.advance, timeout, Unattended(lambda: self.backend, on_interval)
            )
        except KeyboardInterrupt as error:
            done = sum(one.is_there() for one in leaves)
            say_at_end(error, f"stopped while it waited for {len(leaves) - done:,} of {len(leaves):,} jobs.")
            raise
        if not there:
            done = sum(one.is_there() for one in leaves)
            raise TimeoutError(
                f"{done:,} of {len(leaves):,} jobs finished within {timeout} s; the others go on. Is a worker running?"
            )
        return [self._value(one, propagate, callback) for one in self.results]

    get = join_native = join

    def __await__(self) -> Generator[Any, None, list[Any]]:
        """Wait in a coroutine: `values = await result`."""
        import asyncio

        return asyncio.to_thread(self.join).__await__()

    @staticmethod
    def _value(one: Any, propagate: bool, callback: Callable[[str, Any], Any] | None) -> Any:
        if isinstance(one, ResultSet):
            return [one._value(deep, propagate, callback) for deep in one.results]
        return None if one.ignored else one._outcome(propagate, callback)

    def _error(self) -> BaseException | None:
        """Return the error of the first that failed, or None."""
        return next((error for one in self.results if (error := one._error()) is not None), None)

    def iterate(self, timeout: float | None = None, propagate: bool = True, interval: float = 0.5) -> Iterator[Any]:
        """Yield results as the jobs finish."""
        for one in self._as_they_finish(timeout):
            yield one._outcome(propagate)

    def iter_native(self, timeout: float | None = None, interval: float = 0.5, **_ignored: Any) -> Iterator[Any]:
        """Yield (id, {"status", "result", ...}) as the jobs finish.

        Raises:
            TimeoutError: none finished within `timeout` seconds of the one before.
        """
        for one in self._as_they_finish(timeout):
            told = {"status": one.state, "result": one.result, "traceback": one.traceback}
            yield one.id, {"task_id": one.id, **told}

    def _as_they_finish(self, timeout: float | None) -> Iterator[AsyncResult[Any]]:
        unattended = Unattended(lambda: self.backend)
        return as_they_finish(lambda: self.backend.bells, self._leaves(), timeout, on_interval=unattended)

    # As a list

    @property
    def subtasks(self) -> list[Any]:
        """The results."""
        return self.results

    @property
    def supports_native_join(self) -> bool:
        """Whether all are read at once: yes."""
        return True

    def __iter__(self) -> Iterator[Any]:
        return iter(self.results)

    def __getitem__(self, index: int) -> Any:
        return self.results[index]

    def __len__(self) -> int:
        return len(self.results)

    def __eq__(self, other: object) -> bool:
        return self.results == other.results if isinstance(other, ResultSet) else NotImplemented

    def __hash__(self) -> int:
        return hash(tuple(one.id for one in self.results))

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: [{', '.join(one.id for one in self.results)}]>"


class _Head:
    """Goes through results in order, and stops at the first that is not there."""

    def __init__(self, leaves: list[AsyncResult[Any]], propagate: bool, *, strict: bool) -> None:
        self._leaves, self._propagate, self._strict, self._at = leaves, propagate, strict, 0

    def __contains__(self, job_id: object) -> bool:
        """Whether it is this job that is not there: of the others nobody need tell."""
        return self._at < len(self._leaves) and self._leaves[self._at].id == job_id

    def advance(self) -> bool:
        """Go on as far as there are results; whether that is to the end, or to an error that is to be raised."""
        while self._at < len(self._leaves):
            one = self._leaves[self._at]
            if not one.is_there():
                self._read_on()
            if not (one.known_end() if self._strict else one.ready()):
                return False
            if self._propagate and one.state in states.PROPAGATE_STATES:
                return True
            self._at += 1
        return True

    def _read_on(self) -> None:
        """Read the next result; if it is there, those behind it too, for they may be as well."""
        first, *others = [one for one in self._leaves[self._at : self._at + _WINDOW] if one._kept is None]
        keep_final([first])
        if first.is_there():
            keep_final(others)
