"""What to tell who is asked for help: versions, the platform, the store, and the settings without their secrets."""

from __future__ import annotations

import platform
import re
import sqlite3
import sys
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Protocol

__all__ = ["censored", "report"]

#: What LocalQ is built on, as far as a bug may lie there.
_PACKAGES = (
    "sqlalchemy",
    "multiprocess",
    "dill",
    "croniter",
    "apscheduler",
    "click",
    "rich",
    "gevent",
    "redis",
    "psycopg",
)
_SECRET = re.compile(r"(?i)api|token|key|secret|pass|signature|database|auth|credential")
_PASSWORD = re.compile(r"(?<=:)[^/@:]+(?=@)")
_STARS = "********"


class App(Protocol):
    """What of an app is told."""

    main: str | None
    conf: Any

    @property
    def tasks(self) -> Any: ...

    @property
    def location(self) -> str: ...


def report(app: App) -> str:
    """Return facts about an app and what it runs on, as lines of text."""
    lines = [
        f"software  -> localq:{_version('localq') or '(not installed)'} py:{platform.python_version()} "
        f"sqlite:{sqlite3.sqlite_version}",
        f"             {' '.join(_versions())}",
        f"platform  -> system:{platform.system()} {platform.release()} arch:{platform.machine()} "
        f"imp:{platform.python_implementation()}",
        f"python    -> {sys.executable}",
        f"app       -> {app.main or '__main__'}, {len(app.tasks)} tasks",
        f"store     -> {censored('store', app.location)}",
        "",
    ]
    lines += [f"{name}: {censored(name, value)!r}" for name, value in app.conf.given().items()]
    return "\n".join(lines).rstrip() + "\n"


def censored(name: str, value: Any) -> Any:
    """Return a setting's value without passwords: all of it where its name speaks of a secret."""
    if isinstance(value, dict):
        return {key: censored(str(key), inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(censored("", inner) for inner in value)
    if isinstance(value, str) and _SECRET.search(name):
        return _STARS
    return _PASSWORD.sub(_STARS, value) if isinstance(value, str) and "://" in value else value


def _versions() -> list[str]:
    return [f"{name}:{found}" for name in _PACKAGES if (found := _version(name))]


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
