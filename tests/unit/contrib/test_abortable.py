from __future__ import annotations

from typing import Any

from localq import LocalQ
from localq.contrib.abortable import ABORTED, AbortableAsyncResult, AbortableTask


def test_a_run_sees_that_it_was_asked_to_stop(eager: LocalQ) -> None:
    @eager.task(bind=True, base=AbortableTask)
    def long(self: Any) -> str:
        for step in range(3):
            if self.is_aborted():
                return f"stopped at {step}"
            self.AsyncResult(self.request.id).abort()
        return "done"

    result = long.delay()

    assert result.get() == "stopped at 1"
    assert result.state == "SUCCESS"


def test_a_job_that_waits_is_cancelled(q: LocalQ) -> None:
    @q.task(base=AbortableTask)
    def long() -> None: ...

    result = long.AsyncResult(long.delay().id)
    assert isinstance(result, AbortableAsyncResult)
    assert not result.is_aborted()

    result.abort()

    assert result.state == "REVOKED"


def test_a_running_job_shows_that_it_was_asked(eager: LocalQ) -> None:
    seen: list[Any] = []

    @eager.task(bind=True, base=AbortableTask)
    def long(self: Any) -> None:
        result = self.AsyncResult(self.request.id)
        result.abort()
        seen.append((result.is_aborted(), result.state))

    long.delay()

    assert seen == [(True, ABORTED)]


def test_a_task_called_as_a_function_is_not_asked_to_stop(q: LocalQ) -> None:
    @q.task(bind=True, base=AbortableTask)
    def long(self: Any) -> bool:
        return bool(self.is_aborted())

    assert long() is False
