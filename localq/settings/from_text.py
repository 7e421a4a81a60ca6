"""Settings written as text: in the environment and on the command line."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from localq.exceptions import ImproperlyConfigured
from localq.settings.all_settings import SETTINGS
from localq.settings.setting import Setting

__all__ = ["from_arguments", "from_environment", "value_of"]

_WORDS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False, "none": None, "": None}
_CAST = re.compile(r"\((\w+)\)")
_CASTS: dict[str, Callable[[str], Any]] = {
    "string": str,
    "str": str,
    "int": int,
    "float": float,
    "bool": lambda said: _WORDS.get(said.lower(), bool(said)) if not said.isdigit() else bool(int(said)),
    "any": str,
    "json": json.loads,
    "dict": json.loads,
    "list": json.loads,
    "tuple": lambda said: tuple(json.loads(said)),
}

#: Celery reads these two by its own names, whatever else is configured.
_CELERY = {"CELERY_BROKER_URL": "broker_url", "CELERY_RESULT_BACKEND": "result_backend"}


def value_of(setting: Setting, said: str) -> Any:
    """Return the value that a text stands for: the first reading that the setting accepts.

    Tried are JSON (numbers, lists, mappings), words such as yes and none, the text itself, and a list of names
    parted by commas.

    Raises:
        ImproperlyConfigured: it accepts none of them.
    """
    readings: list[Any] = []
    try:
        readings.append(json.loads(said))
    except ValueError:
        if said.lower() in _WORDS:
            readings.append(_WORDS[said.lower()])
    readings += [said, [name.strip() for name in said.split(",") if name.strip()]]
    reason: Exception | None = None
    for value in readings:
        try:
            setting.check(value)
        except (TypeError, ValueError) as error:
            reason = reason or error
        else:
            return value
    raise ImproperlyConfigured(f"Setting {setting.name} is {said!r}: it {reason}.") from reason


def from_environment(environ: Mapping[str, str], prefix: str = "LOCALQ_") -> dict[str, Any]:
    """Return the settings that the environment has: LOCALQ_TASK_DEFAULT_QUEUE is task_default_queue.

    With LocalQ's own prefix, Celery's CELERY_BROKER_URL and CELERY_RESULT_BACKEND count too.

    Raises:
        ImproperlyConfigured: a value that cannot be, with its name.
    """
    found = {name: environ[key] for key, name in _CELERY.items() if environ.get(key) and prefix == "LOCALQ_"}
    for key, said in environ.items():
        name = key.removeprefix(prefix).lower()
        if key.startswith(prefix) and name in SETTINGS:
            found[name] = said
    return {name: value_of(SETTINGS[name], said) for name, said in found.items()}


def from_arguments(arguments: Iterable[str], namespace: str = "") -> dict[str, Any]:
    """Return the settings that arguments name: `worker.concurrency=4`, `task_queues=(json)[...]`.

    Args:
        arguments: Each `name=value`; a dot in a name is an underscore, and `(type)` before the value casts it.
        namespace: Stands before names that begin with a dot or underscore: `.concurrency=4` in "worker".

    Raises:
        ImproperlyConfigured: an argument that is none, or a value that cannot be.
    """
    found: dict[str, Any] = {}
    for argument in arguments:
        key, equals, said = argument.partition("=")
        if not equals or not key:
            raise ImproperlyConfigured(f"{argument!r} sets nothing: write name=value, as in worker.concurrency=4.")
        name = key.lower().replace(".", "_")
        name = namespace.lower() + name if name.startswith("_") else name
        found[name] = _cast(name, said)
    return found


def _cast(name: str, said: str) -> Any:
    cast = _CAST.match(said)
    if cast is None:
        return value_of(SETTINGS[name], said) if name in SETTINGS else said
    kind, rest = cast[1], said[cast.end() :]
    if kind not in _CASTS:
        raise ImproperlyConfigured(f"{name}={said!r}: there is no type {kind!r}; use one of {', '.join(_CASTS)}.")
    try:
        return _CASTS[kind](rest)
    except ValueError as error:
        raise ImproperlyConfigured(f"{name}={said!r}: {rest!r} is no {kind}: {error}.") from error
