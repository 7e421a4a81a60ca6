"""A folder in which an example of the tutorial is run as its reader would: files, clients and commands."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import localq
from localq.cli.daemon.pidfile import pid_in
from tests.worker.waiting import PROGRAM_S, alive, until

_HOME = str(Path(localq.__file__).parents[1])


class Program:
    """A command that runs on; what it says is read line by line."""

    def __init__(self, command: list[str], folder: Path, environment: dict[str, str]) -> None:
        self.said = ""
        self._process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def until(self, text: str) -> str:
        """Read on to a line with this text, and return it."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.said += line
            if text in line:
                return line
        raise AssertionError(f"{text!r} was never said, but:\n{self.said}")

    def stop(self) -> int:
        """Stop it in order; return its exit code."""
        self._process.send_signal(signal.SIGTERM)
        assert self._process.stdout is not None
        self.said += self._process.stdout.read()
        return self._process.wait()

    def close(self) -> None:
        """End it, if it still runs."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()


#: The tutorial's server, wherever it stands, as its URLs have it; and the place that files of ours name instead.
_SERVER = re.compile(r"redis://[\w.]+(?::6379)?/")
_PATH = re.compile(r"""path=(['"])jobs\.db\1""")
_URLS = "broker='redis://127.0.0.1:6379/1', backend='redis://127.0.0.1:6379/2'"


class Project:
    """A folder with the files of an example.

    Args:
        port: Where a Redis server is heard. Files are then as the tutorial has them: they name no path, but the URLs of
            its server, as which that one stands in. None: jobs are in a file.
    """

    def __init__(self, folder: Path, port: int | None = None) -> None:
        self.folder, self.port = folder, port
        self._started: list[Program] = []
        self._environment = {**os.environ, "PYTHONPATH": _HOME, "PYTHONDONTWRITEBYTECODE": "1"}

    def write(self, name: str, text: str) -> None:
        """Write a file, and make the folder it lies in a package."""
        path = self.folder / name
        if path.parent != self.folder:
            path.parent.mkdir(parents=True, exist_ok=True)
            (path.parent / "__init__.py").touch()
        path.write_text(self._placed(textwrap.dedent(text)), "utf-8")

    def _placed(self, text: str) -> str:
        """Return a file's text with the place of jobs in it."""
        if self.port is None:
            return text
        # An app with a configuration has the URLs there.
        text = _PATH.sub("**{}" if "config_from_object" in text else _URLS, text)
        return _SERVER.sub(f"redis://127.0.0.1:{self.port}/", text)

    def python(self, code: str) -> list[str]:
        """Run a client in the folder; return the lines it prints."""
        done = self._run([sys.executable, "-c", textwrap.dedent(code)])
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    def localq(self, line: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        return self._run([sys.executable, "-m", "localq", *line.split()])

    def _run(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            cwd=self.folder,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=PROGRAM_S,
            check=False,
        )

    def start(self, line: str) -> Program:
        """Start a command that runs on."""
        command = [sys.executable, "-m", "localq", *line.split()]
        self._started.append(Program(command, self.folder, self._environment))
        return self._started[-1]

    def worker(self, line: str) -> Program:
        """Start a worker, and wait until it is ready."""
        program = self.start(line)
        program.until("ready.")
        return program

    def close(self) -> None:
        """End whatever was started."""
        for program in self._started:
            program.close()
        for path in self.folder.rglob("*.pid"):
            pid = pid_in(str(path))
            if pid is not None:
                os.kill(pid, signal.SIGKILL)
                until(lambda pid=pid: not alive(pid))  # type: ignore[misc]
