"""Celery and LocalQ, each in this process: a workflow is run to its end, and told in the same words."""

from __future__ import annotations

import logging
import re
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import celery
import celery.canvas
from celery.backends.cache import CacheBackend
from celery.contrib.testing.worker import start_worker
from celery.exceptions import TimeoutError
from celery.signals import after_task_publish, task_postrun
from celery.states import READY_STATES

import localq.canvas
from localq import LocalQ
from localq.testing import drain
from tests.celery.shapes import Shape, made
from tests.celery.tasks import define

__all__ = ["Outcome", "Side", "celery_side", "localq_side"]

#: An id, or the end of one that a shape gave.
_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-|^t\d+-\d+$")
#: Seconds without a task that is sent or done after which what was sent is taken to have been lost.
QUIET_S = 30


class Outcome(NamedTuple):
    """What came of a workflow.

    Attributes:
        refused: The class of the error that sending it raised.
        runs: What ran, with its arguments.
        callbacks: What callbacks of both kinds were called with.
        states: Of the jobs that ran, in the end.
        named: The tasks whose jobs have the ids they were given.
        lost: The side waited for what was yet to run, or what was sent did not run.
    """

    refused: str | None
    result: Any
    runs: list[Any]
    callbacks: list[Any]
    states: list[Any]
    named: list[str]
    lost: bool


class Side:
    """An app with its canvas module, and a journal of what its tasks did."""

    def __init__(self, app: Any, canvas: Any, settle: Callable[[], bool]) -> None:
        self.app, self.canvas, self.settle = app, canvas, settle
        self._journal: list[tuple[str, str, Any]] = []
        self._runs = 0
        define(app, lambda *line: self._journal.append(line), self.made)

    def made(self, shape: Shape) -> Any:
        """Return the signature of a shape."""
        return made(self.app, self.canvas, shape, str(self._runs))

    def outcome(self, shape: Shape) -> Outcome:
        """Run a workflow to its end."""
        self._journal.clear()
        self._runs += 1
        refused, result = None, None
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                result = self.made(shape).apply_async(**shape.get("call", {}))
        except Exception as error:
            refused = type(error).__name__
        lost = not self.settle()
        lines = list(self._journal)
        runs = [line for line in lines if line[1]]
        names = {job_id: name.split()[1] for name, job_id, _ in runs}
        told = _told(result, names)
        states = {(names[job_id], self.app.AsyncResult(job_id).state) for _, job_id, _ in runs}
        return Outcome(
            refused,
            told,
            sorted(([name, _args(args, names)] for name, _, args in runs), key=repr),
            sorted((repr([name, _args(args, names)]) for name, job_id, args in lines if not job_id)),
            sorted(states),
            sorted(name for job_id, name in names.items() if job_id == f"{name}-{self._runs}"),
            lost,
        )


def _told(result: Any, names: dict[str, str]) -> Any:
    if result is None:
        return None
    if hasattr(result, "results"):
        return [_told(one, names) for one in result.results]
    state = result.state
    return [state, type(result.result).__name__ if state in ("FAILURE", "REVOKED") else result.result]


def _args(args: Any, names: dict[str, str]) -> Any:
    """Return arguments without ids: those of jobs that ran by their labels."""
    if isinstance(args, list | tuple):
        return [_args(one, names) for one in args]
    if isinstance(args, str) and (_ID.search(args) or args in names):
        return "id of " + names.get(args, "a job that did not run")
    return args


@contextmanager
def celery_side() -> Iterator[Side]:
    """Start a Celery worker in a thread, with a broker and a backend in memory."""
    app = celery.Celery("differences", broker="memory://", backend="cache+memory://", set_as_current=False)
    app.conf.broker_transport_options = {"polling_interval": 0.001}
    app.conf.broker_connection_retry_on_startup = True
    # The one worker waits within a task for the members of a header: what is not there will never come.
    app.conf.result_chord_join_timeout = 0
    waiting, many = CacheBackend.wait_for, CacheBackend.get_many
    chord_error = CacheBackend.chord_error_from_stack
    missed: set[str] = set()
    early: list[str] = []
    counts = {"sent": 0, "done": 0}

    def sent(**_: Any) -> None:
        counts["sent"] += 1

    def done(**_: Any) -> None:
        counts["done"] += 1

    def settle() -> bool:
        # What a task sends it sends before it is done; what Celery itself trips over is never done.
        end = time.monotonic() + QUIET_S
        before = dict(counts)
        while counts["sent"] != counts["done"] and time.monotonic() < end:
            if counts != before:
                before, end = dict(counts), time.monotonic() + QUIET_S
            time.sleep(0.001)
        # What was not there for a header, and came: with a second worker it would have come in time.
        late = [one for one in missed if app.backend.get_state(one) in READY_STATES]
        whole = counts["sent"] == counts["done"] and not late and not early
        counts["done"] = counts["sent"]
        missed.clear()
        early.clear()
        return whole

    def wait_for(self: Any, task_id: str, **_: Any) -> Any:
        meta = self.get_task_meta(task_id)
        if meta["status"] not in READY_STATES:
            missed.add(task_id)
            raise TimeoutError(f"{task_id} is not there")
        return meta

    def get_many(self: Any, task_ids: Any, **options: Any) -> Any:
        ids = set(task_ids)
        try:
            for task_id, meta in many(self, set(ids), **options):
                ids.discard(task_id)
                yield task_id, meta
        except TimeoutError:
            missed.update(ids)
            raise

    def chord_error_from_stack(self: Any, callback: Any, exc: Any = None) -> Any:
        # A task of the header ended when the header had been read: Celery had counted fewer.
        if "no longer exists" in str(exc):
            early.append(str(exc))
        return chord_error(self, callback, exc)

    CacheBackend.chord_error_from_stack = chord_error_from_stack
    CacheBackend.get_many = get_many
    CacheBackend.wait_for = wait_for
    logging.getLogger("celery").propagate = False
    after_task_publish.connect(sent)
    task_postrun.connect(done)
    side = Side(app, celery.canvas, settle)
    with start_worker(app, pool="solo", perform_ping_check=False, loglevel="CRITICAL"):
        yield side
    after_task_publish.disconnect(sent)
    task_postrun.disconnect(done)
    logging.getLogger("celery").propagate = True
    CacheBackend.wait_for, CacheBackend.get_many = waiting, many
    CacheBackend.chord_error_from_stack = chord_error


@contextmanager
def localq_side() -> Iterator[Side]:
    """Make an app on a store in memory, whose jobs run when a workflow was sent."""
    app = LocalQ("differences", path=":memory:")

    def settle() -> bool:
        drain(app, scheduled=True)
        return True

    yield Side(app, localq.canvas, settle)
    app.close()
