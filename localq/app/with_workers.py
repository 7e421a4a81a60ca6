"""The part of an app that runs jobs: a worker inside this program, or the program `localq` in its place."""

from __future__ import annotations

import importlib
import sys
import threading
from collections.abc import Callable, Sequence
from functools import partial
from types import EllipsisType
from typing import Any, Protocol, Self, Unpack

from localq import current
from localq.app.programs import Program
from localq.app.running import SERVER_STOP_S, Running, in_event_loop
from localq.app.start_options import check_start
from localq.model.option_types import StartOptions
from localq.result.uncaught import say_at_end
from localq.result.waiting import check_timeout

__all__ = ["WithWorkers"]

# What stands above this module and is far heavier is named by strings: a client that only enqueues never loads it.
_EMBEDDED = "localq.worker.embedded"
_COMMANDS = "localq.cli.program"
_REPORT = "localq.monitor.bug_report"


class _Embedded(Protocol):
    """A worker inside this program (`localq.worker.embedded.Embedded`)."""

    @property
    def worker(self) -> Any: ...

    def start(self) -> None: ...

    def runs(self) -> bool: ...

    def stop(self, timeout: float | None = None, *, told: bool = False) -> bool: ...


class WithWorkers:
    """What an app does to run jobs; see `LocalQ`."""

    _embedded: _Embedded | None = None
    _lock: threading.RLock

    def start(
        self,
        concurrency: int | str | Sequence[str] | None = None,
        *,
        argv: Sequence[str] | None = None,
        **options: Unpack[StartOptions],
    ) -> int | None:
        """Start a worker inside this program; it runs until `stop`, or until the program ends.

        May be called in every process of a web application: each worker is safe beside the others. Within a
        process that runs tasks it does nothing.

        With a list of words it is the program `localq` instead, for this app, and returns 0 when that ends well; so it
        is in a script that was called with a command (`python proj/celery.py worker -l info`), if the call stands in
        the script itself. A command that fails ends the program with its exit code: who started it sees that.

        Args:
            concurrency: Slots; default: the setting worker_concurrency.
            argv: Words of a command, such as ["worker", "-c", "4"].
            options: pool, queues, excluded, name, beat, autoscale; see `localq.worker.embedded.Embedded`.

        Raises:
            TypeError: an unknown option; the nearest is named.
            SystemExit: the command failed.
        """
        if isinstance(concurrency, list | tuple):
            argv, concurrency = concurrency, None
        if argv is None and concurrency is None and not options:
            argv = self._words_of_program(sys._getframe(1).f_globals.get("__name__"))
        if argv is not None:
            return self._command(argv)
        check_start("start", options)
        if current.in_slot():
            return None
        with self._lock:
            if self._embedded is None or not self._embedded.runs():
                made: _Embedded = importlib.import_module(_EMBEDDED).Embedded(self, concurrency=concurrency, **options)
                made.start()
                self._embedded = made
        return None

    def stop(
        self,
        timeout: float | None = None,
        *,
        on_done: Callable[[], Any] | None = None,
        deliver: Callable[[Callable[[], Any]], Any] | None = None,
    ) -> None:
        """Stop the embedded worker: running jobs finish, the rest goes back to the queue.

        Called by a job that the worker itself runs, or by what the worker calls (a hook, the receiver of a signal),
        it asks the worker to stop and returns: the worker waits for that job, so the job cannot wait for the worker.

        Args:
            timeout: Seconds to wait for running jobs before they are stopped and put back.
            on_done: Return at once, and have this called when the worker has ended: a window must not stand still.
                The program does not end before that.
            deliver: As of `AsyncResult.on_done`.

        Raises:
            TypeError, ValueError: the timeout is no number of seconds; the worker goes on.
        """
        check_timeout(timeout)
        if on_done is None:
            self._stop(timeout)
            return
        done: Callable[[], Any] = on_done if deliver is None else partial(deliver, on_done)
        threading.Thread(target=self._stop_aside, args=(timeout, done), name="LocalQ-stop").start()

    def _stop_aside(self, timeout: float | None, done: Callable[[], Any]) -> None:
        try:
            self._stop(timeout)
        finally:
            done()

    def _stop(self, timeout: float | None, *, told: bool = False) -> None:
        embedded = self._embedded
        try:
            ended = embedded is None or embedded.stop(timeout, told=told)
        except KeyboardInterrupt as error:
            say_at_end(error)
            raise
        if ended:
            with self._lock:
                if self._embedded is embedded:
                    self._embedded = None

    def running(
        self,
        concurrency: int | str | None = None,
        *,
        stop_timeout: float | EllipsisType | None = ...,
        **options: Unpack[StartOptions],
    ) -> Running[Self]:
        """Run a worker inside this program for the length of a block, `with` or `async with`; see `start`.

        A Ctrl-C in the block is the same as its end, and goes on from there: standard error says what is waited for
        meanwhile, and another Ctrl-C interrupts that. A program that it ends shows no traceback.

        Args:
            stop_timeout: Seconds that running jobs have at the end of the block, before they are interrupted and put
                back; None: as long as they take. Default: None, but 5 where the block is in an event loop, which serves
                nobody in the meantime, or until its server is killed.
        """
        check_start("running", options)
        if stop_timeout is ...:
            stop_timeout = SERVER_STOP_S if in_event_loop() else None
        check_timeout(stop_timeout)
        return Running(self, partial(self.start, concurrency, **options), stop_timeout)

    # As the program `localq`

    def worker_main(self, argv: Sequence[str] | None = None) -> int:
        """Be the command `localq worker` for this app until told to stop, and return 0.

        Args:
            argv: Words of the command, such as ["worker", "--loglevel=info"]; default: those of this program.

        Raises:
            ValueError: the command is not `worker`.
            SystemExit: it failed; with its exit code.
        """
        words = list(sys.argv[1:] if argv is None else argv)
        if "worker" not in words:
            raise ValueError(f"worker_main() takes the words of the command worker, as in ['worker'], not {words!r}")
        return self._command(words)

    def Worker(self, **options: Any) -> Program:  # noqa: N802 - Celery's name
        """Return the command `localq worker` for this app, which its `start()` runs until told to stop.

        Args:
            options: Those of the command: `hostname="mail@%h", loglevel="INFO", queues=["mail"]`.

        Raises:
            TypeError: an unknown option; the nearest is named.
        """
        return Program(self, "worker", options)

    def Beat(self, **options: Any) -> Program:  # noqa: N802 - Celery's name
        """Return the command `localq beat` for this app, which its `run()` runs until told to stop; see `Worker`."""
        return Program(self, "beat", options)

    def bugreport(self) -> str:
        """Return what `localq report` shows."""
        return str(importlib.import_module(_REPORT).report(self))

    def _words_of_program(self, caller: object) -> list[str] | None:
        """Return this program's words if they are a command of `localq` and a script's own code asks."""
        if caller != "__main__" or current.in_slot() or len(sys.argv) < 2:
            return None
        commands = importlib.import_module(_COMMANDS).COMMANDS
        return sys.argv[1:] if any(word in commands for word in sys.argv[1:]) else None

    def _command(self, words: Sequence[str]) -> int:
        code = int(importlib.import_module(_COMMANDS).run(list(words), self))
        if code:
            # Scripts end with this call and look at nothing; a supervisor is to see what came of it.
            raise SystemExit(code)
        return code
