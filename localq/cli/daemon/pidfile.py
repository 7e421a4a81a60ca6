"""Pid files: which process a name stands for, and that no two take it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from localq.app import LocalQ
from localq.cli.app_import import LoadError
from localq.host.liveness import is_alive
from localq.host.locks import LOCKS

__all__ = ["default_files", "expanded", "held", "lives", "make_folder_of", "pid_in"]


def expanded(path: str, name: str) -> str:
    """Return a path with %n, %h and %d for the parts of a worker's name, %N for all of it, and %% for a percent.

    %i and %I, which tell Celery's processes apart, become nothing: slots write no files of their own.
    """
    local, _, host = name.partition("@")
    values = {"%n": local, "%h": host, "%d": host.partition(".")[2], "%N": name, "%i": "", "%I": ""}
    parts = path.split("%%")
    for mark, text in values.items():
        parts = [part.replace(mark, text) for part in parts]
    return "%".join(parts)


def default_files(app: LocalQ) -> tuple[str, str]:
    """Return where pid and log files of an app's daemons go, with %n for their names: beside the database.

    Where that is on a server they go into the working folder, as Celery's do.

    Raises:
        LoadError: there is no such place.
    """
    if app.location == ":memory:":
        raise LoadError("The queue is no file that pid and log files could lie beside: give --pidfile and --logfile.")
    if "://" in app.location.removeprefix("sqlite:///"):
        here = Path(os.getcwd().replace("%", "%%"))
        return str(here / "%n.pid"), str(here / "%n.log")
    folder = Path(f"{os.path.realpath(app.location.removeprefix('sqlite:///'))}.d".replace("%", "%%"))
    return str(folder / "run" / "%n.pid"), str(folder / "log" / "%n.log")


def pid_in(path: str) -> int | None:
    """Return the process that keeps a pid file, or None: a number left by one that has died says nothing.

    Whoever keeps the file has a lock on it. Not for the process's own file: to close it would drop the lock.
    """
    try:
        return int(Path(path).read_text(encoding="ascii")) if LOCKS.is_taken(path) else None
    except (OSError, ValueError):
        return None


def lives(pid: int) -> bool:
    """Whether a process runs; one that has ended and was not waited for does not."""
    if not is_alive(pid):
        return False
    with contextlib.suppress(OSError, IndexError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return True


def make_folder_of(path: str) -> None:
    """Make the folders a file lies in, as far as they are missing, for their owner alone: one may be the store's."""
    folder = Path(path).absolute().parent
    for missing in reversed([one for one in (folder, *folder.parents) if not one.exists()]):
        missing.mkdir(mode=0o700, exist_ok=True)


@contextlib.contextmanager
def held(path: str | None) -> Iterator[None]:
    """Keep this process's id in a file for the length of a block.

    Args:
        path: Made with its folders; None: nothing is written.

    Raises:
        LoadError: another process that lives is in it, or it cannot be written.
    """
    if path is None:
        yield
        return
    try:
        make_folder_of(path)
        taken = LOCKS.take_file(path, f"{os.getpid()}\n")
    except OSError as error:
        raise LoadError(f"Cannot write the pid file {path}: {error.strerror or error}.") from None
    if taken is None:
        other = pid_in(path)
        raise LoadError(f"{path} says that it runs already, as process {other}. Stop that, or give another --pidfile.")
    try:
        yield
    finally:
        LOCKS.remove_file(path, taken)
