"""What is a secret, and what is shown in its place: in settings, reports, answers of workers, messages and URLs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

__all__ = ["masked", "without_passwords"]

_STARS = "********"
#: Parts of a name that tell that its value is nobody's business.
_SECRET = re.compile("api|token|key|secret|pass|signature|database|auth|credential", re.IGNORECASE)
#: Settings that have such a word in their names, and no secret in their values.
_OPEN = {
    "CELERY_DEFAULT_ROUTING_KEY",
    "cosmosdbsql_database_name",
    "database_create_tables_at_setup",
    "database_engine_callback",
    "database_engine_options",
    "database_short_lived_sessions",
    "database_table_names",
    "database_table_schemas",
    "database_url",
    "task_default_routing_key",
}
#: Settings whose keys are names of a program's tasks, queues or schedules, and so tell nothing of the values.
_BY_NAME = {"beat_schedule", "task_annotations", "task_queues", "task_routes"}
_URL = re.compile(r"\S*://\S*")
#: A password in a URL, which may hold what parts URLs elsewhere, such as "/" and "@".
_PASSWORD = re.compile(r"(?<=://)([^/@:\s]*):(?:(?!://)\S)*@")
_PARAMETER = re.compile(r"(?<=[?&])([^=&#\s]+)=([^&#\s]+)")


def masked(name: str, value: Any) -> Any:
    """Return a value as it may be shown: stars for a secret, and for passwords in URLs; in what it holds too.

    Args:
        name: What it is called. All that a mapping with a secret's name holds is secret; of others each key tells.
    """
    return _masked(name, value, within=False)


def _masked(name: str, value: Any, *, within: bool) -> Any:
    by_name = name in _BY_NAME
    secret = within or (name not in _OPEN and _SECRET.search(name) is not None)
    if isinstance(value, Mapping):
        return {key: _masked("" if by_name else str(key), inner, within=secret) for key, inner in value.items()}
    if secret and not _says_nothing(value):
        return _STARS
    if isinstance(value, list | tuple):
        inner = [_masked(name if by_name else "", one, within=False) for one in value]
        return inner if isinstance(value, list) else tuple(inner)
    return without_passwords(value) if isinstance(value, str) else value


def _says_nothing(value: Any) -> bool:
    return value is None or isinstance(value, bool) or (isinstance(value, str | bytes | list | tuple) and not value)


def without_passwords(text: str) -> str:
    """Return a text with stars for the passwords of the URLs in it, and for their parameters that are secrets."""
    return _URL.sub(_shown, text) if "://" in text else text


def _shown(found: re.Match[str]) -> str:
    text = found.group()
    hidden = _PARAMETER.sub(_parameter, text)
    # The value of a parameter may hold a "@", and a password what parts parameters.
    if "@" in text and "@" not in hidden:
        hidden = text
    return _PARAMETER.sub(_parameter, _PASSWORD.sub(rf"\1:{_STARS}@", hidden))


def _parameter(found: re.Match[str]) -> str:
    name, value = found.groups()
    return f"{name}={_STARS if _SECRET.search(name) else value}"
