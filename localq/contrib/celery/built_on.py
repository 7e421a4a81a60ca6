"""Packages built on Celery that do not know LocalQ: those known, and those that are installed where this runs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.metadata import distributions, packages_distributions
from typing import NamedTuple

from localq.contrib.celery.difference import Difference, Level

__all__ = ["Built", "built_on_celery", "installed"]


class Built(NamedTuple):
    """What becomes of a package, and how much that matters where a program uses it."""

    level: Level
    text: str


#: By the module that programs import.
_KNOWN = {
    "billiard": Built("error", "use `multiprocess` or `multiprocessing`"),
    "celery_once": Built("error", "a base class of tasks that overrides apply_async can hold locks"),
    "celery_progress": Built("error", "read AsyncResult.state and info, which update_state sets"),
    "celery_singleton": Built("error", "a base class of tasks that overrides apply_async can hold locks"),
    "django_celery_beat": Built("error", "schedules are in the store, and changed there at run time; those kept in "
        "Django's database never fire"),
    "django_celery_results": Built("error", "results are in the store; `localq list` and `localq result` show them"),
    "djcelery": Built("error", "nothing in its place"),
    "djcelery_email": Built("error", "a task of one's own can call django.core.mail"),
    "flask_celeryext": Built("error", "make the app with localq.Celery and its task_cls"),
    "flower": Built("error", "see `localq status` and `localq list`"),
    "health_check.contrib.celery": Built("error", "use `localq doctor` or app.control.inspect().ping()"),
    "health_check.contrib.celery_ping": Built("error", "use `localq doctor` or app.control.inspect().ping()"),
    "opentelemetry.instrumentation.celery": Built("error", "use the signals task_prerun and task_postrun"),
    "redbeat": Built("error", "schedules are in the store, and any number of schedulers may run"),
    "sentry_sdk.integrations.celery": Built("error", "use sentry_sdk.integrations.logging, or the signal task_failure"),
}  # fmt: skip
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
#: Distributions that are Celery itself.
_OWN = {"celery", "kombu", "billiard", "vine", "amqp", "localq"}


def built_on_celery(module: str) -> Built | None:
    """Return what becomes of a module, or None where it has nothing to do with Celery.

    Args:
        module: Its name in full, as an import has it; never one of Celery's or of the project's own.
    """
    parts = module.split(".")
    for length in range(len(parts), 0, -1):
        if known := _KNOWN.get(".".join(parts[:length])):
            return known
    for name in packages_of().get(parts[0], ()):
        if name in requiring():
            return Built("error", f"{name} is built on Celery, and does not know LocalQ")
    if any("celery" in part for part in parts):
        return Built("error", "a part for Celery, which does not know LocalQ")
    return None


def installed(used: Iterable[str]) -> Iterator[Difference]:
    """Yield the installed distributions that require Celery, and what becomes of them.

    Args:
        used: Top names of what the project imports, about which more is said elsewhere.
    """
    by_distribution: dict[str, list[str]] = {}
    for module, names in packages_of().items():
        for name in names:
            by_distribution.setdefault(name, []).append(module)
    for name, version in sorted(requiring().items()):
        modules = by_distribution.get(name, [])
        if not set(modules) & set(used):
            known = next((_KNOWN[one].text for one in modules if one in _KNOWN), "it does not know LocalQ")
            text = f"is installed, and built on Celery: {known}"
            yield Difference(f"{name} {version}", 0, "differs", text)


@cache
def packages_of() -> dict[str, list[str]]:
    """Return the installed distributions by the top names that they can be imported under."""
    return {module: [_plain(name) for name in names] for module, names in packages_distributions().items()}


@cache
def requiring() -> dict[str, str]:
    """Return the installed distributions that require Celery, other than as an extra, and their versions."""
    return {
        _plain(one.name): one.version
        for one in distributions()
        if _plain(one.name) not in _OWN and any(map(_is_celery, one.requires or ()))
    }


def _is_celery(requirement: str) -> bool:
    found = _NAME.match(requirement)
    return found is not None and _plain(found[0]) == "celery" and "extra ==" not in requirement


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name or "").lower()
