"""A worker as a program of its own: in the main thread, stopped and restarted by signals.

TERM or INT: stop claiming, finish what runs, put back the rest; again: interrupt what runs; again: kill it.
QUIT interrupts at once. HUP stops in order and starts anew in the same process; on a terminal it only stops.
USR1 writes the stack of every thread to standard error.
"""

from __future__ import annotations

import contextlib
import faulthandler
import gc
import logging
import os
import signal
import sys
from collections.abc import Iterator
from types import FrameType
from typing import Any, Protocol

from localq import log
from localq.host.heap import keep_little
from localq.host.interpreter import same_command
from localq.model.events import emit, subscribe
from localq.model.job import Job
from localq.worker.pool.contract import Printed
from localq.worker.shutdown import Stopping, stopping_line
from localq.worker.worker import Worker

__all__ = ["Beside", "WorkerProgram", "prints_of", "start_anew"]

#: Seconds a scheduler has to write what it is firing.
_SCHEDULER_S = 5.0


class Beside(Protocol):
    """What runs beside a worker: a scheduler, of which most workers have none to load."""

    def start(self) -> None:
        """Run in a thread of its own."""

    def stop(self) -> None:
        """Tell it to stop."""

    def join(self, timeout: float | None = None) -> None:
        """Wait for its end."""


class WorkerProgram:
    """Runs a worker until signals stop it.

    Args:
        worker: Assembled, not running.
        greeting: Printed when signals are heeded.
        scheduler: Runs beside the worker; prepared, not running.
    """

    def __init__(self, worker: Worker, greeting: str, scheduler: Beside | None = None) -> None:
        self._worker, self._greeting, self._scheduler = worker, greeting, scheduler
        self._asked = Stopping.NOT
        self._restart = False
        #: A terminal that is closed says HUP too, and nobody is left there to see a restart.
        self._may_restart = not _on_terminal()

    def run(self) -> None:
        """Work until told to stop; return when the worker has stopped in order. Call it in the main thread.

        Raises:
            StoreError: the store became unusable.
            PoolBroken: the pool can run nothing.
        """
        _collect_rarely()
        keep_little()
        with self._signals():
            _write(1, self._greeting)
            with (
                log.follow_events(self._worker.app.conf, self._worker.aside.put),
                subscribe(self._say, ["worker.stopping"]),
                subscribe(self._say_ready, ["worker.started"]),
            ):
                self._work()
            if self._restart:
                start_anew()

    def _work(self) -> None:
        """Run the worker, and fire schedules meanwhile."""
        if self._scheduler is not None:
            self._scheduler.start()
        try:
            self._worker.run()
        finally:
            if self._scheduler is not None:
                self._scheduler.stop()
                self._scheduler.join(_SCHEDULER_S)

    def restart(self) -> None:
        """Let what runs end, then start the same command again in this process; from any thread."""
        if self._asked == Stopping.NOT:
            self._restart = True
            self._worker.stop(Stopping.FINISH)

    # Signals

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        by_name = {
            "SIGTERM": self._stop,
            "SIGINT": self._stop,
            "SIGBREAK": self._stop,  # on Windows
            "SIGQUIT": self._interrupt,
            "SIGHUP": self._hang_up,
        }
        handlers: dict[int, Any] = {
            getattr(signal, name): handler for name, handler in by_name.items() if hasattr(signal, name)
        }
        hang_up = getattr(signal, "SIGHUP", None)
        if hang_up is not None and signal.getsignal(hang_up) is signal.SIG_IGN:
            del handlers[hang_up]  # nohup means what it says
        before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
        stacks = getattr(signal, "SIGUSR1", None)
        if stacks is not None:
            faulthandler.register(stacks, file=2, all_threads=True)
        try:
            yield
        finally:
            if stacks is not None:
                faulthandler.unregister(stacks)
            for number, handler in before.items():
                signal.signal(number, handler)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self._restart = False
        self._worker.sig = signal.Signals(number).name
        self._ask(min(self._asked + 1, Stopping.KILL))

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        self._restart = False
        self._worker.sig = signal.Signals(number).name
        self._ask(max(self._asked, Stopping.INTERRUPT))

    def _hang_up(self, number: int, frame: FrameType | None) -> None:
        if self._asked == Stopping.NOT:
            self._restart = self._may_restart
            self._worker.sig = "SIGHUP"
            self._worker.stop(Stopping.FINISH)

    def _ask(self, how: int) -> None:
        self._asked = how
        self._worker.stop(how)

    def _say_ready(self, event: str, fields: dict[str, Any]) -> None:
        """Say that it has begun, where the log is too quiet for that and a banner was shown."""
        if self._greeting and not logging.getLogger("localq.worker").isEnabledFor(logging.INFO):
            _write(1, f"{fields['worker']} ready.\n")

    def _say(self, event: str, fields: dict[str, Any]) -> None:
        """Say on standard error how it goes on."""
        verb = "restarting" if self._restart else "stopping"
        said = stopping_line(fields, "Ctrl-C or TERM", verb)
        # A terminal has just shown ^C, and no end of the line.
        start = "\n" if os.isatty(2) else ""
        _write(2, f"{start}localq: {said}\n")


def prints_of(worker: str, *, redirect: bool) -> Printed:
    """Return what handles the prints of a worker's tasks: as events that the log shows, or as they are.

    Args:
        worker: The worker's name.
        redirect: The setting worker_redirect_stdouts.
    """

    def tell(job: Job | None, text: str, is_error: bool) -> None:
        if job is None:
            emit("job.printed", worker=worker, task=None, job_id=None, text=text)
        else:
            emit("job.printed", worker=worker, task=job.task, job_id=job.id, text=text)

    def pass_on(job: Job | None, text: str, is_error: bool) -> None:
        _write(2 if is_error else 1, text)

    return tell if redirect else pass_on


def _write(descriptor: int, text: str) -> None:
    with contextlib.suppress(OSError):
        os.write(descriptor, text.encode("utf-8", "backslashreplace"))


def _collect_rarely() -> None:
    """Spare the collector what is there for good, and most of its rounds: jobs pass through as plain values."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def _on_terminal() -> bool:
    with contextlib.suppress(Exception):
        return sys.stdin.isatty()
    return False


def start_anew() -> None:
    """Replace this process by a new run of the same command.

    Raises:
        ImproperlyConfigured: it cannot be run by another name than its server's.
    """
    words = same_command()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()
    os.execv(words[0], words)
