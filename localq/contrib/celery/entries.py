"""What stands inside the settings `beat_schedule`, `task_routes` and `task_annotations`: keys that mean nothing."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from localq.contrib.celery.difference import Level
from localq.contrib.celery.values import called
from localq.model.hints import near_miss, nearest
from localq.schedules.declaration import ENTRY_KEYS, NOT_OPTIONS
from localq.tasks.option_names import BROKER_ONLY, OPTIONS
from localq.tasks.task import TASK_OPTIONS, Task

__all__ = ["READERS", "Unplaced", "may_have_intervals", "read_entry"]

#: How like a task's option an attribute must be to be taken for a slip: tasks may have attributes of their own.
_LIKE = 0.75


class Unplaced(NamedTuple):
    """A difference in a file that only whoever reads the settings around it can name."""

    line: int
    level: Level
    text: str


def read_entry(where: str, entry: ast.expr) -> Iterator[Unplaced]:
    """Yield what is to be said about an entry of `beat_schedule`.

    Args:
        where: What it is called, such as "beat_schedule['nightly']".
    """
    pairs = _pairs(entry)
    if pairs is None:
        return
    unknown = [one for one in pairs if one.key is not None and one.key not in ENTRY_KEYS]
    for one in unknown:
        hint = nearest(str(one.key), ENTRY_KEYS)
        yield Unplaced(one.line, "error", f"{where} has {one.key!r}: there is no such key.{hint}")
    given = {one.key for one in pairs}
    if not unknown and None not in given:
        for key in ("task", "schedule"):
            if key not in given:
                yield Unplaced(entry.lineno, "error", f"{where} has no {key!r}")
    for one in pairs:
        if one.key == "options":
            yield from _read_options(f"{where}['options']", one.value, of_entry=True)


def may_have_intervals(value: ast.expr | None) -> bool:
    """Whether a `beat_schedule` may have entries that are no crontab, as far as its text tells."""
    entries = None if value is None else _pairs(value)
    rules = [one.value for pair in entries or () for one in _pairs(pair.value) or () if one.key == "schedule"]
    names = {called(rule) if isinstance(rule, ast.Call) else "" for rule in rules}
    return entries is None or len(rules) < len(entries) or not names <= {"crontab", "solar"}


def _read_entries(shown: str, value: ast.expr) -> Iterator[Unplaced]:
    for one in _pairs(value) or ():
        yield from read_entry(f"{shown}[{one.key!r}]", one.value)


def _read_routes(shown: str, value: ast.expr) -> Iterator[Unplaced]:
    """Yield what is to be said about routes: a table of them, pairs, or a list of either."""
    if isinstance(value, ast.List | ast.Tuple):
        pair = value.elts if len(value.elts) == 2 else []
        if pair and not isinstance(pair[0], ast.Dict | ast.List | ast.Tuple) and _pairs(pair[1]) is not None:
            named = pair[0].value if isinstance(pair[0], ast.Constant) else None
            yield from _read_options(f"{shown}[{named!r}]", pair[1])
            return
        for one in value.elts:
            yield from _read_routes(shown, one)
        return
    for row in _pairs(value) or ():
        yield from _read_options(f"{shown}[{row.key!r}]", row.value)


def _read_options(where: str, value: ast.expr, *, of_entry: bool = False) -> Iterator[Unplaced]:
    for one in _pairs(value) or ():
        name = one.key
        if name is None:
            continue
        if of_entry and name in NOT_OPTIONS:
            yield Unplaced(one.line, "error", f"{where}: a schedule takes no {name}: {NOT_OPTIONS[name]}")
        elif name in BROKER_ONLY:
            yield Unplaced(one.line, "note", f"{where}: the option {name} has no effect: there is no broker")
        elif name not in OPTIONS and (meant := near_miss(name, OPTIONS)) is not None:
            # It is left out with a warning.
            yield Unplaced(one.line, "differs", f"{where}: a call has no option {name}. Did you mean {meant!r}?")


def _read_annotations(shown: str, value: ast.expr) -> Iterator[Unplaced]:
    if isinstance(value, ast.List | ast.Tuple):
        for one in value.elts:
            yield from _read_annotations(shown, one)
        return
    for named in _pairs(value) or ():
        for pair in _pairs(named.value) or ():
            yield from _read_attribute(f"{shown}[{named.key!r}]", pair)


def _read_attribute(where: str, pair: _Pair) -> Iterator[Unplaced]:
    name = pair.key or ""
    if name.startswith("@"):
        if not hasattr(Task, name[1:]):
            methods = [f"@{one}" for one in dir(Task) if not one.startswith("_") and callable(getattr(Task, one))]
            yield Unplaced(pair.line, "error", f"{where}: a task has no method {name[1:]}.{nearest(name, methods)}")
    elif not hasattr(Task, name) and name not in TASK_OPTIONS:
        hint = nearest(name, sorted(TASK_OPTIONS), _LIKE)
        if hint:
            yield Unplaced(pair.line, "error", f"{where}: a task has no option {name}.{hint}")


class _Pair(NamedTuple):
    """A key of a mapping, its line and its value; the key is None where only the running program knows it."""

    key: str | None
    line: int
    value: ast.expr


def _pairs(node: ast.expr) -> list[_Pair] | None:
    """Return what a mapping that is written out holds, or None for anything else."""
    if isinstance(node, ast.Dict):
        keys: Iterable[tuple[ast.expr | None, ast.expr]] = zip(node.keys, node.values, strict=True)
        return [_Pair(_text(key), (key or value).lineno, value) for key, value in keys]
    if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "dict" and not node.args:
        return [_Pair(one.arg, one.value.lineno, one.value) for one in node.keywords]
    return None


def _text(key: ast.expr | None) -> str | None:
    return key.value if isinstance(key, ast.Constant) and isinstance(key.value, str) else None


#: What reads the value of a setting: called with the name it was set under, and the value.
READERS: dict[str, Callable[[str, ast.expr], Iterator[Unplaced]]] = {
    "beat_schedule": _read_entries,
    "task_routes": _read_routes,
    "task_annotations": _read_annotations,
}
