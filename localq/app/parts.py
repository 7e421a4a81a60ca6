"""Parts of an app that are loaded when they are first used: a program that only enqueues pays for none of them."""

from __future__ import annotations

from typing import Any

from localq.settings.dotted_names import attribute

__all__ = ["Part"]


class Part:
    """An attribute of an app, made by a class that is named by a string and gets the app.

    It is made when it is first read, and then the instance's own.

    Args:
        place: "module:class"; parts.pyi, which no program loads, says what type that makes it.
    """

    def __init__(self, place: str) -> None:
        self._place = place

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, app: Any, owner: type | None = None) -> Any:
        if app is None:
            return self
        # Two threads may make it; only one of the two is kept.
        return app.__dict__.setdefault(self._name, attribute(self._place)(app))
