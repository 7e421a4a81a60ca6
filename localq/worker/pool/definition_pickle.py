"""Functions and classes by value, so that they work where they arrive.

dill does the functions. To what it does this adds: a class keeps its identity, however many definitions name it
and whenever they come, so that `isinstance` holds there; enums and dataclasses; modules below those that are named
(`import urllib.request` makes a name of `urllib` alone); and relative imports in what the main program defines, which
want to know its package.
"""

from __future__ import annotations

import contextlib
import dataclasses
import enum
import importlib
import importlib.machinery
import io
import itertools
import os
import sys
import types
from collections.abc import Iterator, Set
from types import FunctionType, ModuleType
from typing import Any, TypeVar
from weakref import WeakKeyDictionary, WeakValueDictionary

import dill

from localq.worker.pool.imported_data import data_read, is_programs, put
from localq.worker.pool.typed_source import keep_source, source_of
from localq.worker.pool.used_globals import at_prompt, marks, same, used_by_class

__all__ = ["dumps", "is_by_value", "keep_identity", "loads"]

#: Classes by the word that stands for them on their way, and the other way round; what is here is never made again.
_CLASSES: WeakValueDictionary[str, Any] = WeakValueDictionary()
_WORDS: WeakKeyDictionary[Any, str] = WeakKeyDictionary()
_numbers = itertools.count()
#: Classes that are changed where they are typed: what they used when they were looked at last, and its marks.
_USED: WeakKeyDictionary[Any, tuple[dict[str, Any], dict[str, bytes]]] = WeakKeyDictionary()
#: How often a class was found changed there; where it arrives, which of its states it has.
_CHANGES: WeakKeyDictionary[Any, int] = WeakKeyDictionary()
#: The names that such a class has, and those that it had where it arrives.
_NAMES: WeakKeyDictionary[Any, Set[str]] = WeakKeyDictionary()
#: Dataclasses tell these apart by identity.
_ONLY_ONES = {
    id(vars(dataclasses)[name]): name
    for name in ("MISSING", "KW_ONLY", "_FIELD", "_FIELD_CLASSVAR", "_FIELD_INITVAR", "_HAS_DEFAULT_FACTORY")
}
#: The mark of classes that a program made (Py_TPFLAGS_HEAPTYPE).
_OF_PYTHON = 1 << 9
#: What Python makes of a class by itself.
_MADE = frozenset({"__dict__", "__weakref__", "_abc_impl", "__module__", "__qualname__"})
_MADE_OF_ENUM = frozenset(
    {"_generate_next_value_", "_member_names_", "_member_map_", "_member_type_", "_value2member_map_", "__new__"}
)


def is_by_value(cls: type) -> bool:
    """Whether no other interpreter finds a class by its name."""
    if not cls.__flags__ & _OF_PYTHON:
        # Python's own go by other names than theirs.
        return False
    found: Any = None if cls.__module__ in (None, "__main__") else sys.modules.get(cls.__module__)
    for name in cls.__qualname__.split("."):
        found = getattr(found, name, None)
    return found is not cls


def keep_identity(cls: Any) -> str:
    """Return the word for a class: in forks of this process it stands for the class they inherit."""
    word = _WORDS.get(cls)
    if word is None:
        word = _WORDS[cls] = f"{os.getpid()}-{next(_numbers)}"
        _CLASSES[word] = cls
    if getattr(cls, "__module__", None) == "__main__" and isinstance(cls, type) and at_prompt():
        before, now = _USED.get(cls), used_by_class(cls)
        marked = marks(now)
        if before is not None and not (same(before[0], now) and before[1] == marked):
            _CHANGES[cls] = _CHANGES.get(cls, 0) + 1
        _USED[cls] = now, marked
        _NAMES[cls] = _own(cls).keys()
    return word


class _Pickler(dill.Pickler):  # type: ignore[misc]
    """Writes classes that no name leads to as what they are made of, and keeps in mind which modules it wrote."""

    def __init__(self, file: Any) -> None:
        super().__init__(file, recurse=True)
        self.modules: set[str] = set()
        self.functions: list[FunctionType] = []
        #: Modules of the program, and classes in such.
        self.owners: list[ModuleType | type] = []

    def reducer_override(self, thing: Any) -> Any:
        """Return how a class is made; NotImplemented leaves things to dill."""
        if isinstance(thing, ModuleType):
            self.modules.add(thing.__name__)
            if is_programs(thing):
                self.owners.append(thing)
                return importlib.import_module, (thing.__name__,)
        elif isinstance(thing, FunctionType):
            self.functions.append(thing)
            if thing.__module__ in sys.modules:
                self.owners.append(sys.modules[thing.__module__])
        if id(thing) in _ONLY_ONES:
            return _ONLY_ONES[id(thing)]
        if isinstance(thing, TypeVar) and thing.__module__ == "__main__":
            more = {
                "bound": thing.__bound__,
                "covariant": thing.__covariant__,
                "contravariant": thing.__contravariant__,
            }
            return _type_var, (keep_identity(thing), thing.__name__, thing.__constraints__, more)
        if not isinstance(thing, type) or not is_by_value(thing) or _is_named_tuple(thing):
            if isinstance(thing, type):
                self.owners.append(thing)
            return NotImplemented
        own = _own(thing)
        bases = getattr(thing, "__orig_bases__", thing.__bases__)
        said = keep_identity(thing), type(thing), thing.__name__, bases, thing.__module__, thing.__qualname__
        if issubclass(thing, enum.Enum):
            members = {name: (member.value, _more(member)) for name, member in thing.__members__.items()}
            own = {name: own[name] for name in own.keys() - members.keys() - _MADE_OF_ENUM}
            return _enum, (*said, members), (_CHANGES.get(thing, 0), own), None, None, _fill
        slots = own.pop("__slots__", None)
        for name in (slots,) if isinstance(slots, str) else slots or ():
            own.pop(name, None)
        return _class, (*said, slots), (_CHANGES.get(thing, 0), own), None, None, _fill


