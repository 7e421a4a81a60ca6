"""The laboratory: starts workers and clients as programs, kills them, and keeps a list of what it killed.

Nothing here sleeps for a fixed time and hopes: `until` looks at a condition every few milliseconds until it
holds, and its deadline is an error.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from localq import LocalQ
from localq.canvas import Signature
from localq.model.job import JobState
from localq.store import open_store
from localq.store.protocol import Filter
from tests.crash import journal
from tests.worker.waiting import DEADLINE_S

__all__ = ["PATIENCE_S", "QUICK", "Lab", "Program", "descendants", "until"]

#: Seconds after which a condition that does not hold is an error; slow machines get all of it, fast ones none.
PATIENCE_S = DEADLINE_S
_PREFIX = "tests.crash.tasks."
_REPOSITORY = Path(__file__).absolute().parents[2]
#: Settings under which a death shows at once and a stop within seconds, and a busy machine costs nobody his lease.
QUICK = {"worker_lease": 5.0, "worker_heartbeat": 0.3}


def until(condition: Callable[[], Any], what: str | Callable[[], str], seconds: float = PATIENCE_S) -> Any:
    """Return what a condition gives as soon as that is true.

    Raises:
        AssertionError: it was not within the time; says `what` was waited for.
    """
    deadline = time.monotonic() + seconds
    pause = 0.002
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"within {seconds:g} s not: {what if isinstance(what, str) else what()}")
        time.sleep(pause)
        pause = min(0.02, pause * 1.5)


class Program:
    """A process of the laboratory, with all that it starts."""

    def __init__(
        self, lab: Lab, kind: str, line: list[str], environment: dict[str, str], through: Sequence[str] = ()
    ) -> None:
        self.lab, self.kind, self.name = lab, kind, line[0] if line else kind
        self.log = lab.folder / f"{kind}-{len(lab.programs)}.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [*through, sys.executable, "-m", f"tests.crash.{kind}", *line],
                cwd=_REPOSITORY,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.pid = self.process.pid

    def alive(self) -> bool:
        """Whether it runs (or is stopped)."""
        return self.process.poll() is None

    def kill(self) -> None:
        """Kill it, and write down that it was."""
        self.lab.kill(self.pid, f"{self.kind} {self.name}")
        self.process.wait()

    def signal(self, number: int) -> None:
        """Send it a signal."""
        if number == signal.SIGSTOP:
            self.lab.note_kill(self.pid, f"{self.kind} {self.name} stopped")
        os.kill(self.pid, number)

    def freeze(self) -> None:
        """Stop it where it does not keep the file's lock, which nobody else could have for as long as it is stopped."""
        while True:
            self.signal(signal.SIGSTOP)
            try:
                with contextlib.closing(sqlite3.connect(self.lab.path, timeout=1.0, isolation_level=None)) as other:
                    other.execute("BEGIN IMMEDIATE")
                    other.execute("ROLLBACK")
            except sqlite3.OperationalError:
                os.kill(self.pid, signal.SIGCONT)
            else:
                return

    def wait(self, seconds: float = PATIENCE_S) -> int:
        """Wait for its end; return its exit code."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.kind} {self.name} did not end within {seconds:g} s\n{self.told()}") from None

    def stop(self, seconds: float = PATIENCE_S) -> int:
        """Ask it to stop gracefully; return its exit code."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGTERM)
        return self.wait(seconds)

    def told(self) -> str:
        """Return what it wrote."""
        return self.log.read_text(errors="replace")

    def forkserver(self) -> int:
        """Return the process that forks its slots."""
        return int(until(self.forkserver_now, f"a fork server of {self.name}"))

    def forkserver_now(self) -> int | None:
        """Return the process that forks its slots, if there is one now."""
        return next(iter(_children(self.pid)), None)

    def slots_now(self) -> list[int]:
        """Return the slots it has now."""
        forkserver = self.forkserver_now()
        # The fork server forks a slot before that has a session of its own.
        return [] if forkserver is None else [pid for pid in _children(forkserver) if _session(pid) == pid]

    def slots(self, count: int = 1) -> list[int]:
        """Return its slots, at least so many."""
        return list(until(lambda: (slots := self.slots_now()) and len(slots) >= count and slots, "slots"))


