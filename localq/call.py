"""From a call's options to a NewJob: checked in full, in the caller, before anything is stored.

Option names are Celery's (`Task.apply_async` of 5.7). Those that only make sense for a broker are accepted and
ignored (`BROKER_ONLY`); any other unknown name is a TypeError that names the nearest.
"""

from __future__ import annotations

import itertools
import json
import os
import time
import warnings
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from localq import codec
from localq.clock import from_datetime
from localq.job import NewJob
from localq.settings import nearest

__all__ = ["BROKER_ONLY", "KEPT", "OPTIONS", "When", "follow_up_id", "new_id", "new_job", "read_options"]

#: Options that end in the job's own columns.
_COLUMNS = ("countdown", "eta", "expires", "queue", "priority", "task_id", "retries")
#: Options kept with the job as they are.
KEPT = (
    "time_limit",
    "soft_time_limit",
    "ignore_result",
    "store_errors_even_if_ignored",
    "acks_late",
    "max_retries",
    "default_retry_delay",
    "headers",
    "shadow",
    "serializer",
    "root_id",
    "parent_id",
    "group_id",
    "link",
    "link_error",
    "argsrepr",
    "kwargsrepr",
)
#: Options without a meaning where there is no broker: accepted, and ignored.
BROKER_ONLY = frozenset(
    "producer connection publisher exchange exchange_type routing_key delivery_mode immediate mandatory compression "
    "retry retry_policy reply_to correlation_id add_to_parent route_name router result_cls task_type origin "
    "group_index chord chain replaced_task_nesting stamped_headers".split()
)
OPTIONS = frozenset(_COLUMNS) | frozenset(KEPT) | BROKER_ONLY
_SECOND = 1_000_000

_counter = itertools.count(1)
_process = int.from_bytes(os.urandom(4), "big")


def _reseed() -> None:
    global _process
    _process = int.from_bytes(os.urandom(4), "big")


os.register_at_fork(after_in_child=_reseed)


def new_id() -> str:
    """Return a new job id: a UUID (version 7) that sorts by time, in order within a process.

    Random ids cost three times as much in a unique index.
    """
    nanos = time.time_ns()
    millis, rest = divmod(nanos, 1_000_000)
    number = next(_counter) & 0xFFFFFFFF
    head = f"{millis:012x}"
    return (
        f"{head[:8]}-{head[8:]}-7{rest * 4096 // 1_000_000:03x}-"
        f"{0x8000 | number >> 18 & 0x3FFF:04x}-{(number & 0x3FFFF) << 30 | _process & 0x3FFFFFFF:012x}"
    )


_FOLLOW_UPS = UUID("6d7f2ab0-5d0c-4f6e-9d2f-6c6f63616c71")


def follow_up_id(job_id: str, run_token: int, number: int) -> str:
    """Return the id of a job that follows from an attempt: the same however often it is computed."""
    return str(uuid5(_FOLLOW_UPS, f"{job_id}/{run_token}/{number}"))


class When(NamedTuple):
    """How naive times are read: in `zone`, or UTC."""

    zone: str | None
    now: int

    def micros(self, value: Any, option: str) -> int:
        """Return a datetime, an ISO text, or seconds from now, as microseconds since 1970."""
        if isinstance(value, timedelta):
            return self.now + round(value.total_seconds() * _SECOND)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return self.now + round(value * _SECOND)
        if isinstance(value, str):
            try:
                value = datetime.fromisoformat(value)
            except ValueError as error:
                raise ValueError(f"{option}={value!r} is no ISO time: {error}") from error
        if isinstance(value, datetime):
            if value.tzinfo is None:
                value = value.replace(tzinfo=ZoneInfo(self.zone) if self.zone else UTC)
            return from_datetime(value)
        raise TypeError(f"{option} must be a datetime, an ISO text or seconds, not {type(value).__name__}")


def read_options(options: Mapping[str, Any]) -> None:
    """Check the names of a call's options.

    Raises:
        TypeError: names the option, and the nearest known one.
    """
    for name in options:
        if name not in OPTIONS:
            raise TypeError(f"apply_async() got an unknown option {name!r}.{nearest(name, sorted(OPTIONS))}")


