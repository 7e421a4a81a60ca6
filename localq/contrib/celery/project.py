"""The files of a project, found and parsed without importing any."""

from __future__ import annotations

import ast
import os
import tokenize
from collections.abc import Iterable, Iterator
from pathlib import Path

from localq.contrib.celery.difference import Difference

__all__ = ["Source", "files_of", "parse"]

#: Folders that are no part of a project.
_OUTSIDE = {"__pycache__", "node_modules", "site-packages", "venv", "env", "build", "dist"}


class Source:
    """A parsed file, by the name it has in messages."""

    def __init__(self, name: str, tree: ast.Module) -> None:
        self.name = name
        self.tree = tree


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
        source = parse(path, path.name)
        if isinstance(source, Source):
            names = {part for name in _imports(source.tree) for part in (name, name.partition(".")[0])}
            left += [one for name in names if (one := folder / f"{name}.py").is_file()]
            left += [one for name in names for one in _package_files(folder / name)]
    return found


def _package_files(folder: Path) -> Iterable[Path]:
    return _python_files(folder) if folder.joinpath("__init__.py").is_file() else ()


def _imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.isidentifier():
            yield node.value  # config_from_object("celeryconfig"), include=["tasks"]


def parse(path: Path, name: str) -> Source | Difference:
    """Parse a file; one that is no Python is a difference."""
    try:
        with tokenize.open(path) as file:
            return Source(name, ast.parse(file.read(), name))
    except (SyntaxError, UnicodeDecodeError, ValueError) as error:
        return Difference(name, getattr(error, "lineno", None) or 1, "error", f"cannot be read as Python 3: {error}")
