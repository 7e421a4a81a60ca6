"""A process that runs one job at a time, from the side of the worker's thread that leads it."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Callable
from typing import Any

from localq.app.app import LocalQ
from localq.model.outcome import Outcome
from localq.tasks.task import Task
from localq.worker.pool import frames, task_definitions
from localq.worker.pool.contract import Handed
from localq.worker.pool.fresh_interpreter import start_fresh
from localq.worker.pool.portable.channel import Channel, Door
from localq.worker.pool.process_facts import how_ended

__all__ = ["ChildHandle", "Died"]

#: Seconds the process has to end by itself.
_QUIT_S = 5.0
#: Called with the kind and the bytes of whatever is no outcome.
Heard = Callable[[int, bytes], None]


class Died(Exception):
    """The process ended under its job, or before it could take it."""


class ChildHandle:
    """One such process, started but not heard of yet.

    Args:
        app: The app whose tasks run there.
        number: Of the slot, for its name in logs.
        worker: The worker's name.
        redirect: Whether what tasks print is told apart by job.
        marks_path: Beside it lies the lock of the worker's life; None: nowhere.
    """

    def __init__(self, app: LocalQ, number: int, worker: str, redirect: bool, marks_path: str | None) -> None:
        self._app = app
        self._door: Door | None = Door()
        self._channel: Channel | None = None
        self._defined: dict[str, Task[..., Any]] = dict(app.tasks)
        told = (self._door.port, self._door.secret, number, worker, redirect, marks_path)
        try:
            self._process: subprocess.Popen[bytes] = start_fresh(
                app, [], "localq.worker.pool.portable.child_main", told=told
            )
        except BaseException:
            self._door.close()
            raise
        self.pid = self._process.pid
        #: Runs it has reported, and the peak of its memory in the last of them, in KiB.
        self.done = self.peak_kb = 0
        #: Whether it is to be replaced after the job it runs.
        self.last = False

    def run(self, handed: Handed, heard: Heard) -> Outcome:
        """Run a job there; return what came of it.

        Raises:
            Died: the process ended before it could say.
        """
        try:
            channel = self._connected()
            self._define(channel, handed.job.task)
            channel.tell("job", frames.pack_handed(handed))
            while True:
                kind, body = channel.reported()
                if kind in (frames.Kind.DONE, frames.Kind.ENDED):
                    _, token, outcome = frames.unpack_outcome(kind, body)
                    if token == handed.job.run_token:
                        self.done += 1
                        self.peak_kb = outcome.peak_kb or 0
                        return outcome
                else:
                    heard(kind, body)
        except (OSError, EOFError) as error:
            raise Died(self._ending()) from error

    def _connected(self) -> Channel:
        while self._channel is None:
            if self._door is None:
                raise EOFError("closed")
            self._channel = self._door.answer()
            if self._channel is None and self._process.poll() is not None:
                raise EOFError("it ended before it was ready")
        if self._door is not None:
            self._door.close()
            self._door = None
        return self._channel

    def _define(self, channel: Channel, name: str) -> None:
        """Send the definition of a task that was made, or made anew, after the process was started."""
        task = self._app.tasks.find(name)
        if task is not None and self._defined.get(task.name) is not task:
            channel.tell("define", task_definitions.dump(task))
            self._defined[task.name] = task

    def _ending(self) -> str:
        """Say how the process ended, which it has, or is made to."""
        try:
            code = self._process.wait(_QUIT_S)
        except subprocess.TimeoutExpired:
            self.kill()
            code = self._process.wait()
        return f"the process that ran it (pid {self.pid}) {how_ended(code)}"

    def interrupt(self) -> None:
        """Raise WorkerTerminate in the task that it runs."""
        if self._channel is not None:
            with contextlib.suppress(OSError):
                self._channel.tell("interrupt")

    def kill(self) -> None:
        """End it at once."""
        with contextlib.suppress(OSError):
            self._process.kill()

    def close(self) -> None:
        """Let it end, by force where it does not."""
        for end in (self._door, self._channel):
            if end is not None:
                with contextlib.suppress(OSError):
                    end.close()
        self._door = None
        try:
            self._process.wait(_QUIT_S)
        except subprocess.TimeoutExpired:
            self.kill()
            self._process.wait()
