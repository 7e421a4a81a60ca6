"""LocalQ: the app a program makes. It knows the tasks, sends jobs, and reads their results."""

from __future__ import annotations

import contextlib
import importlib
import os
import threading
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from types import ModuleType
from typing import Any, Literal, ParamSpec, TypeVar, overload

from localq import codec, current, fault
from localq.canvas import Signature
from localq.clock import SYSTEM, Clock
from localq.eager import Eager
from localq.exceptions import NotRegistered
from localq.job import JobState, NewJob, Note
from localq.location import locate
from localq.registry import BindingDecorator, Decorator, TaskRegistry, make_task
from localq.result import AsyncResult
from localq.sealing import seal_calls
from localq.sending import job_of
from localq.settings import SETTINGS, Settings, nearest
from localq.shared import make_shared_tasks
from localq.store import open_store
from localq.store.base import Store
from localq.task import Task

__all__ = ["LocalQ"]

P = ParamSpec("P")
R = TypeVar("R")


class LocalQ:
    """A queue of jobs in one file, with the tasks it can run.

    Nothing is opened or started before it is needed.

    Args:
        main: Name that stands for the main program in task names.
        path: The database file, or ":memory:"; default "jobs.db" in the working folder.
        url: "sqlite:///path", instead of `path`.
        eager: Calls run here and now, on a store in memory: for unit tests.
        include: Modules whose tasks a worker needs.
        settings: Any setting, by its name (`localq.settings`).

    Raises:
        ImproperlyConfigured, TypeError: a setting is unknown or its value cannot be.
    """

    def __init__(
        self,
        main: str | None = None,
        *,
        path: str | os.PathLike[str] | None = None,
        url: str | None = None,
        eager: bool = False,
        include: Sequence[str] = (),
        **settings: Any,
    ) -> None:
        for name in settings:
            if name not in SETTINGS:
                known = [*SETTINGS, "main", "path", "url", "eager", "include"]
                raise TypeError(f"LocalQ() got an unknown setting {name!r}.{nearest(name, known)}")
        self.main = main
        self.conf = Settings(settings)
        if include:
            self.conf.include = include
        if eager:
            self.conf.task_always_eager = True
        self.clock: Clock = SYSTEM
        self.tasks = TaskRegistry()
        self.location = locate(path, url)
        self._store: Store | None = None
        self._eager: Eager | None = None
        self._engine: Any = None
        self._lock = threading.RLock()
        #: Where notes of running tasks go; a slot sends them to its worker.
        self.annotator: Callable[[Note], None] | None = None
        current.apps.add(self)
        current.set_app(self)
        make_shared_tasks(self)

    # Tasks

    @overload
    def task(self, function: Callable[P, Coroutine[Any, Any, R]], /) -> Task[P, R]: ...
    @overload
    def task(self, function: Callable[P, R], /) -> Task[P, R]: ...
    @overload
    def task(
        self, /, *, bind: Literal[True], base: type[Task[..., Any]] | None = None, **options: Any
    ) -> BindingDecorator: ...
    @overload
    def task(
        self, /, *, bind: Literal[False] = False, base: type[Task[..., Any]] | None = None, **options: Any
    ) -> Decorator: ...
    def task(self, function: Callable[..., Any] | None = None, /, **options: Any) -> Any:
        """Make a function a task: `@q.task` or `@q.task(name="add", bind=True, max_retries=5)`.

        Args:
            bind: The function gets the task itself first.
            base: A subclass of `Task` to build on.
            options: See the attributes of `Task`.

        Raises:
            TypeError: an unknown option; the nearest is named.
            AlreadyRegistered: another function has the name.
        """

        def decorate(function: Callable[..., Any]) -> Task[..., Any]:
            if not callable(function):
                raise TypeError(f"@task decorates a function, not {function!r}")
            own = dict(options)
            bind, base = bool(own.pop("bind", False)), own.pop("base", None) or Task
            made = make_task(self, function, bind=bind, base=base, options=own)
            self.tasks.register(made)
            return made

        return decorate if function is None else decorate(function)

    def register_task(self, task: Task[P, R]) -> Task[P, R]:
        """Register an instance of a `Task` subclass that defines `run`."""
        if isinstance(task, type):
            task = task()
        if not task.name:
            task.name = f"{type(task).__module__}.{type(task).__name__}"
        task.app = self
        self.tasks.register(task)
        return task

    def import_tasks(self) -> list[ModuleType]:
        """Import the modules of `imports` and `include`, where their tasks register themselves."""
        return [importlib.import_module(name) for name in (*self.conf.imports, *self.conf.include)]

    # The store

    @property
    def eager(self) -> bool:
        """Whether calls run here and now."""
        return self.conf.task_always_eager  # type: ignore[no-any-return]

    @property
    def store(self) -> Store:
        """Where the jobs are; opened by its first use."""
        if self.conf.task_always_eager:
            return self._eager_mode().store
        if self._store is None:
            with self._lock:
                if self._store is None:
                    self._store = open_store(self.location, self.conf.durability)
        return self._store

    def relocate(self, *, path: str | os.PathLike[str] | None = None, url: str | None = None) -> None:
        """Use another file from now on, as `localq worker --path` does; what is in the old one stays there.

        Raises:
            ImproperlyConfigured: the path or URL cannot be.
        """
        location = locate(path, url)
        with self._lock:
            if self._store is not None:
                self._store.close()
                self._store = None
            self.location = location

    def _eager_mode(self) -> Eager:
        if self._eager is None:
            with self._lock:
                if self._eager is None:
                    self._eager = Eager(self)
        return self._eager

    def accepts(self, task: str) -> tuple[str, ...]:
        """Return the serializers this process reads for a task: those of the settings, and the task's own."""
        known = self.tasks.find(task)
        own = None if known is None else known.serializer
        accepted: tuple[str, ...] = self.conf.accept_content
        return accepted if own is None else (*accepted, own)

    def close(self) -> None:
        """Stop a running engine and let go of the store."""
        self.stop()
        if self._store is not None:
            self._store.close()
            self._store = None
        if self._eager is not None:
            self._eager.store.close()
            self._eager = None

    # Sending

    def send_task(
        self,
        name: str,
        args: Sequence[Any] | None = None,
        kwargs: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> AsyncResult[Any]:
        """Add a job of a task by its name, which need not be known here; see `Task.apply_async`."""
        named: object = name
        if not isinstance(named, str) or not named:
            raise TypeError(f"send_task() takes the name of a task, not {name!r}")
        return self.send(name, args or (), kwargs or {}, options)

    def send(
        self, name: str, args: Any, kwargs: Any, options: Mapping[str, Any], task: Task[..., Any] | None = None
    ) -> AsyncResult[Any]:
        """Add the job of a call; `task` is the task of that name, where it is at hand."""
        new, ignored = job_of(self, name, args, kwargs, options, task)
        self._add([new], throw=self.conf.task_eager_propagates)
        return AsyncResult(new.id, self, ignored=ignored)

    def enqueue_many(self, signatures: Iterable[Signature[R]]) -> list[AsyncResult[R]]:
        """Add many jobs in one transaction: all or none; return their results in the same order."""
        made = [job_of(self, sig.task, sig.args, sig.kwargs, sig.options) for sig in signatures]
        self._add([new for new, _ in made])
        return [AsyncResult(new.id, self, ignored=ignored) for new, ignored in made]

    def _add(self, jobs: list[NewJob], *, throw: bool = False) -> None:
        """Add jobs; in eager mode run them, and `throw` what they fail with."""
        if self.conf.task_always_eager:
            self._eager_mode().run(jobs, throw=throw)
            return
        store = self._store or self.store
        fault.point("enqueue.before")
        store.add(seal_calls(jobs, self.conf), self.clock.now())
        fault.point("enqueue.after")
        store.ring_workers()

    # Here and now

    def apply(self, task: Task[..., Any], args: Any, kwargs: Any, options: dict[str, Any]) -> AsyncResult[Any]:
        """Run a task in the caller, as eager mode does, on a store of its own in memory."""
        throw = options.pop("throw", self.conf.task_eager_propagates)
        new, ignored = job_of(self, task.name, args, kwargs, options, task)
        here = self._eager_mode()
        here.run([new], throw=throw)
        return AsyncResult(new.id, here, ignored=ignored)

    def run_here(self, sig: Signature[Any]) -> Any:
        """Call a signature's task as a function."""
        task = self.tasks.find(sig.task)
        if task is None:
            raise NotRegistered(f"Unknown task {sig.task!r}.{nearest(sig.task, list(self.tasks))}")
        return task(*sig.args, **sig.kwargs)

    # Results and control

    def AsyncResult(self, id: str) -> AsyncResult[Any]:  # noqa: N802 - Celery's name
        """Return the result of a job."""
        return AsyncResult(id, self)

    def cancel(self, ids: list[str], *, signal: int = 0) -> dict[str, JobState]:
        """Cancel jobs, durably; return the state each known one had.

        Args:
            signal: 0 lets running jobs end; else the signal that stops them.
        """
        before = self.store.cancel(ids, self.clock.now(), signal)
        self.store.ring_workers("cancel")
        self.store.ring_waiters([job_id for job_id, state in before.items() if not state.final])
        return before

    def requeue(self, ids: list[str]) -> list[str]:
        """Run finished jobs again, with the same arguments; return the ids of those that were finished."""
        again = self.store.requeue(ids, self.clock.now())
        self.store.ring_workers()
        return again

    def annotate(self, job_id: str, state: Any, meta: Any) -> None:
        """Show a state and data for an unfinished job; within a run they travel with its report."""
        if state is not None and (not isinstance(state, str) or not state.isprintable()):
            raise TypeError(f"A state is a printable text, such as 'PROGRESS', not {state!r}")
        note = Note(job_id, state, None if meta is None else codec.encode(meta, "json", "meta"))
        request = current.request.get()
        own = request is not None and request.id == job_id
        if own:
            request.__dict__["shown"] = state
        if own and request.is_eager:
            self._eager_mode().store.annotate([note], self.clock.now())
        elif self.annotator is not None and not self.conf.task_always_eager:
            self.annotator(note)
        else:
            self.store.annotate([note], self.clock.now())

    # Running embedded

    def start(self, concurrency: int | str | None = None, **options: Any) -> None:
        """Start a worker inside this program; it runs until `stop`, or until the program ends.

        May be called in every process of a web application: each worker is safe beside the others. Within a
        process that runs tasks it does nothing.

        Args:
            concurrency: Slots; default: the setting worker_concurrency.
            options: pool, queues, excluded, name; see `localq.engine.embedded.Embedded`.
        """
        if current.in_slot():
            return
        with self._lock:
            if self._engine is None or not self._engine.runs():
                # The engine is above this module and far heavier; a client that only enqueues never loads it.
                embedded = importlib.import_module("localq.engine.embedded")
                engine = embedded.Embedded(self, concurrency=concurrency, **options)
                engine.start()
                self._engine = engine

    def stop(self, timeout: float | None = None) -> None:
        """Stop the embedded worker: running jobs finish, the rest goes back to the queue.

        Args:
            timeout: Seconds to wait for running jobs before they are stopped and put back.
        """
        with self._lock:
            engine, self._engine = self._engine, None
        if engine is not None:
            engine.stop(timeout)

    @contextlib.contextmanager
    def running(self, concurrency: int | str | None = None, **options: Any) -> Iterator[LocalQ]:
        """Run a worker inside this program for the length of a block; see `start`."""
        self.start(concurrency, **options)
        try:
            yield self
        finally:
            self.stop()

    def __repr__(self) -> str:
        return f"<LocalQ {self.main or '__main__'} {self.location}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return _same_app, (self.main, self.location)


def _same_app(main: str | None, location: str) -> LocalQ:
    """Return this process's app of that name and place, or the current one, or a new one."""
    for app in list(current.apps):
        if (app.main, app.location) == (main, location):
            return app  # type: ignore[no-any-return]
    found = current.app_or_none()
    return found if isinstance(found, LocalQ) else LocalQ(main, path=location)
