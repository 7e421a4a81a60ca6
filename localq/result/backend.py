"""`app.backend`: results by the names of Celery's back ends, for programs that go past AsyncResult."""

from __future__ import annotations

from typing import Any, Protocol

from localq import states
from localq.exceptions import BackendStoreError
from localq.model.secrets import without_passwords
from localq.result import AsyncResult
from localq.result.lineage import Source

__all__ = ["Backend", "DisabledBackend"]


class App(Source, Protocol):
    """What the back end needs of an app."""

    @property
    def location(self) -> str: ...

    def annotate(self, job_id: str, state: Any, meta: Any) -> None: ...


class Backend:
    """The results of an app's store.

    Args:
        app: Whose store is asked.
    """

    supports_native_join = True
    supports_autoexpire = True
    persistent = True
    is_async = True
    READY_STATES = states.READY_STATES
    UNREADY_STATES = states.UNREADY_STATES
    EXCEPTION_STATES = states.EXCEPTION_STATES

    def __init__(self, app: App) -> None:
        self.app = app

    def as_uri(self, include_password: bool = False) -> str:
        """Return where results are kept."""
        place = self.app.location
        uri = place if "://" in place else f"sqlite:///{place}"
        return uri if include_password else without_passwords(uri)

    def get_state(self, task_id: str) -> str:
        """Return a job's state; an unknown one is PENDING."""
        return AsyncResult(task_id, self.app).state

    get_status = get_state

    def get_result(self, task_id: str) -> Any:
        """Return a job's value, the error it failed with, or what it said last."""
        return AsyncResult(task_id, self.app).result

    def get_traceback(self, task_id: str) -> str | None:
        """Return the text of a job's last traceback, or None."""
        return AsyncResult(task_id, self.app).traceback

    def task_result_exists(self, task_id: str) -> bool:
        """Whether the store knows a job."""
        return AsyncResult(task_id, self.app).exists()

    def get_task_meta(self, task_id: str, cache: bool = True) -> dict[str, Any]:
        """Return what the store knows of a job: task_id, status, result, traceback, date_done, name, and more."""
        return AsyncResult[Any](task_id, self.app)._get_task_meta()

    def store_result(self, task_id: str, result: Any, state: str, traceback: Any = None, **_ignored: Any) -> Any:
        """Show a state and data for a job that is not finished; return the data.

        Raises:
            BackendStoreError: the job is finished, is not known, or the state is one that only a run can bring.
        """
        found: AsyncResult[Any] = AsyncResult(task_id, self.app)
        if state in states.READY_STATES or not found.exists() or found.ready():
            why = "only a run brings that state" if state in states.READY_STATES else "it is not waiting or running"
            raise BackendStoreError(f"Job {task_id} cannot be made {state}: {why}.", task_id=task_id, state=state)
        self.app.annotate(task_id, state, result)
        return result

    def forget(self, task_id: str) -> None:
        """Let go of a result; see `AsyncResult.forget`."""
        AsyncResult(task_id, self.app).forget()

    def wait_for(self, task_id: str, timeout: float | None = None, interval: float = 0.5, **_ignored: Any) -> Any:
        """Wait for a job; return its result or raise its error."""
        return AsyncResult(task_id, self.app).get(timeout=timeout, interval=interval)


class DisabledBackend(Backend):
    """What Celery's apps have that keep no results: ours do, so that none has it, and who asks for it goes on."""
