"""A process that runs one job at a time, from the side of the worker's thread that leads it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Callable
from typing import Any

from localq.app.app import LocalQ
from localq.host.presence import end_share
from localq.model.outcome import Outcome
from localq.signals import worker_before_create_process
from localq.tasks.task import Task
from localq.worker.pool import frames, task_definitions
from localq.worker.pool.contract import Handed
from localq.worker.pool.fresh_interpreter import start_fresh
from localq.worker.pool.portable.channel import Channel, Door
from localq.worker.pool.process_facts import how_ended

__all__ = ["CHILD", "ChildHandle", "Died"]

#: What such a process is to be.
CHILD = "localq.worker.pool.portable.child_main"
#: Seconds the process has to end by itself.
_QUIT_S = 5.0
#: Seconds after which it is looked at, whether it is still there.
_LOOK_S = 1.0
#: Called with the kind and the bytes of whatever is no outcome.
Heard = Callable[[int, bytes], None]
#: Returns which version of a task holds now (`localq.worker.pool.definition_versions`).
VersionOf = Callable[[Task[..., Any]], object]


class Died(Exception):
    """The process ended; the text says how."""


class ChildHandle:
    """One such process, started but not heard of yet.

    Args:
        app: The app whose tasks run there.
        number: Of the slot, for its name in logs.
        worker: The worker's name.
        redirect: Whether what tasks print is told apart by job.
        marks_path: Beside it lies the lock of the worker's life; None: nowhere.
    """

    def __init__(
        self, app: LocalQ, number: int, worker: str, redirect: bool, marks_path: str | None, version_of: VersionOf
    ) -> None:
        self._app, self._version_of, self._marks_path = app, version_of, marks_path
        self._door: Door | None = Door()
        self._channel: Channel | None = None
        self._defined: dict[str, object] = {name: version_of(task) for name, task in app.tasks.items()}
        worker_before_create_process.send(app)
        told = (self._door.port, self._door.secret, number, worker, redirect, marks_path)
        try:
            self._process: subprocess.Popen[bytes] = start_fresh(app, [], CHILD, told=told, apart=True)
        except BaseException:
            self._door.close()
            raise
        self.pid = self._process.pid
        #: Runs it has reported, and the peak of its memory in the last of them, in KiB.
        self.done = self.peak_kb = 0
        #: Whether it is to be replaced after the job it runs.
        self.last = False

    @property
    def ready(self) -> bool:
        """Whether it has ever been ready to run something."""
        return self._channel is not None

    def wait(self) -> None:
        """Wait until it is ready.

        Raises:
            Died: it is not there any more, or never was ready; no job was given to it.
        """
        while self._channel is None and self._door is not None and self._process.poll() is None:
            self._channel = self._door.answer()
        self._shut()
        if self._channel is None or self._process.poll() is not None:
            raise Died(self._ending())

    def run(self, handed: Handed, heard: Heard) -> Outcome:
        """Run a job there, when it is ready; return what came of it.

        Raises:
            Died: the process ended before it could say.
        """
        channel = self._channel
        assert channel is not None
        try:
            self._define(channel, handed.job.task)
            channel.tell("job", frames.pack_handed(handed))
            while True:
                self._hear(channel)
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

    def _hear(self, channel: Channel) -> None:
        """Wait for a report; the end of its process may not be heard, where that has forked others who live on.

        Raises:
            EOFError: it has ended.
        """
        while not channel.waits(_LOOK_S):
            if self._process.poll() is not None and not channel.waits(0):
                raise EOFError("it ended")

    def _shut(self) -> None:
        if self._door is not None:
            self._door.close()
            self._door = None

    def _define(self, channel: Channel, name: str) -> None:
        """Send the definition of a task that was made, or made anew, after the process was started."""
        task = self._app.tasks.find(name)
        version = None if task is None else self._version_of(task)
        if task is not None and self._defined.get(task.name) is not version:
            channel.tell("define", task_definitions.dump(task))
            self._defined[task.name] = version

    def _ending(self) -> str:
        """Say how the process ended, which it has, or is made to."""
        try:
            code = self._process.wait(_QUIT_S)
        except subprocess.TimeoutExpired:
            self.kill()
            code = self._process.wait()
        return how_ended(code)

    def interrupt(self) -> None:
        """Raise WorkerTerminate in the task that it runs."""
        if self._channel is not None:
            with contextlib.suppress(OSError):
                self._channel.tell("interrupt")

    def kill(self) -> None:
        """End it at once, with what it has started where the system can."""
        with contextlib.suppress(OSError):
            if self._process.poll() is not None:
                return
            if hasattr(os, "killpg"):
                os.killpg(self.pid, signal.SIGKILL)
            else:
                self._process.kill()

    def close(self) -> None:
        """Let it end, by force where it does not."""
        self._shut()
        if self._channel is not None:
            with contextlib.suppress(OSError):
                self._channel.close()
        try:
            self._process.wait(_QUIT_S)
        except subprocess.TimeoutExpired:
            self.kill()
            self._process.wait()
        end_share(self._marks_path, self.pid)
