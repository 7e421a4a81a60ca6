"""Files that a configuration names: Django's apps, and the modules of `include`, `imports` and autodiscovery."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

from localq.contrib.celery.project import Source, package_files
from localq.contrib.celery.values import UNKNOWN, Values, called

__all__ = ["files_named", "installed_apps", "is_django"]

_INSTALLED = "INSTALLED_APPS"
#: Settings and arguments whose values are modules with tasks.
_MODULES = {"include", "imports", "CELERY_IMPORTS", "CELERY_INCLUDE", "CELERY_TASK_IMPORTS"}


def is_django(source: Source) -> bool:
    """Whether a file is settings of a Django project."""
    return any(_sets(node, _INSTALLED) for node in _assignments(source))


def installed_apps(source: Source, values: Values) -> list[tuple[str, int]]:
    """Return what the INSTALLED_APPS of a file name, and the lines they stand on."""
    found: dict[str, int] = {}
    for node in _assignments(source):
        if _sets(node, _INSTALLED) and node.value is not None:
            for item in _items(node.value, source.name, values):
                found.setdefault(item[0], item[1])
    return list(found.items())


def files_named(sources: Iterable[Source], values: Values, roots: Iterable[Path]) -> set[Path]:
    """Return the files of a project's folders that its configuration names.

    Args:
        roots: The folders that modules are looked up in.
    """
    named: set[str] = set()
    for source in sources:
        named |= {name for name, _ in installed_apps(source, values)}
        named |= {name for value in _lists(source) for name, _ in _items(value, source.name, values)}
    return {path for root in set(roots) for name in named for path in _files(root, name)}


def _assignments(source: Source) -> Iterator[ast.Assign | ast.AnnAssign | ast.AugAssign]:
    yield from source.nodes(ast.Assign)
    yield from source.nodes(ast.AnnAssign)
    yield from source.nodes(ast.AugAssign)


def _sets(node: ast.Assign | ast.AnnAssign | ast.AugAssign, name: str) -> bool:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return any(isinstance(target, ast.Name) and target.id == name for target in targets)


def _lists(source: Source) -> Iterator[ast.expr]:
    for call in source.nodes(ast.Call):
        if called(call) == "autodiscover_tasks":
            yield from call.args[:1]
            yield from (one.value for one in call.keywords if one.arg == "packages")
        yield from (one.value for one in call.keywords if one.arg in _MODULES)
    for node in source.nodes(ast.Assign):
        if any(isinstance(target, ast.Name) and target.id in _MODULES for target in node.targets):
            yield node.value


def _items(node: ast.expr, file: str, values: Values, depth: int = 8) -> Iterator[tuple[str, int]]:
    """Yield the texts of a list that may be put together of several."""
    if depth == 0:
        return
    if isinstance(node, ast.List | ast.Tuple | ast.Set):
        for one in node.elts:
            if isinstance(one, ast.Starred):
                yield from _items(one.value, file, values, depth - 1)
            else:
                yield from ((text, one.lineno) for text in values.texts(file, one) if UNKNOWN not in text)
    elif isinstance(node, ast.BinOp):
        yield from _items(node.left, file, values, depth - 1)
        yield from _items(node.right, file, values, depth - 1)
    elif isinstance(node, ast.IfExp):
        yield from _items(node.body, file, values, depth - 1)
        yield from _items(node.orelse, file, values, depth - 1)
    elif isinstance(node, ast.Name):
        for value in values.of(file, node.id):
            yield from _items(value, file, values, depth - 1)


def _files(root: Path, name: str) -> Iterator[Path]:
    """Yield the files of a module or a package, or of the package of a class such as "shop.apps.ShopConfig"."""
    parts = name.split(".")
    if not all(part.isidentifier() for part in parts):
        return
    while parts:
        place = root.joinpath(*parts)
        if place.with_suffix(".py").is_file():
            # Of "shop.apps.ShopConfig" the module is found, and its package is what is meant.
            yield from package_files(place.parent) or [place.with_suffix(".py")]
            return
        if place.is_dir() and (place / "__init__.py").is_file():
            yield from package_files(place)
            return
        parts.pop()
