"""Every setting once: its name, its default, its unit and what it means. Names are Celery's where Celery has one."""

from __future__ import annotations

import difflib
import logging
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any, NamedTuple

from localq.exceptions import ImproperlyConfigured
from localq.keys import read_keys
from localq.packing import check_compression

__all__ = ["SETTINGS", "Setting", "Settings", "nearest"]


class Setting(NamedTuple):
    """A setting. `check` returns the value to keep, or raises ValueError or TypeError with the reason."""

    name: str
    default: Any
    doc: str
    check: Callable[[Any], Any]


def nearest(name: str, known: Mapping[str, Any] | list[str]) -> str:
    """Return " Did you mean 'x'?" for a misspelt name, or an empty text."""
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f" Did you mean {close[0]!r}?" if close else ""


def _flag(value: Any) -> bool:
    if isinstance(value, bool) or value in (0, 1):
        return bool(value)
    raise TypeError("must be True or False")


def _text(value: Any) -> str:
    if isinstance(value, str) and value:
        return value
    raise TypeError("must be a text that is not empty")


def _or_none(check: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: None if value is None else check(value)


def _one_of(*allowed: str) -> Callable[[Any], str]:
    def check(value: Any) -> str:
        if value not in allowed:
            raise ValueError(f"must be one of {', '.join(allowed)}")
        return str(value)

    return check


def _whole(low: int, high: int | None = None) -> Callable[[Any], int]:
    def check(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise TypeError("must be a whole number")
        if value < low or (high is not None and value > high):
            raise ValueError(f"must be {low} or more" if high is None else f"must be from {low} to {high}")
        return value

    return check


def _level(value: Any) -> str:
    text = _text(value)
    if not text.isdecimal() and text.upper() not in logging.getLevelNamesMapping():
        raise ValueError("must be the name of a log level, such as WARNING, or its number")
    return text


def _seconds(value: Any) -> float:
    """Accept seconds or a timedelta; keep seconds."""
    if isinstance(value, timedelta):
        value = value.total_seconds()
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError("must be a number of seconds or a timedelta")
    if not value > 0:
        raise ValueError("must be more than 0")
    return value


def _names(value: Any) -> tuple[str, ...]:
    if isinstance(value, str) or not all(isinstance(one, str) for one in value):
        raise TypeError("must be a list of names")
    return tuple(value)


def _concurrency(value: Any) -> int | str:
    return value if value == "auto" else _whole(1)(value)


_POOLS = ("processes", "prefork", "threads", "solo")

_ALL = [
    Setting(
        "durability",
        "full",
        "'full' fsyncs every enqueue; 'normal' may lose the last at a power cut",
        _one_of("full", "normal"),
    ),
    Setting("accept_content", ("json",), "Serializers this process reads; add 'pickle' or 'dill' knowingly", _names),
    Setting("enable_utc", True, "Naive times are UTC unless `timezone` is set", _flag),
    Setting("timezone", None, "Name of the zone naive times are in, such as 'Europe/Berlin'", _or_none(_text)),
    Setting("imports", (), "Modules a worker imports for their tasks", _names),
    Setting("include", (), "Modules a worker imports for their tasks, after `imports`", _names),
    Setting("task_always_eager", False, "Calls run here and now, on a store in memory", _flag),
    Setting("task_eager_propagates", False, "In eager mode a task's error is raised by the call", _flag),
    Setting("task_store_eager_result", True, "Accepted; eager results are always kept, in memory", _flag),
    Setting("task_default_queue", "celery", "Queue of calls that name none", _text),
    Setting(
        "task_default_priority",
        0,
        "Priority of calls that name none: 0 to 9, higher first",
        lambda v: 0 if v is None else _whole(0, 9)(v),
    ),
    Setting("task_serializer", "json", "How arguments and results are written: json, pickle or dill", _text),
    Setting("task_ignore_result", False, "Keep no results", _flag),
    Setting("task_store_errors_even_if_ignored", False, "Keep errors of tasks whose results are ignored", _flag),
    Setting("task_time_limit", None, "Seconds after which a run is killed", _or_none(_seconds)),
    Setting(
        "task_soft_time_limit",
        None,
        "Seconds after which SoftTimeLimitExceeded is raised in a run",
        _or_none(_seconds),
    ),
    Setting(
        "task_acks_late",
        True,
        "False: at most once, a job whose process dies is a FAILURE and not run again",
        _flag,
    ),
    Setting("task_max_crashes", 3, "Times a job's process may die before the job is a FAILURE", _whole(1)),
    Setting("task_track_started", True, "Accepted; a running job always shows STARTED", _flag),
    Setting("task_args_max_bytes", 16 << 20, "Largest encoded arguments of a call, in bytes", _whole(1)),
    Setting("result_max_bytes", 64 << 20, "Largest encoded result, in bytes", _whole(1)),
    Setting(
        "result_expires",
        86400.0,
        "Seconds (or timedelta) finished jobs are kept; None or 0: for ever",
        lambda v: None if v in (None, 0) else _seconds(v),
    ),
    Setting(
        "worker_concurrency",
        None,
        "Slots; None or 'auto': the processors this process may use",
        _or_none(_concurrency),
    ),
    Setting("worker_pool", "processes", "processes (or prefork), threads or solo", _one_of(*_POOLS)),
    Setting("worker_max_tasks_per_child", None, "Runs after which a process is replaced", _or_none(_whole(1))),
    Setting(
        "worker_max_memory_per_child",
        None,
        "KiB resident after which a process is replaced; at twice as much it is killed",
        _or_none(_whole(1)),
    ),
    Setting("worker_lease", 30.0, "Seconds a worker's right to its jobs lasts without a heartbeat", _seconds),
    Setting("worker_heartbeat", 5.0, "Seconds between heartbeats", _seconds),
    Setting(
        "worker_shutdown_timeout",
        None,
        "Seconds a stopping worker waits for running jobs; None: as long as they take",
        _or_none(_seconds),
    ),
    Setting("worker_redirect_stdouts", True, "Log what tasks print", _flag),
    Setting("worker_redirect_stdouts_level", "WARNING", "Level of what tasks print", _level),
    Setting("worker_hijack_root_logger", True, "`localq worker` replaces the root logger's handlers", _flag),
    Setting(
        "worker_log_format",
        "[%(asctime)s: %(levelname)s/%(processName)s] %(message)s",
        "Format of the worker's log lines",
        _text,
    ),
    Setting(
        "worker_task_log_format",
        "[%(asctime)s: %(levelname)s/%(processName)s] %(task_name)s[%(task_id)s]: %(message)s",
        "Format of log lines of tasks",
        _text,
    ),
    Setting("worker_log_color", None, "Colour in the log; None: if it is a terminal", _or_none(_flag)),
    # How messages lie in the store
    Setting(
        "task_compression",
        None,
        "How arguments are packed: zlib (gzip), bzip2, xz (lzma), zstd; None: not",
        _or_none(check_compression),
    ),
    Setting("result_compression", None, "How results are packed; as task_compression", _or_none(check_compression)),
    Setting("compression_min_bytes", 1024, "Encoded bytes below which nothing is packed", _whole(0)),
    Setting(
        "message_signing",
        "off",
        "'require' signs calls and results and takes only signed ones; 'accept' signs, and takes unsigned ones too",
        _one_of("off", "accept", "require"),
    ),
    Setting(
        "message_keys",
        (),
        "Secrets for message_signing, each 'env:NAME', 'file:PATH' or itself, with 'ID:' before it if wanted; the "
        "first signs, all verify",
        read_keys,
    ),
]

#: Every setting by name.
SETTINGS: Mapping[str, Setting] = {one.name: one for one in _ALL}


class Settings(Mapping[str, Any]):
    """The settings of an app: by attribute or by item, checked when set.

    Raises:
        ImproperlyConfigured: for an unknown name or a value that cannot be, naming both.
    """

    #: Kept in the instance's own dictionary, so that reading an attribute costs what any attribute costs.

    def __init__(self, given: Mapping[str, Any] | None = None) -> None:
        self.__dict__.update((name, one.default) for name, one in SETTINGS.items())
        self.__dict__["_set"] = set()
        self.update(given or {})

    def update(self, given: Mapping[str, Any] | None = None, **more: Any) -> None:
        """Set several."""
        for name, value in {**(given or {}), **more}.items():
            self[name] = value

    def given(self) -> dict[str, Any]:
        """Return what was set, without defaults."""
        return {name: self.__dict__[name] for name in sorted(self._set)}

    def __setitem__(self, name: str, value: Any) -> None:
        known = SETTINGS.get(name)
        if known is None:
            raise ImproperlyConfigured(f"Unknown setting {name!r}.{nearest(name, SETTINGS)}")
        try:
            self.__dict__[name] = known.check(value)
        except (TypeError, ValueError) as error:
            raise ImproperlyConfigured(f"Setting {name} is {value!r}: it {error}.") from error
        self._set.add(name)

    def __getitem__(self, name: str) -> Any:
        if name not in SETTINGS:
            raise KeyError(f"Unknown setting {name!r}.{nearest(name, SETTINGS)}")
        return self.__dict__[name]

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"Unknown setting {name!r}.{nearest(name, SETTINGS)}")

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value

    def __iter__(self) -> Iterator[str]:
        return iter(SETTINGS)

    def __len__(self) -> int:
        return len(SETTINGS)

    def __repr__(self) -> str:
        return f"Settings({self.given()!r})"
