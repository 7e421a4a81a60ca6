"""What a task says of its job while that runs, as its caller hears it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from localq.model.job import JobState
from localq.result.job_view import JobView
from localq.result.lineage import Source
from localq.result.said import read_said
from localq.result.watching import Deliver, Watch, watch
from localq.states import EXCEPTION_STATES

__all__ = ["Progress"]


class _Single(Protocol):
    """What a result of one job says of itself."""

    id: str
    _app: Source

    def _held(self) -> tuple[Source, list[Any]]: ...

    def _read(self) -> JobView | None: ...


S = TypeVar("S", bound=_Single)


class Progress:
    """The part of a result that tells what its task says of itself."""

    def on_progress(self: S, callback: Callable[[Any], Any], *, deliver: Deliver | None = None) -> S:
        """Have `callback` called with what the running task says of itself, whenever that is new; return the result.

        That is the data of `self.progress(done, total, message)`, a dict with `done`, `total` and `message`, or of
        `update_state`. It is looked at twice a second, and once more when the job has ended: what is said in between
        is not told, what the last run said last always, and before `on_done`.

        Args:
            deliver: As of `on_done`.
        """
        app, results = self._held()
        watch(lambda: app.store, Watch(self, results, None, callback, deliver))
        return self

    def said(self: _Single) -> Any:
        """Return what the running task said last of itself, or None."""
        view = self._read()
        if view is None or view.final or view.job.state != JobState.RUNNING or view.silent:
            return None
        return view.value(self._app.accepts(view.job.task), self._app.conf)

    def said_last(self: _Single) -> Any:
        """Return what the last run of a finished job said last of itself, or None; an error it told of is its end."""
        view = self._read()
        if view is None or view.job.shown in EXCEPTION_STATES:
            return None
        return read_said(view.job.shown, self._app.store.read.notes([self.id]).get(self.id))
