"""Whether the options a task is defined with can be: told where it is defined, not when a job fails by them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from datetime import timedelta
from math import isfinite
from typing import Any

from localq.model.bounds import A_NAME, is_name, is_number, is_priority, is_whole
from localq.model.hints import nearest
from localq.model.rates import read_rate
from localq.tasks.call_options import OPTIONS
from localq.tasks.call_times import When
from localq.tasks.task import Task

__all__ = ["EXCEPTION_OPTIONS", "check_definition"]

#: Options that hold classes of exceptions; one alone may stand without a tuple.
EXCEPTION_OPTIONS = ("throws", "autoretry_for", "dont_autoretry_for")
#: What `retry_kwargs` may hold: the parameters of `Task.retry`.
_RETRY = frozenset({"args", "kwargs", "throw", "eta", "countdown", "max_retries"}) | OPTIONS


def check_definition(task: Task[..., Any]) -> None:
    """Check a task's options; put exception classes into tuples, and lengths of time into seconds.

    Raises:
        ValueError, TypeError: names the task, the option and its value.
    """
    _check_limits(task)
    for option in EXCEPTION_OPTIONS:
        classes = _exceptions(task, option)
        if classes != getattr(task, option):
            setattr(task, option, classes)
    for option, (fits, said) in _RULES.items():
        value = getattr(task, option)
        if not fits(value):
            raise ValueError(f"Task {task.name}: {option}={value!r} must be {said}")
    for name in task.retry_kwargs:
        if name not in _RETRY:
            raise TypeError(f"Task {task.name}: retry_kwargs has an unknown {name!r}.{nearest(name, sorted(_RETRY))}")
    if task.expires is not None:
        try:
            When(None, 0).micros(task.expires, "expires")
        except (TypeError, ValueError) as error:
            raise type(error)(f"Task {task.name}: {error}") from None


def _check_limits(task: Task[..., Any]) -> None:
    for option in ("time_limit", "soft_time_limit", "default_retry_delay"):
        value: Any = getattr(task, option)
        if isinstance(value, timedelta):
            value = value.total_seconds()
            setattr(task, option, value)
        if value is not None and not is_number(value, 0):
            raise ValueError(f"Task {task.name}: {option}={value!r} must be a number of seconds")
    hard, soft = task.time_limit, task.soft_time_limit
    if hard and soft and soft > hard:
        raise ValueError(f"Task {task.name}: soft_time_limit={soft!r} must not be over time_limit={hard!r}")
    try:
        read_rate(task.rate_limit)
    except ValueError as error:
        raise ValueError(f"Task {task.name}: {error}") from None


def _exceptions(task: Task[..., Any], option: str) -> tuple[type[BaseException], ...]:
    given: Any = getattr(task, option)
    many = tuple(given) if isinstance(given, tuple | list | set | frozenset) else () if given is None else (given,)
    if not all(inspect.isclass(one) and issubclass(one, BaseException) for one in many):
        raise TypeError(f"Task {task.name}: {option}={given!r} must be exception classes")
    return many


def _is_flag(value: Any) -> bool:
    return value is None or isinstance(value, bool | int)


def _is_factor(value: Any) -> bool:
    return value is None or isinstance(value, bool) or (is_number(value, 0) and isfinite(value))


def _is_queue(value: Any) -> bool:
    return value is None or is_name(getattr(value, "name", value))


def _are_retry_options(value: Any) -> bool:
    if not isinstance(value, Mapping):
        return False
    wait, most = value.get("countdown"), value.get("max_retries")
    waits = wait is None or isinstance(wait, timedelta) or (not isinstance(wait, bool) and _is_factor(wait))
    return waits and (most is None or is_whole(most, 0))


_FLAG: tuple[Callable[[Any], bool], str] = (_is_flag, "True or False")
_RULES: dict[str, tuple[Callable[[Any], bool], str]] = {
    "retry_backoff": (_is_factor, "True, False, or the seconds before the first retry"),
    "retry_backoff_max": (lambda value: is_whole(value, 0), "a whole number of seconds"),
    "retry_jitter": _FLAG,
    "retry_kwargs": (
        _are_retry_options,
        "a mapping of what retry() takes, such as {'max_retries': 5}, countdown in seconds",
    ),
    "max_crashes": (lambda value: value is None or is_whole(value, 1), "a whole number from 1, or None"),
    "max_retries": (lambda value: value is None or is_whole(value, 0), "0, a positive whole number, or None"),
    "priority": (lambda value: value is None or is_priority(value), "a whole number from 0 to 9"),
    "queue": (_is_queue, f"a name of {A_NAME}, or None"),
    "serializer": (lambda value: value is None or bool(value and isinstance(value, str)), "a name, or None"),
    "typing": _FLAG,
    "ignore_result": _FLAG,
    "store_errors_even_if_ignored": _FLAG,
    "acks_late": _FLAG,
    "track_started": _FLAG,
}