def new_job(
    task: str,
    args: bytes,
    options: Mapping[str, Any],
    *,
    when: When,
    queue: str,
    priority: int,
) -> NewJob:
    """Return the job of a call.

    Args:
        options: The call's own merged over the task's; None counts as not given.
        queue, priority: Where the options name none.

    Raises:
        TypeError, ValueError: an option that cannot be, with its name and value.
    """
    run_at = _run_at(options, when)
    expires = options.get("expires")
    expires_at = None if expires is None else when.micros(expires, "expires")
    if expires_at is not None and expires_at <= when.now:
        warnings.warn(f"{task}: expires={expires!r} is in the past; the job will be revoked", stacklevel=5)
    chosen = options.get("queue")
    rank = options.get("priority")
    kept = {name: options[name] for name in KEPT if options.get(name) is not None}
    if kept:
        _check_kept(kept)
    return NewJob(
        id=_id(options.get("task_id")),
        task=task,
        queue=queue if chosen is None else _queue_name(chosen),
        args=args,
        priority=priority if rank is None else _priority(rank),
        run_at=run_at,
        expires_at=expires_at,
        options=_written(kept) if kept else None,
    )


def _id(given: Any) -> str:
    if given is None:
        return new_id()
    text = str(given)
    if not text or len(text) > 255 or any(c.isspace() or not c.isprintable() for c in text):
        raise ValueError(f"task_id={given!r} must be 1 to 255 printable characters without white space")
    return text


def _run_at(options: Mapping[str, Any], when: When) -> int | None:
    countdown, eta = options.get("countdown"), options.get("eta")
    if countdown is not None and eta is not None:
        raise TypeError("apply_async() takes countdown or eta, not both")
    if countdown is not None:
        if isinstance(countdown, bool) or not isinstance(countdown, int | float | timedelta):
            raise TypeError(f"countdown must be seconds, not {countdown!r}")
        return when.micros(countdown, "countdown")
    return None if eta is None else when.micros(eta, "eta")


def _queue_name(queue: Any) -> str:
    name = getattr(queue, "name", queue)
    if not isinstance(name, str) or not 0 < len(name) <= 255 or not name.isprintable():
        raise ValueError(f"queue={queue!r} must be a name of 1 to 255 printable characters")
    return name


def _priority(rank: Any) -> int:
    if isinstance(rank, bool) or not isinstance(rank, int) or not 0 <= rank <= 9:
        raise ValueError(f"priority={rank!r} must be a whole number from 0 to 9; higher runs first")
    return rank


def _check_kept(kept: dict[str, Any]) -> None:
    for name in ("time_limit", "soft_time_limit", "default_retry_delay"):
        value = kept.get(name)
        if isinstance(value, timedelta):
            kept[name] = value = value.total_seconds()
        if value is not None and (
            isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0
        ):
            raise ValueError(f"{name}={value!r} must be a number of seconds")
    hard, soft = kept.get("time_limit"), kept.get("soft_time_limit")
    if hard and soft and soft > hard:
        raise ValueError(f"soft_time_limit={soft!r} must not be over time_limit={hard!r}")
    for name in ("link", "link_error"):
        if name in kept:
            kept[name] = _signatures(kept[name], name)
    if not isinstance(kept.get("headers", {}), Mapping):
        raise TypeError(f"headers must be a mapping, not {kept['headers']!r}")


def _signatures(given: Any, option: str) -> list[dict[str, Any]]:
    """Return signatures as plain data: task, call (encoded arguments), options, immutable."""
    many: Sequence[Any] = [given] if isinstance(given, Mapping) else given
    if isinstance(many, str) or not all(isinstance(one, Mapping) and one.get("task") for one in many):
        raise TypeError(
            f"{option} must be a signature or a list of them, such as {option}=task.s(), not {given!r}"
        )
    return [_plain_signature(one) for one in many]


def _plain_signature(sig: Mapping[str, Any]) -> dict[str, Any]:
    options = dict(sig.get("options", {}))
    read_options(options)
    for name in ("link", "link_error"):
        if options.get(name) is not None:
            options[name] = _signatures(options[name], name)
    said = sig.get("call")
    if said is None:
        said = codec.encode_call(tuple(sig.get("args", ())), dict(sig.get("kwargs", {}))).decode()
    return {
        "task": sig["task"],
        "call": said,
        "options": options,
        "immutable": bool(sig.get("immutable", False)),
    }


def _written(kept: dict[str, Any]) -> str:
    try:
        return json.dumps(kept, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError) as error:
        for name, value in kept.items():
            try:
                json.dumps(value, allow_nan=False)
            except (TypeError, ValueError):
                raise TypeError(f"option {name}={value!r} cannot be written as JSON: {error}") from error
        raise
