"""Bodies that change what their process is like for others, and leave it so."""

from __future__ import annotations

import faulthandler
import gc
import os
import shutil
import sys
import tempfile
import time
import tracemalloc
import warnings
from typing import Any

from localq import Task
from tests.crash.hostile.body import LOST, body, section

section("What is left behind")


@body()
def move_to_a_deleted_folder() -> None:
    """makes a folder its working directory and deletes it"""
    folder = tempfile.mkdtemp()
    os.chdir(folder)
    shutil.rmtree(folder)


@body(LOST)
def empty_the_environment() -> None:
    """removes everything from `os.environ`"""
    os.environ.clear()


@body(LOST)
def forget_where_modules_are() -> None:
    """empties `sys.path`"""
    sys.path.clear()


@body()
def trace() -> None:
    """sets a trace function and a profile function, and leaves them"""

    def traces(*_: Any) -> Any:
        return traces

    sys.setprofile(traces)
    sys.settrace(traces)


@body()
def trace_and_raise() -> None:
    """sets a trace function that raises"""

    def fails(*_: Any) -> Any:
        raise ValueError("traced")

    sys.settrace(fails)


@body()
def stop_the_collector() -> None:
    """calls `gc.disable()`, and leaves a debug callback that raises"""

    def fails(phase: str, info: Any) -> None:
        gc.callbacks.remove(fails)
        raise ValueError("collected")

    gc.disable()
    gc.callbacks.append(fails)
    gc.collect()


@body(LOST)
def lower_the_recursion_limit() -> None:
    """sets the limit of recursion as low as it goes"""
    depth = 10
    while True:
        try:
            return sys.setrecursionlimit(depth)
        except RecursionError:
            depth += 1


@body()
def turn_warnings_into_errors() -> None:
    """turns every warning into an error"""
    warnings.simplefilter("error")


@body(LOST)
def stop_the_clock() -> None:
    """replaces what `time` tells by zero, and leaves it"""
    time.time = time.monotonic = time.perf_counter = lambda: 0.0
    time.time_ns = time.monotonic_ns = lambda: 0


@body()
def let_nobody_read() -> None:
    """sets the mask of new files' rights to 0o777"""
    os.umask(0o777)


@body(pause=0.15)
def dump_tracebacks_later() -> None:
    """lets `faulthandler` write all stacks when it has ended"""
    file = open(os.devnull, "w")  # noqa: SIM115 - it stays open
    faulthandler.dump_traceback_later(0.1, file=file)


@body()
def trace_memory() -> None:
    """starts `tracemalloc`"""
    tracemalloc.start(5)


@body(bind=True)
def spoil_its_request(self: Task[Any, Any]) -> str:
    """empties its request, and reports nonsense of itself"""
    self.update_state(state="\ud800", meta={"a": "\ud800"})
    self.request.__dict__.clear()
    return "done"
