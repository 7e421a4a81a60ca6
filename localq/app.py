"""LocalQ: the app a program makes. It knows the tasks, sends jobs, and reads their results."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import os
import threading
import time
import weakref
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from types import ModuleType
from typing import Any, Concatenate, Literal, ParamSpec, Protocol, TypeAlias, TypeVar, overload

from localq import codec, current, fault
from localq.call import When, new_id, new_job, read_options
from localq.canvas import Signature
from localq.clock import SYSTEM, Clock
from localq.eager import Eager
from localq.exceptions import EncodeError, ImproperlyConfigured, NotRegistered
from localq.job import JobState, NewJob, Note
from localq.registry import TaskRegistry, make_task
from localq.result import AsyncResult
from localq.settings import SETTINGS, Settings, nearest
from localq.store import open_store
from localq.store.base import Store
from localq.task import Task

__all__ = ["LocalQ", "shared_task"]

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")

_DEFAULT_PATH = "jobs.db"
#: The class, where a method of its name hides it.
Result: TypeAlias = AsyncResult[Any]
#: Functions that want to be a task of every app.
_shared: list[Callable[[LocalQ], Any]] = []
_apps: weakref.WeakSet[LocalQ] = weakref.WeakSet()


class Decorator(Protocol):
    """What makes a task of a function."""

    @overload
    def __call__(self, function: Callable[P, Coroutine[Any, Any, R]], /) -> Task[P, R]: ...
    @overload
    def __call__(self, function: Callable[P, R], /) -> Task[P, R]: ...


class BindingDecorator(Protocol):
    """What makes a task of a function that gets the task itself first."""

    @overload
    def __call__(self, function: Callable[Concatenate[Any, P], Coroutine[Any, Any, R]], /) -> Task[P, R]: ...
    @overload
    def __call__(self, function: Callable[Concatenate[Any, P], R], /) -> Task[P, R]: ...


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
        if path is not None and url is not None:
            raise ImproperlyConfigured(f"Give path={path!r} or url={url!r}, not both.")
        self.main = main
        self.conf = Settings(settings)
        if include:
            self.conf.include = include
        if eager:
            self.conf.task_always_eager = True
        self.clock: Clock = SYSTEM
        self.tasks = TaskRegistry()
        self.location = self._absolute(url if url is not None else path)
        self._store: Store | None = None
        self._eager: Eager | None = None
        self._engine: Any = None
        self._lock = threading.RLock()
        #: Where notes of running tasks go; a slot sends them to its worker.
        self.annotator: Callable[[Note], None] | None = None
        _apps.add(self)
        current.set_app(self)
        for make in _shared:
            make(self)

    @staticmethod
    def _absolute(location: str | os.PathLike[str] | None) -> str:
        text = os.fspath(_DEFAULT_PATH if location is None else location)
        if not text:
            raise ImproperlyConfigured("The path is empty. Give the path of a file, such as jobs.db.")
        return text if text == ":memory:" or "://" in text else os.path.abspath(os.path.expanduser(text))

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
    def task(
        self,
        function: Callable[..., Any] | None = None,
        /,
        **options: Any,
    ) -> Any:
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
        if path is not None and url is not None:
            raise ImproperlyConfigured(f"Give path={path!r} or url={url!r}, not both.")
        location = self._absolute(url if url is not None else path)
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
        return self._send(name, self.tasks.find(name), args or (), kwargs or {}, options)

    def send_task_call(
        self, task: Task[..., Any], args: Any, kwargs: Any, options: dict[str, Any]
    ) -> AsyncResult[Any]:
        """Add a job of a task of this app."""
        return self._send(task.name, task, args, kwargs, options)

    def send_signature(self, sig: Signature[Any]) -> AsyncResult[Any]:
        """Add the job a signature describes."""
        return self._send(sig.task, self.tasks.find(sig.task), sig.args, sig.kwargs, sig.options)

    def enqueue_many(self, signatures: Iterable[Signature[R]]) -> list[AsyncResult[R]]:
        """Add many jobs in one transaction: all or none; return their results in the same order."""
        made = [
            self._job_of(sig.task, self.tasks.find(sig.task), sig.args, sig.kwargs, sig.options)
            for sig in signatures
        ]
        self._add([new for new, _ in made])
        return [AsyncResult(new.id, self, ignored=ignored) for new, ignored in made]

    def _send(
        self, name: str, task: Task[..., Any] | None, args: Any, kwargs: Any, options: Mapping[str, Any]
    ) -> AsyncResult[Any]:
        new, ignored = self._job_of(name, task, args, kwargs, options)
        if self.conf.task_always_eager and self.conf.task_eager_propagates:
            self._run_and_throw(new)
        else:
            self._add([new])
        return AsyncResult(new.id, self, ignored=ignored)

    def _run_and_throw(self, new: NewJob) -> None:
        error = self._eager_mode().add_and_catch(new)
        if error is not None:
            raise error

    def _job_of(
        self, name: str, task: Task[..., Any] | None, args: Any, kwargs: Any, options: Mapping[str, Any]
    ) -> tuple[NewJob, bool]:
        """Return the job of a call, checked in full, and whether its result is ignored."""
        if task is not None and task.typing and task._check is not None:
            task._check(*args, **kwargs)
        conf = self.conf
        ignored = (
            conf.task_ignore_result if task is None or task.ignore_result is None else task.ignore_result
        )
        queue = (task.queue if task is not None else None) or conf.task_default_queue
        rank = task.priority if task is not None and task.priority is not None else conf.task_default_priority
        serializer = (task.serializer if task is not None else None) or conf.task_serializer
        expires = None if task is None else task.expires
        request = current.request.get()
        if not options and expires is None and serializer == "json" and request is None:
            encoded = self._encoded(args, kwargs, "json", conf)
            return NewJob(new_id(), name, queue, encoded, rank), bool(ignored)
        read_options(options)
        given: dict[str, Any] = {"expires": expires, **options}
        serializer = given.get("serializer") or serializer
        given["serializer"] = None if serializer == "json" else serializer
        if request is not None and request.id is not None:
            given.setdefault("parent_id", request.id)
            given.setdefault("root_id", request.root_id)
        new = new_job(
            name,
            self._encoded(args, kwargs, serializer, conf),
            given,
            when=When(conf.timezone, self.clock.now()),
            queue=queue,
            priority=rank,
            find=self.tasks.find,
        )
        said = given.get("ignore_result")
        return new, bool(ignored if said is None else said)

    def _encoded(self, args: Any, kwargs: Any, serializer: str, conf: Settings) -> bytes:
        if not isinstance(args, tuple):
            if isinstance(args, str | bytes) or not isinstance(args, Iterable):
                raise TypeError(f"args must be a list or tuple of arguments, not {args!r}")
            args = tuple(args)
        if not isinstance(kwargs, dict):
            kwargs = dict(kwargs)
        encoded = codec.encode_call(args, kwargs, serializer)
        if len(encoded) > conf.task_args_max_bytes:
            raise EncodeError(
                f"The arguments take {len(encoded):,} bytes, over the limit of {conf.task_args_max_bytes:,} "
                "(setting task_args_max_bytes). Store them elsewhere and pass where they are."
            )
        return encoded

    def _add(self, jobs: list[NewJob]) -> None:
        if self.conf.task_always_eager:
            self._eager_mode().add_many(jobs)
            return
        store = self._store or self.store
        fault.point("enqueue.before")
        store.add(jobs, self.clock.now())
        fault.point("enqueue.after")
        store.ring_workers()

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

    def annotate(self, job_id: str, state: str | None, meta: Any) -> None:
        """Show a state and data for an unfinished job; within a run they travel with its report."""
        note = Note(job_id, state, None if meta is None else codec.encode(meta, "json", "meta"))
        request = current.request.get()
        if request is not None and request.id == job_id:
            request.__dict__["shown"] = state
        if request is not None and request.is_eager and request.id == job_id:
            self._eager_mode().store.annotate([note], self.clock.now())
        elif self.annotator is not None and not self.conf.task_always_eager:
            self.annotator(note)
        else:
            self.store.annotate([note], self.clock.now())

    # Here and now

    def apply(self, task: Task[..., Any], args: Any, kwargs: Any, options: dict[str, Any]) -> Result:
        """Run a task in the caller, as eager mode does, on a store of its own in memory."""
        throw = options.pop("throw", self.conf.task_eager_propagates)
        new, ignored = self._job_of(task.name, task, args, kwargs, options)
        here = self._eager_mode()
        if throw:
            self._run_and_throw(new)
        else:
            here.add_many([new])
        return AsyncResult(new.id, _EagerSource(self, here), ignored=ignored)

    def run_here(self, sig: Signature[Any]) -> Any:
        """Call a signature's task as a function."""
        task = self.tasks.find(sig.task)
        if task is None:
            raise NotRegistered(f"Unknown task {sig.task!r}.{nearest(sig.task, list(self.tasks))}")
        return task(*sig.args, **sig.kwargs)

    async def in_thread(self, function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """Call a function in a thread, so that the event loop goes on."""
        return await asyncio.to_thread(function, *args, **kwargs)

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


class _EagerSource:
    """Reads results of `apply` from the store in memory."""

    def __init__(self, app: LocalQ, here: Eager) -> None:
        self._app = app
        self.store = here.store

    def accepts(self, task: str) -> tuple[str, ...]:
        return self._app.accepts(task)

    def cancel(self, ids: list[str], *, signal: int = 0) -> dict[str, JobState]:
        return self.store.cancel(ids, time.time_ns() // 1000, signal)


def _same_app(main: str | None, location: str) -> LocalQ:
    """Return this process's app of that name and place, or the current one, or a new one."""
    for app in list(_apps):
        if app.main == main and app.location == location:
            return app
    found = current.app_or_none()
    return found if isinstance(found, LocalQ) else LocalQ(main, path=location)


class _SharedTask:
    """Stands for a task of whichever app is current when it is used."""

    def __init__(self, name: Callable[[LocalQ], str]) -> None:
        self.__dict__["_name"] = name

    def _task(self) -> Task[..., Any]:
        app = current.app()
        return app.tasks[self._name(app)]  # type: ignore[no-any-return]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._task(), name)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._task()(*args, **kwargs)

    def __repr__(self) -> str:
        return repr(self._task()) if current.app_or_none() is not None else "<@shared_task>"


@overload
def shared_task(function: Callable[P, Coroutine[Any, Any, R]], /) -> Task[P, R]: ...
@overload
def shared_task(function: Callable[P, R], /) -> Task[P, R]: ...
@overload
def shared_task(*, bind: Literal[True], **options: Any) -> BindingDecorator: ...
@overload
def shared_task(*, bind: Literal[False] = False, **options: Any) -> Decorator: ...
def shared_task(function: Callable[..., Any] | None = None, /, **options: Any) -> Any:
    """Make a function a task of every app, those made later included; see `LocalQ.task`."""

    def decorate(function: Callable[..., Any]) -> Any:
        names: weakref.WeakKeyDictionary[LocalQ, str] = weakref.WeakKeyDictionary()

        def make(app: LocalQ) -> None:
            names[app] = app.task(**options)(function).name

        _shared.append(make)
        for app in list(_apps):
            make(app)
        return _SharedTask(lambda app: names[app])

    return decorate if function is None else decorate(function)