def _own(cls: type) -> dict[str, Any]:
    """Return what a program gave a class."""
    return {name: value for name, value in vars(cls).items() if name not in _MADE}


def _more(member: enum.Enum) -> dict[str, Any]:
    """Return what the program's own code gave a member."""
    return {name: value for name, value in vars(member).items() if not name.startswith("_")}


def _is_named_tuple(cls: type) -> bool:
    return cls.__bases__ == (tuple,) and hasattr(cls, "_fields")


def _class(word: str, kind: type, name: str, bases: Any, module: str, qualname: str, slots: Any) -> Any:
    known = _CLASSES.get(word)
    if known is not None:
        return known
    space = {"__module__": module, "__qualname__": qualname}
    more = {} if slots is None else {"__slots__": slots}
    made = types.new_class(name, bases, {"metaclass": kind}, lambda names: names.update(space, **more))
    return _arrived(word, made)


def _enum(
    word: str, kind: Any, name: str, bases: Any, module: str, qualname: str, members: dict[str, tuple[Any, Any]]
) -> Any:
    known = _CLASSES.get(word)
    if known is not None:
        return known
    names = kind.__prepare__(name, bases)
    for member, (value, _) in members.items():
        names[member] = value
    names["__module__"], names["__qualname__"] = module, qualname
    made = kind(name, bases, names)
    for member, (_, more) in members.items():
        vars(made.__members__[member]).update(more)
    return _arrived(word, made)


def _type_var(word: str, name: str, constraints: tuple[Any, ...], more: dict[str, Any]) -> Any:
    if word not in _CLASSES:
        made = TypeVar(name, *constraints, **more)  # type: ignore[misc]
        _CLASSES[word], _WORDS[made] = made, word
        return made
    return _CLASSES[word]


#: Classes whose parts have not come yet.
_empty: set[str] = set()


def _arrived(word: str, cls: type) -> type:
    _CLASSES[word], _WORDS[cls] = cls, word
    _empty.add(word)
    return cls


def _fill(cls: type, state: tuple[int, dict[str, Any]]) -> None:
    """Give a class what it has: once, and anew when it was changed where it comes from."""
    changes, own = state
    word = _WORDS[cls]
    if word in _empty or changes != _CHANGES.get(cls, 0):
        _empty.discard(word)
        _CHANGES[cls] = changes
        for name in _NAMES.get(cls, frozenset()) - own.keys():
            with contextlib.suppress(AttributeError):
                delattr(cls, name)
        _NAMES[cls] = own.keys()
        for name, value in own.items():
            setattr(cls, name, value)


class _Unpickler(dill.Unpickler):  # type: ignore[misc]
    """Makes functions that know their package.

    Args:
        package: The main program's.
    """

    def __init__(self, file: Any, package: str | None) -> None:
        super().__init__(file)
        self._package = package

    def find_class(self, module: str, name: str) -> Any:
        """Return what a name stands for, but for the making of functions."""
        found = super().find_class(module, name)
        return self._made if found is dill._dill._create_function else found

    def _made(self, *parts: Any) -> Any:
        made = dill._dill._create_function(*parts)
        names = made.__globals__
        module = names.get("__name__")
        package = self._package if module == "__main__" else getattr(sys.modules.get(module), "__package__", None)
        if package and "__package__" not in names:
            names["__package__"] = package
            names["__spec__"] = importlib.machinery.ModuleSpec(f"{package}.{str(module).rpartition('.')[2]}", None)
        return made


def dumps(thing: Any) -> bytes:
    """Return a definition, with what it uses of the main program."""
    file = io.BytesIO()
    pickler = _Pickler(file)
    pickler.dump(thing)
    package = getattr(sys.modules.get("__main__"), "__package__", None)
    data = data_read(pickler.functions, pickler.owners)
    below, typed = _below(pickler.modules - {"localq"}), source_of(pickler.functions)
    return bytes(dill.dumps((package, below, data, typed, file.getvalue())))


def loads(data: bytes) -> Any:
    """Return the definition in bytes of `dumps`."""
    package, below, read, typed, definition = dill.loads(data)
    for module in below:
        # What cannot be had is missed by that code alone which uses it.
        with contextlib.suppress(Exception):
            importlib.import_module(module)
    put(read)
    keep_source(typed)
    return _Unpickler(io.BytesIO(definition), package).load()


def _below(modules: Set[str]) -> list[str]:
    """Return the modules that are loaded below some: attributes of theirs, though no name says so."""
    return [name for name in list(sys.modules) if modules and not modules.isdisjoint(_parents(name))]


def _parents(name: str) -> Iterator[str]:
    while name := name.rpartition(".")[0]:
        yield name
