"""What a setting is: a name, its default, what it means, and what its value may be."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

__all__ = ["Setting", "unused"]


class Setting(NamedTuple):
    """A setting. `check` returns the value to keep, or raises ValueError or TypeError with the reason.

    Attributes:
        old: The upper-case name it had before Celery 4; default: its name in upper case. Empty for LocalQ's own.
        used: False for what has no meaning where there is no broker: kept and shown, and without effect.
    """

    name: str
    default: Any
    doc: str
    check: Callable[[Any], Any]
    old: str | None = None
    used: bool = True

    @property
    def old_name(self) -> str | None:
        """The name it had before Celery 4, or None where it had none."""
        return self.name.upper() if self.old is None else self.old or None


def unused(name: str, default: Any, doc: str, old: str | None = None) -> Setting:
    """Return a setting of Celery's that has no meaning here; any value is kept."""
    return Setting(name, default, doc, lambda value: value, old, False)
