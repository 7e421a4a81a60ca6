"""Log records of tasks: kept as lines beside what their jobs print; and on their way from a process that runs jobs to
its worker, which handles them as its own.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from types import NoneType
from typing import Any

from localq import current
from localq.log import get_task_logger, is_task_logger
from localq.worker.pool.frames import Kind

__all__ = ["KeptRecords", "handle_record", "set_logging"]

#: How a record stands among what its job prints.
_LINE = logging.Formatter(logging.BASIC_FORMAT)

#: Says on the way whether a record is of a logger of tasks: the worker may not know it yet.
_OF_TASK = "of a task's logger"


class _Forward(logging.Handler):
    """Sends log records to the worker, which handles them as its own."""

    def __init__(self, report: Callable[[int, bytes], None], process: str) -> None:
        super().__init__()
        self._report, self._process = report, process

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line, fields = _line_of(record), self._fields(record)
            self._report(Kind.LOG, json.dumps([_job_id(), line, fields]).encode())
        except Exception:
            self.handleError(record)

    def _fields(self, record: logging.LogRecord) -> dict[str, Any]:
        """Return what a record has, its `extra` too, as JSON can say it."""
        # A template goes with its arguments, for filters and formatters that look at them; else what they make.
        whole = _is_plain(record.args) if isinstance(record.msg, str) else not record.args and _is_json(record.msg)
        said = {name: value if _is_json(value) else repr(value) for name, value in record.__dict__.items()}
        said["msg"] = record.msg if whole else record.getMessage()
        said["args"] = record.args if whole else None
        said.update(exc_text=record.exc_text, exc_info=None, processName=self._process)
        request = current.request.get()
        said[_OF_TASK] = is_task_logger(logging.getLogger(record.name))
        said.setdefault("task_id", getattr(request, "id", None))
        said.setdefault("task_name", getattr(request, "task", None))
        return said


class KeptRecords(logging.Handler):
    """Keeps what tasks log in threads of this process, as lines of their jobs.

    Only where the program has set up its log: a handler of ours alone would keep that from being done later, and errors
    that no handler takes from being shown.

    Args:
        keep: Takes the id of a job, and a line.
    """

    def __init__(self, keep: Callable[[str, str], None]) -> None:
        super().__init__()
        self._keep = keep
        self._root = logging.getLogger()
        if self._root.handlers:
            self._root.addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record of a task; of one that cannot be shown the log's own handlers say so."""
        try:
            job_id = _job_id()
            if job_id is not None:
                self._keep(job_id, _line_of(record))
        except Exception:
            self.handleError(record)

    def end(self) -> None:
        """Keep nothing any more."""
        self._root.removeHandler(self)
        self.close()


def _job_id() -> str | None:
    """Return the id of the job that runs in the calling thread or coroutine."""
    found: str | None = getattr(current.request.get(), "id", None)
    return found


def _line_of(record: logging.LogRecord) -> str:
    try:
        return f"{_LINE.format(record)}\n"
    except Exception:
        # A message and its arguments that do not fit; the handlers of the program's log say so.
        return f"{record.levelname}:{record.name}:{record.msg!r}\n"


def _is_plain(args: Any) -> bool:
    """Whether a record's arguments arrive as they are."""
    values = args.values() if isinstance(args, dict) else args or ()
    return all(type(value) in (str, int, float, bool, NoneType) for value in values)


def _is_json(value: Any) -> bool:
    if type(value) in (str, int, float, bool, NoneType):
        return True
    try:
        json.dumps(value, allow_nan=False)
    except Exception:
        return False
    return isinstance(value, dict | list)


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
    """Handle a log record of a slot as the worker's own; its logger's filters were asked in the slot."""
    if isinstance(said.get("args"), list):
        said["args"] = tuple(said["args"])
    of_task = said.pop(_OF_TASK, False) and said["name"] != "localq.task"
    record = logging.makeLogRecord(said)
    logger = get_task_logger(record.name) if of_task else logging.getLogger(record.name)
    if logger.isEnabledFor(record.levelno):
        logger.callHandlers(record)
