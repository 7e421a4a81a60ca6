"""A result that is there at once: of eager mode, or made by hand (celery/result.py of 5.7)."""

from __future__ import annotations

from typing import Any, TypeVar

from localq import states
from localq.result.async_result import NOWHERE, AsyncResult
from localq.result.lineage import Source

__all__ = ["EagerResult"]

R = TypeVar("R")


class EagerResult(AsyncResult[R]):
    """What `Task.apply` returns, or a result made by hand, for tests: `EagerResult("id", 4, "SUCCESS")`.

    Args:
        ret_value: The value, or the error.
        state: Where it is made by hand, SUCCESS, FAILURE or another state.
        traceback: The error's, as text.
        app: Where the job is, if there is one.
    """

    def __init__(
        self,
        id: str,
        ret_value: Any = None,
        state: str | None = None,
        traceback: str | None = None,
        name: str | None = None,
        *,
        app: Source | None = None,
        ignored: bool = False,
    ) -> None:
        super().__init__(id, app or NOWHERE, ignored=ignored)
        self._given = None if app is not None else (ret_value, state or states.SUCCESS, traceback, name)

    @property
    def state(self) -> str:
        """As of AsyncResult."""
        return super().state if self._given is None else self._given[1]

    status = state

    @property
    def result(self) -> Any:
        """As of AsyncResult."""
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
        """Whether it is finished; one made by hand is."""
        return super().ready() if self._given is None else True

    def get(self, timeout: float | None = None, propagate: bool = True, *args: Any, **kwargs: Any) -> R:
        """Return the value, or raise the error."""
        if self._given is None:
            waited: R = super().get(timeout, propagate, *args, **kwargs)
            return waited
        return self.maybe_throw(propagate)  # type: ignore[no-any-return]

    wait = get

    def revoke(self, *args: Any, **kwargs: Any) -> None:
        """Show it as revoked, where it was made by hand."""
        if self._given is None:
            super().revoke(*args, **kwargs)
        else:
            self._given = (self._given[0], states.REVOKED, *self._given[2:])

    def forget(self) -> None:
        """Remove the job, if there is one."""
        if self._given is None:
            super().forget()

    @property
    def parent(self) -> Any:
        """As of AsyncResult."""
        return super().parent if self._given is None else self._parent

    @parent.setter
    def parent(self, parent: Any) -> None:
        self._parent = parent

    @property
    def children(self) -> list[Any] | None:
        """As of AsyncResult."""
        return super().children if self._given is None else None

    def __repr__(self) -> str:
        return f"<EagerResult: {self.id}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return super().__reduce__() if self._given is None else (EagerResult, (self.id, *self._given))
