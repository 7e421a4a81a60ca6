"""Running things in other processes, and waiting for them with a deadline."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable
from multiprocessing import get_context
from typing import Any

from tests.worker.waiting import DEADLINE_S, PROGRAM_S

_context = get_context("forkserver")
_context.set_forkserver_preload(["tests.store.children"])


def together(count: int, act: Callable[..., Any], *args: Any) -> list[Any]:
    """Call `act(number, *args)` in many processes that start at one moment; return what each returned."""
    start = _context.Barrier(count)
    pipes = [_context.Pipe(duplex=False) for _ in range(count)]
    processes = [
        _context.Process(target=_run, args=(start, writer, act, number, *args))
        for number, (_, writer) in enumerate(pipes)
    ]
    for process in processes:
        process.start()
    patience: float = 0
    try:
        answers = [_answer(reader, act) for reader, _ in pipes]
        patience = DEADLINE_S
        return answers
    finally:
        for process, (reader, writer) in zip(processes, pipes, strict=True):
            process.join(patience)
            with contextlib.suppress(
                ProcessLookupError
            ):  # with what it forked, which would hold this run's output open
                os.killpg(process.pid, signal.SIGKILL)
            process.kill()
            process.join()
            process.close()
            reader.close()
            writer.close()


def shared(kind: str, *args: Any) -> Any:
    """Return something processes share, such as an Event."""
    return getattr(_context, kind)(*args)


def _run(start: Any, writer: Any, act: Callable[..., Any], *args: Any) -> None:
    os.setpgid(0, 0)
    try:
        start.wait(DEADLINE_S)
        writer.send((True, act(*args)))
    except BaseException:
        writer.send((False, traceback.format_exc()))


def _answer(reader: Any, act: Callable[..., Any]) -> Any:
    assert reader.poll(DEADLINE_S), f"{act.__name__} did not end within {DEADLINE_S} s"
    good, said = reader.recv()
    assert good, said
    return said


def run_python(act: Callable[..., Any], *args: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Call a function of an importable module in a fresh interpreter that ends as programs do."""
    code = f"import sys; from {act.__module__} import {act.__name__} as act; act(*sys.argv[1:])"
    paths = os.pathsep.join([os.getcwd(), *(path for path in sys.path if path)])
    return subprocess.run(
        [sys.executable, "-X", "dev", "-c", code, *args],
        env={**os.environ, "PYTHONPATH": paths, **environment},
        capture_output=True,
        text=True,
        timeout=PROGRAM_S,
        check=False,
    )
