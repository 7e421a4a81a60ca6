"""The two families of names: Celery's of today and those before Celery 4, which may not be mixed.

The rules are those of `detect_settings` in celery/app/utils.py of 5.7.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from localq.exceptions import ImproperlyConfigured
from localq.settings.all_settings import NEW_NAMES, OLD_NAMES, SETTINGS

__all__ = ["new_names", "refuse_mixed", "without_prefix"]

_MIXED = """
{count} {family} mixed with {others} in one configuration. Rename:

{renames}

{hint}"""


def refuse_mixed(names: Iterable[str]) -> None:
    """Refuse a configuration that has names of both families.

    The family with more names is the one meant; the others must be renamed, but for those that stand beside
    their own other name.

    Raises:
        ImproperlyConfigured: with the list of names to change.
    """
    have = set(names)
    new, old = have & SETTINGS.keys(), have & NEW_NAMES.keys()
    to_old = len(old) > len(new)
    left, convert = (new, OLD_NAMES) if to_old else (old, NEW_NAMES)
    if not new or not old:
        return
    renames = {name: convert[name] for name in sorted(left) if name in convert and convert[name] not in have}
    if renames:
        raise ImproperlyConfigured(
            _MIXED.format(
                count=len(renames),
                family="new setting name(s) are" if to_old else "old setting name(s) are",
                others="old ones" if to_old else "new ones",
                renames="\n".join(f"{name:<36} -> {other}" for name, other in renames.items()),
                hint="Or use new names throughout: `localq upgrade settings FILE` rewrites old ones.\n"
                if to_old
                else "`localq upgrade settings FILE` rewrites old names.\n",
            )
        )


def new_names(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return a configuration by the names of today; where both names are given the new one counts."""
    renamed = {NEW_NAMES[name]: value for name, value in given.items() if name in NEW_NAMES}
    return renamed | {name: value for name, value in given.items() if name not in NEW_NAMES}


def without_prefix(given: Mapping[str, Any], namespace: str) -> tuple[dict[str, Any], set[str]]:
    """Return a configuration whose settings begin with a namespace, as `CELERY_` in Django's settings, without it.

    Settings without the prefix count too where the same is not given with it, new names and old; all else is
    kept as it is.

    Returns:
        The configuration, and which of its names had the prefix.
    """
    prefix = namespace.rstrip("_") + "_"
    found: dict[str, Any] = {}
    for name, value in given.items():
        bare = name.removeprefix(prefix)
        if bare != name:
            found[bare.lower() if bare.isupper() else bare] = value
    return new_names(given) | found, set(found)
