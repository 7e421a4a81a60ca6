"""The format of a store's SQLite file: whether a file is ours, how a new one is made, and an older one converted."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterator
from typing import Any

from localq.exceptions import StoreError, StoreForeign, StoreVersion
from localq.model import failpoints
from localq.store.sql.layout import SCHEMA_VERSION
from localq.store.sqlite.busy import Patience
from localq.store.sqlite.conversions import OLDEST, convert
from localq.store.sqlite.dialect import SQLITE
from localq.store.sqlite.file_place import Place

__all__ = ["APPLICATION_ID", "create", "recognise"]

#: "LocQ" in the file's header: what tells our files from others'.
APPLICATION_ID = 0x4C6F6351


def recognise(cursor: Any, place: Place, patience: Patience) -> None:
    """Check that the file is ours; make it so if it is new, and of our version, one process at a time."""
    if not _is_ours(cursor, place.path, patience):
        with place.alone():
            if not _is_ours(cursor, place.path, patience):
                # Heeded only before the first page is written, which the switch to a log does.
                patience.run(cursor, "PRAGMA auto_vacuum=INCREMENTAL")
                _check_journal(cursor, place.path, patience)
                create(cursor, patience)
    _check_journal(cursor, place.path, patience)
    if _version(cursor, patience) < SCHEMA_VERSION:
        _bring_up(cursor, patience)


def create(cursor: Any, patience: Patience) -> None:
    """Make the tables, and write into the head whose file it is: all or nothing."""
    with _whole(cursor, patience):
        for statement in SQLITE.texts.tables:
            cursor.execute(statement)
        failpoints.point("store.create")
        cursor.execute("INSERT INTO meta (name, value) VALUES ('uuid', ?)", (uuid.uuid4().hex,))
        cursor.execute(f"PRAGMA application_id={APPLICATION_ID}")
        cursor.execute(f"PRAGMA user_version={SCHEMA_VERSION}")


def _bring_up(cursor: Any, patience: Patience) -> None:
    """Convert a file of an older format: all or nothing, and once."""
    with _whole(cursor, patience):
        version = _version(cursor, patience)
        if version < SCHEMA_VERSION:
            convert(cursor, version)
            failpoints.point("store.create")


@contextlib.contextmanager
def _whole(cursor: Any, patience: Patience) -> Iterator[None]:
    patience.run(cursor, "BEGIN IMMEDIATE")
    try:
        yield
        cursor.execute("COMMIT")
    except BaseException:
        if cursor.connection.in_transaction:
            cursor.execute("ROLLBACK")
        raise


def _version(cursor: Any, patience: Patience) -> int:
    return int(patience.run(cursor, "PRAGMA user_version").fetchone()[0])


def _is_ours(cursor: Any, path: str, patience: Patience) -> bool:
    """Whether the file is a store of this version, or one it can convert; False if it is empty. Else raises."""
    # Looked at first: who finds tables, and after that no id, has not met a store in the making.
    filled = patience.run(cursor, "SELECT count(*) FROM sqlite_master").fetchone()[0]
    application = patience.run(cursor, "PRAGMA application_id").fetchone()[0]
    version = _version(cursor, patience)
    if application == APPLICATION_ID and version > SCHEMA_VERSION:
        raise StoreVersion(
            f"{path} was written by a newer LocalQ (its format is {version}, this one knows "
            f"{SCHEMA_VERSION}). Upgrade LocalQ; the file is left as it is."
        )
    if application == APPLICATION_ID and 0 < version < OLDEST:
        raise StoreVersion(
            f"{path} was written by an older development version of LocalQ (its format is {version}; this one converts "
            f"those from {OLDEST} on). Finish its jobs with the version that wrote it, or choose another path; the "
            "file is left as it is."
        )
    if application == APPLICATION_ID and version:
        return True
    if filled or application not in (0, APPLICATION_ID):
        raise StoreForeign(
            f"{path} is a database of something else (application id {application:#x}). Choose another "
            "path; the file is left as it is."
        )
    return False


def _check_journal(cursor: Any, path: str, patience: Patience) -> None:
    mode = patience.run(cursor, "PRAGMA journal_mode").fetchone()[0]
    if mode != "wal":
        mode = patience.run(cursor, "PRAGMA journal_mode=WAL").fetchone()[0]
    if mode != "wal":
        raise StoreError(f"{path} cannot use a write-ahead log here (SQLite says {mode!r}).")
