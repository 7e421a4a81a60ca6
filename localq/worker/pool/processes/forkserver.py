"""The fork server: a small process with one thread and no connections, which forks the slots of a worker.

A worker has threads, connections and sockets, and forking from it would hand all of that to the slots. The
fork server is forked from the program while that still has one thread; where it has several, a fresh interpreter is
started, which imports the tasks' modules and gets those of the main program by value. Either way a plain script
needs no `if __name__ == "__main__"`.
"""

from __future__ import annotations

import array
import contextlib
import gc
import marshal
import os
import select
import signal
import socket
import subprocess
import threading
from typing import Any

import multiprocess

from localq import current
from localq.app.app import LocalQ
from localq.model import failpoints
from localq.signals import worker_before_create_process
from localq.worker.pool import task_definitions
from localq.worker.pool.fresh_interpreter import loaded_app, start_fresh
from localq.worker.pool.processes.slot_main import SlotPlan
from localq.worker.pool.processes.slot_main import main as slot_main

__all__ = ["ForkServer", "main"]

_fork = multiprocess.get_context("fork")
#: Tenths of a second the worker waits for a fork server that is behind with forking.
_PATIENCE_TURNS = 50
#: Seconds between looks at whether the worker still lives; its sockets' end tells at once, unless copied.
_LOOK_S = 1.0


class ForkServer:
    """The worker's end: asks for slots, and hears of their deaths.

    Args:
        app: The app whose tasks the slots run.
    """

    def __init__(self, app: LocalQ) -> None:
        self._app = app
        self._control: socket.socket | None = None
        self._process: Any = None
        self.pid = 0
        self._early: list[tuple[Any, ...]] = []
        self._ended = False
        #: What the slots know from the start: task objects by name.
        self.known: dict[str, Any] = {}

    def start(self, fresh: bool = False) -> None:
        """Start the process; as a fresh interpreter, if this one cannot be forked from."""
        mine, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.known = dict(self._app.tasks)
        try:
            self._process = self._started(mine, theirs, fresh)
        except BaseException:
            mine.close()
            raise
        finally:
            theirs.close()
        self.pid = self._process.pid
        mine.setblocking(False)
        self._control = mine

    def _started(self, mine: socket.socket, theirs: socket.socket, fresh: bool) -> Any:
        if fresh or not _single_threaded():
            return start_fresh(self._app, [theirs.fileno()], __name__)
        task_definitions.keep_classes()
        process = _fork.Process(target=_forked, args=(mine, theirs, self._app, os.getpid()))
        process.start()
        # Forks of this process, such as those of a web server, would wait at their exit for what is not their child.
        multiprocess.process._children.discard(process)
        return process

    def fileno(self) -> int:
        """Return what is readable when `news` has something."""
        assert self._control is not None
        return self._control.fileno()

    def fork(self, plan: SlotPlan, descriptors: list[int]) -> None:
        """Ask for a slot that owns copies of four descriptors: jobs, tokens, reports, output."""
        assert self._control is not None
        content = array.array("i", descriptors)
        message = [marshal.dumps(("fork", tuple(plan)))], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, content)]
        # Of a fork server that has died `news` will tell.
        with contextlib.suppress(ConnectionError):
            for _ in range(_PATIENCE_TURNS):
                try:
                    self._control.sendmsg(*message)
                    return
                except BlockingIOError:
                    # It is behind with forking: hear it out meanwhile, or both would wait for ever.
                    select.select([self._control], [self._control], [], 0.1)
                    self._early.extend(self._read())
            raise TimeoutError("The process that forks the slots does not answer")

    def news(self) -> list[tuple[Any, ...]] | None:
        """Return what happened: `("born", index, pid)`, `("died", pid, exit code)`; None: it died itself."""
        assert self._control is not None
        early, self._early = self._early, []
        heard = early + self._read()
        return None if self._ended and not heard else heard

    def _read(self) -> list[tuple[Any, ...]]:
        assert self._control is not None
        heard: list[tuple[Any, ...]] = []
        while True:
            try:
                data = self._control.recv(65536)
            except BlockingIOError:
                return heard
            except OSError:
                data = b""
            if not data:
                self._ended = True
                return heard
            heard.append(marshal.loads(data))

    def close(self, timeout: float = 5.0) -> None:
        """End the fork server, and with it every slot that is left."""
        if self._control is not None:
            self._control.close()
            self._control = None
        if self._process is not None:
            with contextlib.suppress(Exception):
                _join(self._process, timeout)
            self._process = None


