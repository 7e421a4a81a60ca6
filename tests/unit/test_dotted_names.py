"""What no rename tool sees, checked: names of LocalQ's modules and files in strings, pages and entry points."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
#: Where such names are written; the change log tells of names as they were.
TEXTS = ("localq/**/*.py*", "docs/**/*.md", "docs/*.py", "examples/**/*", ".ci/*", "*.md", "*.toml", "noxfile.py")
#: Built, not written.
NOT_READ = {"__pycache__", "CHANGELOG.md"}
#: Names that are none of a module: of loggers, tasks, files, and of modules made while a program runs.
OTHERS = {
    "localq.accumulate",
    "localq.found",
    "localq.map",
    "localq.spec",
    "localq.starmap",
    "localq.task",
    "localq.task.NAME",
    "localq.tests",
    "localq.toml",
}

DOTTED = re.compile(r"(?<![\w./@~-])localq(?:\.[A-Za-z_]\w*)+(?::[A-Za-z_]\w*)?")
#: A file or folder of the project, as a text names it.
PATH = re.compile(r"(?<![\w./-])(?:localq|tests|docs|examples)/[\w./-]*\w")


def texts() -> Iterator[tuple[str, str]]:
    for pattern in TEXTS:
        for path in ROOT.glob(pattern):
            if path.is_file() and not NOT_READ.intersection(path.parts):
                yield path.relative_to(ROOT).as_posix(), path.read_text("utf-8", "replace")


def mentions(pattern: re.Pattern[str]) -> dict[str, list[str]]:
    """Return what matches in all texts, with its files and lines."""
    found: dict[str, list[str]] = {}
    for name, text in texts():
        for match in pattern.finditer(text):
            found.setdefault(match[0], []).append(f"{name}:{text.count(chr(10), 0, match.start()) + 1}")
    return found


NAMES = mentions(DOTTED)
PATHS = mentions(PATH)


def named(name: str) -> Any:
    """Return what a dotted name leads to: a module, or what is found in one."""
    parts = name.replace(":", ".").split(".")
    found: Any = importlib.import_module(parts[0])
    for depth, part in enumerate(parts[1:], 2):
        if not hasattr(found, part):
            importlib.import_module(".".join(parts[:depth]))
        found = getattr(found, part)
    return found


@pytest.mark.parametrize("name", sorted(set(NAMES) - OTHERS))
def test_every_dotted_name_in_a_text_can_be_imported(name: str) -> None:
    try:
        named(name)
    except ImportError as error:
        if (error.name or "localq").partition(".")[0] not in ("localq", "tests"):
            pytest.skip(f"{name} is there, and needs {error.name}, which is not installed")
        raise AssertionError(f"{', '.join(NAMES[name])}: {name} leads nowhere ({error})") from None


@pytest.mark.parametrize("path", sorted(PATHS))
def test_every_path_in_a_text_leads_to_a_file(path: str) -> None:
    assert (ROOT / path).exists(), f"{', '.join(PATHS[path])}: there is no {path}"


def test_every_exception_is_still_written_somewhere() -> None:
    assert set(NAMES) >= OTHERS
