"""The reference names what is public, and everything public has something said of it."""

from __future__ import annotations

import importlib
import inspect
import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "reference.md").read_text("utf-8")
SECTIONS = re.findall(r"^## .*?`(localq[\w.]*)`$(.*?)```\{eval-rst\}(.*?)```", PAGE, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize(("module", "text", "built"), SECTIONS, ids=[section[0] for section in SECTIONS])
def test_a_module_is_listed_with_all_its_public_names(module: str, text: str, built: str) -> None:
    listed = re.findall(r"`(\w+)`", text.strip().rpartition("\n\n")[2])

    assert listed == list(importlib.import_module(module).__all__)
    assert f"automodule:: {module}\n" in built


@pytest.mark.parametrize("module", [section[0] for section in SECTIONS])
def test_every_public_class_and_function_has_a_docstring(module: str) -> None:
    there = importlib.import_module(module)
    things = {name: getattr(there, name) for name in there.__all__}

    silent = [
        name
        for name, thing in things.items()
        if (inspect.isclass(thing) or inspect.isfunction(thing)) and not inspect.getdoc(thing)
    ]

    assert silent == []


def test_modules_that_pages_tell_to_import_from_are_in_the_reference() -> None:
    pages = "\n".join(path.read_text("utf-8") for path in DOCS.glob("*.md") if path.name != "migrating-from-celery.md")
    told = set(re.findall(r"^(?:>>> )?from (localq[\w.]*) import", pages, re.MULTILINE)) - {"localq.contrib"}

    assert told - {section[0] for section in SECTIONS} == set()
