"""From a call's options to a NewJob: checked in full, in the caller, before anything is stored.

Option names are Celery's (`Task.apply_async` of 5.7). Those that only make sense for a broker are accepted
and ignored (`BROKER_ONLY`); any other unknown name is a TypeError that names the nearest.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from localq.exceptions import InvalidTaskError
from localq.model.clock import from_datetime
from localq.model.hints import nearest
from localq.model.ids import new_id
from localq.model.job import NewJob
from localq.model.stamps import split_stamps
from localq.serialization import codec
from localq.serialization.compression import check_compression
from localq.settings import Settings

__all__ = [
    "BROKER_ONLY",
    "KEPT",
    "OPTIONS",
    "ROUTING",
    "Changes",
    "When",
    "from_now",
    "new_job",
    "read_changes",
    "read_options",
    "zone_of",
]

#: Options that end in the job's own columns.
_COLUMNS = ("countdown", "eta", "expires", "queue", "priority", "task_id", "beside")
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
    "compression",
    "stamps",
)
#: Options without a meaning where there is no broker: accepted, and ignored.
_BROKER_ONLY = """
    producer connection publisher delivery_mode immediate mandatory
    retry retry_policy retries reply_to correlation_id add_to_parent route_name router result_cls
    task_type origin group_index chord chain replaced_task_nesting stamped_headers
"""
BROKER_ONLY = frozenset(_BROKER_ONLY.split())
#: Options that say which queue is meant, where `localq.tasks.routing.router` is asked.
ROUTING = ("exchange", "exchange_type", "routing_key")
OPTIONS = frozenset(_COLUMNS) | frozenset(ROUTING) | frozenset(KEPT) | BROKER_ONLY
_SECOND = 1_000_000
#: Seconds from now that a time may lie ahead: a thousand years, well within the store's 64 bits.
_FAREST_S = 31_557_600_000
#: Finds a task by its name, or returns None.
Find = Callable[[str], Any]


class When(NamedTuple):
    """How naive times are read: in `zone`, in this machine's where that is "local", or in UTC."""

    zone: str | None
    now: int

    def _zone(self) -> tzinfo:
        return ZoneInfo(self.zone) if self.zone else UTC

    def micros(self, value: Any, option: str) -> int:
        """Return a datetime, an ISO text, or seconds from now, as microseconds since 1970."""
        if isinstance(value, timedelta):
            value = value.total_seconds()
        if isinstance(value, int | float) and not isinstance(value, bool):
            if not abs(value) <= _FAREST_S:
                raise ValueError(f"{option}={value!r} must be a number of seconds, {_FAREST_S:,} at most")
            return self.now + round(value * _SECOND)
        if isinstance(value, str):
            try:
                value = datetime.fromisoformat(value)
            except ValueError as error:
                raise ValueError(f"{option}={value!r} is no ISO time: {error}") from error
        if isinstance(value, datetime):
            if value.tzinfo is None:
                value = value.astimezone() if self.zone == "local" else value.replace(tzinfo=self._zone())
            return from_datetime(value)
        raise TypeError(f"{option} must be a datetime, an ISO text or seconds, not {type(value).__name__}")


def zone_of(settings: Settings) -> str | None:
    """Return how naive times are read, for `When`: as the settings timezone and enable_utc say."""
    zone: str | None = settings.timezone
    return zone or (None if settings.enable_utc else "local")


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
    find: Find | None = None,
) -> NewJob:
    """Return the job of a call.

    Args:
        options: The call's own merged over the task's; None counts as not given.
        queue, priority: Where the options name none.
        find: Finds the tasks of callbacks, whose own options then apply to them.

    Raises:
        TypeError, ValueError: an option that cannot be, with its name and value.
        InvalidTaskError: callbacks are nested too deeply.
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
        try:
            _check_kept(kept, find)
        except RecursionError:
            raise InvalidTaskError(
                f"{task}: its callbacks have callbacks, nested too deeply to be written down. Make a chain of them."
            ) from None
    if run_at is not None:
        kept["eta"] = run_at
    return NewJob(
        id=_id(options.get("task_id")),
        task=task,
        queue=queue if chosen is None else _queue_name(chosen),
        args=args,
        priority=priority if rank is None else _priority(rank),
        run_at=run_at,
        expires_at=expires_at,
        options=_written(kept) if kept else None,
        beside=options.get("beside"),
    )


def from_now(value: Any, option: str) -> int | None:
    """Return seconds from a moment not known yet as negative microseconds; None for what is no such number."""
    if isinstance(value, bool) or not isinstance(value, int | float | timedelta):
        return None
    return -max(0, When(None, 0).micros(value, option))


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
    kept = {name: options[name] for name in KEPT if options.get(name) is not None}
    _check_kept(kept, find)
    queue, rank = options.get("queue"), options.get("priority")
    return Changes(kept, None if queue is None else _queue_name(queue), None if rank is None else _priority(rank))


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


def _check_kept(kept: dict[str, Any], find: Find | None) -> None:
    for name in ("time_limit", "soft_time_limit", "default_retry_delay"):
        value = kept.get(name)
        if isinstance(value, timedelta):
            kept[name] = value = value.total_seconds()
        if value is not None and not _is_seconds(value):
            raise ValueError(f"{name}={value!r} must be a number of seconds")
    if kept.get("serializer") not in (None, *codec.SERIALIZERS):
        raise ValueError(f"serializer={kept['serializer']!r} must be one of {', '.join(codec.SERIALIZERS)}")
    hard, soft = kept.get("time_limit"), kept.get("soft_time_limit")
    if hard and soft and soft > hard:
        raise ValueError(f"soft_time_limit={soft!r} must not be over time_limit={hard!r}")
    most = kept.get("max_retries")
    if most is not None and (isinstance(most, bool) or not isinstance(most, int) or most < 0):
        raise ValueError(f"max_retries={most!r} must be 0 or a positive whole number")
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


def _is_seconds(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= _FAREST_S


def _signatures(given: Any, option: str, find: Find | None) -> list[dict[str, Any]]:
    """Return signatures as plain data: task, call (encoded arguments), options, immutable."""
    many: Any = [given] if isinstance(given, Mapping) else given
    if (
        not isinstance(many, Sequence)
        or isinstance(many, str)
        or not all(isinstance(one, Mapping) and one.get("task") for one in many)
    ):
        raise TypeError(f"{option} must be a signature or a list of them, such as {option}=task.s(), not {given!r}")
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
    _check_kept(options, find)
    _run_at(options, _NOWHEN)
    for name in ("countdown", "eta", "expires"):
        value = options.get(name)
        if value is not None:
            _NOWHEN.micros(value, name)
            options[name] = _textual(value)
    for name, check in (("queue", _queue_name), ("priority", _priority), ("task_id", _id)):
        if name in options:
            options[name] = check(options[name])
    return options


_NOWHEN = When(None, 0)


def _textual(value: Any) -> Any:
    if isinstance(value, timedelta):
        return value.total_seconds()
    return value.isoformat() if isinstance(value, datetime) else value


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
