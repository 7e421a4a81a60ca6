"""Bodies that print, log, and treat the standard streams badly."""

from __future__ import annotations

import io
import logging
import logging.config
import os
import sys
import threading

from tests.crash.hostile.body import EVERY, LOST, body, section

section("Output and logs")


@body()
def print_much() -> None:
    """prints 2 MB in short lines"""
    for _ in range(2_000):
        print("x" * 1_000)


@body()
def print_one_long_line() -> None:
    """prints a line of 1 MB, and does not end it"""
    sys.stdout.write("x" * 1_000_000)


@body()
def print_bytes() -> None:
    """writes every byte there is past Python's streams"""
    os.write(1, bytes(range(256)) * 16)
    os.write(2, bytes(range(256)) * 16)


@body()
def print_surrogates() -> None:
    """prints lone surrogates"""
    print("\udcff\ud800 and \x00")


@body()
def print_from_threads() -> None:
    """prints from eight threads at once, long lines and short ones"""

    def talk(length: int) -> None:
        for _ in range(50):
            print("y" * length)

    team = [threading.Thread(target=talk, args=(length,)) for length in (1, 10_000) * 4]
    for one in team:
        one.start()
    for one in team:
        one.join()


@body(EVERY)
def print_from_children() -> None:
    """prints from three forked children at once"""
    children = []
    for _ in range(3):
        pid = os.fork()
        if pid == 0:
            for _ in range(20):
                print("z" * 5_000)
            os._exit(0)
        children.append(pid)
    for pid in children:
        os.waitpid(pid, 0)


@body()
def replace_the_streams() -> None:
    """puts other objects in the place of `sys.stdout` and `sys.stderr`, and leaves them there"""
    sys.stdout = sys.stderr = io.StringIO()


@body()
def take_the_streams_away() -> None:
    """sets `sys.stdout`, `sys.stderr` and `sys.stdin` to None"""
    sys.stdout = sys.stderr = sys.stdin = None  # type: ignore[assignment]


@body(LOST)
def close_the_streams() -> None:
    """closes `sys.stdout` and `sys.stderr`"""
    sys.stdout.close()
    sys.stderr.close()


@body(LOST)
def close_the_standard_descriptors() -> None:
    """closes the descriptors 0, 1 and 2"""
    os.closerange(0, 3)


@body(LOST)
def close_every_descriptor() -> None:
    """closes every descriptor above 2"""
    os.closerange(3, 1_024)


@body()
def ask_for_input() -> str:
    """calls `input()`"""
    return input("name? ")


@body()
def log_what_cannot_be_formatted() -> None:
    """logs a template with arguments that do not fit, and an object that cannot be shown"""

    class Hidden:
        def __repr__(self) -> str:
            raise ValueError("no")

        __str__ = __repr__

    log = logging.getLogger("hostile")
    log.warning("%d apples", "no number")
    log.warning("%s", Hidden())
    log.warning(Hidden())
    log.warning("extra", extra={"hidden": Hidden()})


@body()
def shut_logging_down() -> None:
    """calls `logging.shutdown()`"""
    logging.shutdown()


@body()
def log_much() -> None:
    """logs 2,000 records with a traceback each"""
    log = logging.getLogger("hostile")
    for _ in range(2_000):
        try:
            raise ValueError("x" * 100)
        except ValueError:
            log.exception("again")
