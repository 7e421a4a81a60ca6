"""What a file imports of Celery, Kombu and what is built on them."""

from __future__ import annotations

import ast
from collections.abc import Container, Iterator

from localq.contrib.celery.built_on import built_on_celery
from localq.contrib.celery.difference import Difference
from localq.contrib.celery.names import MODULES, find
from localq.contrib.celery.project import Source
from localq.contrib.celery.values import dotted

__all__ = ["imported", "read_imports"]

_CELERY = ("celery", "kombu")
_CAUGHT = {"ImportError", "ModuleNotFoundError", "Exception"}


def imported(source: Source) -> Iterator[tuple[str, str, int]]:
    """Yield what a file imports: the module, the name or nothing, and the line."""
    for node in source.nodes(ast.ImportFrom):
        if node.module and not node.level:
            yield from ((node.module, alias.name, node.lineno) for alias in node.names)
    for whole in source.nodes(ast.Import):
        yield from ((alias.name, "", whole.lineno) for alias in whole.names)


def read_imports(source: Source, own: Container[str] = ()) -> Iterator[Difference]:
    """Yield what a file imports that is elsewhere here, or nowhere.

    Args:
        own: The top names of the project's own modules.
    """
    spared = _spared(source)
    for module, name, line in [*imported(source), *_uses(source)]:
        for one in _of_import(source.name, line, module, name, own):
            yield one._replace(level="differs") if one.level == "error" and line in spared else one


def _spared(source: Source) -> set[int]:
    """Return the lines of imports that may fail: for types alone, or where the file goes on without."""
    bodies = [node.body for node in source.nodes(ast.If) if "TYPE_CHECKING" in dotted(node.test)]
    for node in source.nodes(ast.Try):
        bodies += [node.body] if any(_catches(one.type) for one in node.handlers) else []
    inner = (one for body in bodies for statement in body for one in ast.walk(statement))
    return {one.lineno for one in inner if isinstance(one, ast.Import | ast.ImportFrom)}


def _catches(caught: ast.expr | None) -> bool:
    """Whether what an `except` names is an import's error too."""
    several = caught.elts if isinstance(caught, ast.Tuple) else [caught]
    return any(one is None or (dotted(one) or [""])[-1] in _CAUGHT for one in several)


def _of_import(file: str, line: int, module: str, name: str, own: Container[str]) -> Iterator[Difference]:
    root = module.partition(".")[0]
    if root in _CELERY or find(module, name).module:
        yield from _of_celery(file, line, module, name)
    elif root not in own and (built := built_on_celery(module) or built_on_celery(f"{module}.{name}".strip("."))):
        yield Difference(file, line, built.level, f"{module}: {built.text}", module)


def _uses(source: Source) -> Iterator[tuple[str, str, int]]:
    """Yield what a file asks of Celery by its full name, as in `celery.utils.log.get_task_logger`."""
    known = {
        alias.asname or "celery": alias.name if alias.asname else "celery"
        for node in source.nodes(ast.Import)
        for alias in node.names
        if alias.name.partition(".")[0] == "celery"
    }
    for node in source.nodes(ast.Attribute) if known else ():
        parts = dotted(node)
        if parts and parts[0] in known:
            module, _, name = ".".join([known[parts[0]], *parts[1:]]).rpartition(".")
            # What is asked of a class or an app that a module has is no name of the module.
            if module in MODULES and f"{module}.{name}" not in MODULES and name in MODULES[module].split():
                yield module, name, node.lineno


def _of_celery(file: str, line: int, module: str, name: str) -> Iterator[Difference]:
    full = f"{module}.{name}" if name else module
    if name == "*" or full in _CELERY:
        return
    place = find(module, name)
    if place.module is None:
        brokers = module.partition(".")[0] == "kombu" and "there is no broker" in place.note
        yield Difference(file, line, "differs" if brokers else "error", f"{full} is not in LocalQ: {place.note}", full)
    elif place.module != module.replace("celery", "localq", 1) or place.note:
        note = f"; it {place.note}" if place.note else ""
        there = f"{place.module}.{name}" if name else place.module
        yield Difference(file, line, "differs" if note else "moved", f"{full} is {there}{note}")
