"""Every setting once, by its name and by the name it had before Celery 4."""

from __future__ import annotations

from collections.abc import Mapping

from localq.model.hints import nearest
from localq.settings import brokers, general, results, tasks, workers
from localq.settings.setting import Setting

__all__ = ["NEW_NAMES", "OLD_NAMES", "SETTINGS", "suggestion"]

_ALL = [*general.SETTINGS, *tasks.SETTINGS, *results.SETTINGS, *workers.SETTINGS, *brokers.SETTINGS]

#: Every setting by name.
SETTINGS: Mapping[str, Setting] = {one.name: one for one in _ALL}
#: The name each setting had before Celery 4.
OLD_NAMES: Mapping[str, str] = {one.name: one.old_name for one in _ALL if one.old_name is not None}
#: The name each of those has now.
NEW_NAMES: Mapping[str, str] = {old: new for new, old in OLD_NAMES.items()}

#: What a name in upper case begins with where it is meant to be a setting; others are a framework's beside them.
_MEANT = ("CELERY", "BROKER")
#: How like a setting's a name must be to be taken for a slip; programs keep names of their own beside settings.
_LIKE, _VERY_LIKE = 0.75, 0.9


def suggestion(name: str) -> str:
    """Return " Did you mean 'x'?" for an unknown name that is like a setting's, or an empty text."""
    if not name.isupper():
        return nearest(name, SETTINGS, _LIKE)
    if not name.startswith(_MEANT):
        return ""
    bare = name.lower().removeprefix("celery_")
    return nearest(name, NEW_NAMES, _VERY_LIKE) or nearest(bare, SETTINGS, _LIKE) or nearest(name, NEW_NAMES, _LIKE)
