"""The stores the suite runs on. A new store adds a line to STORES; the tests are its specification.

A store under construction names in that line the facets it has, and so turns green facet by facet: a test says which
it needs (`pytest.mark.facets`, of its module or its own), and is run on the stores that have them all. Tests that say
nothing need a store that is complete. To keep that true a test is given no other facet than it says.
"""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from localq.model import failpoints
from localq.store.sqlite.store import SqliteStore
from tests.store.given import LeaseClock
from tests.store.redis_server import no_valkey, redis_server, valkey
from tests.store.redis_server import reason as redis_reason
from tests.store.server import reason, server

#: All that a store may have.
EVERY = frozenset({"jobs", "read", "groups", "workers", "schedules", "mail", "bells", "events", "history", "moving"})


class Kind(NamedTuple):
    """A kind of store: what makes one that is empty, the facets it has, and whether another is all but the same.

    It is made with a folder of its own, the file of an empty SQLite store, and a clock for its leases.
    """

    make: Callable[[Path, Path, LeaseClock], Any]
    facets: frozenset[str] = EVERY
    twin: bool = False


STORES: dict[str, Kind] = {
    # It differs from the next by one PRAGMA, and waits for the disk.
    "full": Kind(
        lambda folder, empty, steady: SqliteStore(copied(folder, empty), durability="full", steady=steady), twin=True
    ),
    "normal": Kind(
        lambda folder, empty, steady: SqliteStore(copied(folder, empty), durability="normal", steady=steady)
    ),
    "memory": Kind(lambda folder, empty, steady: SqliteStore(":memory:", steady=steady)),
    "postgresql": Kind(lambda folder, empty, steady: in_schema_of_its_own(steady)),
    "redis": Kind(lambda folder, empty, steady: on_keys_of_its_own(steady)),
    # The same scripts, on the other server that is made of the same source.
    "valkey": Kind(lambda folder, empty, steady: on_keys_of_its_own(steady, valkey()), twin=True),
}


def in_schema_of_its_own(steady: LeaseClock) -> Any:
    from localq.store.postgresql.store import PostgresqlStore

    return PostgresqlStore(f"{server().url}&schema={server().schema()}", steady=steady)


def on_keys_of_its_own(steady: LeaseClock, program: Path | None = None) -> Any:
    from localq.store.redis.store import RedisStore

    return RedisStore(redis_server(program).url(), steady=steady)


def needed(node: Any) -> frozenset[str]:
    """Return the facets that a test says it needs."""
    said = [facet for mark in node.iter_markers("facets") for facet in mark.args]
    unknown = sorted(set(said) - EVERY)
    assert not unknown, f"{node.nodeid} needs {', '.join(unknown)}: a store has {', '.join(sorted(EVERY))}."
    return frozenset(said) or EVERY


def having(facets: frozenset[str], kinds: Mapping[str, Kind]) -> list[str]:
    """Return the names of the kinds of stores that have facets."""
    return [name for name, kind in kinds.items() if facets <= kind.facets]


class Part:
    """A store of which a test may use what it says it needs."""

    def __init__(self, store: Any, facets: frozenset[str]) -> None:
        self._store, self._facets = store, facets

    def __getattr__(self, name: str) -> Any:
        if name in EVERY and name not in self._facets:
            raise AssertionError(f"The test uses {name!r} of the store: add it to pytest.mark.facets.")
        return getattr(self._store, name)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test on each store that has what it needs, or on each pair of such."""
    absent = {"postgresql": reason(), "redis": redis_reason(), "valkey": redis_reason() or no_valkey()}
    marks = {name: [pytest.mark.slow] for name, kind in STORES.items() if kind.twin}
    for kind, why in absent.items():
        marks[kind] = [*marks.get(kind, []), *([pytest.mark.skip(reason=why)] if why else [])]
    kinds = having(needed(metafunc.definition), STORES)
    if "make_store" in metafunc.fixturenames:
        made = [pytest.param(kind, marks=marks.get(kind, [])) for kind in kinds]
        metafunc.parametrize("make_store", made, indirect=True)
    if "pair" in metafunc.fixturenames:
        kinds = [kind for kind in kinds if not STORES[kind].twin]
        # Each is the first once and the second once; the rest only puts the same halves together anew.
        ring = set(zip(kinds, [*kinds[1:], *kinds[:1]], strict=True))
        made = []
        for both in itertools.product(kinds, repeat=2):
            slow = [] if both in ring else [pytest.mark.slow]
            found = [mark for kind in {*both} for mark in marks.get(kind, [])]
            made.append(pytest.param(both, id="-".join(both), marks=[*found, *slow]))
        metafunc.parametrize("pair", made, indirect=True)


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


@pytest.fixture
def make_store(
    request: pytest.FixtureRequest, tmp_path: Path, empty: Path, steady: LeaseClock
) -> Iterator[Callable[[], Any]]:
    """Return a function that makes an empty store; all are closed when the test is over."""
    with ExitStack() as opened:

        def make() -> Any:
            store = made(request.param, tmp_path, empty, steady, opened)
            facets = needed(request.node)
            return store if facets == EVERY else Part(store, facets)

        yield make


def made(kind: str, tmp_path: Path, empty: Path, steady: LeaseClock, opened: ExitStack) -> Any:
    """Return a store of a kind, empty and open until all that is opened is closed."""
    folder = tmp_path / f"store-{len(list(tmp_path.iterdir()))}"
    folder.mkdir()
    store = STORES[kind].make(folder, empty, steady)
    store.open()
    if kind == "postgresql":
        opened.callback(server().give_back, store.database.address.schema)
    opened.callback(store.close)
    return store


@pytest.fixture
def pair(request: pytest.FixtureRequest, tmp_path: Path, empty: Path, steady: LeaseClock) -> Iterator[tuple[Any, Any]]:
    """Return two empty stores, of every kind and every other in turn."""
    with ExitStack() as opened:
        one, other = request.param
        yield made(one, tmp_path, empty, steady, opened), made(other, tmp_path, empty, steady, opened)


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
