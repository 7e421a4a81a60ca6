"""Bodies that start threads, children and other programs."""

from __future__ import annotations

import concurrent.futures
import multiprocessing
import os
import subprocess
import sys
import threading
import time
from typing import Any

from tests.crash.hostile.body import LOST, body, section

section("Threads, children and other programs")


def double(number: int) -> int:
    return 2 * number


@body()
def leave_threads() -> None:
    """starts daemon threads that never end"""
    for _ in range(10):
        threading.Thread(target=time.sleep, args=(1_000,), daemon=True).start()


@body(LOST)
def leave_a_thread_to_wait_for() -> None:
    """starts a thread that never ends and is no daemon: Python waits for it when a process ends"""
    threading.Thread(target=time.sleep, args=(1_000,)).start()


@body()
def leave_an_executor() -> int:
    """leaves an executor of threads with work in it"""
    executor = concurrent.futures.ThreadPoolExecutor(2)
    for _ in range(3):
        executor.submit(time.sleep, 0.2)
    return executor.submit(double, 21).result()


@body()
def fork_and_return() -> str:
    """forks, and returns in both"""
    pid = os.fork()
    if pid:
        os.waitpid(pid, 0)
    return "the parent's" if pid else "the child's"


@body()
def fork_and_raise() -> int:
    """forks, and raises in the child"""
    pid = os.fork()
    if pid == 0:
        raise ValueError("the child's")
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@body()
def fork_and_exit() -> int:
    """forks, and calls `sys.exit(7)` in the child"""
    pid = os.fork()
    if pid == 0:
        sys.exit(7)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@body()
def fork_and_forget() -> None:
    """forks twice, as daemons do, and leaves the grandchild running"""
    pid = os.fork()
    if pid == 0:
        if os.fork() == 0:
            time.sleep(2)
        os._exit(0)
    os.waitpid(pid, 0)


@body()
def fork_from_a_thread() -> Any:
    """forks in a thread while others print"""
    done: list[int] = []

    def forks() -> None:
        pid = os.fork()
        if pid == 0:
            os._exit(4)
        done.append(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))

    team = [threading.Thread(target=forks), *[threading.Thread(target=print, args=("x" * 5_000,)) for _ in range(5)]]
    for one in team:
        one.start()
    for one in team:
        one.join()
    return done


@body()
def fork_and_become_another() -> int:
    """forks, and becomes another program in the child"""
    pid = os.fork()
    if pid == 0:
        os.execv("/bin/echo", ["echo", "another program"])
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@body()
def run_programs() -> list[str]:
    """runs programs by `subprocess`, one of which it does not wait for"""
    subprocess.Popen(["/bin/sleep", "1"], stdin=subprocess.DEVNULL)
    said = subprocess.run([sys.executable, "-c", "print('said')"], capture_output=True, text=True, check=True).stdout
    subprocess.run(["/bin/sh", "-c", "echo out; echo err >&2; exit 3"], check=False)
    return said.split()


def _by(method: str) -> int | None:
    process = multiprocessing.get_context(method).Process(target=double, args=(21,))
    process.start()
    process.join(120)
    return process.exitcode


@body()
def multiprocess_by_fork() -> int | None:
    """starts a `multiprocessing.Process` by fork"""
    return _by("fork")


@body()
def multiprocess_by_spawn() -> int | None:
    """starts a `multiprocessing.Process` by spawn"""
    return _by("spawn")


@body()
def multiprocess_by_forkserver() -> int | None:
    """starts a `multiprocessing.Process` by fork server"""
    return _by("forkserver")


@body(("processes",))
def multiprocess_pool() -> list[int]:
    """maps over a `multiprocessing.Pool`, whose forks need a process without other threads"""
    with multiprocessing.get_context("fork").Pool(2) as pool:
        return pool.map_async(double, range(5)).get(120)
