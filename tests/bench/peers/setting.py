"""One contender with a store of its own: its callers, its workers, and what ran."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from tests.bench.peers import journal

__all__ = ["Contender", "Runs", "Setting"]

_HERE = Path(__file__).parent
_PATIENCE_S = 300.0

#: What ran: number and nanoseconds of the monotonic clock.
Runs = list[tuple[int, int]]


class Contender(NamedTuple):
    """Who is measured: its script, the jobs of a run, its workers' processes and command, and what is set for it."""

    script: str
    jobs: int
    processes: int = 1
    #: Words behind the interpreter; without any, the script with the word `worker`.
    worker: str = ""
    settings: Mapping[str, str] = MappingProxyType({})
    ours: bool = False
    #: Where its jobs are kept: a file, or a server.
    on: str = "file"


class Setting:
    """One contender on a place of its own.

    Args:
        theirs: The interpreter that has the others installed.
        url: The place.
        folder: For what it notes, in memory.
        number: Tells it from others in the folder.
    """

    def __init__(self, who: Contender, theirs: str, url: str, folder: Path, number: int) -> None:
        self.who, self._python = who, sys.executable if who.ours else theirs
        self.url = url
        #: Processor time of its workers' processes for which nobody waits, so that it is in no account (seconds).
        self.unseen = 0.0
        self.journal = str(folder / f"journal-{number}")
        self._log = folder / f"log-{number}"
        self._environment = {
            **os.environ,
            **who.settings,
            "PEER_URL": url,
            "PEER_JOURNAL": self.journal,
            "PYTHONPATH": f"{_HERE}:{_HERE.parents[2]}" if who.ours else str(_HERE),
            "C_FORCE_ROOT": "1",
        }

    def run(self, *words: str) -> str:
        """Run its script to the end; return what it printed."""
        done = subprocess.run(
            [self._python, str(_HERE / self.who.script), *words],
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=_PATIENCE_S,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def call(self, what: str, count: int, *extra: object) -> dict[str, Any]:
        """Have a caller do something; return when it began and ended, or nothing where it cannot do that."""
        found: dict[str, Any] = json.loads(self.run(what, str(count), *map(str, extra)).splitlines()[-1])
        return found

    @contextlib.contextmanager
    def workers(self) -> Iterator[None]:
        """Have its workers run."""
        words = self.who.worker.split() or [str(_HERE / self.who.script), "worker"]
        line = [self._python, *(word.replace("$PEER_URL", self.url) for word in words)]
        with open(self._log, "ab") as log:
            running = [
                subprocess.Popen(line, env=self._environment, stdout=log, stderr=log, start_new_session=True)
                for _ in range(self.who.processes)
            ]
        try:
            yield
        finally:
            used, seen = sum(_used(process.pid) for process in running), _seen()
            for process in running:
                process.send_signal(signal.SIGTERM)
            for process in running:
                try:
                    process.wait(15)
                except subprocess.TimeoutExpired:
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait()
            self.unseen += max(0.0, used - (_seen() - seen))

    def ran(self, count: int) -> Runs:
        """Wait until so many jobs ran; return them, each there once."""
        until = time.monotonic() + _PATIENCE_S
        while journal.count(self.journal) < count:
            assert time.monotonic() < until, self._log.read_text()
            time.sleep(0.005)
        found = journal.entries(self.journal)
        assert len({number for number, _ in found}) == len(found) == count, "a job is missing, or ran twice"
        os.truncate(self.journal, 0)
        return found


def _seen() -> float:
    """Return the processor time of children that have ended, and of theirs that they waited for (seconds)."""
    used = os.times()
    return used.children_user + used.children_system


def _used(pid: int) -> float:
    """Return the processor time of a process and all below it, those that have ended with them (seconds)."""
    family, ticks = [pid], 0
    for one in family:
        with contextlib.suppress(OSError):
            family += map(int, Path(f"/proc/{one}/task/{one}/children").read_text().split())
            ticks += sum(map(int, Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")
