"""What code reads of modules that the program imports, and of classes in them, as it is in this process now.

Another process imports the same modules, and finds there what their files say. What was given another value since is
sent after it: that alone which the code names, for the rest of a module is each process's own.
"""

from __future__ import annotations

import contextlib
import enum
import importlib
import pickle
import sys
from collections.abc import Iterable, Iterator, Mapping
from types import FunctionType, ModuleType
from typing import Any, TypeAlias

import dill

from localq.worker.pool.used_globals import names_in

__all__ = ["Data", "data_read", "is_programs", "put"]

#: By module and class (no class: the module itself), the values of names, in bytes.
Data: TypeAlias = Mapping[tuple[str, str], Mapping[str, bytes]]

_Owner: TypeAlias = ModuleType | type
_HERE = "localq"
#: What arrived last.
_arrived: dict[tuple[str, str, str], bytes] = {}


def is_programs(module: ModuleType) -> bool:
    """Whether a module is imported by its name, and neither Python's, nor installed, nor of this package."""
    name = module.__name__
    return (
        name != "__main__"
        and name.partition(".")[0] != _HERE
        and sys.modules.get(name) is module
        and not dill._dill._is_builtin_module(module)
    )


def data_read(functions: Iterable[FunctionType], owners: Iterable[_Owner]) -> Data:
    """Return the data that functions name of modules and classes, and of those that these lead to by such names.

    What cannot be written by its name or its value alone, such as a connection or a lock, is each process's own.
    """
    names = {name for function in functions for name in names_in(function.__code__)}
    reached = {id(one): one for one in owners if _holds(one)}
    size = -1
    while size != len(names) + len(reached):
        size = len(names) + len(reached)
        for owner in list(reached.values()):
            for value in list(_named(owner, names).values()):
                if type(value) is FunctionType:
                    names.update(names_in(value.__code__))
                    value = sys.modules.get(value.__module__)
                if _holds(value):
                    reached[id(value)] = value
    found = {_place(owner): dict(_written(_named(owner, names))) for owner in reached.values()}
    return {place: data for place, data in found.items() if data}


def put(data: Data) -> None:
    """Give names in modules and classes the values they have where `data_read` was called; once for each value."""
    for (module, path), values in data.items():
        # What cannot be had, or refuses a value, is missed by that code alone which reads it.
        with contextlib.suppress(Exception):
            owner: Any = importlib.import_module(module)
            for name in filter(None, path.split(".")):
                owner = getattr(owner, name)
            for name, value in values.items():
                with contextlib.suppress(Exception):
                    _put(owner, (module, path, name), value)


def _put(owner: Any, place: tuple[str, str, str], value: bytes) -> None:
    if _arrived.get(place) == value:
        # What a run has made of it stays, as it does in a module that nobody changed.
        return
    _arrived[place] = value
    name = place[-1]
    if name not in vars(owner) or pickle.dumps(vars(owner)[name]) != value:
        setattr(owner, name, pickle.loads(value))


def _holds(owner: Any) -> bool:
    """Whether this is a module or a class of the program's own, found by its name, that may be given values."""
    if issubclass(type(owner), ModuleType):
        return is_programs(owner)
    if not issubclass(type(owner), type) or issubclass(owner, enum.Enum):
        return False
    found: Any = sys.modules.get(owner.__module__)
    if found is None or not is_programs(found):
        return False
    for name in owner.__qualname__.split("."):
        found = getattr(found, name, None)
    return found is owner


def _place(owner: _Owner) -> tuple[str, str]:
    return (owner.__name__, "") if isinstance(owner, ModuleType) else (owner.__module__, owner.__qualname__)


def _named(owner: _Owner, names: set[str]) -> dict[str, Any]:
    own = vars(owner)
    return {name: own[name] for name in names & own.keys() if not name.startswith("__")}


def _written(values: Mapping[str, Any]) -> Iterator[tuple[str, bytes]]:
    for name, value in sorted(values.items()):
        kind = type(value)
        if issubclass(kind, ModuleType) or callable(value) or str(kind.__module__).partition(".")[0] == _HERE:
            continue
        with contextlib.suppress(Exception):
            yield name, pickle.dumps(value)
