"""What tests have other processes do. Imports little: every one of those processes pays for it."""

from __future__ import annotations

import ctypes
import importlib
import os
import resource
import signal
import sqlite3
import sys
import threading
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from localq.exceptions import StoreError, StoreFull
from localq.host.bells import HostBell
from localq.host.marks import Marks
from localq.host.presence import Presence, is_dead, share_life
from localq.model import failpoints
from localq.model.schedule import Firing, Schedule, ScheduleState, SyncOutcome
from localq.store import forks
from localq.store.protocol import Topic
from localq.store.sqlite.store import SqliteStore
from tests.store.given import NOW, claimed, done, new, newly, news, worker
from tests.store.timed import CONFIG, MINUTE, defined, turn
from tests.worker.waiting import DEADLINE_S

#: The last of ten instants a schedule of `tests.store.timed` has here.
LAST = NOW + 9 * MINUTE


def add_one(path: str) -> None:
    store = SqliteStore(path)
    store.jobs.add([new()], NOW)
    store.close()


# Rights and limits


def drop_privileges() -> None:
    """Give up every capability, so that file modes bind even root (Linux; elsewhere tests do not run as root)."""
    libc = ctypes.CDLL(None)
    if hasattr(libc, "capset"):
        version_3 = (ctypes.c_uint32 * 2)(0x20080522, 0)
        assert libc.capset(version_3, (ctypes.c_uint32 * 6)()) == 0


def open_without_privileges(number: int, path: str) -> str:
    """Return what comes of opening a store: an error's name and text, or nothing."""
    drop_privileges()
    store = SqliteStore(path)
    said = ""
    try:
        store.open()
    except StoreError as error:
        said = f"{type(error).__name__}: {error}"
    store.close()
    return said


def fill_up_to_a_limit(number: int, path: str) -> tuple[int, str, bool]:
    """Add until no file may grow any more; return how many went in, the error, and whether it works again later."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    store = SqliteStore(path, "normal")
    store.open()
    resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, most))
    added, said = 0, ""
    try:
        while added < 10_000:
            store.jobs.add([new(f"job-{added}", args=b"x" * 2000)], NOW)
            added += 1
    except StoreFull as error:
        said = str(error)
    readable = len(store.read.get([f"job-{i}" for i in range(added + 1)])) == added
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    works = newly(store, [new(f"job-{added}")], NOW) == [True]
    store.close()
    return added, said, readable and works


# Many at once


def open_new(number: int, path: str) -> tuple[str, int]:
    store = SqliteStore(path)
    store.jobs.add([new(f"job-{number}")], NOW)
    said = store.database.inspect("journal_mode")[0][0], store.database.inspect("auto_vacuum")[0][0]
    store.close()
    return said


def add_until_all_have(number: int, path: str, enough: int, arrived: Any, ready: Any) -> int:
    """Add one job at a time, without a pause, until all eight processes have added enough; return how many it did."""
    store = SqliteStore(path, "normal")
    store.open()
    ready.wait(DEADLINE_S)
    added = 0
    while arrived.value < 8 and added < 100 * enough:
        store.jobs.add([new(f"job-{number}-{added}")], NOW)
        added += 1
        if added == enough:
            with arrived.get_lock():
                arrived.value += 1
    store.close()
    return added


def drain(number: int, path: str) -> list[str]:
    """Claim and finish until nothing is left; return the ids finished."""
    store = SqliteStore(path, "normal")
    key = worker(store, f"worker-{number}")
    finished: list[str] = []
    while jobs := claimed(store, key, 3):
        assert store.jobs.finish([done(job) for job in jobs], NOW).applied == [True] * len(jobs)
        finished += [job.id for job in jobs]
    store.close()
    return finished


def hold_lock(number: int, path: str, held: Any, release: Any, statement: str) -> None:
    """Keep a lock on the file as a foreign program might, until told."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute(f"PRAGMA locking_mode={'EXCLUSIVE' if statement == 'EXCLUSIVE' else 'NORMAL'}")
    connection.execute(f"BEGIN {statement}")
    connection.execute("UPDATE meta SET value = value")
    held.set()
    release.wait(DEADLINE_S)
    connection.execute("ROLLBACK")
    connection.close()


# Schedules


