"""What a command that runs until told to stop writes beside its jobs: a log, and a file with its process's id."""

from __future__ import annotations

from typing import Any, NamedTuple

import click

from localq import log
from localq.app import LocalQ
from localq.cli.app_import import LoadError
from localq.cli.daemon.detach import is_detached, start_detached
from localq.cli.daemon.pidfile import default_files, expanded

__all__ = ["DaemonFiles", "Level", "files_of", "set_up_log"]


class Level(click.ParamType):  # type: ignore[type-arg]  # click before 8.5 has no such parameter
    """A log level by name, in any case, or by number."""

    name = "LEVEL"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the number of a level."""
        if isinstance(value, int):
            return value
        try:
            return log.level_number(value)
        except ValueError as error:
            self.fail(f"{error}.", param, ctx)


class DaemonFiles(NamedTuple):
    """Where a process writes; None: it does not, and logs to standard error."""

    log: str | None
    pid: str | None


def files_of(app: LocalQ, name: str, *, detach: bool, logfile: str | None, pidfile: str | None) -> DaemonFiles | None:
    """Return where this process writes; None if it has started another in the background, and is to end.

    Args:
        name: What %n stands for in the files' names; or a worker's name, for all that can stand there.
        detach: Run in the background. What files are not given then lie beside the database.
        logfile, pidfile: As they were given.

    Raises:
        LoadError: there is no place for the files, or the process in the background ended before it was ready.
    """
    if detach and (logfile is None or pidfile is None):
        pids, logs = default_files(app)
        logfile, pidfile = logfile or logs, pidfile or pids
    found = DaemonFiles(*(None if path is None else expanded(path, name) for path in (logfile, pidfile)))
    if detach and not is_detached():
        assert found.log is not None
        assert found.pid is not None
        start_detached(found.log, found.pid)
        return None
    return found


def set_up_log(app: LocalQ, level: int, file: str | None) -> None:
    """Let this process log as the app's settings say.

    Raises:
        LoadError: the file cannot be written, or a format cannot be.
    """
    try:
        log.set_up(app.conf, level=level, logfile=file)
    except OSError as error:
        raise LoadError(f"Cannot write the log file {file!r}: {error.strerror or error}.") from None
    except ValueError as error:
        raise LoadError(f"Setting worker_log_format or worker_task_log_format: {error}.") from None
