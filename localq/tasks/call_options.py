"""The options of a call: what each may be. All are checked in the caller; `option_names` says which there are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, NamedTuple

from localq.canvas.signatures import of_task
from localq.model.bounds import checked_id, checked_name, is_number, is_priority, is_whole
from localq.model.ids import text_id
from localq.model.stamps import split_stamps
from localq.serialization import codec
from localq.serialization.compression import check_compression
from localq.serialization.serializers import check_serializer
from localq.tasks.call_times import FARTHEST_S, When
from localq.tasks.option_names import BROKER_ONLY, FAMILY, KEPT, read_options
from localq.tasks.routing.queues import queue_name

__all__ = [
    "Changes",
    "Find",
    "check_kept",
    "check_priority",
    "kept_of",
    "read_changes",
    "read_run_at",
]

#: Finds a task by its name, or returns None.
Find = Callable[[str], Any]


def kept_of(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return those of a call's options that are kept with its job, as they are."""
    return {name: value for name, value in options.items() if value is not None and name in KEPT}


class Changes(NamedTuple):
    """What a retry changes of its job: options to keep with it, and its place; None keeps the old."""

    kept: dict[str, Any]
    queue: str | None
    priority: int | None


def read_changes(options: Mapping[str, Any], find: Find | None = None) -> Changes:
    """Return what the options of a retry change, checked as those of a call.

    Raises:
        TypeError, ValueError: an option that cannot be, with its name and value.
    """
    read_options(options)
    kept = kept_of(options)
    check_kept(kept, find)
    queue, rank = options.get("queue"), options.get("priority")
    return Changes(kept, None if queue is None else queue_name(queue), None if rank is None else check_priority(rank))


def read_run_at(options: Mapping[str, Any], when: When) -> int | None:
    """Return the time that a call is to wait for, by its countdown or eta; None where it names none.

    Raises:
        TypeError, ValueError: it cannot be a time, or there are two.
    """
    countdown, eta = options.get("countdown"), options.get("eta")
    if countdown is not None and eta is not None:
        raise TypeError("apply_async() takes countdown or eta, not both")
    if countdown is not None:
        if not isinstance(countdown, timedelta | int | float) or isinstance(countdown, bool):
            raise TypeError(f"countdown must be seconds, not {countdown!r}")
        return when.micros(countdown, "countdown")
    return None if eta is None else when.micros(eta, "eta")


def check_priority(rank: int) -> int:
    """Return the priority that a call names.

    Raises:
        ValueError: it is none.
    """
    if not is_priority(rank):
        raise ValueError(f"priority={rank!r} must be a whole number from 0 to 9; higher runs first")
    return rank


def check_kept(kept: dict[str, Any], find: Find | None) -> None:
    """Check the options that stay with a job, and bring them into the form they are kept in.

    Raises:
        TypeError, ValueError: an option that cannot be, with its name and value.
    """
    for name in FAMILY:
        if name in kept:
            kept[name] = text_id(kept[name])
    if kept.keys() <= FAMILY:
        # Of most members of a workflow, which may be many, there is no more to look at.
        return
    for name in ("time_limit", "soft_time_limit", "default_retry_delay"):
        value = kept.get(name)
        if isinstance(value, timedelta):
            kept[name] = value = value.total_seconds()
        if value is not None and not is_number(value, 0, FARTHEST_S):
            raise ValueError(f"{name}={value!r} must be a number of seconds")
    if kept.get("serializer") is not None:
        check_serializer(kept["serializer"])
    hard, soft = kept.get("time_limit"), kept.get("soft_time_limit")
    if hard and soft and soft > hard:
        raise ValueError(f"soft_time_limit={soft!r} must not be over time_limit={hard!r}")
    for name in ("max_retries", "retries"):
        value = kept.get(name)
        if value is not None and not is_whole(value, 0):
            raise ValueError(f"{name}={value!r} must be 0 or a positive whole number")
    for name in ("link", "link_error"):
        if name in kept:
            kept[name] = _signatures(kept[name], name, find)
    if "compression" in kept:
        try:
            check_compression(kept["compression"])
        except ValueError as error:
            raise ValueError(f"compression={kept['compression']!r} {error}") from None
    if not isinstance(kept.get("headers", {}), Mapping):
        raise TypeError(f"headers must be a mapping, not {kept['headers']!r}")


def _signatures(given: Any, option: str, find: Find | None) -> list[dict[str, Any]]:
    """Return signatures as plain data: task, call (encoded arguments), options, immutable."""
    given = of_task(given)
    many: Any = [given] if isinstance(given, Mapping) else given
    if isinstance(many, list | tuple):
        many = [of_task(one) for one in many]
    if (
        not isinstance(many, Sequence)
        or isinstance(many, str)
        or not all(isinstance(one, Mapping) and one.get("task") for one in many)
    ):
        raise TypeError(f"{option} must be a signature or a list of them, such as {option}=task.s(), not {given!r}")
    for one in many:
        checked_name(one["task"], f"the task of {option}")
    plain = [_plain_signature(one, find) for one in many]
    if option == "link_error" and any("canvas" in one for one in plain):
        raise TypeError("link_error takes tasks: an error callback is no workflow, but a task may start one")
    return plain


def _plain_signature(sig: Mapping[str, Any], find: Find | None) -> dict[str, Any]:
    if sig.get("canvas") is not None:
        return dict(sig)
    if sig.get("subtask_type") is not None:
        # A workflow is planned when it is its turn.
        return {"task": sig["task"], "canvas": codec.encode(_bare(sig)).decode()}
    task = None if find is None else find(sig["task"])
    said = sig.get("call")
    if said is None:
        said = codec.encode_call(tuple(sig.get("args", ())), dict(sig.get("kwargs", {}))).decode()
    return {
        "task": sig["task"],
        "call": said,
        "options": _link_options(sig.get("options", {}), task, find),
        "immutable": bool(sig.get("immutable", False)),
    }


def _bare(value: Any) -> Any:
    """Return a signature, and those within it, as dicts and lists that any reader knows."""
    if isinstance(value, Mapping):
        return {key: _bare(one) for key, one in value.items()}
    return [_bare(one) for one in value] if type(value) is list else value


def _link_options(given: Mapping[str, Any], task: Any, find: Find | None) -> dict[str, Any]:
    """Return the options of a callback, checked now: later nobody is there to be told."""
    given, stamps = split_stamps(given)
    read_options(given)
    own = {name: getattr(task, name, None) for name in ("queue", "priority", "serializer", "expires")}
    merged = {**own, **given, **({"stamps": stamps} if stamps else {})}
    options = {n: v for n, v in merged.items() if v is not None and n not in BROKER_ONLY}
    check_kept(options, find)
    read_run_at(options, _NOWHEN)
    for name in ("countdown", "eta", "expires"):
        value = options.get(name)
        if value is not None:
            _NOWHEN.micros(value, name)
            options[name] = _textual(value)
    for name, check in _PLACES.items():
        if name in options:
            options[name] = check(options[name])
    return options


_NOWHEN = When(None, 0)
_PLACES: dict[str, Callable[[Any], Any]] = {
    "queue": queue_name,
    "priority": check_priority,
    "task_id": partial(checked_id, what="task_id"),
}


def _textual(value: Any) -> Any:
    if isinstance(value, timedelta):
        return value.total_seconds()
    return value.isoformat() if isinstance(value, datetime) else value