def fire_all(number: int, path: str) -> int:
    """Fire what is due, a few schedules and one instant each at a time, until all have ended; return how often."""
    store = SqliteStore(path, "normal")
    applied = 0
    while due := store.schedules.due(LAST, 5).schedules:
        applied += sum(store.schedules.fire([next_turn(one) for one in due], LAST))
    store.close()
    return applied


def next_turn(one: Schedule) -> Firing:
    """Return the firing of a schedule's next instant, the last of which ends it."""
    assert one.next_at is not None
    if one.next_at < LAST:
        return turn(one)
    return turn(one, state=ScheduleState.ENDED, next_at=None)


def fire_until_killed(number: int, path: str, point: str) -> int:
    """Fire in a forked child that is killed at a point, and then oneself; return the child's exit code."""

    def child() -> None:
        os.environ["LOCALQ_FAULT"] = f"{point}#{1 + number % 3}=kill"
        failpoints.reload()
        fire_all(number, path)

    code = _in_fork(child)
    fire_all(number, path)
    return code


def sync_some(path: str) -> None:
    store = SqliteStore(path)
    store.schedules.sync(CONFIG, [defined(f"s-{i}", rule="another") for i in range(1, 5)], NOW)
    store.close()


def sync_at_once(number: int, path: str) -> list[SyncOutcome]:
    store = SqliteStore(path)
    done = store.schedules.sync(CONFIG, [defined(f"s-{i}") for i in range(50)], NOW + number)
    store.close()
    return [one.outcome for one in done]


# Forks


def _in_fork(act: Any) -> int:
    """Fork, call `act` in the child, and return its exit code."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            act()
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def use_in_a_child(number: int, path: str) -> tuple[int, int]:
    store = SqliteStore(path)
    store.jobs.add([new("parent-1")], NOW)
    bell = store.bells.hang(Topic.WORK)

    def child() -> None:
        assert newly(store, [new("child")], NOW) == [True]
        assert set(store.read.get(["parent-1", "child"])) == {"parent-1", "child"}
        store.bells.ring(Topic.WORK)
        bell.close()
        store.close()

    code = _in_fork(child)
    rung = bell.wait(DEADLINE_S)
    assert os.path.exists(bell.path)
    bell.close()
    assert newly(store, [new("parent-2")], NOW) == [True]
    count = len(store.read.get(["parent-1", "child", "parent-2"]))
    store.close()
    return code, count + rung


def fork_inside_a_transaction(number: int, path: str) -> list[int]:
    """Fork children while another thread writes without a pause; return their exit codes and what was written."""
    store = SqliteStore(path, "normal")
    store.open()
    stop = threading.Event()
    written = []

    def write() -> None:
        while not stop.is_set():
            batch = news(*(f"thread-{len(written)}-{i}" for i in range(20)), args=b"x" * 300)
            store.jobs.add(batch, NOW)
            written.append(len(batch))

    def child(name: str) -> None:
        assert newly(store, [new(name)], NOW) == [True]

    thread = threading.Thread(target=write)
    thread.start()
    codes = [_in_fork(partial(child, f"child-{i}")) for i in range(30)]
    stop.set()
    thread.join()
    count = sum(store.read.stats().counts.values())
    assert store.database.inspect("integrity_check") == [("ok",)]
    store.close()
    assert count == sum(written) + len(codes)
    return codes


def fork_while_a_module_loads(number: int, path: str) -> int:
    """Fork while another thread loads what a child needs, too; return the child's exit code."""
    begun, go_on = threading.Event(), threading.Event()
    folder = Path(path).parent
    (folder / "loaded_late.py").write_text("import gates\ngates.begun.set()\ngates.go_on.wait()\n", "utf-8")
    sys.path.insert(0, str(folder))
    sys.modules["gates"] = SimpleNamespace(begun=begun, go_on=go_on)  # type: ignore[assignment]
    forks._LATE = ("loaded_late",)  # type: ignore[assignment]
    store = SqliteStore(path)
    store.open()

    def load() -> None:
        importlib.import_module("loaded_late")

    def child() -> None:
        signal.alarm(DEADLINE_S)
        load()

    thread = threading.Thread(target=load)
    thread.start()
    assert begun.wait(DEADLINE_S)
    threading.Timer(0.1, go_on.set).start()
    code = _in_fork(child)
    thread.join()
    store.close()
    return code


