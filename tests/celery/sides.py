"""Celery and LocalQ, each in this process: a workflow is run to its end, and told in the same words."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import celery
import celery.canvas
from celery.contrib.testing.worker import start_worker
from celery.signals import after_task_publish, task_postrun

import localq.canvas
from localq import LocalQ
from localq.testing import drain
from tests.celery.shapes import Shape, made
from tests.celery.tasks import define

__all__ = ["Outcome", "Side", "celery_side", "localq_side"]

#: Seconds after which a workflow is taken to have got lost.
DEADLINE_S = 60


class Outcome(NamedTuple):
    """What came of a workflow. `refused`: the class of the error that sending it raised."""

    refused: str | None
    result: Any
    runs: list[Any]
    callbacks: list[Any]
    states: list[Any]


class Side:
    """An app with its canvas module, and a journal of what its tasks did."""

    def __init__(self, app: Any, canvas: Any, settle: Callable[[], None]) -> None:
        self.app, self.canvas, self._settle = app, canvas, settle
        self._journal: list[tuple[str, str, Any]] = []
        define(app, lambda *line: self._journal.append(line), lambda shape: made(app, canvas, shape))

    def outcome(self, shape: Shape) -> Outcome:
        """Run a workflow to its end."""
        self._journal.clear()
        refused, result = None, None
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                result = made(self.app, self.canvas, shape).apply_async(**shape.get("call", {}))
        except Exception as error:
            refused = type(error).__name__
        self._settle()
        lines = list(self._journal)
        runs = [line for line in lines if line[1]]
        names = {job_id: name.split()[1] for name, job_id, _ in runs}
        return Outcome(
            refused,
            _told(result, names),
            sorted([name, _args(args, names)] for name, _, args in runs),
            sorted((repr([name, _args(args, names)]) for name, job_id, args in lines if not job_id)),
            sorted({(names[job_id], self.app.AsyncResult(job_id).state) for _, job_id, _ in runs}),
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
    if isinstance(args, str) and (len(args) > 30 or args in names):
        return "id of " + names.get(args, "a job that did not run")
    return args


@contextmanager
def celery_side() -> Iterator[Side]:
    """Start a Celery worker in a thread, with a broker and a backend in memory."""
    app = celery.Celery("differences", broker="memory://", backend="cache+memory://", set_as_current=False)
    app.conf.broker_transport_options = {"polling_interval": 0.001}
    app.conf.broker_connection_retry_on_startup = True
    counts = {"sent": 0, "done": 0}

    def sent(**_: Any) -> None:
        counts["sent"] += 1

    def done(**_: Any) -> None:
        counts["done"] += 1

    def settle() -> None:
        # What a task sends it sends before it is done.
        end = time.monotonic() + DEADLINE_S
        while counts["sent"] != counts["done"]:
            assert time.monotonic() < end, f"Celery does not come to an end: {counts}"
            time.sleep(0.001)

    after_task_publish.connect(sent)
    task_postrun.connect(done)
    side = Side(app, celery.canvas, settle)
    with start_worker(app, pool="solo", perform_ping_check=False, loglevel="CRITICAL"):
        yield side
    after_task_publish.disconnect(sent)
    task_postrun.disconnect(done)


@contextmanager
def localq_side() -> Iterator[Side]:
    """Make an app on a store in memory, whose jobs run when a workflow was sent."""
    app = LocalQ("differences", path=":memory:")

    def settle() -> None:
        drain(app, scheduled=True)

    yield Side(app, localq.canvas, settle)
    app.close()
