"""Run hostile tasks one after another in one slot, each followed by plain jobs, and say what became of them."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from localq import AsyncResult, LocalQ
from localq.serialization import failure
from tests.crash.hostile.body import Body
from tests.crash.lab import until
from tests.worker.waiting import DEADLINE_S

__all__ = ["Hostile"]

_REPOSITORY = Path(__file__).absolute().parents[3]
#: Seconds a job may take; hard limits, three crashes and new interpreters included.
_PATIENCE_S = DEADLINE_S
_LONGEST_LOG = 200_000_000
#: Pools whose slots are processes that the worker can lose.
_OWN = ("processes", "asyncio", "gevent")


class Hostile:
    """A worker with one slot of a pool, on a file of its own."""

    def __init__(self, pool: str) -> None:
        self.pool = pool
        self._folder = tempfile.TemporaryDirectory(prefix="localq-hostile-")
        self.folder = Path(self._folder.name)
        self._numbers = itertools.count(1)
        self._q = LocalQ("hostile", path=self.folder / "jobs.db", durability="normal")
        self._log = (self.folder / "worker.log").open("wb")
        line = ["-m", "localq", "-A", "tests.crash.hostile.app", "worker", "-P", pool, "-c", "1", "-l", "INFO"]
        self._worker = subprocess.Popen(
            [sys.executable, *line],
            cwd=_REPOSITORY,
            env={**os.environ, "HOSTILE_FILE": str(self.folder / "jobs.db"), "PYTHONPATH": str(_REPOSITORY)},
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        if pool not in _OWN:
            self._done("tidy", True)
        self._standing = self._plain("plain", 0.0)[2]

    def close(self) -> int:
        """Stop the worker; return its exit code."""
        self._worker.send_signal(signal.SIGTERM)
        try:
            return self._worker.wait(_PATIENCE_S)
        finally:
            if self._worker.poll() is None:
                os.killpg(self._worker.pid, signal.SIGKILL)
                self._worker.wait()
            self._log.close()
            self._q.close()
            self._folder.cleanup()

    def log(self, since: int = 0) -> str:
        """Return what the worker logged and printed, from a size of its log on."""
        with (self.folder / "worker.log").open("rb") as log:
            log.seek(since)
            return log.read().decode("utf-8", "backslashreplace")

    def _logged(self) -> int:
        return (self.folder / "worker.log").stat().st_size

    def verdict(self, body: Body) -> str:
        """Run a body to its end; return the state of its job, its error, and how many attempts there were."""
        result = self._done(body.task)
        said = str(result.state)
        told = [one.failure for one in self._q.store.read.attempts(result.id) if one.failure is not None]
        if said == "FAILURE" and told:
            said = failure.load(told[-1]).type
        tries = len(result.attempts)
        return said if tries == 1 else f"{said}, {tries} attempts"

    def follow(self, body: Body) -> None:
        """Run plain jobs behind a body, and look whether each is right, and finds its process as it was.

        Raises:
            AssertionError: it is not.
        """
        own = self.pool in _OWN
        if not own:
            self._done("tidy", False)
        for task in ("plain", "plain_coroutine") if body.coroutine else ("plain",):
            found = self._plain(task, body.pause)[2]
            assert not own or found == self._standing, "the process is as it was"
        limited = self._done("limited")
        assert type(limited.result).__name__ == "SoftTimeLimitExceeded", "a soft limit strikes"
        assert len(limited.attempts) == 1
        assert self._worker.poll() is None, f"the worker lives\n{self.log()[-3000:]}"

    def _plain(self, task: str, pause: float) -> list[Any]:
        number, before = next(self._numbers), self._logged()
        result = self._done(task, number, pause)
        assert result.state == "SUCCESS", f"{result.result!r}\n{self.log()[-3000:]}"
        got: list[Any] = result.result
        assert got[:2] == [2 * number, result.id]
        assert len(result.attempts) == 1, "it pays for nobody"
        attempt = result.attempts[0]
        assert f"plain {number}\n" in (attempt.output or ""), "what it prints is kept"
        until(lambda: f"logged by {result.id}" in self.log(before), "what it logs is logged")
        return got

    def _done(self, task: str, *args: Any) -> AsyncResult[Any]:
        result = self._q.send_task(task, args)

        def ended() -> bool:
            assert self._worker.poll() is None, f"the worker ended\n{self.log()[-3000:]}"
            assert self._logged() < _LONGEST_LOG, f"it fills the disk with {task}"
            return result.ready()

        until(ended, lambda: f"{task} ended\n{self.log()[-3000:]}", _PATIENCE_S)
        return result
