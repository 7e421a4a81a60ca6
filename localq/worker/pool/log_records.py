"""Log records on their way from a process that runs jobs to its worker, which handles them as its own."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any

from localq import current
from localq.worker.pool.frames import Kind

__all__ = ["handle_record", "set_logging"]


class _Forward(logging.Handler):
    """Sends log records to the worker, which handles them as its own."""

    def __init__(self, report: Callable[[int, bytes], None], process: str) -> None:
        super().__init__()
        self._report, self._process = report, process

    def emit(self, record: logging.LogRecord) -> None:
        try:
            text = record.exc_text
            if record.exc_info and text is None:
                text = logging.Formatter().formatException(record.exc_info)
            request = current.request.get()
            said = {
                "name": record.name,
                "levelno": record.levelno,
                "levelname": record.levelname,
                "msg": record.getMessage(),
                "created": record.created,
                "pathname": record.pathname,
                "lineno": record.lineno,
                "funcName": record.funcName,
                "exc_text": text,
                "process": record.process,
                "processName": self._process,
                "task_id": getattr(request, "id", None),
                "task_name": getattr(request, "task", None),
            }
            self._report(Kind.LOG, json.dumps(said).encode())
        except Exception:
            self.handleError(record)


def set_logging(report: Callable[[int, bytes], None], process: str) -> None:
    """Let every logger's records travel to the worker; handlers inherited over the fork would write them twice.

    Args:
        report: Sends a frame.
        process: What the records call this process.
    """
    root = logging.getLogger()
    for logger in [root, *logging.root.manager.loggerDict.values()]:
        if isinstance(logger, logging.Logger):
            logger.handlers = []
            logger.propagate = True
    root.addHandler(_Forward(report, process))


def handle_record(said: dict[str, Any]) -> None:
    """Handle a log record of a slot as the worker's own."""
    record = logging.makeLogRecord(said)
    logger = logging.getLogger(record.name)
    if logger.isEnabledFor(record.levelno):
        logger.handle(record)
