"""Bodies that end what they run in, or do not end at all."""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import os
import resource
import signal
import sys
import threading
import time
from typing import Any

from tests.crash.hostile.body import LOST, MAIN, body, section

section("Ends")


@body()
def leave_by_sys_exit() -> None:
    """calls `sys.exit("a text")`"""
    sys.exit("a text")


@body()
def leave_from_a_thread() -> None:
    """calls `sys.exit` in a thread it started"""
    thread = threading.Thread(target=sys.exit, args=(3,))
    thread.start()
    thread.join()


@body(LOST)
def leave_at_once() -> None:
    """calls `os._exit(0)`"""
    os._exit(0)


@body(LOST)
def leave_at_once_from_a_thread() -> None:
    """calls `os._exit(5)` in a thread, while the task waits"""
    threading.Timer(0.05, os._exit, (5,)).start()
    time.sleep(10)


@body(LOST)
def abort() -> None:
    """calls `os.abort()`"""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.abort()


@body(LOST)
def read_address_zero() -> None:
    """reads memory that is not there, by ctypes"""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    ctypes.string_at(0)


@body(LOST)
def kill_itself() -> None:
    """sends SIGKILL to its own process"""
    os.kill(os.getpid(), signal.SIGKILL)


@body(LOST)
def terminate_its_group() -> None:
    """sends SIGTERM to its process group"""
    os.killpg(os.getpgrp(), signal.SIGTERM)
    time.sleep(10)


@body(LOST)
def become_another_program() -> None:
    """calls `os.execv`: its process becomes another program, which ends well"""
    os.execv("/bin/true", ["true"])


@body(LOST)
def use_up_its_time() -> None:
    """sets RLIMIT_CPU to a second, and uses it up"""
    used = resource.getrusage(resource.RUSAGE_SELF)
    resource.setrlimit(resource.RLIMIT_CPU, (max(1, int(used.ru_utime + used.ru_stime)), resource.RLIM_INFINITY))
    while True:
        pass


@body(LOST)
def use_up_its_memory() -> None:
    """takes memory up to RLIMIT_AS, and lifts that again"""
    before = resource.getrlimit(resource.RLIMIT_AS)
    with open("/proc/self/statm") as file:
        now = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (now + (64 << 20), before[1]))
    taken: list[Any] = []
    try:
        while True:
            taken.append(bytearray(1 << 20))
    finally:
        taken.clear()
        resource.setrlimit(resource.RLIMIT_AS, before)


@body()
def register_at_exit() -> None:
    """registers a function with `atexit` that raises"""
    atexit.register(lambda: 1 / 0)


section("Limits and signals")


@body(soft_time_limit=0.1)
def keep_its_soft_limit() -> None:
    """spins until its soft limit ends it"""
    while True:
        time.sleep(0.001)


@body(soft_time_limit=0.1, time_limit=0.5)
def swallow_every_limit() -> None:
    """catches whatever its limits raise, for three seconds"""
    enough = time.monotonic() + 3
    while time.monotonic() < enough:
        with contextlib.suppress(BaseException):
            while time.monotonic() < enough:
                time.sleep(0.001)


@body(LOST, time_limit=0.5)
def stay_in_c() -> None:
    """waits in C code that never returns and lets nobody else run"""
    ctypes.PyDLL(None).pause()


@body(LOST, time_limit=0.5)
def stop_itself() -> None:
    """sends SIGSTOP to its own process"""
    os.kill(os.getpid(), signal.SIGSTOP)


@body(MAIN, pause=0.1)
def take_the_signals() -> None:
    """sets handlers that raise for SIGALRM, SIGUSR1 and SIGTERM, and leaves them"""

    def fails(number: int, frame: Any) -> None:
        raise ValueError(f"signal {number}")

    for number in (signal.SIGALRM, signal.SIGUSR1, signal.SIGTERM):
        signal.signal(number, fails)


@body(LOST, pause=0.3)
def leave_an_alarm() -> None:
    """sets an alarm that rings when it has ended"""
    signal.setitimer(signal.ITIMER_REAL, 0.15)


@body(MAIN)
def raise_in_a_handler() -> None:
    """sends itself a signal whose handler raises"""

    def fails(number: int, frame: Any) -> None:
        raise ValueError("in the handler")

    signal.signal(signal.SIGUSR2, fails)
    os.kill(os.getpid(), signal.SIGUSR2)
    time.sleep(0.05)


@body()
def block_the_signals() -> None:
    """blocks every signal, and leaves them blocked"""
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
