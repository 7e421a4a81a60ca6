"""The part of an app for scripts: a task called for each of many items, and results as they come."""

from __future__ import annotations

import contextlib
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, Concatenate, TypeVar, Unpack

from localq.app.carrier import Carrier
from localq.app.parts import Part
from localq.canvas import Signature
from localq.exceptions import EncodeError
from localq.model.ids import keyed_id
from localq.model.job import JobState
from localq.model.option_types import CallOptions
from localq.result import AsyncResult, ResultSet
from localq.result.as_they_finish import as_they_finish
from localq.result.joining import assert_may_join
from localq.result.mapped import Mapped
from localq.result.unattended import Unattended
from localq.serialization import codec
from localq.store.protocol import Store
from localq.tasks.task import Task

__all__ = ["WithItems"]

T = TypeVar("T")
R = TypeVar("R")

#: Jobs added in one transaction: workers begin while the rest is still made.
_AT_ONCE = 500
#: Ends that are no reason to leave a job alone when its script runs again.
_FAILED = (JobState.FAILED, JobState.CANCELLED)


class WithItems:
    """Calls a task for many items, and shows how far they are; see `LocalQ`."""

    carrier: Carrier | None
    _bar = Part("localq.app.progress_bar:ProgressBar")

    @property
    @abstractmethod
    def store(self) -> Store: ...

    @property
    @abstractmethod
    def eager(self) -> bool: ...

    @abstractmethod
    def enqueue_many(self, signatures: Iterable[Signature[R]]) -> list[AsyncResult[R]]: ...

    @abstractmethod
    def requeue(self, ids: list[str]) -> list[str]: ...

    @abstractmethod
    def _result(self, task: Task[..., Any] | None, job_id: str, ignored: bool = False) -> AsyncResult[Any]: ...

    @abstractmethod
    def run_if_eager(self) -> None: ...

    def map(
        self,
        task: Task[Concatenate[T, ...], R],
        items: Iterable[T],
        *,
        key: Callable[[T], object] | None = None,
        progress: bool = True,
        **options: Unpack[CallOptions],
    ) -> Mapped[R]:
        """Add a job of a task for each item; return their values, in the order of the items.

        All jobs are there when this returns, added 500 in one transaction; values are waited for as they are read. An
        error on the way (an item that cannot be written down) leaves those added before it.

        Args:
            task: Called with the item as its only argument.
            key: What stands for an item: a text, a number, or anything else JSON can say. With it the same call in a
                later run of the program adds no second job for an item: what has succeeded is read and what waits or
                runs is waited for, while what failed or was cancelled runs again, with the arguments it had. That
                lasts as long as results are kept (the setting result_expires).
            progress: Show a bar while values are waited for, where standard error is a terminal.
            options: As of `Task.apply_async`.

        Raises:
            TypeError: the first argument is no task, a key cannot be written down, or an argument does not fit.
        """
        given: object = task
        if not isinstance(given, Task):
            raise TypeError(f"map() takes a task first, such as a function decorated with @q.task, not {given!r}")
        if self.carrier is not None and not self.eager:
            self.carrier.refuse("map over items, with or without key= (use group)")
        source = iter(items)
        results: list[AsyncResult[R]] = []
        while some := list(islice(source, _AT_ONCE)):
            ids = None if key is None else [keyed_id(task.name, _text_of(key, one)) for one in some]
            results += self._added(task, some, ids, options)
        return Mapped(results, lambda them: self._ending(them, None, task.name if progress else None))

    def _added(
        self, task: Any, items: Sequence[Any], ids: Sequence[str] | None, options: Any
    ) -> list[AsyncResult[Any]]:
        """Add the jobs of some items; of those that are there already run again what failed."""
        if ids is None:
            return self.enqueue_many([task.signature((one,), **options) for one in items])
        there = self.store.read.get(ids)
        new = dict(zip(ids, items, strict=True))
        made = self.enqueue_many(
            [task.signature((one,), task_id=i, **options) for i, one in new.items() if i not in there]
        )
        by_id = {one.id: one for one in made}
        if self.requeue([job_id for job_id, job in there.items() if job.state in _FAILED]):
            self.run_if_eager()
        return [by_id.get(one) or self._result(task, one) for one in ids]

    def as_completed(
        self,
        results: Iterable[AsyncResult[R]] | Mapped[R],
        *,
        timeout: float | None = None,
        progress: bool = True,
    ) -> Iterator[AsyncResult[R]]:
        """Yield results as their jobs finish, well or not: those that are there first.

        Args:
            results: Of jobs, of groups, or what `map` returned.
            timeout: Seconds to wait for all of them; None: as long as it takes.
            progress: Show a bar meanwhile, where standard error is a terminal.

        Raises:
            TimeoutError: some did not finish in time; they go on.
            RuntimeError: called inside a task (see `allow_join_result`).
        """
        assert_may_join()
        several: Iterable[Any] = results.results if isinstance(results, Mapped) else results
        leaves = [leaf for one in several for leaf in (one._leaves() if isinstance(one, ResultSet) else [one])]
        with self._ending(leaves, timeout, "jobs" if progress else None) as ending:
            yield from ending

    @contextlib.contextmanager
    def _ending(self, results: Sequence[Any], timeout: float | None, title: str | None) -> Iterator[Iterator[Any]]:
        """Yield results as they end, all within `timeout` seconds, beside a bar if there is a title for it."""
        unattended = Unattended(lambda: self.store)
        ending = as_they_finish(lambda: self.store.bells, results, timeout, in_all=True, on_interval=unattended)
        if title is None:
            yield ending
            return
        with self._bar.beside(ending, title, len(results)) as shown:
            yield shown


def _text_of(key: Callable[[Any], object], item: Any) -> str:
    said = key(item)
    try:
        return codec.encode(said, where="key").decode()
    except EncodeError as error:
        raise TypeError(
            f"key() returned {said!r} for {item!r}, which is not the same text in every run ({error}). Return a text, "
            "a number, or a tuple of such."
        ) from None
