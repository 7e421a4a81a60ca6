"""The format of a store's SQLite file: whether a file is ours and of our version, and how a new one is made."""

from __future__ import annotations

import uuid
from typing import Any

from localq.exceptions import StoreError, StoreForeign, StoreVersion
from localq.model import failpoints
from localq.store.sql.schema import SCHEMA_VERSION, metadata
from localq.store.sqlite.busy import Patience
from localq.store.sqlite.dialect import SQLITE
from localq.store.sqlite.file_place import Place

__all__ = ["APPLICATION_ID", "create", "recognise"]

#: "LocQ" in the file's header: what tells our files from others'.
APPLICATION_ID = 0x4C6F6351


def recognise(cursor: Any, place: Place, patience: Patience) -> None:
    """Check that the file is ours and of our version; make it so if it is new, one process at a time."""
    if not _is_ours(cursor, place.path, patience):
        with place.alone():
            if not _is_ours(cursor, place.path, patience):
                # Heeded only before the first page is written, which the switch to a log does.
                patience.run(cursor, "PRAGMA auto_vacuum=INCREMENTAL")
                _check_journal(cursor, place.path, patience)
                create(cursor, patience)
    _check_journal(cursor, place.path, patience)


def create(cursor: Any, patience: Patience) -> None:
    """Make the tables, and write into the head whose file it is: all or nothing."""
    patience.run(cursor, "BEGIN IMMEDIATE")
    try:
        for statement in SQLITE.tables(metadata):
            cursor.execute(statement)
        failpoints.point("store.create")
        cursor.execute("INSERT INTO meta (name, value) VALUES ('uuid', ?)", (uuid.uuid4().hex,))
        cursor.execute(f"PRAGMA application_id={APPLICATION_ID}")
        cursor.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
        cursor.execute("COMMIT")
    except BaseException:
        if cursor.connection.in_transaction:
            cursor.execute("ROLLBACK")
        raise


def _is_ours(cursor: Any, path: str, patience: Patience) -> bool:
    """Whether the file is a store of this version; False if it is empty. Anything else raises."""
    # Looked at first: who finds tables, and after that no id, has not met a store in the making.
    filled = patience.run(cursor, "SELECT count(*) FROM sqlite_master").fetchone()[0]
    application = patience.run(cursor, "PRAGMA application_id").fetchone()[0]
    version = patience.run(cursor, "PRAGMA user_version").fetchone()[0]
    if application == APPLICATION_ID and version > SCHEMA_VERSION:
        raise StoreVersion(
            f"{path} was written by a newer LocalQ (its format is {version}, this one knows "
            f"{SCHEMA_VERSION}). Upgrade LocalQ; the file is left as it is."
        )
    if application == APPLICATION_ID and 0 < version < SCHEMA_VERSION:
        raise StoreVersion(
            f"{path} was written by an older development version of LocalQ (its format is {version}, this one knows "
            f"{SCHEMA_VERSION}), and formats before the first release are not converted. Finish its jobs with the "
            "version that wrote it, or choose another path; the file is left as it is."
        )
    if (application, version) == (APPLICATION_ID, SCHEMA_VERSION):
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
