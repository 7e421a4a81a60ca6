"""A worker inside the user's own program: for scripts, desktop programs, web applications, notebooks."""

from __future__ import annotations

import atexit
import contextlib
import logging
import os
import sys
import threading
from typing import Any

from localq import current
from localq.app.app import LocalQ
from localq.exceptions import ImproperlyConfigured
from localq.log import follow_events, unknown_line
from localq.model.events import subscribe
from localq.model.job import Job
from localq.schedules.scheduler import Scheduler, beside
from localq.worker.build import assemble
from localq.worker.shutdown import Stopping
from localq.worker.worker import Worker

__all__ = ["Embedded"]

#: Seconds running jobs have when the program ends without `stop()`.
_AT_EXIT_S = 10.0
#: Seconds interrupted jobs have to end, before they are killed.
_STOPPING_S = 5.0


class Embedded:
    """A worker in a thread of this process, its slots beside it.

    Args:
        app: The app.
        concurrency: Slots.
        pool: processes, threads or solo.
        queues: The queues to serve; None: all.
        excluded: Queues not to serve.
        name: The worker's name.
        beat: Fire schedules as well, those added later included; None: likewise.
        autoscale: The most and the fewest slots, where their number follows the demand.
    """

    def __init__(
        self,
        app: LocalQ,
        *,
        concurrency: int | str | None = None,
        pool: str | None = None,
        queues: tuple[str, ...] | list[str] | None = None,
        excluded: tuple[str, ...] | list[str] = (),
        name: str | None = None,
        beat: bool | None = None,
        autoscale: tuple[int, int] | None = None,
    ) -> None:
        if app.eager:
            raise ImproperlyConfigured("In eager mode calls run in the caller; there is no worker to start.")
        self._plan: dict[str, Any] = {
            "concurrency": concurrency,
            "pool": pool,
            "queues": None if queues is None else tuple(queues),
            "excluded": tuple(excluded),
            "name": name,
            "autoscale": autoscale,
        }
        self._app = app
        self._beat = beat
        self._scheduler: Scheduler | None = None
        self._pid = os.getpid()
        self._worker: Worker | None = None
        self._thread: threading.Thread | None = None
        # Not the thread's own word: a join that Ctrl-C breaks off makes Python take it for ended (before 3.13).
        self._ended = threading.Event()
        self._error: BaseException | None = None

    def start(self) -> None:
        """Start; return when the worker is ready."""
        self._worker = worker = assemble(self._app, printed=_pass_on, **self._plan)
        self._thread = threading.Thread(target=self._run, name="LocalQ-worker", daemon=True)
        self._thread.start()
        while not worker.ready.wait(0.05) and not self._ended.is_set():
            pass
        if self._error is not None:
            # It may have failed before it could clear up after itself.
            with contextlib.suppress(Exception):
                worker.pool.close()
            raise self._error
        atexit.register(self._at_exit)
        if self._beat is not False:
            self._start_scheduler()

    def _start_scheduler(self) -> None:
        try:
            # With a configuration that may be wrong the caller waits for the answer; else it may go on.
            self._scheduler = beside(self._app, prepared=self._app.schedules.is_configured)
        except BaseException:
            self.stop(_AT_EXIT_S)
            raise
        self._scheduler.start()

    @property
    def worker(self) -> Worker | None:
        """The worker, once it was started."""
        return self._worker

    def runs(self) -> bool:
        """Whether the worker runs, in this process."""
        return self._pid == os.getpid() and self._thread is not None and not self._ended.is_set()

    def _run(self) -> None:
        worker = self._worker
        assert worker is not None
        try:
            with self._logged(worker):
                worker.run()
        except BaseException as error:
            self._error = error
            if worker.ready.is_set():
                print(f"LocalQ's worker stopped: {error}", file=sys.stderr)
        finally:
            self._ended.set()

    def _logged(self, worker: Worker) -> contextlib.AbstractContextManager[None]:
        """Log events where the program has set up logging; nothing of ours goes to the terminal of one that has not."""
        if logging.getLogger("localq.worker").hasHandlers():
            return follow_events(self._app.conf, worker.aside.put)

        def say(event: str, fields: dict[str, Any]) -> None:
            if not fields["elsewhere"]:
                worker.aside.put(print, f"localq: {unknown_line(fields)}", file=sys.stderr)

        # Nobody would see why these jobs do not run.
        return subscribe(say, ["task.unknown"])

    def stop(self, timeout: float | None = None) -> bool:
        """Stop; running jobs finish first, or are interrupted and put back after `timeout` seconds.

        A Ctrl-C while it waits, or another exception from a signal, interrupts them at once.

        Returns:
            Whether it has ended: not where it is called by what the worker runs, which cannot wait for itself.
        """
        if self._pid != os.getpid() or self._worker is None or self._thread is None:
            return True
        if self._scheduler is not None:
            self._scheduler.stop()
        self._worker.stop(Stopping.FINISH)
        if self._waits_for_this():
            return False
        atexit.unregister(self._at_exit)
        try:
            self._ended.wait(timeout)
        finally:
            for how in (Stopping.INTERRUPT, Stopping.KILL):
                if not self._ended.is_set():
                    self._worker.stop(how)
                    self._ended.wait(_STOPPING_S)
        if self._scheduler is not None:
            self._scheduler.join(_STOPPING_S)
        return True

    def _waits_for_this(self) -> bool:
        """Whether the worker's end waits for the calling thread: it is the worker's own, or runs a job."""
        running = current.request.get()
        return threading.current_thread() is self._thread or (running is not None and not running.is_eager)

    def _at_exit(self) -> None:
        self.stop(_AT_EXIT_S)


def _pass_on(job: Job | None, text: str, is_error: bool) -> None:
    """Print what tasks print, where the program prints."""
    stream = sys.stderr if is_error else sys.stdout
    if stream is not None:
        # A closed or broken stream is the program's affair; the worker goes on.
        with contextlib.suppress(Exception):
            stream.write(text)
            stream.flush()
