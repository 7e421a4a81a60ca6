"""A worker inside the user's own program: for scripts, desktop programs, web applications, notebooks."""

from __future__ import annotations

import atexit
import contextlib
import os
import sys
import threading
from typing import Any

from localq import current
from localq.app.app import LocalQ
from localq.exceptions import ImproperlyConfigured
from localq.log import follow_events
from localq.model.events import subscribe
from localq.model.job import Job
from localq.settings.dotted_names import attribute
from localq.worker.build import assemble
from localq.worker.failures import FailedJobs
from localq.worker.program import Beside
from localq.worker.shutdown import Stopping, stopping_line, waiting_line
from localq.worker.worker import Worker

__all__ = ["Embedded"]

#: What makes a scheduler, loaded when the worker runs already.
_SCHEDULER = "localq.schedules.scheduler:beside"
#: Seconds running jobs have when the program ends without `stop()`.
_AT_EXIT_S = 10.0
#: Seconds interrupted jobs have to end, before they are killed.
_STOPPING_S = 5.0
#: Seconds that a program may stand still before it says why.
_SILENT_S = 1.0
#: Seconds a lock can be waited for at once.
_LONGEST_S = threading.TIMEOUT_MAX


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
        self._scheduler: Beside | None = None
        self._pid = os.getpid()
        self._worker: Worker | None = None
        self._thread: threading.Thread | None = None
        # Not the thread's own word: a join that Ctrl-C breaks off makes Python take it for ended (before 3.13).
        self._ended = _Ended()
        self._error: BaseException | None = None
        self._failures = FailedJobs("")
        self._told = False
        self._most_s: float | None = None

    def start(self) -> None:
        """Start; return when the worker is ready."""
        self._worker = worker = assemble(self._app, printed=_pass_on, **self._plan)
        self._failures = FailedJobs(worker.plan.name)
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
            self._scheduler = attribute(_SCHEDULER)(self._app, prepared=self._app.schedules.is_configured)
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

    def _logged(self, worker: Worker) -> contextlib.AbstractContextManager[Any]:
        """Log events, and count what failed: on standard error where the program has set up no log."""
        stack = contextlib.ExitStack()
        stack.enter_context(follow_events(self._app.conf, worker.aside.put))
        stack.enter_context(subscribe(self._failures.hear, FailedJobs.EVENTS))
        stack.enter_context(subscribe(self._say, ["worker.stopping"]))
        return stack

    def _say(self, event: str, fields: dict[str, Any]) -> None:
        """Say on standard error how it goes on, to a person who has pressed Ctrl-C and waits."""
        if self._told and fields["running"] and self._worker is not None and fields["worker"] == self._worker.plan.name:
            start = "\n" if sys.stderr is not None and sys.stderr.isatty() else ""
            print(f"{start}localq: {stopping_line(fields, 'Ctrl-C', most_s=self._most_s)}", file=sys.stderr)

    def stop(self, timeout: float | None = None, *, told: bool = False) -> bool:
        """Stop; running jobs finish first, or are interrupted and put back after `timeout` seconds.

        A Ctrl-C while it waits, or another exception from a signal, interrupts them at once; another one kills them.
        A wait of more than a second is told on standard error.

        Args:
            told: Say there at once what it waits for, and each step: to somebody who has pressed Ctrl-C.

        Returns:
            Whether it has ended: not where it is called by what the worker runs, which cannot wait for itself.
        """
        if self._pid != os.getpid() or self._worker is None or self._thread is None:
            return True
        self._told, self._most_s = told, timeout
        if self._scheduler is not None:
            self._scheduler.stop()
        if self._waits_for_this():
            self._worker.stop(Stopping.FINISH)
            return False
        atexit.unregister(self._at_exit)
        try:
            self._wait(self._worker, timeout)
        finally:
            if self._scheduler is not None:
                self._scheduler.join(_STOPPING_S)
            self._failures.tell(self._app)
        return True

    def _wait(self, worker: Worker, timeout: float | None) -> None:
        """Wait for the worker's end; step by step interrupt and kill what runs, when the time is over or at Ctrl-C."""
        interruption: BaseException | None = None
        begun = False
        for how, patience in ((Stopping.INTERRUPT, timeout), (Stopping.KILL, _STOPPING_S), (None, _STOPPING_S)):
            try:
                if not begun:
                    # Here, as whoever reads what it says of that may press Ctrl-C at once.
                    begun = True
                    worker.stop(Stopping.FINISH)
                    patience = self._silent(worker, patience)
                if self._ended.wait(patience):
                    break
            except BaseException as error:
                self._told = self._told or isinstance(error, KeyboardInterrupt)
                interruption = interruption or error
            if how is not None and not self._ended.is_set():
                worker.stop(how)
        if interruption is not None:
            raise interruption

    def _silent(self, worker: Worker, most_s: float | None) -> float | None:
        """Wait a moment, then say what is waited for still, unless that was told; return the seconds that are left."""
        silent_s = _SILENT_S if most_s is None else min(most_s, _SILENT_S)
        left_s = None if most_s is None else most_s - silent_s
        if self._told or left_s == 0 or self._ended.wait(silent_s):
            return most_s
        try:
            running = len(worker.pool.in_hand())
        except RuntimeError:
            # The worker changes it at this very moment: it does something, and that is at least one.
            running = 1
        if running and not self._told:
            sooner = "Ctrl-C" if threading.current_thread() is threading.main_thread() else None
            print(f"localq: {waiting_line(running, most_s, sooner)}", file=sys.stderr)
        return left_s

    def _waits_for_this(self) -> bool:
        """Whether the worker's end waits for the calling thread: it is the worker's own, or runs a job."""
        running = current.request.get()
        return threading.current_thread() is self._thread or (running is not None and not running.is_eager)

    def _at_exit(self) -> None:
        # Ctrl-C has been told; the program ends already, and Python would show where it was.
        with contextlib.suppress(KeyboardInterrupt):
            self.stop(_AT_EXIT_S)


class _Ended:
    """An event that is set once, and that Ctrl-C may come in the middle of.

    That may leave the lock of a `threading.Event` taken for ever, and whoever sets or asks for it then hangs.
    """

    def __init__(self) -> None:
        self._set = False
        self._lock = threading.Lock()
        self._lock.acquire()

    def is_set(self) -> bool:
        return self._set

    def set(self) -> None:
        self._set = True
        self._lock.release()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for it, `timeout` seconds at most; whether it is set."""
        if not self._set and self._lock.acquire(timeout=-1 if timeout is None else max(0, min(timeout, _LONGEST_S))):
            # For the next who waits. Where Ctrl-C comes before this line, the word above does for all.
            self._lock.release()
        return self._set


def _pass_on(job: Job | None, text: str, is_error: bool) -> None:
    """Print what tasks print, where the program prints."""
    stream = sys.stderr if is_error else sys.stdout
    if stream is not None:
        # A closed or broken stream is the program's affair; the worker goes on.
        with contextlib.suppress(Exception):
            stream.write(text)
            stream.flush()