class Lab:
    """A folder with a database, a journal, and the programs that use them.

    Args:
        create: Make the store; else the first program does.
        url: Where it is; None: in a file of the folder.
        settings: Settings of the app in every program.
    """

    def __init__(self, *, create: bool = True, url: str | None = None, **settings: Any) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="lab-"))
        self.path = self.folder / "jobs.db"
        self.url = url or f"sqlite:///{self.path}"
        self.settings = {**QUICK, **settings}
        self.programs: list[Program] = []
        # What a client was told is kept: a server's crash, unlike a file's, loses what was not waited for.
        self.store = open_store(self.url, "normal") if url is None else open_store(self.url)
        if create:
            self.store.open()
        #: An app that knows no tasks.
        self.app = LocalQ("lab", url=self.url)
        self.app._store = self.store
        #: Whether the server may have lost what workers wrote last, as it says that it may.
        self.forgot = False
        #: Ids of jobs that it has lost, as it says that it may.
        self.undone: frozenset[str] = frozenset()
        #: What was killed from outside: pid to what it was.
        self.kills: dict[int, str] = {}
        self._beats: dict[str, set[int]] = {}

    def __enter__(self) -> Lab:
        return self

    def __exit__(self, *error: Any) -> None:
        for program in self.programs:
            with contextlib.suppress(ProcessLookupError):
                os.kill(program.pid, signal.SIGKILL)
            program.process.wait()
        for pid in self.leftovers():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.store.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    # Starting

    def _start(
        self,
        kind: str,
        *line: Any,
        fault: str | None = None,
        budget: int = 1,
        through: Sequence[str] = (),
        **variables: str,
    ) -> Program:
        environment = {
            **os.environ,
            "LOCALQ_LAB": str(self.folder),
            "LOCALQ_LAB_URL": self.url,
            "LOCALQ_LAB_SETTINGS": json.dumps(self.settings),
            "PYTHONPATH": str(_REPOSITORY),
            "PYTHONUNBUFFERED": "1",
            **variables,
        }
        if fault is not None:
            environment["LOCALQ_FAULT"] = fault
            environment["LOCALQ_FAULT_LOG"] = str(self.folder / "faults")
            environment["LOCALQ_FAULT_BUDGET"] = str(self._budget(budget))
        program = Program(self, kind, [str(word) for word in line], environment, through)
        self.programs.append(program)
        return program

    def _budget(self, count: int) -> Path:
        folder = Path(tempfile.mkdtemp(prefix="budget-", dir=self.folder))
        for number in range(count):
            (folder / str(number)).touch()
        return folder

    def worker(self, name: str = "one", slots: int = 2, *options: int, wait: bool = False, **fault: Any) -> Program:
        """Start a worker; see `tests/crash/worker.py`.

        Args:
            wait: Return when it is ready.
            fault: `fault="point=action"` and `budget=N`: how often that may happen. `through=[...]` is what the
                program is started by, and what else is named are variables of its environment.
        """
        before = self.events("worker.started")
        program = self._start("worker", name, slots, *options, **fault)
        if wait:
            until(
                lambda: len(self.events("worker.started")) > len(before) or not program.alive(),
                lambda: f"started:\n{program.told()}",
            )
            assert program.alive(), program.told()
        return program

    def client(self, task: str, first: int, count: int, batch: int = 1, *arguments: Any, **fault: Any) -> Program:
        """Start a client that enqueues; see `tests/crash/client.py`."""
        return self._start("client", task, first, count, batch, *(json.dumps(one) for one in arguments), **fault)

    def beat(self, intervals: Mapping[str, float], **fault: Any) -> Program:
        """Start a scheduler of these intervals; see `tests/crash/beat.py`."""
        return self._start("beat", *(f"{name}={seconds}" for name, seconds in intervals.items()), **fault)

    def verb(self, name: str, **fault: Any) -> Program:
        """Start a program that calls one verb of the store; see `tests/crash/verb.py`."""
        return self._start("verb", name, **fault)

    def crowd(self, count: int) -> Program:
        """Start many processes that open the file at once; see `tests/crash/crowd.py`."""
        return self._start("crowd", count)

    def enqueue(self, task: str, first: int, count: int, batch: int = 1, *arguments: Any) -> list[str]:
        """Enqueue numbered jobs from this process, as a client that lives; return their ids."""
        ids = []
        for at in range(first, first + count, batch):
            numbers = range(at, min(at + batch, first + count))
            if batch == 1:
                results = [self.app.send_task(_PREFIX + task, (at, *arguments))]
            else:
                results = self.app.enqueue_many([Signature(_PREFIX + task, (number, *arguments)) for number in numbers])
            for number, result in zip(numbers, results, strict=True):
                journal.append(self.folder / "acks", journal.Ack(result.id, task, number))
                ids.append(result.id)
        return ids

    def send(self, task: str, *arguments: Any, **options: Any) -> str:
        """Enqueue one job of any task, good or bad; return its id."""
        return self.app.send_task(_PREFIX + task, arguments, **options).id

    # Killing

    def note_kill(self, pid: int, what: str) -> None:
        """Write down that a process was killed, or stopped."""
        self.kills[pid] = what

    def kill(self, pid: int, what: str) -> None:
        """Kill a process, and write it down first."""
        self.note_kill(pid, what)
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)

    def kill_everything(self) -> None:
        """Kill every process of the laboratory at once."""
        everyone = self.leftovers()
        for pid in everyone:
            self.kill(pid, "everything")
        for program in self.programs:
            program.process.wait()
        until(lambda: not set(self.leftovers()) & set(everyone), "everything dead")

    def faults(self) -> list[tuple[int, str, str]]:
        """Return pid, point and action of every fault that happened."""
        path = self.folder / "faults"
        lines = path.read_text().splitlines() if path.exists() else []
        return [(int(pid), point, action) for pid, point, action in (line.split() for line in lines)]

    # Looking

    def events(self, name: str) -> list[dict[str, Any]]:
        """Return what workers told of an event."""
        return [fields for event, fields in journal.read(self.folder / "events") if event == name]

    def counts(self) -> dict[JobState, int]:
        """Return the number of jobs by state."""
        found: dict[JobState, int] = {}
        for (_, state), count in self.store.read.stats().counts.items():
            found[state] = found.get(state, 0) + count
        return found

    def unfinished(self) -> int:
        """Return the number of jobs that are not final."""
        return sum(count for state, count in self.counts().items() if not state.final)

    def drained(self, seconds: float = PATIENCE_S) -> None:
        """Wait until every job is final."""
        until(lambda: not self.unfinished(), self.state, seconds)

    def state(self) -> str:
        """Say what is unfinished, alive, killed and logged: for a test that failed."""
        jobs = self.store.read.find(
            Filter((JobState.WAITING, JobState.SCHEDULED, JobState.READY, JobState.RUNNING)), 20
        ).jobs
        alive = [f"{one.kind} {one.name} {one.pid}" for one in self.programs if one.alive()]
        shown = "\n".join(f"  {job}" for job in jobs)
        logs = "\n".join(one.told()[-2000:] for one in self.programs)
        return f"drained. Unfinished: {self.counts()}\n{shown}\nalive: {alive}\nkilled: {self.kills}\n{logs}"

    def starts(self, job_id: str | None = None) -> list[journal.Run]:
        """Return the runs that began."""
        return [run for run in journal.started(self.folder) if job_id in (None, run.job_id)]

    def begun(self, job_id: str, count: int = 1) -> journal.Run:
        """Wait until a job has begun, for so many times; return that run."""
        until(lambda: len(self.starts(job_id)) >= count, lambda: f"begun {count} times: {job_id}\n{self.state()}")
        return self.starts(job_id)[count - 1]

    def open_gate(self, name: str) -> None:
        """Let `gated` jobs of that name end."""
        (self.folder / name).touch()

    def leftovers(self) -> list[int]:
        """Return every living process that was started here, by whomever: they all inherit one variable."""
        mark = f"LOCALQ_LAB={self.folder}".encode()
        found = []
        for entry in os.listdir("/proc"):
            if entry.isdigit() and int(entry) != os.getpid():
                with contextlib.suppress(OSError):
                    known = mark in Path(f"/proc/{entry}/environ").read_bytes().split(b"\0")
                    if known and _status(int(entry)) not in ("Z", "X", ""):
                        found.append(int(entry))
        return found

    def tidied(self) -> None:
        """Wait until workers have cleared away what dead ones left behind."""

        def alone() -> bool:
            alive = sum(one.alive() for one in self.programs if one.kind == "worker")
            # Those of slots have their processes' numbers in their names, where each has its own.
            return sum(name.endswith(".lock") and name.count(".") == 1 for name in self.files()) <= alive

        until(alone, lambda: f"tidied: {self.files()}")

    def stop_all(self) -> list[int]:
        """Stop every worker gracefully; return their exit codes."""
        workers = [one for one in self.programs if one.kind == "worker" and one.alive()]
        for name in {one.name for one in workers}:
            # A program that has not set its signal handlers yet would be killed by what asks it to stop.
            programs = sum(one.kind == "worker" and one.name == name for one in self.programs)
            until(
                lambda: (
                    sum(told["worker"] == f"{name}@lab" for told in self.events("worker.started")) >= programs  # noqa: B023
                    or not all(one.alive() for one in workers)
                ),
                self.state,
            )
        self.tidied()
        for one in workers:
            # A fault of its own may have been first.
            with contextlib.suppress(ProcessLookupError):
                os.kill(one.pid, signal.SIGTERM)
        return [one.wait() for one in workers]

    def beats(self, name: str) -> int:
        """Return the number of heartbeats seen of a worker, by asking often."""
        for row in self.store.workers.all():
            if row.card.name == name:
                self._beats.setdefault(name, set()).add(row.seen_at)
        return len(self._beats.get(name, ()))

    def commits(self) -> int:
        """Return the number of pages the write-ahead log has taken since its start, in commits of one page."""
        return os.path.getsize(f"{self.path}-wal") // 4120 // 4

    def ids(self) -> list[str]:
        """Return the ids of all jobs."""
        found: list[str] = []
        cursor = None
        while True:
            page = self.store.read.find(Filter(before=cursor), 1000)
            found += [one.id for one in page.jobs]
            cursor = page.cursor
            if cursor is None:
                return found

    def integrity(self) -> str:
        """Return what SQLite says of the file, or what does not agree on a Redis server; "ok" where all does."""
        if self.url.startswith(("unix:", "redis:", "sentinel:")):
            from localq.store.redis.audit import contents, faults

            return "\n".join(faults(contents(self.store.server))) or "ok"
        if not self.path.exists():
            return "ok"
        with contextlib.closing(sqlite3.connect(self.path)) as connection:
            return str(connection.execute("PRAGMA integrity_check").fetchone()[0])

    def files(self) -> list[str]:
        """Return the names of what lies in the store's folder."""
        if self.path.exists():
            return sorted(os.listdir(f"{self.path}.d"))
        return sorted(os.listdir(self.store.workers.neighbours._folder()))


def _children(pid: int) -> list[int]:
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def descendants(pid: int) -> list[int]:
    """Return the processes below a process."""
    found = []
    for child in _children(pid):
        found += [child, *descendants(child)]
    return found


def _stat(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _status(pid: int) -> str:
    return next(iter(_stat(pid)), "")


def _session(pid: int) -> int:
    fields = _stat(pid)
    return int(fields[3]) if len(fields) > 3 else 0
