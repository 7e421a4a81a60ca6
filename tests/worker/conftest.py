from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from localq import LocalQ, current


@pytest.fixture
def q(tmp_path: Path) -> Iterator[LocalQ]:
    """Return an app on a file of its own, and stop whatever it started."""
    app = LocalQ("tests", path=tmp_path / "jobs.db", durability="normal")
    yield app
    app.stop(timeout=0.1)
    app.close()
    current.set_app(None)
