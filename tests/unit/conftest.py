from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from localq import LocalQ, current


@pytest.fixture
def q(tmp_path: Path) -> Iterator[LocalQ]:
    """Return an app on a file of its own; nobody works for it."""
    app = LocalQ("tests", path=tmp_path / "jobs.db", durability="normal")
    yield app
    app.close()
    current.set_app(None)


@pytest.fixture
def eager() -> Iterator[LocalQ]:
    """Return an app that runs its jobs here and now."""
    app = LocalQ("tests", eager=True)
    yield app
    app.close()
    current.set_app(None)
