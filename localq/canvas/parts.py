"""The parts of a signature as attributes: values of its dict, which can be set as any attribute can."""

from __future__ import annotations

from collections.abc import Callable, Mapping
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
        *self._within, self._key = path.split(".")
        self._kind = kind

    def __get__(self, sig: Any, owner: Any = None) -> Any:
        return self if sig is None else self._as_kind(self._dict(sig).get(self._key))

    def __set__(self, sig: Any, value: Any) -> None:
        self._dict(sig)[self._key] = self._as_kind(value)

    def _dict(self, sig: Mapping[str, Any]) -> Any:
        found: Any = sig
        for name in self._within:
            found = found[name]
        return found

    def _as_kind(self, value: Any) -> Any:
        return value if self._kind is None or value is None else self._kind(value)
