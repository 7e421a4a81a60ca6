"""Where a configuration is read from: a mapping, a module, a class or instance, a name of one, or a TOML file."""

from __future__ import annotations

import inspect
import os
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from localq.exceptions import ImproperlyConfigured
from localq.settings.all_settings import NEW_NAMES, SETTINGS
from localq.settings.dotted_names import find
from localq.settings.watched import Watched

__all__ = ["Source", "is_value", "read_source"]


class Source(Mapping[str, Any]):
    """What was read, and what it is called in messages; `watched` tells whether that is the same still."""

    def __init__(self, label: str, values: Mapping[str, Any], watched: Watched | None = None) -> None:
        self.label = label
        self.watched = watched
        self._values = values

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __iter__(self) -> Any:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


def read_source(given: Any, *, silent: bool = False) -> Source:
    """Read a configuration.

    Args:
        given: A mapping, module, class or instance; or the name of one ("proj.config", "proj.config:Config",
            "proj.config.Config"), or the path of a TOML file, where `[tool.localq]` or the file's own top level
            has the settings.
        silent: A module that does not exist is an empty configuration.

    Raises:
        ImportError, AttributeError: what was named does not exist.
        ImproperlyConfigured: it can be no configuration.
    """
    if isinstance(given, str | os.PathLike):
        name = os.fspath(given)
        try:
            return _read_toml(name) if name.endswith(".toml") else _read_object(name, _named(name))
        except (ImportError, FileNotFoundError):
            if silent:
                return Source(name, {})
            raise
    return _read_object(_label(given), given)


def _read_object(label: str, given: Any) -> Source:
    # Django's settings have an inner object from the first question on.
    values = _plain(given)
    return Source(label, values, Watched(given))


def _label(given: Any) -> str:
    if isinstance(given, Mapping):
        return "a mapping"
    if isinstance(given, ModuleType):
        return given.__name__
    of = given if inspect.isclass(given) else type(given)
    return f"{of.__module__}.{of.__qualname__}"


def _plain(given: Any) -> Mapping[str, Any]:
    """Return the public names of a configuration and their values."""
    if isinstance(given, Mapping):
        return {name: value for name, value in given.items() if isinstance(name, str)}
    if given is None or isinstance(given, int | float | list | tuple | bytes):
        raise ImproperlyConfigured(
            f"{given!r} can be no configuration: give a module, a class, a mapping, or the name of one."
        )
    # `dir` does not show what `__getattr__` answers: Django's lazy settings have theirs in an inner object.
    values: dict[str, Any] = {}
    for name in dir(given):
        if not name.startswith("_"):
            try:
                values[name] = getattr(given, name)
            except AttributeError:
                pass
            except Exception:
                # Django refuses to show a SECRET_KEY that is empty, which is nothing to us.
                if _may_be_meant(name):
                    raise
    return values


def _may_be_meant(name: str) -> bool:
    """Whether a name, whatever it begins with, may be a setting's."""
    return any(name.upper().endswith(one.upper()) for one in (*SETTINGS, *NEW_NAMES))


def is_value(value: Any) -> bool:
    """Whether a value under an unknown name looks like a setting's, and not like what a module imports or makes."""
    if inspect.ismodule(value) or inspect.isroutine(value) or inspect.isclass(value):
        return False
    return isinstance(value, str | int | float | list | tuple | dict | set | frozenset | None)


def _named(name: str) -> Any:
    """Return what a name names; that of a file is refused with the module's."""
    try:
        return find(name)
    except ModuleNotFoundError:
        if ":" not in name and name.endswith(".py") and "." not in name.removesuffix(".py").rpartition("/")[2]:
            bare = name.removesuffix(".py").replace("/", ".")
            raise ImproperlyConfigured(f"{name!r} is the name of a file. Name the module: {bare!r}.") from None
        raise


def _read_toml(path: str) -> Source:
    # Some milliseconds that a program without such a file does not pay.
    import tomllib

    try:
        said = tomllib.loads(Path(path).read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ImproperlyConfigured(f"{path} is no TOML: {error}.") from error
    tools = said.get("tool", {})
    inner = tools.get("localq") if isinstance(tools, dict) else None
    if inner is not None and not isinstance(inner, dict):
        raise ImproperlyConfigured(
            f"{path} says tool.localq = {inner!r}, which is no table. Write [tool.localq] on a line of its own, and "
            "the settings below it."
        )
    if inner is None and Path(path).name == "pyproject.toml":
        inner = {}
    return Source(path, said if inner is None else inner)
