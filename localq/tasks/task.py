"""What a task is: a function with a name, options and ways to call it (celery/app/task.py of 5.7)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar, Generic, ParamSpec, TypeVar, Unpack, cast
from uuid import UUID

from localq import current
from localq.canvas import Signature, chunks, xmap, xstarmap
from localq.exceptions import MaxRetriesExceededError, OperationalError
from localq.model.option_types import CallOptions, SignatureOptions
from localq.result import AsyncResult
from localq.tasks.bound_task import BoundTask
from localq.tasks.parameters import checker
from localq.tasks.request import ExceptionInfo

__all__ = ["TASK_OPTIONS", "Task"]

P = ParamSpec("P")
R = TypeVar("R")

#: Class attributes a decorator may set; the meaning of each stands in `Task`.
_TASK_OPTIONS = """
    name typing max_retries default_retry_delay ignore_result store_errors_even_if_ignored serializer
    time_limit soft_time_limit acks_late max_crashes throws expires priority queue autoretry_for
    dont_autoretry_for retry_kwargs retry_backoff retry_backoff_max retry_jitter rate_limit
    track_started send_events trail reject_on_worker_lost acks_on_failure acks_on_timeout
    acks_on_failure_or_timeout retry_on_worker_lost resultrepr_maxsize abstract shadow_name
    exchange exchange_type routing_key compression delivery_mode immediate mandatory
    pydantic pydantic_strict pydantic_context pydantic_dump_kwargs redact
