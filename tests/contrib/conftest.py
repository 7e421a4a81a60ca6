"""What tests of frameworks start from: Django set up once, a database and a queue of each test's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import django
import pytest
from django.db import connection

from localq import LocalQ, current
from localq.testing import isolated
from tests.contrib import shop

django.setup()


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Path]:
    """Return the file of a database of the test's own."""
    path = tmp_path / "db.sqlite3"
    before, connection.settings_dict["NAME"] = connection.settings_dict["NAME"], str(path)
    yield path
    connection.close()
    connection.settings_dict["NAME"] = before


@pytest.fixture
def fitted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalQ]:
    """Return an app that was made where DJANGO_SETTINGS_MODULE is set."""
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "shop.settings")
    app = LocalQ("fitted", path=tmp_path / "jobs.db", durability="normal")
    yield app
    app.close()
    current.set_app(None)


@pytest.fixture
def q(tmp_path: Path) -> Iterator[LocalQ]:
    """Return the app of Django's tasks, on a file of the test's own."""
    with isolated(shop.q, tmp_path / "jobs.db") as app:
        yield app
