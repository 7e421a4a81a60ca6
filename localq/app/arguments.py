"""Arguments of an app that it has no parameters for: settings, those of Celery's apps, and names of a program's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from warnings import warn

from localq.exceptions import NoEffectWarning
from localq.model.hints import near_miss
from localq.settings import NEW_NAMES, SETTINGS

__all__ = ["WITHOUT_EFFECT", "settings_of", "warn_of_place"]

#: Arguments of Celery's apps that name classes of theirs, and what there is instead.
WITHOUT_EFFECT = {
    "loader": "there are no loaders; use config_from_object() and autodiscover_tasks()",
    "amqp": "there are no messages; use task_queues and task_routes",
    "events": "there are no messages; app.events.Receiver listens",
    "log": "use the signals setup_logging and after_setup_logger",
    "control": "derive from localq.monitor.control.Control, and use that",
    "fixups": "LocalQ finds Django by itself",
    "config_source_silent": "give silent=True to config_from_object()",
}

_OF_WORKERS = "give it to q.running(...) or q.start(...), or as {option} to localq worker; the setting is {setting}"
_OF_TASKS = "give it to @q.task({name}=...)"
#: What reads like a setting and belongs to workers or tasks. It is kept, as any name of a program's own is.
_ELSEWHERE = {
    "concurrency": _OF_WORKERS.format(option="-c", setting="worker_concurrency"),
    "pool": _OF_WORKERS.format(option="-P", setting="worker_pool"),
    "max_retries": _OF_TASKS.format(name="max_retries"),
    "rate_limit": f"{_OF_TASKS.format(name='rate_limit')}; the setting is task_default_rate_limit",
    "retry": "use @q.task(autoretry_for=(SomeError,), max_retries=...)",
    "timeout": "a job's limit is @q.task(time_limit=...), a wait's is result.get(timeout=...)",
}


def settings_of(given: Mapping[str, Any], parameters: Sequence[str]) -> dict[str, Any]:
    """Return the settings among further arguments of an app, and the names of a program's own that are like none.

    Args:
        parameters: The names of the arguments that an app has.

    Raises:
        TypeError: a name is nearly that of a setting or an argument.
    """
    settings = {**(given.get("changes") or {}), **{name: value for name, value in given.items() if name != "changes"}}
    for name in sorted(settings.keys() & WITHOUT_EFFECT.keys()):
        if settings.pop(name):
            warn(
                f"The argument {name!r} of an app has no effect: {WITHOUT_EFFECT[name]}.",
                NoEffectWarning,
                stacklevel=3,
            )
    for name in sorted(settings.keys() & _ELSEWHERE.keys()):
        warn(f"LocalQ({name}=...) has no effect: {_ELSEWHERE[name]}.", NoEffectWarning, stacklevel=3)
    for name in settings:
        if name not in SETTINGS and name not in NEW_NAMES:
            meant = near_miss(name, [*SETTINGS, *parameters])
            if meant is not None:
                raise TypeError(f"LocalQ() got an unknown setting {name!r}. Did you mean {meant!r}?")
    return settings


def warn_of_place(main: str | None, place: object) -> None:
    """Warn of an app's name that reads like the file or the address of its jobs, where no such place was given."""
    if main is None or place:
        return
    option = "url" if "://" in main else "path" if main.endswith((".db", ".sqlite", ".sqlite3")) else None
    if option is not None:
        warn(
            f"LocalQ({main!r}) is an app of that name, and says nothing of where its jobs are: {option}={main!r} does.",
            NoEffectWarning,
            stacklevel=3,
        )
