"""Settings that a project keeps in a TOML file, read as if they were assigned in a module."""

from __future__ import annotations

import ast
import os
import re
from pathlib import Path

from localq.contrib.celery.difference import Difference
from localq.contrib.celery.project import Source
from localq.exceptions import ImproperlyConfigured
from localq.settings.sources import read_source

__all__ = ["CONFIG_FILES", "read_config_files"]

#: The files that commands without an app read, see `localq.cli.app_option`.
CONFIG_FILES = ("localq.toml", "pyproject.toml")


def read_config_files(folder: Path, root: Path) -> list[Source | Difference]:
    """Return the TOML files with settings in a folder; one that cannot be read is a difference.

    Args:
        root: The folder that files are named from.
    """
    found: list[Source | Difference] = []
    for path in (folder / name for name in CONFIG_FILES):
        name = os.path.relpath(path, root)
        text = path.read_text("utf-8", "replace") if path.is_file() else ""
        if path.name == "localq.toml" or "[tool.localq" in text:
            try:
                found += [Source(name, _assignments(text, dict(read_source(path))))] if path.is_file() else []
            except ImproperlyConfigured as error:
                found.append(Difference(name, 1, "error", str(error)))
    return found


def _assignments(text: str, settings: dict[str, object]) -> ast.Module:
    """Return settings as a module's assignments, each on the line where its name first stands in the text."""
    module = ast.Module([], [])
    for name, value in settings.items():
        if not name.isidentifier():
            continue
        (statement,) = ast.parse(f"{name} = {value!r}").body
        place = re.search(rf"^(\[tool\.localq\.|\[|[ \t]*){name}\b", text, re.MULTILINE)
        line = 1 if place is None else text.count("\n", 0, place.start()) + 1
        for node in ast.walk(statement):
            if hasattr(node, "lineno"):
                node.lineno = line
        module.body.append(statement)
    return module
