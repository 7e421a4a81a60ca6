"""The stores the suite runs on. A new store adds a line to STORES; the tests are its specification."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from localq.store.sqlite import SqliteStore

STORES: dict[str, Callable[[Path], Any]] = {
    "full": lambda folder: SqliteStore(folder / "jobs.db", durability="full"),
    "normal": lambda folder: SqliteStore(folder / "jobs.db", durability="normal"),
    "memory": lambda folder: SqliteStore(":memory:"),
}


@pytest.fixture(params=STORES)
def make_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], Any]]:
    """Return a function that makes an empty store; all are closed when the test is over."""
    with ExitStack() as opened:

        def make() -> Any:
            folder = tmp_path / f"store-{len(list(tmp_path.iterdir()))}"
            folder.mkdir()
            store = STORES[request.param](folder)
            store.open()
            opened.callback(store.close)
            return store

        yield make


@pytest.fixture
def store(make_store: Callable[[], Any]) -> Any:
    """Return an empty store of every kind in turn."""
    return make_store()
