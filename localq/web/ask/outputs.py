"""What jobs that run have printed and logged so far: their workers are asked, seldom and aside."""

from __future__ import annotations

import contextlib
import threading
import time
from typing import NamedTuple

from localq.app import LocalQ
from localq.exceptions import StoreError
from localq.model.job import Job, JobState
from localq.monitor.job_output import asked, owner_of
from localq.store.protocol import Store

__all__ = ["Outputs"]

#: Seconds between two questions about a run, and that a page waits for the answer.
_PAUSE_S, _AT_ONCE_S = 2.0, 0.2
#: Runs of which what they said is kept.
_MOST = 50


class _Known(NamedTuple):
    asked_at: float
    text: str | None


class Outputs:
    """What runs have said, of those that somebody looks at. A question is a letter in the store.

    Args:
        app: Whose workers are asked.
    """

    def __init__(self, app: LocalQ) -> None:
        self._app = app
        self._known: dict[tuple[str, int], _Known] = {}
        self._asking: dict[tuple[str, int], threading.Thread] = {}
        self._lock = threading.Lock()

    def of(self, store: Store, job: Job) -> str | None:
        """Return the last of what a job's run has said; None of one that does not run, or is not known of."""
        worker = owner_of(store, job) if job.state == JobState.RUNNING else None
        if worker is None:
            return None
        run = (job.id, job.run_token)
        with self._lock:
            known, asking = self._known.get(run), self._asking.get(run)
            if asking is None and (known is None or time.monotonic() - known.asked_at >= _PAUSE_S):
                asking = self._asking[run] = threading.Thread(target=self._learn, args=(run, worker), daemon=True)
                asking.start()
        if asking is not None:
            asking.join(_AT_ONCE_S)
        found = self._known.get(run)
        return None if found is None else found.text

    def _learn(self, run: tuple[str, int], worker: str) -> None:
        told, text = None, None
        with contextlib.suppress(StoreError):
            told = asked(self._app.control, worker, run[0])
        if told is not None and told.run == run[1]:
            text = told.text
        with self._lock:
            before = self._known.pop(run, None)
            self._known[run] = _Known(time.monotonic(), before.text if text is None and before else text)
            while len(self._known) > _MOST:
                del self._known[next(iter(self._known))]
            del self._asking[run]
