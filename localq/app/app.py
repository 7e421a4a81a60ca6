"""LocalQ: the app a program makes. It knows the tasks, sends jobs, and reads their results."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ParamSpec, Self, TypeVar, Unpack

from localq import current
from localq.app.absent import INSTEAD
from localq.app.arguments import settings_of, warn_of_place
from localq.app.carrier import WithCarrier
from localq.app.frameworks import fit
from localq.app.parts import Part
from localq.app.with_items import WithItems
from localq.app.with_schedules import WithSchedules
from localq.app.with_settings import WithSettings
from localq.app.with_store import WithStore
from localq.app.with_tasks import WithTasks
from localq.app.with_workers import WithWorkers
from localq.app.with_workflows import WithWorkflows
from localq.canvas import Signature
from localq.exceptions import NotRegistered
from localq.host.garbage import no_garbage
from localq.model import failpoints
from localq.model.hints import nearest
from localq.model.ids import ids_of
from localq.model.job import JobState, NewJob
from localq.model.option_types import SignatureOptions
from localq.model.outcome import Note
from localq.result import AsyncResult
from localq.result.said import note_of
from localq.result.watching import stop_watching
from localq.serialization.sealing import seal_calls
from localq.serialization.tagged_json.held import keeping, passing_on
from localq.settings.setting_types import SettingOptions
from localq.signals import after_task_publish, before_task_publish, task_sent
from localq.tasks.builtin_tasks import make_builtins
from localq.tasks.calls.asked import taken
from localq.tasks.calls.publish_signals import announced, published
from localq.tasks.calls.to_job import job_of, jobs_of_call, jobs_of_signature
from localq.tasks.program_name import module_name
from localq.tasks.shared_task import make_shared_tasks
from localq.tasks.task import Task

__all__ = ["LocalQ"]

P = ParamSpec("P")
R = TypeVar("R")

#: The names of LocalQ's own arguments, for hints.
_OWN = (
    "main",
    "path",
    "url",
    "broker",
    "backend",
    "eager",
    "include",
    "config_source",
    "namespace",
    "tasks",
    "task_cls",
)


class LocalQ(WithSettings, WithTasks, WithStore, WithWorkers, WithSchedules, WithWorkflows, WithItems, WithCarrier):
    """A queue of jobs in one file, with the tasks it can run.

    Nothing is opened, started or read before it is needed.

    Args:
        main: Name that stands for the main program in task names.
        path: The database file, or ":memory:"; default "jobs.db" in the working folder.
        url: "sqlite:///path", instead of `path`.
        broker, backend: The settings broker_url and result_backend, by the names Celery's users know them under;
            `path` comes first.
        eager: Calls run here and now, on a store in memory: for unit tests.
        include: Modules whose tasks a worker needs.
        config_source: See `config_from_object`.
        namespace: What names of settings begin with there.
        tasks: A registry of tasks to use.
        set_as_current: Whether this is the current app from now on.
        autofinalize: False: `tasks` may be used only when `finalize` was called.
        strict_typing: Whether calls are checked against their task's signature.
        task_cls: The class tasks are made of, or its dotted name.
        settings: Any setting, by its name (`localq.settings`).

    Raises:
        ImproperlyConfigured, TypeError: a setting is unknown or its value cannot be.
    """

    #: Speaks to workers (`localq.monitor.control.Control`): commands, questions (`inspect`), rate limits, pauses.
    control = Part("localq.monitor.control:Control")
    #: The events of the workers, to listen to (`localq.monitor.event_receiver.Events`).
    events = Part("localq.monitor.event_receiver:Events")
    #: Results by the names of Celery's back ends (`localq.result.backend.Backend`).
    backend = Part("localq.result.backend:Backend")
    #: The log of a script that is to look like a worker's (`localq.app.script_log.ScriptLog`).
    log = Part("localq.app.script_log:ScriptLog")
    #: What workers are called before the @, where nothing else is said.
    node_name = "localq"
    _eager = Part("localq.execution.eager:Eager")

    def __init__(
        self,
        main: str | None = None,
        *,
        path: str | os.PathLike[str] | None = None,
        url: str | None = None,
        broker: str | None = None,
        backend: str | None = None,
        eager: bool = False,
        include: Sequence[str] | None = None,
        config_source: Any = None,
        namespace: str | None = None,
        tasks: Mapping[str, Task[..., Any]] | None = None,
        set_as_current: bool = True,
        autofinalize: bool = True,
        strict_typing: bool = True,
        task_cls: type[Task[..., Any]] | str | None = None,
        **settings: Unpack[SettingOptions],
    ) -> None:
        named = settings_of(settings, _OWN)
        own = {"broker_url": broker, "result_backend": backend, "include": include or None}
        named |= {name: value for name, value in own.items() if value is not None}
        if eager:
            named["task_always_eager"] = True
        warn_of_place(main, path or url or broker or backend)
        self.main = main
        #: What it is called where it has no name: by the module that made it.
        self.defined_in = module_name(_maker(self))
        self.namespace = namespace
        self.strict_typing = strict_typing
        self.task_cls = task_cls or self.task_cls
        self._put_at(path, url)
        self._own_registry(tasks, autofinalize)
        self._tasks.own = make_builtins(self)
        self._configure(named, config_source)
        self._make_signals()
        self._lock = threading.RLock()
        #: Where notes of running tasks go; a slot sends them to its worker.
        self.annotator: Callable[[Note], None] | None = None
        self._annotates = 0
        current.apps.add(self)
        if set_as_current:
            current.set_app(self)
        fit(self)
        make_shared_tasks(self)
        self.on_init()

    def finalize(self, auto: bool = False) -> None:
        """Take it that all tasks are defined: `tasks` may be used, and receivers of `on_after_finalize` are called."""
        self._open_tasks()
        super().finalize()

    def on_init(self) -> None:
        """Run when an app was made: for subclasses."""

    # Being the current app

    def set_current(self) -> None:
        """Make this the app that `current_app` and shared tasks mean."""
        current.set_app(self)

    set_default = set_current

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    # The store

    def accepts(self, task: str) -> tuple[str, ...]:
        """Return the serializers this process reads for a task: those of the settings, and the task's own."""
        known = self.tasks.find(task)
        own = None if known is None else known.serializer
        accepted: tuple[str, ...] = self.conf.accept_content
        return accepted if own is None else (*accepted, own)

    def close(self) -> None:
        """Stop the worker inside this program, and let go of the store."""
        self.stop()
        if self._store is not None:
            stop_watching(self._store)
            self._store.close()
            self._store = None
        eager = self.__dict__.pop("_eager", None)
        if eager is not None:
            eager.store.close()

    # Sending

    def send_task(
        self,
        name: str,
        args: Sequence[Any] | None = None,
        kwargs: Mapping[str, Any] | None = None,
        **options: Unpack[SignatureOptions],
    ) -> AsyncResult[Any]:
        """Add a job of a task by its name, which need not be known here; see `Task.apply_async`."""
        named: object = name
        if not isinstance(named, str) or not named:
            raise TypeError(f"send_task() takes the name of a task, not {name!r}")
        task = options.pop("task_type", None)
        return self.send(name, args or (), kwargs or {}, options, task if isinstance(task, Task) else None)

    def send(
        self, name: str, args: Any, kwargs: Any, options: Mapping[str, Any], task: Task[..., Any] | None = None
    ) -> AsyncResult[Any]:
        """Add the job of a call; `task` is the task of that name, where it is at hand."""
        self.conf.follow()
        if self.carrier is not None and not self.eager:
            return self.carrier.send(name, args, kwargs, options)  # type: ignore[no-any-return]
        kept = taken(name, args, kwargs, options)
        if kept is not None:
            return self._result(task, kept)
        jobs, ignored = jobs_of_call(self, name, args, kwargs, options, task)
        if self.conf.task_always_eager:
            return self._eager.result(jobs[0].id, self._eager.run(jobs, throw=self.conf.task_eager_propagates))
        self._add(jobs)
        return self._result(task, jobs[0].id, ignored)

    def send_of(self, task: Task[..., Any], args: Any, kwargs: Any, options: Mapping[str, Any]) -> AsyncResult[Any]:
        """Add the job of a call of a task: by `send_task` where a subclass has its own, as Celery does."""
        if self.sends_in_its_own_way():
            own: dict[str, Any] = {"task_type": task, "result_cls": task.AsyncResult}
            return self.send_task(task.name, args, kwargs, **own, **options)
        return self.send(task.name, args, kwargs, options, task)

    def send_signature(self, name: str, args: Any, kwargs: Any, options: Mapping[str, Any]) -> AsyncResult[Any]:
        """Add the job of a signature of one task, by the task's `apply_async` where a subclass has its own."""
        task = self.tasks.find(name)
        if task is not None and task.asks():
            return task.apply_async(args, kwargs, **options)
        return self.send(name, args, kwargs, options, task)

    def sends_in_its_own_way(self) -> bool:
        """Return whether a subclass has a `send_task` of its own, which calls that run in the caller do not ask."""
        own = getattr(self.send_task, "__func__", None)
        return own is not LocalQ.send_task and not self.conf.task_always_eager

    def _result(self, task: Task[..., Any] | None, job_id: str, ignored: bool = False) -> AsyncResult[Any]:
        if task is not None and type(task).AsyncResult is not Task.AsyncResult:
            return task.AsyncResult(job_id)
        if type(self).AsyncResult is not LocalQ.AsyncResult:
            return self.AsyncResult(job_id)
        return AsyncResult(job_id, self, ignored=ignored)

    def enqueue_many(self, signatures: Iterable[Signature[R]]) -> list[AsyncResult[R]]:
        """Add many jobs in one transaction: all or none; return their results in the same order."""
        self.conf.follow()
        if self.carrier is not None and not self.eager:
            return [self.carrier.send_workflow(sig, (), {}, {}) for sig in signatures]
        # First: an iterator is the caller's own code.
        signatures = list(signatures)
        with no_garbage(unless=self.conf.task_always_eager):
            planned = [self._planned(sig) for sig in signatures]
            self._add([new for jobs, _ in planned for new in jobs])
            return [result for _, result in planned]

    def _planned(self, sig: Any) -> tuple[list[NewJob], Any]:
        """Return the jobs of a signature of any kind, and its result."""
        if isinstance(sig, Signature) and sig.get("subtask_type") is not None:
            return self.planned(sig)
        jobs, job_id, ignored = jobs_of_signature(self, sig)
        return jobs, AsyncResult(job_id, self, ignored=ignored)

    def _add(self, jobs: list[NewJob]) -> None:
        """Add jobs, if there are any; in eager mode run them."""
        if not jobs:
            return
        if self.conf.task_always_eager:
            self._eager.run(jobs)
            return
        if before_task_publish.receivers:
            jobs = [announced(self, new) for new in jobs]
        failpoints.point("enqueue.before")
        self._jobs().add(seal_calls(jobs, self.conf), self.clock.now())
        if after_task_publish.receivers or task_sent.receivers:
            published(self, jobs)
        if self.conf.task_send_sent_event:
            self.events.sent(jobs)

    def run_if_eager(self) -> None:
        """Run what is due, where calls run in the caller; elsewhere workers were called."""
        if self.conf.task_always_eager:
            self._eager.run_due()

    # Here and now

    def apply(self, task: Task[..., Any], args: Any, kwargs: Any, options: dict[str, Any]) -> AsyncResult[Any]:
        """Run a task in the caller, as eager mode does, on a store of its own in memory."""
        self.conf.follow()
        throw = options.pop("throw", self.conf.task_eager_propagates)
        here = self._eager
        with keeping():
            with passing_on():
                new, _ = job_of(self, task.name, args, kwargs, options, task, check=False)
            ends = here.run([new], throw=throw, call=(tuple(args), dict(kwargs)))
        return here.result(new.id, ends)

    def run_here(self, sig: Signature[Any]) -> Any:
        """Call a signature's task as a function."""
        task = self.tasks.find(sig.task)
        if task is None:
            raise NotRegistered(f"Unknown task {sig.task!r}.{nearest(sig.task, list(self.tasks))}")
        return task(*sig.args, **sig.kwargs)

    # Results and control

    def AsyncResult(self, id: str) -> AsyncResult[Any]:  # noqa: N802 - Celery's name
        """Return the result of a job."""
        return AsyncResult(id, self) if self.carrier is None else self.carrier.result(id)

    def cancel(self, ids: list[str], *, signal: int = 0) -> dict[str, JobState]:
        """Cancel jobs, durably; return the state each known one had.

        Args:
            signal: 0 lets running jobs end; else the signal that stops them.
        """
        if self.carrier is not None:
            self.carrier.revoke(ids_of(ids), signal)
        before = self.store.jobs.cancel(ids_of(ids), self.clock.now(), signal)
        if JobState.RUNNING in before.values() and not self.eager:
            # A busy worker's bell may lose the word; the letter it finds.
            self.control.heartbeat()
        return before

    def requeue(self, ids: list[str]) -> list[str]:
        """Run finished jobs again, with the same arguments; return the ids of those that were finished."""
        return self.store.jobs.requeue(ids_of(ids), self.clock.now())

    def annotate_by(self, annotator: Callable[[Note], None] | None) -> None:
        """Send notes this way from now on, in this process; what it forks tells the store itself."""
        self.annotator, self._annotates = annotator, os.getpid()

    def annotate(self, job_id: str, state: Any, meta: Any) -> None:
        """Show a state and data for an unfinished job; within a run they travel with its report."""
        if self.carrier is not None and self.carrier.annotate(job_id, state, meta):
            return
        note = note_of(job_id, state, meta)
        request = current.request.get()
        own = request is not None and request.id == note.id
        if own:
            request.__dict__["shown"] = state
        if own and request.is_eager:
            self._eager.store.jobs.note([note], self.clock.now())
        elif self.annotator is not None and self._annotates == os.getpid() and not self.conf.task_always_eager:
            self.annotator(note)
        else:
            self.store.jobs.note([note], self.clock.now())

    def connection(self, *args: Any, **kwargs: Any) -> contextlib.AbstractContextManager[None]:
        """Return a context manager of nothing, for Celery's recipes: there is no broker to connect to."""
        return contextlib.nullcontext()

    def __repr__(self) -> str:
        known = self._known_place() if self._place or self.conf.loaded else "(settings not read yet)"
        return f"<LocalQ {self.main or self.defined_in} {known or '(no store)'}>"

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            if name == "tasks":
                raise RuntimeError("This app was made with autofinalize=False: call its finalize() first.")
            if name in INSTEAD:
                raise AttributeError(f"LocalQ has no {name!r}: {INSTEAD[name]}.")
            known = [] if name.startswith("_") else [one for one in dir(type(self)) if not one.startswith("_")]
            raise AttributeError(f"LocalQ has no {name!r}.{nearest(name, known)}")

    def __reduce__(self) -> tuple[Any, ...]:
        return same_app, (self.main, self._known_place())


def same_app(main: str | None, location: str | None) -> LocalQ:
    """Return this process's app of that name and place, or the only one of that name, the current one, or a new one."""
    now = current.app_or_none()
    known = [app for app in dict.fromkeys([now, *current.apps]) if isinstance(app, LocalQ)]
    for app in known:
        if (app.main, app._known_place()) == (main, location):
            return app
    named = [app for app in known if main is not None and app.main == main]
    if len(named) == 1:
        return named[0]
    return now if isinstance(now, LocalQ) else LocalQ(main, path=location)


def _maker(app: LocalQ) -> str:
    """Return the module whose code makes an app, past the initialisers of its classes."""
    frame = sys._getframe(2)
    while frame.f_back is not None and frame.f_locals.get("self") is app:
        frame = frame.f_back
    return str(frame.f_globals.get("__name__", "__main__"))
