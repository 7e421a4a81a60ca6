"""One folder, and usually one worker, for a chapter of the tutorial."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.tutorial.project import Project


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """Return the folder of the chapter; what it started ends with it."""
    made = Project(tmp_path_factory.mktemp("tutorial"))
    yield made
    made.close()