def fork_while_a_transaction_is_held(number: int, path: str) -> list[int]:
    """Fork while another thread stays inside a transaction longer than a fork waits; the child says what it gets."""
    forks._FORK_PATIENCE_S = 0.01
    store, other = SqliteStore(path), SqliteStore(path)
    store.jobs.add([new("before")], NOW)
    inside, forked = threading.Event(), threading.Event()

    def write() -> None:
        with store.database.lock:
            store.database.begin(store.database.cursor, write=True)
            inside.set()
            forked.wait(DEADLINE_S)
            store.database.rollback()

    def child() -> None:
        for one in (store, other):
            said = ""
            try:
                one.jobs.add([new("child")], NOW)
            except StoreError as error:
                said = str(error)
            assert "when this process was forked" in said

    thread = threading.Thread(target=write)
    thread.start()
    inside.wait(DEADLINE_S)
    code = _in_fork(child)
    forked.set()
    thread.join()
    assert newly(store, [new("after")], NOW) == [True]
    store.close()
    return [code]


class Telling(sqlite3.Connection):
    """A connection that says when it is let go of."""

    def __del__(self) -> None:
        os.write(2, f"let go of in {os.getpid()}\n".encode())


def leave_a_fork_the_ordinary_way(path: str) -> None:
    """Fork with an open store; the child ends by itself, with everything an interpreter does at its end."""
    sqlite3.connect = partial(sqlite3.connect, factory=Telling)
    stores = [SqliteStore(path), SqliteStore(":memory:")]
    for store in stores:
        store.jobs.add([new()], NOW)
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        return
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    works = newly(stores[0], [new("after")], NOW) == [True]
    folder_there = stores[1].database.folder.is_dir()
    print(f"parent={os.getpid()} code={code} works={works} folder={folder_there}")
    for store in stores:
        store.close()


# Presence


def be_present(number: int, folder: Any, uuid: str, ready: Any, leave: Any) -> None:
    presence = Presence(folder, uuid, 2)
    ready.set()
    leave.wait(DEADLINE_S)
    presence.close()


def be_killed_present(folder: str, uuid: str) -> None:
    """Start some jobs in two of three slots, and be killed."""
    presence = Presence(Path(folder), uuid, 3)
    for slot, jobs in enumerate([(11, 12), (21,)]):
        marks = Marks.opened(presence.marks_path, slot)
        assert marks is not None
        for key in jobs:
            marks.begin(key, 1, 0.5)
    os.kill(os.getpid(), signal.SIGKILL)


def leave_a_slot_behind(folder: str, uuid: str) -> None:
    """Be killed as a worker while a slot lives on until its standard input ends; say when that is so."""
    presence = Presence(Path(folder), uuid, 1)
    if os.fork() == 0:
        lock = share_life(presence.marks_path)
        assert lock is not None
        os.write(1, b"ready\n")
        os.read(0, 1)
        os._exit(0)
    signal.pause()


def find_dead(number: int, folder: Any, uuids: list[str]) -> list[bool]:
    return [is_dead(folder, uuid) for uuid in uuids]


# Space


def add_and_tend(path: str, megabytes: str) -> None:
    store = SqliteStore(path)
    for number in range(int(megabytes)):
        store.jobs.add([new(f"job-{number}", args=bytes(1 << 20))], NOW)
    store.tend(NOW)
    store.close()


# Bells


def be_killed_with_a_bell(folder: str) -> None:
    bell = HostBell(Path(folder), "r")
    assert os.path.exists(bell.path)
    os.kill(os.getpid(), signal.SIGKILL)


def look_at_a_bell_from_a_fork(number: int, folder: Path) -> tuple[bool, bool, bool]:
    """Return whether the bell is the parent's, the child's, and still there when the child has closed it."""
    bell = HostBell(folder, "w")
    code = _in_fork(lambda: (bell.close(), os._exit(10 + bell.mine())))
    there = os.path.exists(bell.path)
    mine = bell.mine()
    bell.close()
    return mine, bool(code - 10), there


def close_presence_in_a_fork(number: int, folder: Path) -> tuple[int, list[str]]:
    presence = Presence(folder, "anna", 1)
    code = _in_fork(presence.close)
    left = sorted(os.listdir(folder))
    presence.close()
    return code, left
