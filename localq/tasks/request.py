"""What a task is told: the request it runs for, and an error as its hooks get it (celery/app/task.py of 5.7)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

__all__ = ["Context", "ExceptionInfo"]

#: Characters of arguments as text, as in Celery.
_LONGEST = 1024


class Context:
    """The request a task runs for: `self.request`.

    Fields are Celery's: id, task, args, kwargs, retries, eta, expires, is_eager, hostname, delivery_info,
    root_id, parent_id, group, callbacks, errbacks, timelimit (hard, soft), headers, shadow, ignore_result,
    argsrepr, kwargsrepr, called_directly, stamps, stamped_headers; and `attempt`, the number of this
    run. A field that was not given is None. Each of the call's headers is an attribute too; one that the call
    does not have is an AttributeError, and `get` returns its default.
    """

    #: A context that was made by nobody belongs to a direct call.
    called_directly = True
    id: str | None = None
    task: str | None = None
    args: Any = None
    kwargs: Any = None
    retries = 0
    attempt = 0
    #: Whether others wait for this job.
    awaited = False
    is_eager = False
    hostname: str | None = None
    eta: str | None = None
    expires: str | None = None
    delivery_info: Mapping[str, Any] | None = None
    root_id: str | None = None
    parent_id: str | None = None
    group: str | None = None
    callbacks: Sequence[Any] | None = None
    errbacks: Sequence[Any] | None = None
    time_limit: float | None = None
    soft_time_limit: float | None = None
    headers: Mapping[str, Any] | None = None
    shadow: str | None = None
    ignore_result = False
    stamps: Mapping[str, Any] | None = None
    stamped_headers: Sequence[str] | None = None
    utc = True
    # What only messages have.
    chain = chord = group_index = logfile = loglevel = origin = properties = reply_to = None
    replaced_task_nesting = 0

    def __init__(self, *fields: Any, **more: Any) -> None:
        self.__dict__.update(*fields, **more)

    @property
    def timelimit(self) -> tuple[float | None, float | None]:
        """The hard and the soft limit, in seconds."""
        return self.time_limit, self.soft_time_limit

    @property
    def correlation_id(self) -> str | None:
        """The job's id."""
        return self.id

    @property
    def taskset(self) -> str | None:
        """The id of the group, by its old name."""
        return self.group

    def get(self, key: str, default: Any = None) -> Any:
        """Return a field or a header; the default where there is none."""
        return getattr(self, key, default)

    def update(self, *fields: Any, **more: Any) -> None:
        """Set fields."""
        self.__dict__.update(*fields, **more)

    def clear(self) -> None:
        """Forget all fields."""
        self.__dict__.clear()

    def __getattr__(self, name: str) -> Any:
        own = self.__dict__
        headers = own.get("headers")
        if headers and name in headers:
            return headers[name]
        if name in _WORKED_OUT:
            return _WORKED_OUT[name](self)
        raise AttributeError(f"This request has no field and no header {name!r}.")

    def __repr__(self) -> str:
        return f"<Context: {self.__dict__!r}>"


#: Fields that few ask for, made when they are; LocalQ's own `scheduled_at` is None in a job of no schedule.
_WORKED_OUT: dict[str, Callable[[Context], Any]] = {
    "argsrepr": lambda request: repr(tuple(request.args or ()))[:_LONGEST],
    "kwargsrepr": lambda request: repr(request.kwargs or {})[:_LONGEST],
    "children": lambda request: request.__dict__.setdefault("children", []),
    "scheduled_at": lambda request: None,
    "lang": lambda request: "py",
}


class ExceptionInfo:
    """An error as hooks get it: `type`, `exception`, and `traceback` as text."""

    def __init__(self, exception: BaseException, text: str) -> None:
        self.type = type(exception)
        self.exception = exception
        self.traceback = text

    def __str__(self) -> str:
        return self.traceback
