"""A real worker in the process of a test, and an app on a file of its own for the length of one."""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from types import ModuleType
from typing import Any

from localq.app import LocalQ
from localq.exceptions import ImproperlyConfigured

__all__ = ["isolated", "start_worker"]


class RunningWorker:
    """The worker of a test: all that a worker is, and `reload`."""

    def __init__(self, worker: Any) -> None:
        self._worker = worker

    def __getattr__(self, name: str) -> Any:
        return getattr(self._worker, name)

    def reload(
        self,
        modules: Iterable[str] | None = None,
        reload: bool = False,
        reloader: Callable[[ModuleType], Any] | None = None,
    ) -> None:
        """Let the worker know what was defined since it started: it does without this, as Celery's does not.

        Args:
            modules: Names of modules to import for their tasks.
            reload: Import those anew that are imported already.
            reloader: Does that in the place of `importlib.reload`.
        """
        for name in modules or ():
            known = sys.modules.get(name)
            if known is None:
                importlib.import_module(name)
            elif reload or reloader is not None:
                (reloader or importlib.reload)(known)


@contextlib.contextmanager
def start_worker(
    app: LocalQ,
    concurrency: int | str = 1,
    pool: str = "threads",
    loglevel: str | int | None = None,
    logfile: str | None = None,
    perform_ping_check: bool = True,
    ping_task_timeout: float = 10.0,
    shutdown_timeout: float = 10.0,
    **options: Any,
) -> Iterator[Any]:
    """Run a worker in this process for the length of a block; yield it when it is ready.

    Args:
        app: The app, whose calls must not be eager.
        concurrency: Jobs that run at once.
        pool: With threads (and solo) tasks see the test's own objects and its patches; with processes they run
            as they do in production.
        loglevel, logfile, perform_ping_check, ping_task_timeout: Accepted for Celery's sake: the test's own
            logging holds, and the worker is ready when the block begins.
        shutdown_timeout: Seconds running jobs have at the end of the block before they are interrupted.
        options: queues, excluded and name of the worker.

    Raises:
        ImproperlyConfigured: the app is eager, or has a worker in this process already.
    """
    if app._embedded is not None and app._embedded.runs():
        raise ImproperlyConfigured("This app has a worker in this process already: use that, or stop it first.")
    app.start(concurrency, pool=pool, **options)
    embedded = app._embedded
    assert embedded is not None
    try:
        yield RunningWorker(embedded.worker)
    finally:
        app.stop(shutdown_timeout)


@contextlib.contextmanager
def isolated(app: LocalQ, path: str | os.PathLike[str] | None = None) -> Iterator[LocalQ]:
    """Give an app a queue of its own for the length of a block, empty and on no lasting file.

    Args:
        path: Where; default: a new folder, removed afterwards.
    """
    before, durability = app.location, app.conf.durability
    with contextlib.ExitStack() as kept:
        if path is None:
            folder = kept.enter_context(tempfile.TemporaryDirectory(prefix="localq-"))
            path = os.path.join(folder, "jobs.db")
        app.relocate(path=path)
        # What a power cut leaves of it is of no interest.
        app.conf.durability = "normal"
        try:
            yield app
        finally:
            app.close()
            app.conf.durability = durability
            app.relocate(path=before) if "://" not in before else app.relocate(url=before)
