"""The files of a project, found and parsed without importing any."""

from __future__ import annotations

import ast
import os
import re
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

from localq.contrib.celery.difference import Difference

__all__ = ["Source", "files_of", "package_files", "parse"]

N = TypeVar("N", bound=ast.AST)
#: Words without which a file has nothing to do with Celery, so that it need not be understood.
_ABOUT = re.compile(
    r"celery|kombu|billiard|localq|flower|redbeat|apply_async|shared_task|\.task\b|\.si?\(|signature\(|subtask\("
    r"|beat_?schedule|INSTALLED_APPS|redis|amqp|rabbit|broker|\.conf\b|config_from|namespace="
    r"|^\s*(?:task_|worker_|result_|beat_|event_|database_|timezone|enable_utc|imports|include|accept_)\w*\s*[:=]",
    re.IGNORECASE | re.MULTILINE,
)
#: Folders that are no part of a project.
_OUTSIDE = {"__pycache__", "node_modules", "site-packages", "venv", "env", "build", "dist"}


class Source:
    """A parsed file, by the name it has in messages."""

    def __init__(self, name: str, tree: ast.Module) -> None:
        self.name = name
        self.tree = tree
        self._by_kind: dict[type[ast.AST], list[Any]] = {}

    def nodes(self, kind: type[N], *more: type[N]) -> Iterator[N]:
        """Yield the nodes of one or several kinds; the file is gone through once, whatever is asked."""
        if not self._by_kind:
            for node in ast.walk(self.tree):
                self._by_kind.setdefault(type(node), []).append(node)
        for one in (kind, *more):
            yield from self._by_kind.get(one, ())


def files_of(spec: str, root: Path) -> list[Path]:
    """Return the files of what -A names: a package's, a folder's, or a module and those beside it that it imports.

    Args:
        spec: "shop", "shop.tasks", "shop:app", a folder, or a script's path.
        root: The folder names are looked up in.

    Raises:
        FileNotFoundError: there is no such file.
    """
    named = spec.rpartition(":")[0] if ":" in spec and os.sep not in spec.rpartition(":")[2] else spec
    start = _start(named, root)
    if start.is_dir():
        return sorted(_python_files(start))
    if start.parent.joinpath("__init__.py").is_file():
        return sorted(_python_files(_package(start.parent)))
    return sorted(_imported(start, start.parent, {start.parent / "celeryconfig.py", start.parent / "localqconfig.py"}))


def _start(named: str, root: Path) -> Path:
    given = root / named
    if given.exists():
        return given
    parts = named.split(".")
    while parts:
        for path in (root.joinpath(*parts), root.joinpath(*parts[:-1], f"{parts[-1]}.py")):
            if path.exists():
                return path
        parts.pop()  # the last part may name the app in a module
    raise FileNotFoundError(f"There is neither a module nor a file {named!r} in {root}.")


def _package(folder: Path) -> Path:
    while folder.parent.joinpath("__init__.py").is_file():
        folder = folder.parent
    return folder


def _python_files(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*.py"):
        inside = path.relative_to(folder).parts[:-1]
        if not any(part in _OUTSIDE or part.startswith(".") for part in inside):
            yield path


def _imported(start: Path, folder: Path, more: set[Path]) -> set[Path]:
    """Return a module and, of its folder, the modules it imports, those they import, and so on."""
    found: set[Path] = set()
    left = [start, *(path for path in more if path.is_file())]
    while left:
        path = left.pop()
        if path in found:
            continue
        found.add(path)
        source = parse(path, path.name, whole=True)
        if isinstance(source, Source):
            names = {part for name in _imports(source.tree) for part in (name, name.partition(".")[0])}
            left += [one for name in names if (one := folder / f"{name}.py").is_file()]
            left += [one for name in names for one in package_files(folder / name)]
    return found


def package_files(folder: Path) -> list[Path]:
    """Return the files of a package, or none where the folder is no package."""
    return list(_python_files(folder)) if folder.joinpath("__init__.py").is_file() else []


def _imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.isidentifier():
            yield node.value  # config_from_object("celeryconfig"), include=["tasks"]


def parse(path: Path, name: str, *, whole: bool = False) -> Source | Difference:
    """Parse a file; one that this Python cannot read is a difference.

    Args:
        whole: Parse it whatever it is about; else one that has no word of Celery's is an empty one.
    """
    try:
        with tokenize.open(path) as file:
            text = file.read()
        return Source(name, ast.parse(text if whole or _ABOUT.search(text) else "", name))
    except (SyntaxError, UnicodeDecodeError, ValueError) as error:
        python = ".".join(map(str, sys.version_info[:2]))
        text = f"cannot be read by Python {python}: run `localq check` with the project's own"
        return Difference(name, getattr(error, "lineno", None) or 1, "unread", text)
