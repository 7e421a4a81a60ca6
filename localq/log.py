"""Logging: how a worker's log is set up, loggers for tasks, and events turned into lines.

Code emits events and does not log what happens to jobs; `follow_events` alone makes lines of them, with the
fields as attributes of the record. Neither arguments nor results are logged.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from localq import current
from localq.model.clock import SYSTEM
from localq.model.events import subscribe
from localq.signals import after_setup_logger, after_setup_task_logger, setup_logging

__all__ = [
    "LEVELS",
    "follow_events",
    "get_logger",
    "get_task_logger",
    "is_task_logger",
    "level_number",
    "set_up",
]

#: The usual levels, least first.
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")

#: Calls a function with arguments, at once or soon.
Later = Callable[..., None]

_log = logging.getLogger("localq")
_task_log, _worker_log = logging.getLogger("localq.task"), logging.getLogger("localq.worker")
_run_log, _schedule_log = logging.getLogger("localq.execution"), logging.getLogger("localq.schedules")
#: Below Celery's loggers stand those of ours that say what those say, and Celery's below ours: whichever of them a
#: project sets up gets its records (docs/decisions/0013-loggers-below-celerys.md).
_BELOW = {
    _task_log: "celery.task",
    _worker_log: "celery.worker",
    _run_log: "celery.app.trace",
    _schedule_log: "celery.beat",
}
_CELERY = logging.getLogger("celery")
_CELERY.parent = _log
for _ours, _theirs in _BELOW.items():
    _ours.parent = logging.getLogger(_theirs)
#: Loggers above those of tasks.
_RESERVED = ("", "root", "localq", "celery", "celery.task")
#: Characters of an error's message in a line; the traceback below it has all.
_LONGEST = 2_000


def get_logger(name: str) -> logging.Logger:
    """Return the logger of a name, as `logging.getLogger` does."""
    return logging.getLogger(name)


def get_task_logger(name: str) -> logging.Logger:
    """Return a logger for tasks: its records carry `task_name` and `task_id`.

    Above it stands `localq.task` and, above that, `celery.task`, where Celery puts it: what a name's parents are set up
    for does not reach it.

    Raises:
        RuntimeError: the name is that of a logger above.
    """
    if name in _RESERVED:
        raise RuntimeError(f"Logger name {name!r} is reserved: use the name of a module, get_task_logger(__name__)")
    logger = logging.getLogger(name)
    if not is_task_logger(logger):
        logger.parent = _task_log
        # What it looked up by its old parents is forgotten.
        logger.setLevel(logger.level)
    logger.addFilter(_stamp)
    return logger


def is_task_logger(logger: logging.Logger | None) -> bool:
    """Whether a logger is one of tasks."""
    while logger is not None and logger is not _task_log:
        logger = logger.parent
    return logger is not None


def _stamp(record: logging.LogRecord) -> bool:
    """Say which task a record is from; records of slots arrive with that."""
    if not hasattr(record, "task_id"):
        request = current.request.get()
        record.task_id = getattr(request, "id", None)
        record.task_name = getattr(request, "task", None)
    return True


# Setting up


def set_up(conf: Mapping[str, Any], *, level: int, logfile: str | None = None) -> None:
    """Set up the log of a worker that is a program of its own: on standard error, or in a file.

    Where the signal setup_logging has a receiver, that one does it, and nothing happens here.

    Args:
        conf: The settings worker_hijack_root_logger, worker_log_color, worker_log_format, worker_log_datefmt,
            worker_task_log_format and worker_task_log_datefmt.
        level: Least level logged.
        logfile: May be moved away while it is written to (logrotate): another is then started.

    Raises:
        OSError: the file cannot be written.
    """
    fields = {"loglevel": level, "logfile": logfile, "format": conf["worker_log_format"]}
    if setup_logging.receivers and setup_logging.send(None, **fields, colorize=conf["worker_log_color"]):
        return
    root = logging.getLogger()
    handler = _handler(logfile)
    stream = getattr(handler, "stream", None)
    colour = conf["worker_log_color"]
    if colour is None:
        colour = logfile is None and "NO_COLOR" not in os.environ and _is_terminal(stream)
    formats = (conf["worker_log_format"], conf.get("worker_log_datefmt"))
    of_tasks = (conf["worker_task_log_format"], conf.get("worker_task_log_datefmt"))
    handler.setFormatter(_Format(formats, of_tasks, colour=colour))
    if conf["worker_hijack_root_logger"]:
        for other in list(root.handlers):
            root.removeHandler(other)
    if root.handlers:
        # The program's own logging stays as it is; it hears of us as of any library.
        _log.setLevel(level)
    else:
        root.addHandler(handler)
        root.setLevel(level)
    logging.captureWarnings(True)
    after_setup_logger.send(None, logger=root, **fields, colorize=colour)
    fields["format"] = conf["worker_task_log_format"]
    after_setup_task_logger.send(None, logger=_task_log, **fields, colorize=colour)


def _handler(logfile: str | None) -> logging.Handler:
    if logfile is None:
        return logging.StreamHandler(sys.__stderr__)
    from logging.handlers import WatchedFileHandler  # most workers log to what they were started with

    kind = WatchedFileHandler if os.name == "posix" else logging.FileHandler
    return kind(logfile, encoding="utf-8", errors="backslashreplace")


def _is_terminal(stream: Any) -> bool:
    with contextlib.suppress(Exception):
        return bool(stream.isatty())
    return False


#: What a terminal, or a reader of the log, might take for something else: control characters but tab and
#: newline, other ends of lines, and what turns the direction of writing.
_UNSEEN = {
    code: f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"
    for code in (
        *range(32),
        *range(0x7F, 0xA0),
        0x2028,
        0x2029,
        *range(0x202A, 0x202F),
        *range(0x2066, 0x206A),
    )
    if chr(code) not in "\t\n"
}
_UNSEEN_IN_LINE = {**_UNSEEN, ord("\n"): "\\n"}
_COLOURS = {
    logging.DEBUG: "34",
    logging.WARNING: "33",
    logging.ERROR: "31",
    logging.CRITICAL: "35",
}


class _Format(logging.Formatter):
    """Formats records of tasks in their own way, and shows control characters instead of sending them."""

    def __init__(self, plain: tuple[str, str | None], task: tuple[str, str | None], *, colour: bool) -> None:
        super().__init__(*plain)
        self._task = logging.Formatter(*task)
        self._colour = colour

    def format(self, record: logging.LogRecord) -> str:
        _stamp(record)
        of_task = getattr(record, "task_id", None) is not None and is_task_logger(logging.getLogger(record.name))
        text = self._task.format(record) if of_task else super().format(record)
        text = text.translate(_UNSEEN)
        colour = _COLOURS.get(record.levelno) if self._colour else None
        return text if colour is None else f"\033[{colour}m{text}\033[0m"


# Events

#: The level and the line of each event that is logged; where they depend on the fields, of the highest level.
_LINES = {
    "worker.started": (logging.INFO, "{worker} ready."),
    "worker.stopping": (logging.DEBUG, "{worker} stopping ({how}), jobs running: {running}"),
    "worker.stopped": (logging.INFO, "{worker} stopped."),
    "worker.rejoined": (logging.WARNING, "{worker} was taken for dead and registered again: {reason}"),
    "job.received": (logging.INFO, "Task {task}[{job_id}] received"),
    "job.succeeded": (logging.INFO, "Task {task}[{job_id}] succeeded in {duration_s:.3f}s"),
    "job.retried": (logging.WARNING, "Task {task}[{job_id}] retry in {run_in_s:.3g}s: {error}"),
    "job.failed": (logging.ERROR, "Task {task}[{job_id}] raised unexpected: {error}"),
    "job.lost": (logging.ERROR, "Task {task}[{job_id}] lost, does not run again: {error}"),
    "job.rejected": (logging.WARNING, "Task {task}[{job_id}] rejected, requeue={requeue}"),
    "job.ignored": (logging.INFO, "Task {task}[{job_id}] ignored"),
    "job.revoked": (logging.INFO, "Task {task}[{job_id}] revoked: {reason}"),
    "job.discarded": (logging.WARNING, "Task {task}[{job_id}] discarded: {reason}"),
    "jobs.rescued": (logging.WARNING, "Took over jobs of {owner}, which died or stopped answering: {count}"),
    "jobs.pruned": (logging.DEBUG, "Removed finished jobs: {count}"),
    "control.received": (logging.DEBUG, "{worker} received the control command {command}"),
    "task.unknown": (
        logging.WARNING,
        "Jobs of {task} wait: this worker does not know the task, and no live worker does. Import its module, or "
        "remove the jobs with `localq cancel`",
    ),
    "notices.dropped": (
        logging.WARNING,
        "{worker} dropped log records, prints or signals, because those before took too long: {count}",
    ),
    "slot.started": (logging.DEBUG, "Process {pid} started"),
    "slot.died": (logging.WARNING, "Process {pid} died: {reason}"),
    "pool.broken": (logging.CRITICAL, "{worker} gives up: {reason}"),
    "schedule.fired": (logging.INFO, "Schedule {schedule} fired task {task}[{job_id}]"),
    "schedule.skipped": (logging.INFO, "Schedule {schedule} skipped {count} at {nominal}: {reason}"),
    "schedule.failed": (logging.ERROR, "Schedule {schedule} cannot fire: {error}"),
    "schedule.retired": (logging.WARNING, "Schedule {schedule} is retired: {source} configures it no more"),
    "scheduler.started": (logging.INFO, "Scheduler ready, schedules: {schedules}"),
    "scheduler.stopped": (logging.INFO, "Scheduler stopped."),
    "store.weak": (logging.WARNING, "{what} {advice}"),
    "store.failed": (logging.ERROR, "The store fails; what runs goes on, nothing new is claimed: {error}"),
    "store.recovered": (logging.WARNING, "The store works again, after {after_s:.1f}s"),
    "store.rolled_back": (
        logging.ERROR,
        "The store's server has lost what was written last, as one may that took over from another: {writes} writes "
        "at least. Jobs of calls that had returned may be gone, and jobs that had ended may run again",
    ),
}
_RAISED_EXPECTED = (logging.INFO, "Task {task}[{job_id}] raised expected: {error}")
#: Seconds below which a run is told with more digits.
_QUICK_S = 0.01
_QUICKLY = (logging.INFO, "Task {task}[{job_id}] succeeded in {duration_s:.6f}s")
#: Seconds from which a retry's delay is told without digits.
_LONG_S = 100.0
_RETRIED_LATER = (logging.WARNING, "Task {task}[{job_id}] retry in {run_in_s:.0f}s: {error}")
_WORTH_KNOWING = (logging.INFO, "{what} {advice}")
_KNOWN_ELSEWHERE = (logging.INFO, "Jobs of {task} are left to other workers: this one does not know the task")
_LOST_FOR_NOW = (logging.WARNING, "Task {task}[{job_id}] lost, runs again: {error}")


_LOGGERS = {
    **dict.fromkeys(
        ("job.succeeded", "job.retried", "job.failed", "job.lost", "job.rejected", "job.ignored"), _run_log
    ),
    **{name: _schedule_log for name in _LINES if name.startswith(("schedule.", "scheduler."))},
}


def _logger_of(event: str) -> logging.Logger:
    """Return the logger of an event: by what Celery has for it, or the next above that was not disabled.

    A project's logging disables what it does not name, and names Celery's loggers.
    """
    found = _LOGGERS.get(event, _worker_log)
    while found.disabled and found.parent is not None and found.parent is not logging.root:
        found = found.parent
    return found


@contextlib.contextmanager
def follow_events(conf: Mapping[str, Any], later: Later | None = None) -> Iterator[None]:
    """Log events within the block: by loggers below `localq`, and what tasks print by `localq.task`.

    Events below the level that holds when the block begins are not asked for: a worker does not even put
    their fields together.

    Args:
        conf: The setting worker_redirect_stdouts_level.
        later: Calls what makes lines of events, which runs the program's handlers; default: whoever emits them does.
    """
    wanted = [event for event, (level, _) in _LINES.items() if _logger_of(event).isEnabledFor(level)]
    level = level_number(conf["worker_redirect_stdouts_level"])
    prints = ["job.printed"] if _task_log.isEnabledFor(level) else []

    def write(event: str, fields: dict[str, Any]) -> None:
        call(_write, event, fields, SYSTEM.now())

    def write_prints(event: str, fields: dict[str, Any]) -> None:
        call(_write_prints, level, event, fields, SYSTEM.now())

    call = later or (lambda function, *args: function(*args))
    with subscribe(write, wanted), subscribe(write_prints, prints):
        yield


def level_number(text: str) -> int:
    """Return the level of a name, in any case, or of a number.

    Raises:
        ValueError: there is no such level.
    """
    if text.isdecimal():
        return int(text)
    levels = logging.getLevelNamesMapping()
    if text.upper() not in levels:
        raise ValueError(f"{text!r} is no log level: use {', '.join(LEVELS)}, or a number")
    return levels[text.upper()]


def _write(event: str, fields: dict[str, Any], now: int) -> None:
    level, line = _LINES[event]
    if event == "job.failed" and fields["expected"]:
        level, line = _RAISED_EXPECTED
    elif event == "job.lost" and fields["again"]:
        level, line = _LOST_FOR_NOW
    elif event == "job.succeeded" and fields["duration_s"] < _QUICK_S:
        level, line = _QUICKLY
    elif event == "job.retried" and fields["run_in_s"] >= _LONG_S:
        level, line = _RETRIED_LATER
    elif event == "store.weak" and not fields["grave"]:
        level, line = _WORTH_KNOWING
    elif event == "task.unknown" and fields["elsewhere"]:
        level, line = _KNOWN_ELSEWHERE
    logger = _logger_of(event)
    if not logger.isEnabledFor(level):
        return
    text = line.format_map({name: _in_line(value) for name, value in fields.items()})
    told = fields.get("traceback") if event == "job.failed" and level == logging.ERROR else None
    _handle(logger, level, text, event, fields, now, told)


def _write_prints(level: int, event: str, fields: dict[str, Any], now: int) -> None:
    for line in fields["text"].split("\n"):
        if line.strip():
            _handle(_task_log, level, line.removesuffix("\r"), event, fields, now)


def _in_line(value: Any) -> Any:
    """Return a value as a part of one line."""
    if not isinstance(value, str):
        return value
    text = value if len(value) <= _LONGEST else f"{value[:_LONGEST]}..."
    return text.translate(_UNSEEN_IN_LINE)


def _handle(
    logger: logging.Logger,
    level: int,
    text: str,
    event: str,
    fields: dict[str, Any],
    now: int,
    told: str | None = None,
) -> None:
    more = {name: value for name, value in fields.items() if name not in ("text", "traceback")}
    more.update(event=event, task_id=fields.get("job_id"), task_name=fields.get("task"))
    record = logger.makeRecord(logger.name, level, "(localq)", 0, text, (), None, extra=more)
    # When it happened, however long it waited for its turn.
    record.created, record.msecs = now / 1e6, float(now // 1000 % 1000)
    record.exc_text = told.rstrip("\n") if told else None
    (logger if logger.hasHandlers() else _unhandled).handle(record)


class _Unhandled(logging.Handler):
    """Shows records where the program has set up no log: on standard error, by Python's own rule (`lastResort`)."""

    def handle(self, record: logging.LogRecord) -> bool:
        """Show a record, unless that rule is switched off or its level is too low."""
        last = logging.lastResort
        return last is not None and record.levelno >= last.level and super().handle(record)

    def emit(self, record: logging.LogRecord) -> None:
        """Show a record."""
        if sys.stderr is not None:
            print(f"localq: {self.format(record).translate(_UNSEEN)}", file=sys.stderr)


_unhandled = _Unhandled()