"""
TASK_OPTIONS = frozenset(_TASK_OPTIONS.split())


class Task(BoundTask, Generic[P, R]):
    """A registered function. Calling it runs it here; `delay` and `apply_async` add a job.

    Subclass it for shared behaviour (`@q.task(base=MyTask)`) or to define `run` yourself.

    Attributes:
        name: Unique in the app; by default the module's name and the function's.
        typing: Check arguments against the signature when called.
        max_retries: Retries allowed; None: any number.
        default_retry_delay: Seconds before a retry that names none.
        ignore_result: Keep no result; errors neither, unless `store_errors_even_if_ignored`.
        serializer: json, pickle, dill, yaml, msgpack, or one of your own (`localq.register`): how arguments and
            results are written. The worker must accept it.
        time_limit, soft_time_limit: Seconds; see the settings of the same name.
        acks_late: False: at most once.
        rate_limit: Such as "10/s", "100/m" or "5/h": what all workers together run at most; 0: no limit, None: the
            setting task_default_rate_limit.
        max_crashes: Times its process may die before a job is a FAILURE.
        throws: Errors that are expected: logged without traceback.
        expires: Seconds or datetime after which a job is not run any more.
        priority, queue: Where a call names none.
        redact: Arguments that nobody is shown, by name or place: in the dashboard, its search, `inspect` and events.
            It goes with each job; whoever reads the store itself reads them.
        compression: How the arguments are packed where a call says nothing; default: the setting task_compression.
        exchange, exchange_type, routing_key: Where a call names none; see `localq.tasks.routing.router`.
        autoretry_for, dont_autoretry_for, retry_kwargs, retry_backoff, retry_backoff_max, retry_jitter:
            As in Celery: errors that are retried by themselves, and when.
    """

    name: str = None  # type: ignore[assignment]
    typing: bool = True
    max_retries: int | None = 3
    default_retry_delay: float = 180
    ignore_result: bool | None = None
    store_errors_even_if_ignored: bool | None = None
    serializer: str | None = None
    time_limit: float | None = None
    soft_time_limit: float | None = None
    acks_late: bool | None = None
    max_crashes: int | None = None
    throws: tuple[type[BaseException], ...] = ()
    expires: float | datetime | timedelta | None = None
    priority: int | None = None
    queue: str | None = None
    compression: str | None = None
    redact: Sequence[str | int] = ()
    exchange: str | None = None
    exchange_type: str | None = None
    routing_key: str | None = None
    autoretry_for: tuple[type[BaseException], ...] = ()
    dont_autoretry_for: tuple[type[BaseException], ...] = ()
    retry_kwargs: ClassVar[Mapping[str, Any]] = {}
    retry_backoff: bool | int | float = False
    retry_backoff_max: int = 600
    retry_jitter: bool = True
    rate_limit: str | int | float | None = None
    track_started: bool | None = None
    app: Any = None
    # Accepted from Celery's programs, and without effect: a job whose process died runs again, a failed one is done.
    delivery_mode: int | str | None = None
    immediate: bool | None = None
    mandatory: bool | None = None
    abstract = True
    send_events = True
    trail = True
    resultrepr_maxsize = 1024
    acks_on_failure: bool | None = None
    acks_on_timeout: bool | None = None
    acks_on_failure_or_timeout = True
    reject_on_worker_lost: bool | None = None
    retry_on_worker_lost: bool | None = None
    MaxRetriesExceededError = MaxRetriesExceededError
    OperationalError = OperationalError

    #: Set by the decorator: what `run` was made of, and the checker of its signature.
    function: Callable[..., Any] | None = None
    _check: Callable[..., Any] | None = None
    #: What pydantic makes of its arguments, where it is asked to.
    _models: Any = None
    #: Whether `shadow_name` is defined.
    _shadows = False
    #: Whether another function came under its name.
    _contested = False
    #: Why its calls are refused: an option that cannot be.
    _wrong: Exception | None = None
    #: What is to be said of options that are hardly meant so.
    _odd: tuple[str, ...] = ()
    #: Whether its base class is the app's, for it names none.
    _of_app = False

    def run(self, *args: Any, **kwargs: Any) -> Any:
        """Do the work; the decorator, or your subclass, puts it here."""
        raise TypeError(f"Task {self.name} has no run(): define it in {type(self).__name__}.")

    def __init_subclass__(cls, **more: Any) -> None:
        super().__init_subclass__(**more)
        cls._shadows = cls.shadows()

    @classmethod
    def shadows(cls) -> bool:
        """Return whether `shadow_name` is defined."""
        return cls.shadow_name is not Task.shadow_name

    def __init__(self) -> None:
        if self._check is None and type(self).run is not Task.run:
            self._check = checker(self.run)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run the task here, as a plain function."""
        return cast(R, self.run(*args, **kwargs))

    # Adding jobs

    def delay(self, *args: P.args, **kwargs: P.kwargs) -> AsyncResult[R]:
        """Add a job with these arguments; durable when this returns.

        Raises:
            TypeError: the arguments do not fit the signature, or cannot be written down.
            StoreError: the store could not take it.
        """
        return self.apply_async(args, kwargs)

    def apply_async(
        self,
        args: Sequence[Any] | None = None,
        kwargs: Mapping[str, Any] | None = None,
        task_id: str | UUID | None = None,
        **options: Unpack[CallOptions],
    ) -> AsyncResult[R]:
        """Add a job; durable when this returns.

        Args:
            args, kwargs: The task's arguments.
            task_id: The job's id; adding an id that exists returns the job that has it, unchanged.
            options: countdown (seconds), eta (datetime), expires (seconds or datetime), queue, priority (0
                to 9, higher first), time_limit, soft_time_limit (seconds), ignore_result, max_retries,
                headers, shadow, serializer, root_id, parent_id, group_id, link, link_error (signatures),
                argsrepr, kwargsrepr. Options that only mean something to a broker are accepted and ignored
                (`localq.tasks.option_names.BROKER_ONLY`). What is nobody's is for overrides of this method, for
                routers, and for receivers of before_task_publish, among the `properties`.

        Raises:
            TypeError: an option that is nearly one of these, which is named, or arguments that do not fit.
            ValueError: the value of an option, of the call or of the task, cannot be.
        """
        given: dict[str, Any] = options  # type: ignore[assignment]
        if task_id is not None:
            given["task_id"] = task_id
        return self.app.send_of(self, args or (), kwargs or {}, given)  # type: ignore[no-any-return]

    def asks(self) -> bool:
        """Return whether a subclass makes calls of this task: by its `apply_async`, or its app's `send_task`.

        What plans calls then asks that code for each; see `localq.tasks.calls.asked`.
        """
        return getattr(self.apply_async, "__func__", None) is not Task.apply_async or self.app.sends_in_its_own_way()

    def send_task(self, name: str, *args: Any, **options: Any) -> AsyncResult[Any]:
        """Add a job of another task by its name; see `LocalQ.send_task`."""
        return self.app.send_task(name, *args, **options)  # type: ignore[no-any-return]

    async def adelay(self, *args: P.args, **kwargs: P.kwargs) -> AsyncResult[R]:
        """Add a job without blocking the event loop."""
        import asyncio

        return await asyncio.to_thread(self.delay, *args, **kwargs)

    async def aapply_async(
        self,
        args: Sequence[Any] | None = None,
        kwargs: Mapping[str, Any] | None = None,
        **options: Unpack[SignatureOptions],
    ) -> AsyncResult[R]:
        """Add a job with options, without blocking the event loop."""
        import asyncio

        return await asyncio.to_thread(self.apply_async, args, kwargs, **options)

    def apply(
        self,
        args: Sequence[Any] | None = None,
        kwargs: Mapping[str, Any] | None = None,
        throw: bool | None = None,
        **options: Unpack[SignatureOptions],
    ) -> AsyncResult[R]:
        """Run the task here and now, retries included, on a store in memory; return its result.

        Args:
            args, kwargs: The task's arguments.
            throw: Raise the task's error; default: the setting task_eager_propagates.
            options: As of `apply_async`.
        """
        given: dict[str, Any] = options  # type: ignore[assignment]
        if throw is not None:
            given["throw"] = throw
        return self.app.apply(self, args or (), kwargs or {}, given)  # type: ignore[no-any-return]

    def s(self, *args: Any, **kwargs: Any) -> Signature[R]:
        """Return a signature of this task; arguments given later come in front."""
        return self.signature(args, kwargs)

    def si(self, *args: Any, **kwargs: Any) -> Signature[R]:
        """Return an immutable signature: as a callback it gets no result."""
        return self.signature(args, kwargs, immutable=True)

    def signature(
        self, args: Any = None, kwargs: Any = None, *, immutable: bool = False, **options: Unpack[SignatureOptions]
    ) -> Signature[R]:
        """Return a signature with options."""
        return Signature(self.name, args, kwargs, options, immutable=bool(immutable), app=self.app)

    subtask = signature

    def chunks(self, it: Iterable[Any], n: int) -> chunks:
        """Return a group of jobs each of which calls this task for the next `n` argument tuples of an iterable."""
        return chunks(self.s(), it, n, app=self.app)

    def map(self, it: Iterable[Any]) -> xmap:
        """Return one job that calls this task with each item."""
        return xmap(self.s(), it, app=self.app)

    def starmap(self, it: Iterable[Any]) -> xstarmap:
        """Return one job that calls this task with the items of each item."""
        return xstarmap(self.s(), it, app=self.app)

    def AsyncResult(self, task_id: str) -> AsyncResult[R]:  # noqa: N802 - Celery's name
        """Return the result of a job of this task; a call returns it, where a subclass defines its own."""
        return self.app.AsyncResult(task_id)  # type: ignore[no-any-return]

    def _get_app(self) -> Any:
        """Return the app, for libraries written for Celery."""
        return self.app

    @property
    def backend(self) -> Any:
        """Results by the names of Celery's back ends; see `localq.result.backend`."""
        return self.app.backend

    # Hooks: defined by subclasses, called in the caller

    @classmethod
    def on_bound(cls, app: Any) -> None:
        """Run when a task of the class is registered with an app."""

    def shadow_name(self, args: Any, kwargs: Any, options: Mapping[str, Any]) -> str | None:
        """Return the name a job is shown under instead of the task's, or None; see the option `shadow`."""
        return None

    # Hooks: defined by subclasses, called in the slot

    def before_start(self, task_id: str, args: Any, kwargs: Any) -> None:
        """Run before each attempt; an error here is the attempt's."""

    def on_success(self, retval: Any, task_id: str, args: Any, kwargs: Any) -> None:
        """Run after a success."""

    def on_retry(self, exc: BaseException, task_id: str, args: Any, kwargs: Any, einfo: ExceptionInfo) -> None:
        """Run when a retry was asked for."""

    def on_failure(self, exc: BaseException, task_id: str, args: Any, kwargs: Any, einfo: ExceptionInfo) -> None:
        """Run after a failure."""

    def after_return(
        self, status: str, retval: Any, task_id: str, args: Any, kwargs: Any, einfo: ExceptionInfo | None
    ) -> None:
        """Run after the last attempt, whatever came of it: not before a retry."""

    @property
    def __name__(self) -> str:
        return str(vars(type(self)).get("__qualname__", type(self).__qualname__)).rpartition(".")[2]

    def __repr__(self) -> str:
        return f"<@task: {self.name}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return _task_of, (self.name, self.app)


def _task_of(name: str, app: Any = None) -> Any:
    """Return this process's task of a name; in a slot whose definition is still on its way, what will become it."""
    tasks = (app or current.app()).tasks
    if name not in tasks and current.in_slot():
        return tasks.promise(name, app)
    return tasks[name]
