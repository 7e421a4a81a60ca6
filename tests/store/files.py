"""Files of SQLite stores, made and looked at."""

from __future__ import annotations

import os
import sqlite3
import stat
from pathlib import Path

from localq.store.sqlite.store import SqliteStore
from tests.store.given import NOW, news


def mode(path: Path | str) -> int:
    return stat.S_IMODE(os.stat(path).st_mode)


def opened(path: Path, durability: str = "full") -> SqliteStore:
    store = SqliteStore(path, durability)
    store.open()
    return store


def filled(path: Path, count: int = 1) -> Path:
    """Make a store with jobs, closed again."""
    store = opened(path)
    store.jobs.add(news(*(f"job-{number}" for number in range(count))), NOW)
    store.close()
    return path


def changed(path: Path, *statements: str) -> Path:
    """Run statements on a file, as another program might; it is made if missing."""
    connection = sqlite3.connect(path)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()
    return path
