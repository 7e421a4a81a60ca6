"""A result that is there at once: of eager mode, or made by hand (celery/result.py of 5.7)."""

from __future__ import annotations

from typing import Any, TypeVar
from uuid import UUID

from localq import states
from localq.exceptions import TaskRevokedError
from localq.model.ids import text_id
from localq.result.async_result import NOWHERE, AsyncResult
from localq.result.lineage import Source

__all__ = ["EagerResult"]

R = TypeVar("R")


class EagerResult(AsyncResult[R]):
    """What `Task.apply` and calls in eager mode return, or a result made by hand: `EagerResult("id", 4, "SUCCESS")`.

    Args:
        ret_value: The value, or the error, as it is.
        state: SUCCESS, FAILURE or another state; None where an app is to be asked for all.
        traceback: The error's, as text.
        app: Where the job is, if there is one.
        parent: As of AsyncResult.
    """

    def __init__(
        self,
        id: str | UUID | None,
        ret_value: Any = None,
        state: str | None = None,
        traceback: str | None = None,
        name: str | None = None,
        *,
        app: Source | None = None,
        parent: Any = None,
    ) -> None:
        # One that is made by hand needs no id, as in Celery.
        super().__init__(id or "None", app or NOWHERE, parent=parent)
        self.id = text_id(id)
        asked = app is not None and state is None
        self._given = None if asked else (ret_value, state or states.SUCCESS, traceback, name)

    def _read(self) -> Any:
        return None if self._app is NOWHERE else super()._read()

    @property
    def state(self) -> str:
        """As of AsyncResult."""
        return super().state if self._given is None else self._given[1]

    status = state

    @property
    def result(self) -> Any:
        """As of AsyncResult, and the value or the error as it is."""
        return super().result if self._given is None else self._given[0]

    info = result

    @property
    def traceback(self) -> str | None:
        """As of AsyncResult."""
        return super().traceback if self._given is None else self._given[2]

    @property
    def name(self) -> str | None:
        """As of AsyncResult."""
        return super().name if self._given is None else self._given[3]

    def ready(self) -> bool:
        """Whether it is finished."""
        return super().ready() if self._given is None else True

    def is_there(self) -> bool:
        """As of AsyncResult."""
        return self._given is not None or super().is_there()

    def get(self, timeout: float | None = None, propagate: bool = True, *args: Any, **kwargs: Any) -> R:
        """Return the value, or raise the error."""
        __tracebackhide__ = True
        if self._given is None:
            waited: R = super().get(timeout, propagate, *args, **kwargs)
            return waited
        return self._outcome(propagate)  # type: ignore[no-any-return]

    wait = get

    def maybe_throw(self, propagate: bool = True, callback: Any = None) -> Any:
        """Raise the error, if it is one; what is no error but shown as one is raised in an Exception, as in Celery."""
        wrong = propagate and self.state in states.PROPAGATE_STATES
        if wrong and self._given is not None and not isinstance(self._given[0], BaseException):
            raise Exception(self._given[0])
        return super().maybe_throw(propagate, callback)

    maybe_reraise = maybe_throw

    def revoke(self, *args: Any, **kwargs: Any) -> None:
        """Show it as revoked: its value or error goes, and there is nothing left to cancel."""
        if self._given is None:
            super().revoke(*args, **kwargs)
        else:
            self._given = (TaskRevokedError("revoked"), states.REVOKED, None, self._given[3])

    def forget(self) -> None:
        """Remove the job, if there is one; what is held here stays."""
        if self._app is not NOWHERE:
            super().forget()

    @property
    def parent(self) -> Any:
        """As of AsyncResult."""
        return self._parent if self._app is NOWHERE else super().parent

    @parent.setter
    def parent(self, parent: Any) -> None:
        self._parent = parent

    @property
    def children(self) -> list[Any] | None:
        """As of AsyncResult."""
        return None if self._app is NOWHERE else super().children

    def _get_task_meta(self) -> dict[str, Any]:
        """Return what is known of it, by the names Celery's back ends give it."""
        if self._given is None:
            return super()._get_task_meta()
        value, state, traceback, name = self._given
        return {"task_id": self.id, "result": value, "status": state, "traceback": traceback, "name": name}

    @property
    def supports_native_join(self) -> bool:
        """Whether several are read at once: no, they are there."""
        return False

    def __repr__(self) -> str:
        return f"<EagerResult: {self.id}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return super().__reduce__() if self._given is None else (EagerResult, (self.id, *self._given))
