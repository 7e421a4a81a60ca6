"""Since when jobs run: workers alone know, so they are asked, seldom and aside."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Sequence

from localq.app import LocalQ
from localq.exceptions import StoreError
from localq.model.job import Job

__all__ = ["Starts"]

#: Seconds between two questions, that an answer is waited for, and that a page waits for it.
_PAUSE_S, _PATIENCE_S, _AT_ONCE_S = 5.0, 1.0, 0.08
#: Seconds that a job has been seen to run before it is worth a question that nobody has asked.
_LASTING_S = 2.0


class Starts:
    """Since when jobs run, of all whose workers have said so.

    A question is a letter in the store. It is sent only while somebody looks at jobs of which nothing is known.

    Args:
        app: Whose workers are asked.
    """

    def __init__(self, app: LocalQ) -> None:
        self._app = app
        self._known: dict[str, tuple[int, int]] = {}
        self._asked_at = -_PAUSE_S
        self._noticed: dict[tuple[str, int], float] = {}
        self._asking: threading.Thread | None = None
        self._lock = threading.Lock()

    @property
    def location(self) -> str:
        """Where the jobs are."""
        return self._app.location

    def of(self, running: Sequence[Job]) -> dict[str, int]:
        """Return since when jobs run, in microseconds since 1970, of those of which it is known, by id."""
        if any(not self._knows(job) for job in running):
            self._ask(running)
        return {job.id: self._known[job.id][1] for job in running if self._knows(job)}

    def of_lasting(self, running: Sequence[Job]) -> dict[str, int]:
        """Return what `of` does without waiting; of jobs that have just begun nobody is asked."""
        now = time.monotonic()
        here = {(job.id, job.run_token): job for job in running}
        self._noticed = {key: self._noticed.get(key, now) for key in here}
        lasting = [job for key, job in here.items() if now - self._noticed.get(key, now) >= _LASTING_S]
        if any(not self._knows(job) for job in lasting):
            self._ask(running, wait=False)
        return {job.id: self._known[job.id][1] for job in running if self._knows(job)}

    def _knows(self, job: Job) -> bool:
        return self._known.get(job.id, (None,))[0] == job.run_token

    def _ask(self, running: Sequence[Job], *, wait: bool = True) -> None:
        tokens = {job.id: job.run_token for job in running}
        with self._lock:
            if self._asking is None and time.monotonic() - self._asked_at >= _PAUSE_S:
                self._asked_at = time.monotonic()
                self._asking = threading.Thread(target=self._learn, args=(tokens,), daemon=True)
                self._asking.start()
            asking = self._asking
        if asking is not None and wait:
            asking.join(_AT_ONCE_S)

    def _learn(self, tokens: dict[str, int]) -> None:
        answers: dict[str, list[dict[str, object]]] = {}
        with contextlib.suppress(StoreError):
            answers = self._app.control.inspect(timeout=_PATIENCE_S).active() or {}
        known = {job_id: found for job_id, found in self._known.items() if job_id in tokens}
        for told in answers.values():
            for one in told:
                job_id, began = one.get("id"), one.get("time_start")
                if isinstance(job_id, str) and job_id in tokens and isinstance(began, int | float):
                    known[job_id] = (tokens[job_id], int(began * 1e6))
        self._known = known
        self._asking = None
