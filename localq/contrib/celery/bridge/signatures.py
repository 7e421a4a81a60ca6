"""Signatures of LocalQ's as signatures of Celery's: the same dicts, but for options that only one of them knows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import celery.canvas

from localq.contrib.celery.bridge.lacks import CALL_OPTIONS, CeleryLacksWarning
from localq.model.warning import warn

__all__ = ["Signatures"]

#: Options that hold signatures.
_LINKS = ("link", "link_error")
#: Options by which LocalQ speaks to itself.
_INNER = frozenset({"as_body", "task_type", "result_cls", "beside"})


class Signatures:
    """Makes signatures for an application of Celery's.

    Args:
        priority: Says a priority as the broker counts.
    """

    def __init__(self, app: Any, priority: Callable[[int], int]) -> None:
        self._app, self._priority = app, priority

    def of(self, sig: Mapping[str, Any]) -> Any:
        """Return a signature of Celery's that calls the same."""
        return celery.canvas.Signature.from_dict(self._plain(sig), app=self._app)

    def _plain(self, sig: Mapping[str, Any]) -> dict[str, Any]:
        kwargs = dict(sig.get("kwargs") or {})
        if sig.get("subtask_type") is not None:
            for name in ("tasks", "header", "body", "task"):
                if name in kwargs:
                    kwargs[name] = self._inside(kwargs[name])
        return {
            "task": sig["task"],
            "args": tuple(sig.get("args") or ()),
            "kwargs": kwargs,
            "options": self.options(sig.get("options") or {}),
            "subtask_type": sig.get("subtask_type"),
            "immutable": bool(sig.get("immutable")),
        }

    def _inside(self, part: Any) -> Any:
        if isinstance(part, Mapping):
            return self._plain(part)
        return [self._plain(one) for one in part] if isinstance(part, list | tuple) else part

    def options(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Return the options of a call as Celery takes them; a warning names those that it has not."""
        kept: dict[str, Any] = {}
        for name, value in options.items():
            if name in CALL_OPTIONS:
                warn(f"Celery's calls have no {name}: {CALL_OPTIONS[name]}.", CeleryLacksWarning)
            elif name in _LINKS:
                links = value if isinstance(value, list | tuple) else [value]
                kept[name] = [self.of(one) for one in links if one is not None]
            elif name == "priority" and value is not None:
                kept[name] = self._priority(value)
            elif name not in _INNER and value is not None:
                kept[name] = value
        return kept
