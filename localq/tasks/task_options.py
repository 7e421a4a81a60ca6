"""Whether the options a task is defined with can be: told where it is defined, not when a job fails by them.

A module that defines a task is imported whatever its options are, as in Celery: what cannot be is warned of, and
refused where the task is called.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial
from math import isfinite
from typing import Any

from localq.exceptions import NoEffectWarning
from localq.model.bounds import A_NAME, is_name, is_number, is_priority, is_whole
from localq.model.hints import near_miss
from localq.model.rates import read_rate
from localq.model.warning import warn
from localq.tasks.call_times import When
from localq.tasks.option_names import OPTIONS
from localq.tasks.task import Task

__all__ = ["EXCEPTION_OPTIONS", "check_definition", "tell_of_odd"]

#: Options that hold classes of exceptions; one alone may stand without a tuple.
EXCEPTION_OPTIONS = ("throws", "autoretry_for", "dont_autoretry_for")
#: Options that are true or false.
_FLAGS = ("retry_jitter", "typing", "ignore_result", "store_errors_even_if_ignored", "acks_late", "track_started")
#: What `retry_kwargs` may hold: the parameters of `Task.retry`.
_RETRY = frozenset({"args", "kwargs", "throw", "eta", "countdown", "max_retries"}) | OPTIONS


def check_definition(task: Task[..., Any]) -> None:
    """Bring a task's options into their form: exception classes into tuples, lengths of time into seconds.

    What cannot be is put back to what holds where nothing is said, and kept as the task's `_wrong`: its calls raise it.
    """
    for option, form in _FORMS.items():
        value = getattr(task, option)
        try:
            formed = form(value)
        except (TypeError, ValueError) as error:
            formed = getattr(Task, option)
            task._wrong = task._wrong or type(error)(f"Task {task.name}: {error}")
        if formed is not value:
            setattr(task, option, formed)
    for option in _FLAGS:
        value = getattr(task, option)
        if not (value is None or isinstance(value, bool | int)):
            setattr(task, option, bool(value))
            task._odd = (*task._odd, f"{option}={value!r} is taken as {bool(value)}")
    hard, soft = task.time_limit, task.soft_time_limit
    if hard and soft and soft > hard:
        said = f"Task {task.name}: soft_time_limit={soft!r} must not be over time_limit={hard!r}"
        task._wrong = task._wrong or ValueError(said)


def tell_of_odd(task: Task[..., Any]) -> None:
    """Warn of the options of a task that cannot be, or are hardly meant so."""
    if task._wrong is not None:
        warn(f"{task._wrong}. Calls of it will be refused.", NoEffectWarning)
    for said in task._odd:
        warn(f"Task {task.name}: {said}", NoEffectWarning)
    for name in task.retry_kwargs:
        meant = None if name in _RETRY else near_miss(name, _RETRY)
        if meant is not None:
            warn(f"Task {task.name}: retry_kwargs has {name!r}. Did you mean {meant!r}?", NoEffectWarning)


def _seconds(option: str, value: Any) -> Any:
    if isinstance(value, timedelta):
        value = value.total_seconds()
    if value is not None and not is_number(value, 0):
        raise ValueError(f"{option}={value!r} must be a number of seconds")
    return value


def _exceptions(option: str, given: Any) -> tuple[type[BaseException], ...]:
    many = tuple(given) if isinstance(given, tuple | list | set | frozenset) else () if given is None else (given,)
    if not all(inspect.isclass(one) and issubclass(one, BaseException) for one in many):
        raise TypeError(f"{option}={given!r} must be exception classes")
    return given if many == given else many


def _rate(value: Any) -> Any:
    read_rate(value)
    return value


def _redact(value: Any) -> tuple[str | int, ...]:
    many = (value,) if isinstance(value, str | int) and not isinstance(value, bool) else value
    if not isinstance(many, tuple | list | set | frozenset) or not all(_is_argument(one) for one in many):
        raise TypeError(f"redact={value!r} must be names or places of arguments, such as ('password', 0)")
    return tuple(many)


def _is_argument(value: Any) -> bool:
    return is_whole(value, 0) or (isinstance(value, str) and bool(value))


def _expires(value: Any) -> Any:
    if value is not None:
        When(None, 0).micros(value, "expires")
    return value


def _fitting(option: str, fits: Callable[[Any], bool], said: str, value: Any) -> Any:
    if not fits(value):
        raise ValueError(f"{option}={value!r} must be {said}")
    return value


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


_RULES: dict[str, tuple[Callable[[Any], bool], str]] = {
    "retry_backoff": (_is_factor, "True, False, or the seconds before the first retry"),
    "retry_backoff_max": (lambda value: is_whole(value, 0), "a whole number of seconds"),
    "retry_kwargs": (
        _are_retry_options,
        "a mapping of what retry() takes, such as {'max_retries': 5}, countdown in seconds",
    ),
    "max_crashes": (lambda value: value is None or is_whole(value, 1), "a whole number from 1, or None"),
    "max_retries": (lambda value: value is None or is_whole(value, 0), "0, a positive whole number, or None"),
    "priority": (lambda value: value is None or is_priority(value), "a whole number from 0 to 9"),
    "queue": (_is_queue, f"a name of {A_NAME}, or None"),
    "serializer": (lambda value: value is None or bool(value and isinstance(value, str)), "a name, or None"),
}
#: What brings each option into its form, or says why it cannot be.
_FORMS: dict[str, Callable[[Any], Any]] = {
    **{option: partial(_seconds, option) for option in ("time_limit", "soft_time_limit", "default_retry_delay")},
    **{option: partial(_exceptions, option) for option in EXCEPTION_OPTIONS},
    **{option: partial(_fitting, option, *rule) for option, rule in _RULES.items()},
    "rate_limit": _rate,
    "expires": _expires,
    "redact": _redact,
}
