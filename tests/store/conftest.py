"""The stores the suite runs on. A new store adds a line to STORES; the tests are its specification."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from localq.model import failpoints
from localq.store.sqlite.store import SqliteStore
from tests.store.given import LeaseClock

#: Each makes a store that is empty, with a clock for its leases; it is given a folder of its own, and the file of an
#: empty SQLite store.
STORES: dict[str, Callable[[Path, Path, LeaseClock], Any]] = {
    "full": lambda folder, empty, steady: SqliteStore(copied(folder, empty), durability="full", steady=steady),
    "normal": lambda folder, empty, steady: SqliteStore(copied(folder, empty), durability="normal", steady=steady),
    "memory": lambda folder, empty, steady: SqliteStore(":memory:", steady=steady),
}


def copied(folder: Path, empty: Path) -> Path:
    return Path(shutil.copy(empty, folder / "jobs.db"))


@pytest.fixture(scope="session")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the file of an empty store: making one syncs the disk a dozen times, copying it never."""
    path = tmp_path_factory.mktemp("empty") / "jobs.db"
    store = SqliteStore(path)
    store.open()
    store.close()
    return path


@pytest.fixture
def steady() -> LeaseClock:
    """Return the clock of leases."""
    return LeaseClock()


@pytest.fixture(params=STORES)
def make_store(
    request: pytest.FixtureRequest, tmp_path: Path, empty: Path, steady: LeaseClock
) -> Iterator[Callable[[], Any]]:
    """Return a function that makes an empty store; all are closed when the test is over."""
    with ExitStack() as opened:

        def make() -> Any:
            folder = tmp_path / f"store-{len(list(tmp_path.iterdir()))}"
            folder.mkdir()
            store = STORES[request.param](folder, empty, steady)
            store.open()
            opened.callback(store.close)
            return store

        yield make


@pytest.fixture
def store(make_store: Callable[[], Any]) -> Any:
    """Return an empty store, of every kind in turn."""
    return make_store()


@pytest.fixture
def arm(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Return a function that makes a named point fail from now on, or no point any more."""

    def arm(what: str) -> None:
        monkeypatch.setenv("LOCALQ_FAULT", what)
        failpoints.reload()

    yield arm
    monkeypatch.undo()
    failpoints.reload()