def _join(process: Any, timeout: float) -> None:
    if isinstance(process, subprocess.Popen):
        try:
            process.wait(timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        return
    process.join(timeout)
    if process.is_alive():
        process.kill()
        process.join()


def _single_threaded() -> bool:
    try:
        return len(os.listdir("/proc/self/task")) == 1
    except OSError:
        return threading.active_count() == 1


def main(control: int) -> None:
    """Run a fork server in a fresh interpreter."""
    app, parent = loaded_app()
    _serve(socket.socket(fileno=control), app, parent)


# The process itself


def _forked(mine: socket.socket, theirs: socket.socket, app: LocalQ, parent: int) -> None:
    mine.close()
    current.set_in_slot()
    _serve(theirs, app, parent)


def _serve(control: socket.socket, app: LocalQ, parent: int) -> None:
    """Fork slots when asked, tell of their deaths, and end them all when the worker is gone."""
    # What is imported stays: no slot's collector should go through it, and copy its pages by touching them.
    gc.freeze()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1):
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    awake, wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC) if hasattr(os, "pipe2") else os.pipe()
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    poll = select.poll()
    poll.register(control, select.POLLIN)
    poll.register(awake, select.POLLIN)
    children: dict[int, Any] = {}
    try:
        while os.getppid() == parent:
            ready = {descriptor for descriptor, _ in poll.poll(_LOOK_S * 1000)}
            if awake in ready:
                with contextlib.suppress(BlockingIOError):
                    os.read(awake, 4096)
                _tell_deaths(control, children)
            if control.fileno() in ready and not _obey(control, app, children):
                break
    finally:
        failpoints.point("forkserver.orphaned")
        for pid in children:
            _kill_group(pid)
        os._exit(0)


def _obey(control: socket.socket, app: LocalQ, children: dict[int, Any]) -> bool:
    """Do what the worker asks; False when it is gone."""
    try:
        data, ancillary, _, _ = control.recvmsg(65536, socket.CMSG_SPACE(16))
    except OSError:
        return False
    if not data:
        return False
    descriptors = array.array("i")
    for _, _, content in ancillary:
        descriptors.frombytes(content)
    _, plan = marshal.loads(data)
    worker_before_create_process.send(app)
    process = _fork.Process(target=_become_slot, args=(control, app, SlotPlan(*plan), list(descriptors), os.getpid()))
    process.start()
    children[process.pid] = process
    for descriptor in descriptors:
        os.close(descriptor)
    control.send(marshal.dumps(("born", plan[0], process.pid)))
    return True


def _become_slot(control: socket.socket, app: LocalQ, plan: SlotPlan, descriptors: list[int], parent: int) -> None:
    control.close()
    jobs, tokens, reports, output = descriptors
    slot_main(app, plan, jobs, tokens, reports, output, parent)


def _tell_deaths(control: socket.socket, children: dict[int, Any]) -> None:
    for pid, process in list(children.items()):
        code = process.exitcode
        if code is None:
            continue
        del children[pid]
        # Grandchildren in its group would hold what the slot held, and go on with a job nobody waits for.
        _kill_group(pid)
        with contextlib.suppress(OSError):
            control.send(marshal.dumps(("died", pid, code)))


def _kill_group(pid: int) -> None:
    with contextlib.suppress(OSError):
        os.killpg(pid, signal.SIGKILL)
