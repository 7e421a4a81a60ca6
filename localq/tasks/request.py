"""What a task is told: the request it runs for, and an error as its hooks get it (celery/app/task.py of 5.7)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["Context", "ExceptionInfo"]

_NO_KWARGS: dict[str, Any] = {}


class Context:
    """The request a task runs for: `self.request`.

    Fields are Celery's: id, task, args, kwargs, retries, eta, expires, is_eager, hostname, delivery_info,
    root_id, parent_id, group, callbacks, errbacks, timelimit (hard, soft), headers, shadow, ignore_result,
    argsrepr, kwargsrepr, called_directly, stamps, stamped_headers; and `attempt`, the number of this
    run. A field that was not given is None.
    """

    #: A context that was made by nobody belongs to a direct call.
    called_directly = True
    id: str | None = None
    task: str | None = None
    args: Any = ()
    kwargs: Any = _NO_KWARGS
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
    argsrepr: str | None = None
    kwargsrepr: str | None = None
    stamps: Mapping[str, Any] | None = None
    stamped_headers: Sequence[str] | None = None
    utc = True

    def __init__(self, **fields: Any) -> None:
        self.__dict__.update(fields)

    @property
    def timelimit(self) -> tuple[float | None, float | None]:
        """The hard and the soft limit, in seconds."""
        return self.time_limit, self.soft_time_limit

    @property
    def correlation_id(self) -> str | None:
        """The job's id."""
        return self.id

    def get(self, name: str, default: Any = None) -> Any:
        """Return a field, or a default."""
        return getattr(self, name, default)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return (self.__dict__.get("headers") or {}).get(name)

    def __repr__(self) -> str:
        return f"<Context: {self.__dict__!r}>"


class ExceptionInfo:
    """An error as hooks get it: `type`, `exception`, and `traceback` as text."""

    def __init__(self, exception: BaseException, text: str) -> None:
        self.type = type(exception)
        self.exception = exception
        self.traceback = text

    def __str__(self) -> str:
        return self.traceback
