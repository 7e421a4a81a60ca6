"""What a file imports of Celery, Kombu and what is built on them."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from localq.contrib.celery.difference import Difference
from localq.contrib.celery.names import MODULES, find
from localq.contrib.celery.project import Source

__all__ = ["read_imports"]

#: Packages built on Celery that do not know LocalQ, and what is in their place.
_BUILT_ON = {
    "django_celery_beat": "schedules are in the store, and changed there at run time",
    "django_celery_results": "results are in the store; `localq list` and `localq result` show them",
    "flower": "see `localq status` and `localq list`",
    "celery_once": "nothing in its place yet",
    "celery_singleton": "nothing in its place yet",
    "redbeat": "schedules are in the store, and any number of schedulers may run",
    "billiard": "use `multiprocess` or `multiprocessing`",
    "djcelery": "nothing in its place",
}


def read_imports(source: Source) -> Iterator[Difference]:
    """Yield what a file imports that is elsewhere here, or nowhere."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                yield from _name(source, node.lineno, node.module, alias.name)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                yield from _name(source, node.lineno, alias.name, "")
    yield from _uses(source)


def _uses(source: Source) -> Iterator[Difference]:
    """Yield what a file asks of Celery by its full name, as in `celery.utils.log.get_task_logger`."""
    called = {
        alias.asname or "celery": alias.name if alias.asname else "celery"
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Import)
        for alias in node.names
        if alias.name.partition(".")[0] == "celery"
    }
    for node in (one for one in ast.walk(source.tree) if isinstance(one, ast.Attribute)):
        parts = _dotted(node)
        if parts and parts[0] in called:
            module, _, name = ".".join([called[parts[0]], *parts[1:]]).rpartition(".")
            # What is asked of a class or an app that a module has is no name of the module.
            if module in MODULES and f"{module}.{name}" not in MODULES and name in MODULES[module].split():
                yield from _name(source, node.lineno, module, name)


def _dotted(node: ast.expr) -> list[str]:
    """Return the names of `a.b.c`, or nothing where it begins with something else."""
    if isinstance(node, ast.Name):
        return [node.id]
    before = _dotted(node.value) if isinstance(node, ast.Attribute) else []
    return [*before, node.attr] if before and isinstance(node, ast.Attribute) else []


def _name(source: Source, line: int, module: str, name: str) -> Iterator[Difference]:
    root = module.partition(".")[0]
    full = f"{module}.{name}" if name else module
    if root in _BUILT_ON:
        yield Difference(source.name, line, "error", f"{full}: {_BUILT_ON[root]}")
    if root not in ("celery", "kombu") or name == "*" or full in ("celery", "kombu"):
        return
    place = find(module, name)
    if place.module is None:
        yield Difference(source.name, line, "error", f"{full} is not in LocalQ: {place.note}")
    elif place.module != module.replace("celery", "localq", 1) or place.note:
        note = f"; it {place.note}" if place.note else ""
        there = f"{place.module}.{name}" if name else place.module
        yield Difference(source.name, line, "differs", f"{full} is {there}{note}")
