"""A RabbitMQ server for tests: of the system's package, in a folder of its own, on free ports of this host alone."""

from __future__ import annotations

import atexit
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from functools import cache
from pathlib import Path

__all__ = ["RabbitServer", "rabbit_server", "reason"]

#: Where packages put the script that runs it as whoever asks, and not as a user of its own.
_SCRIPTS = ("/usr/lib/rabbitmq/bin/rabbitmq-server", "/usr/local/lib/rabbitmq/bin/rabbitmq-server")
#: Seconds within which it answers.
_START_S = 90.0


def _script() -> str | None:
    return next((path for path in _SCRIPTS if os.access(path, os.X_OK)), None)


def reason() -> str | None:
    """Say why no server can be had; None where one can."""
    if _script() is None or shutil.which("epmd") is None:
        return "there is no RabbitMQ: install Debian's rabbitmq-server"
    return None


@cache
def rabbit_server() -> RabbitServer:
    """Return a server for all tests of this process."""
    started = RabbitServer()
    atexit.register(started.stop)
    return started


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as held:
        found = []
        for _ in range(count):
            free = held.enter_context(socket.socket())
            free.bind(("127.0.0.1", 0))
            found.append(int(free.getsockname()[1]))
        return found


class RabbitServer:
    """A server that is started at once; `url` is its address."""

    def __init__(self) -> None:
        script = _script()
        assert script is not None
        self._folder = Path(tempfile.mkdtemp(prefix="rabbit-"))
        port, dist, mapper = _free_ports(3)
        self.url = f"amqp://guest:guest@127.0.0.1:{port}//"
        own = {
            "HOME": str(self._folder),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_EPMD_PORT": str(mapper),
            "RABBITMQ_NODENAME": f"tests{port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(port),
            "RABBITMQ_DIST_PORT": str(dist),
            "RABBITMQ_MNESIA_BASE": str(self._folder / "data"),
            "RABBITMQ_LOG_BASE": str(self._folder / "log"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self._folder / "plugins"),
            "RABBITMQ_CONFIG_FILE": str(self._folder / "none"),
            "RABBITMQ_PID_FILE": str(self._folder / "pid"),
        }
        environment = {**os.environ, **own}
        with open(self._folder / "out", "wb") as out:
            # In the foreground, or it would stay when the tests are over.
            self._mapper = subprocess.Popen(["epmd"], env=environment, stdout=out, stderr=out)
            self._process = subprocess.Popen(
                [script], env=environment, stdout=out, stderr=out, stdin=subprocess.DEVNULL, start_new_session=True
            )
        try:
            self._wait(port)
        except BaseException:
            self.stop()
            raise

    def _wait(self, port: int) -> None:
        until = time.monotonic() + _START_S
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1) as asked:
                asked.sendall(b"AMQP\x00\x00\x09\x01")
                if asked.recv(1):
                    return
            assert self._process.poll() is None, self.told()
            assert time.monotonic() < until, self.told()
            time.sleep(0.1)

    def told(self) -> str:
        """Return what it wrote."""
        return (self._folder / "out").read_text(errors="replace")[-5000:]

    def stop(self) -> None:
        """End it, and remove all it had."""
        for process in (self._process, self._mapper):
            with contextlib.suppress(ProcessLookupError):
                if process is self._process:
                    os.killpg(process.pid, signal.SIGKILL)
                else:
                    process.kill()
            process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)
