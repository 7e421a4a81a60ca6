"""What to tell who is asked for help: versions, the platform, the store, and the settings without their secrets."""

from __future__ import annotations

import platform
import sqlite3
import sys
from typing import Any, Protocol

from localq.model.secrets import masked, without_passwords

__all__ = ["report"]

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


class App(Protocol):
    """What of an app is told."""

    main: str | None
    defined_in: str
    conf: Any

    @property
    def tasks(self) -> Any: ...

    @property
    def location(self) -> str: ...


def report(app: App, worker: str = "") -> str:
    """Return facts about an app and what it runs on, as lines of text.

    Args:
        worker: What is to be told of the worker that is asked; empty where none is.
    """
    lines = [
        f"software  -> localq:{_version('localq') or '(not installed)'} py:{platform.python_version()} "
        f"sqlite:{sqlite3.sqlite_version}",
        f"             {' '.join(_versions())}",
        f"platform  -> system:{platform.system()} {platform.release()} arch:{platform.machine()} "
        f"imp:{platform.python_implementation()}",
        f"python    -> {sys.executable}",
        f"app       -> {app.main or app.defined_in}, {len(app.tasks):,} {'task' if len(app.tasks) == 1 else 'tasks'}",
        f"store     -> {without_passwords(app.location)}",
    ]
    lines += [f"worker    -> {worker}", ""] if worker else [""]
    lines += [f"{name}: {masked(name, value)!r}" for name, value in app.conf.given().items()]
    return "\n".join(lines).rstrip() + "\n"


def _versions() -> list[str]:
    return [f"{name}:{found}" for name in _PACKAGES if (found := _version(name))]


def _version(package: str) -> str | None:
    from importlib.metadata import PackageNotFoundError, version  # takes a worker a tenth of its start

    try:
        return version(package)
    except PackageNotFoundError:
        return None
