"""What a file imports of Celery, Kombu and what is built on them."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from localq.migration.finding import Finding
from localq.migration.names import find
from localq.migration.project import Source

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


def read_imports(source: Source) -> Iterator[Finding]:
    """Yield what a file imports that is elsewhere here, or nowhere."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                yield from _name(source, node.lineno, node.module, alias.name)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                yield from _name(source, node.lineno, alias.name, "")


def _name(source: Source, line: int, module: str, name: str) -> Iterator[Finding]:
    root = module.partition(".")[0]
    full = f"{module}.{name}" if name else module
    if root in _BUILT_ON:
        yield Finding(source.name, line, "error", f"{full}: {_BUILT_ON[root]}")
    if root not in ("celery", "kombu") or name == "*" or full in ("celery", "kombu"):
        return
    place = find(module, name)
    if place.module is None:
        yield Finding(source.name, line, "error", f"{full} is not in LocalQ: {place.note}")
    elif place.module != module.replace("celery", "localq", 1) or place.note:
        note = f"; it {place.note}" if place.note else ""
        yield Finding(source.name, line, "differs", f"{full} is {place.module}.{name}{note}")
