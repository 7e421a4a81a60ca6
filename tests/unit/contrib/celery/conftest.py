from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from localq.contrib.celery.reading import read_project

Write = Callable[..., None]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Return a function that writes a file into the project's folder."""

    def put(name: str, text: str) -> None:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    return put


@pytest.fixture
def told(tmp_path: Path) -> Callable[..., list[str]]:
    """Return a function that reads a project and returns what was found, a line each."""

    def read(spec: str = "proj") -> list[str]:
        return [f"{one.file}:{one.line} {one.level}: {one.text}" for one in read_project(spec, tmp_path)[1]]

    return read
