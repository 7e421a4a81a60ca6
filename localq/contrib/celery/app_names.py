"""Which names of a project are its apps: made there, of a subclass, kept on an object, or imported from a neighbour."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from localq.contrib.celery.project import Source
from localq.contrib.celery.values import called, dotted

__all__ = ["AppNames"]

_CLASSES = ("Celery", "LocalQ")
#: Names that stand for an app wherever they are imported from Celery or from here.
_CURRENT = ("current_app",)


class AppNames:
    """The apps of a project, by file."""

    def __init__(self, sources: Iterable[Source]) -> None:
        self._sources = list(sources)
        self.classes = _classes(self._sources)
        makers = {name for source in self._sources for name in _makers(source, self.classes)}
        self._kept = {one.name: set(_kept(one, self.classes | makers)) | set(_CURRENT) for one in self._sources}
        self._made = made = dict[str, set[str]]()
        for source in self._sources:
            made.setdefault(_module_name(source), set()).update(self._kept[source.name] - set(_CURRENT))
        for source in self._sources:
            self._kept[source.name] |= set(_imported(source, made))

    def makes(self, call: ast.Call) -> bool:
        """Whether a call makes an app."""
        return called(call) in self.classes

    def is_app(self, source: Source, node: ast.expr) -> bool:
        """Whether an expression is an app: `app`, `self.app`, `proj.celery.app`."""
        names = dotted(node)
        if not names or names[-1] in self._kept[source.name]:
            return bool(names)
        return len(names) > 1 and names[-1] in self._made.get(names[-2], ())


def _imported(source: Source, made: Mapping[str, set[str]]) -> Iterator[str]:
    """Yield the names under which a file imports apps.

    Args:
        made: The names of apps by the last names of the modules that make them.
    """
    for node in source.nodes(ast.ImportFrom):
        there = made.get((node.module or "").rpartition(".")[2], set())
        for alias in node.names:
            if alias.name in _CURRENT or alias.name in there:
                yield alias.asname or alias.name


def _module_name(source: Source) -> str:
    """Return the last name of a file's module; of a package its folder's."""
    parts = Path(source.name).with_suffix("").parts
    return parts[-2] if parts[-1] == "__init__" and len(parts) > 1 else parts[-1]


def _classes(sources: list[Source]) -> set[str]:
    """Return the names of Celery's class, of those derived from it, and those they are imported under."""
    found = set(_CLASSES)
    for _ in range(3):  # a subclass of a subclass, and one imported under another name
        for source in sources:
            for node in source.nodes(ast.ClassDef):
                if any((dotted(base) or [""])[-1] in found for base in node.bases):
                    found.add(node.name)
            for imported in source.nodes(ast.ImportFrom):
                found |= {alias.asname for alias in imported.names if alias.name in found and alias.asname}
    return found


def _makers(source: Source, classes: set[str]) -> Iterator[str]:
    """Yield the functions that return an app."""
    names = set(_kept(source, classes))
    for node in source.nodes(ast.FunctionDef):
        given = [one.value for one in ast.walk(node) if isinstance(one, ast.Return)]
        annotated = node.returns is not None and (dotted(node.returns) or [""])[-1] in classes
        if annotated or any(_is_one(value, names, classes) for value in given if value is not None):
            yield node.name


def _is_one(value: ast.expr, names: set[str], classes: set[str]) -> bool:
    return _is_made(value, classes) or (isinstance(value, ast.Name) and value.id in names)


def _kept(source: Source, makes: set[str]) -> Iterator[str]:
    """Yield the names, of variables and of attributes, that what a call makes is kept under."""
    targets: list[ast.expr] = []
    for node in source.nodes(ast.Assign):
        targets += node.targets if _is_made(node.value, makes) else []
    for walrus in source.nodes(ast.NamedExpr):
        targets += [walrus.target] if _is_made(walrus.value, makes) else []
    for declared in source.nodes(ast.AnnAssign):
        if _is_made(declared.value, makes) or (dotted(declared.annotation) or [""])[-1] in makes:
            targets.append(declared.target)
    yield from (names[-1] for target in targets if (names := dotted(target)))


def _is_made(value: ast.expr | None, makes: set[str]) -> bool:
    return isinstance(value, ast.Call) and called(value) in makes
