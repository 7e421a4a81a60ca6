"""The parts of a signature as attributes: values of its dict, which can be set as any attribute can."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["Part"]


class Part:
    """A value of a dict, or of a dict within it, as an attribute.

    Args:
        doc: What it is.
        path: Where it is: "args", "options.task_id".
        kind: What is made of a value that is read or set, if that is no None.
    """

    def __init__(self, doc: str, path: str, kind: Callable[[Any], Any] | None = None) -> None:
        self.__doc__ = doc
        within, _, self._key = path.rpartition(".")
        self._within, self._kind = within or None, kind

    def __get__(self, sig: Any, owner: Any = None) -> Any:
        if sig is None:
            return self
        value = (sig if self._within is None else sig[self._within]).get(self._key)
        return value if self._kind is None or value is None else self._kind(value)

    def __set__(self, sig: Any, value: Any) -> None:
        made = value if self._kind is None or value is None else self._kind(value)
        (sig if self._within is None else sig[self._within])[self._key] = made
