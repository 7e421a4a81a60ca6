"""`app.log`: the log of a script that is set up as a worker's is."""

from __future__ import annotations

import logging
from typing import Any, Protocol

from localq.log import level_number, set_up
from localq.settings import Settings

__all__ = ["ScriptLog"]


class App(Protocol):
    """What the log needs of an app."""

    conf: Settings


class ScriptLog:
    """What Celery's scripts do with `app.log`; workers set up their logs by themselves.

    Args:
        app: The app, whose settings say how lines look.
    """

    def __init__(self, app: App) -> None:
        self._app = app

    def setup(
        self,
        loglevel: int | str | None = None,
        logfile: str | None = None,
        format: str | None = None,
        colorize: bool | None = None,
        **_ignored: Any,
    ) -> None:
        """Log as a worker does: on standard error, or in a file; see `localq.log.set_up`.

        Args:
            loglevel: Least level logged; default WARNING.
            format, colorize: In the place of the settings worker_log_format and worker_log_color.

        Raises:
            ValueError: there is no such level.
            OSError: the file cannot be written.
        """
        own = {"worker_log_format": format, "worker_log_color": colorize}
        conf = {**self._app.conf, **{name: value for name, value in own.items() if value is not None}}
        level = logging.WARNING if loglevel is None else level_number(str(loglevel))
        set_up(conf, level=level, logfile=logfile)

    setup_logging_subsystem = setup

    def setup_task_loggers(
        self, loglevel: int | str | None = None, logfile: str | None = None, propagate: bool = False, **_ignored: Any
    ) -> logging.Logger:
        """Let tasks log from a level on; return their logger.

        Args:
            propagate: Whether what they log goes on to the loggers above, which Celery's does not by default.
            logfile: A file for what tasks log alone.

        Raises:
            ValueError: there is no such level.
            OSError: the file cannot be written.
        """
        logger = logging.getLogger("localq.task")
        logger.setLevel(logging.WARNING if loglevel is None else level_number(str(loglevel)))
        if logfile is not None:
            logger.addHandler(logging.FileHandler(logfile, encoding="utf-8"))
            logger.propagate = propagate
        return logger

    def get_default_logger(self, name: str = "localq") -> logging.Logger:
        """Return a logger by its name."""
        return logging.getLogger(name)
