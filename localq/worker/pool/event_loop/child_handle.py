"""A process that runs many jobs at once, from the worker's side: its start, its pipes and its end."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import socket
import subprocess
from collections.abc import Callable
from typing import Any

from localq.app.app import LocalQ
from localq.worker.pool import frames, task_definitions
from localq.worker.pool.definition_versions import DefinitionVersions
from localq.worker.pool.fresh_interpreter import start_fresh

__all__ = ["KINDS", "ChildHandle"]

#: By kind of pool: the module of its process, and whether gevent patches Python's modules there.
KINDS = {
    "asyncio": ("localq.worker.pool.event_loop.asyncio_child", False),
    "gevent": ("localq.worker.pool.event_loop.gevent_child", True),
}
#: Seconds the process has to end by itself.
_QUIT_S = 1.0


class ChildHandle:
    """One such process.

    Args:
        app: The app whose tasks run there.
        kind: asyncio or gevent.
        worker: The worker's name.
        redirect: Whether what tasks print is told apart by job.
        marks_path: The file in which it marks what has started; None: nowhere.
    """

    def __init__(self, app: LocalQ, kind: str, worker: str, redirect: bool, marks_path: str | None) -> None:
        self._app = app
        self._frames = frames.Frames()
        self._to_process, of_process = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._to_process.setblocking(False)
        self._reports, reports = os.pipe()
        self._output, output = os.pipe()
        module, patched = KINDS[kind]
        self._defined: dict[str, Any] = dict(app.tasks)
        self._versions = DefinitionVersions()
        try:
            descriptors = [of_process.fileno(), reports, output]
            self._process = start_fresh(app, descriptors, module, (worker, redirect, marks_path), patched=patched)
        except BaseException:
            self._to_process.close()
            os.close(self._reports)
            os.close(self._output)
            raise
        finally:
            of_process.close()
            os.close(reports)
            os.close(output)
        for end in (self._reports, self._output):
            os.set_blocking(end, False)
        self.pid = self._process.pid
        #: Whether it said that it is ready, and that it marks what it starts.
        self.ready = self.marking = False
        #: Runs it has reported.
        self.done = 0
        #: Why we killed it, which charges none of its jobs; and what it said, or did not say, which does.
        self.reason: str | None = None
        self.nonsense: str | None = None
        self._selector: selectors.BaseSelector | None = None

    def listen(self, selector: selectors.BaseSelector, read: Callable[[], None], output: Callable[[], None]) -> None:
        """Call functions when it reports, and when it prints past Python's streams."""
        self._selector = selector
        selector.register(self._reports, selectors.EVENT_READ, read)
        selector.register(self._output, selectors.EVENT_READ, output)

    def read(self) -> tuple[list[tuple[int, bytes]], bool]:
        """Return the frames that came, and whether it is still there.

        Raises:
            BrokenFrames: what came is no frame.
        """
        heard: list[tuple[int, bytes]] = []
        try:
            while data := os.read(self._reports, self._frames.most):
                heard += self._frames.feed(data)
        except BlockingIOError:
            return heard, True
        return heard, False

    def read_output(self) -> str:
        """Return what was printed past Python's streams."""
        try:
            data = os.read(self._output, 65_536)
        except OSError:
            return ""
        if not data and self._selector is not None:
            with contextlib.suppress(KeyError, ValueError):
                self._selector.unregister(self._output)
        return data.decode("utf-8", "replace")

    def send(self, *message: Any) -> None:
        """Send a message.

        Raises:
            OSError: it has no room, or is gone.
        """
        frames.send(self._to_process, message)

    def define(self, name: str) -> None:
        """Send a task that was made, or made anew, since it was started."""
        task = self._app.tasks.find(name)
        version = None if task is None else self._versions.of(task)
        if task is not None and self._defined.get(task.name) is not version:
            self.send("define", task_definitions.dump(task))
            self._defined[task.name] = version

    def kill(self, reason: str) -> None:
        """End it at once, and all it started."""
        self.reason = reason
        self._kill()

    def disown(self, error: Exception) -> None:
        """End it because what it says cannot be read."""
        self.nonsense = f"The process that ran it (pid {self.pid}) said what cannot be read: {error}"
        self._kill()

    def _kill(self) -> None:
        with contextlib.suppress(OSError):
            os.killpg(self.pid, signal.SIGKILL)
        with contextlib.suppress(OSError):
            self._process.kill()

    def close(self) -> int:
        """Wait a moment for it to end, end it, and let go of it; return its exit code."""
        with contextlib.suppress(OSError):
            self.send("quit")
        for end in (self._reports, self._output):
            if self._selector is not None:
                with contextlib.suppress(KeyError, ValueError):
                    self._selector.unregister(end)
            os.close(end)
        self._to_process.close()
        try:
            code = self._process.wait(_QUIT_S)
        except subprocess.TimeoutExpired:
            # Whoever closed its pipes is charged for it, or would do so again without end.
            self.nonsense = self.nonsense or f"The process that ran it (pid {self.pid}) fell silent and did not end"
            self._kill()
            code = self._process.wait()
        # What it started would go on with jobs nobody waits for.
        with contextlib.suppress(OSError):
            os.killpg(self.pid, signal.SIGKILL)
        return code
