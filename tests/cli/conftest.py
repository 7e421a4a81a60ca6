"""What tests of the commands start from: an app, and a function that runs a command about its file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import Result

from localq import LocalQ, current
from localq.cli import main
from tests.cli.runner import runner


@pytest.fixture
def q(tmp_path: Path) -> Iterator[LocalQ]:
    """Return an app on a file of its own, which is not made yet; nobody works for it."""
    app = LocalQ("shop", path=tmp_path / "jobs.db", durability="normal")
    yield app
    app.close()
    current.set_app(None)


@pytest.fixture
def localq(q: LocalQ) -> Callable[..., Result]:
    """Return a function that runs a command on the app's file, without -A; it must not end in a traceback."""

    def run(*words: str, path: object = q.location, **more: str) -> Result:
        result = runner().invoke(main, ["--path", str(path), *words], **more)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result

    return run
