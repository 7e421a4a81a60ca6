"""What SQLite says of a store's file: whose it is, whether it is whole, and how it is written."""

from __future__ import annotations

import os
import re
import shlex
import sqlite3
from collections.abc import Callable, Iterator

from localq.model.finding import Finding, fine, note, warning, wrong
from localq.model.sizes import size_text
from localq.store.sql.layout import SCHEMA_VERSION
from localq.store.sqlite.conversions import OLDEST
from localq.store.sqlite.dialect import SQLITE
from localq.store.sqlite.file_format import APPLICATION_ID
from localq.store.sqlite.readonly import ReadOnlyStore

__all__ = [
    "identity",
    "integrity",
    "journal",
    "ownership",
    "schema",
    "sqlite_version",
    "synchronous",
    "write_lock",
]

#: What a statement defines.
_DEFINED = re.compile(r"\bCREATE (?:UNIQUE )?(TABLE|INDEX) (\w+)")
#: Files up to this many bytes are checked in full; larger ones only when asked.
CHECKED_IN_FULL = 200 << 20
#: Problems of a damaged file that are listed.
_LISTED = 5
#: The byte of the -shm file that who writes to the log has locked (https://sqlite.org/walformat.html 2.3.1).
_WRITE_LOCK_BYTE = 120


def ownership(store: ReadOnlyStore) -> Finding:
    """Judge whether the file is a store, and of which version."""
    application = store.inspect("application_id")[0][0]
    version = store.inspect("user_version")[0][0]
    if application == 0 and version == 0 and not store.schema():
        return note("owner", "The file is empty.", "The first job enqueued makes it a store.")
    if application != APPLICATION_ID:
        return wrong(
            "owner",
            f"The file is a database of something else (application id {application & 0xFFFFFFFF:#010x}).",
            "Choose another path; LocalQ leaves this file as it is.",
        )
    if version > SCHEMA_VERSION:
        return wrong(
            "version",
            f"A newer LocalQ wrote the file: its format is {version}, this one knows {SCHEMA_VERSION}.",
            "Upgrade LocalQ here; it leaves the file as it is.",
        )
    if OLDEST <= version < SCHEMA_VERSION:
        return note(
            "version",
            f"An older LocalQ wrote the file: its format is {version}, this one's {SCHEMA_VERSION}.",
            "The next worker or program that opens it converts it; make a backup before (localq backup).",
        )
    if 0 < version < OLDEST:
        return wrong(
            "version",
            f"An older development version of LocalQ wrote the file: its format is {version}, and this one converts "
            f"those from {OLDEST} on.",
            "Finish its jobs with the version that wrote it, or choose another path; the file is left as it is.",
        )
    if version < SCHEMA_VERSION:
        return wrong(
            "version",
            f"The file's format is {version}, which no LocalQ writes.",
            _recovery(store),
        )
    return fine("owner", f"The file is a store of LocalQ, format {version}.")


def schema(store: ReadOnlyStore) -> Iterator[Finding]:
    """Compare what the file defines with what a store has."""
    there = store.schema()
    wanted = {(kind.lower(), name) for kind, name in _DEFINED.findall("\n".join(SQLITE.texts.tables))}
    tables = {("table", name) for kind, name in wanted if kind == "table"}
    lost = sorted(name for _, name in tables - there)
    if lost:
        yield wrong("schema", f"Tables are missing: {', '.join(lost)}.", _recovery(store))
    slow = sorted(name for _, name in wanted - tables - there)
    if slow:
        yield warning("schema", f"Indexes are missing: {', '.join(slow)}. Work will be slow.", "Restore a backup.")
    strange = sorted(f"{kind} {name}" for kind, name in there - tables if kind in ("trigger", "view"))
    if strange:
        yield warning(
            "schema",
            f"The file defines what LocalQ does not: {', '.join(strange)}.",
            "A trigger runs with every write. If you do not know it, drop it.",
        )
    if not (lost or slow or strange):
        yield fine("schema", "All tables and indexes are there.")


def integrity(store: ReadOnlyStore, full: bool) -> Finding:
    """Let SQLite check the file: in full, or quickly where it is large and `full` does not insist."""
    size = os.stat(store.path).st_size
    kind = "integrity_check" if full or size <= CHECKED_IN_FULL else "quick_check"
    found = [line for row in store.inspect(f"{kind}({_LISTED})") for line in str(row[0]).splitlines()]
    if found != ["ok"]:
        return wrong("integrity", f"The file is damaged: {'; '.join(found)}.", _recovery(store))
    if kind == "quick_check":
        return note(
            "integrity",
            f"The file ({size_text(size)}) passed the quick check.",
            "--full also compares every index.",
        )
    return fine("integrity", "The file is whole.")


def identity(store: ReadOnlyStore) -> Finding:
    """Compare the database's own id with the one kept beside it: they part when a file replaces another."""
    try:
        with open(f"{store.path}.d/id", encoding="ascii") as file:
            beside = file.read().strip()
    except (OSError, UnicodeDecodeError):
        return note("identity", "No id is kept beside the file.", "The next LocalQ that opens it keeps one.")
    if beside and beside != store.identity():
        return warning(
            "identity",
            f"Another file was put in this one's place: its id is not the one kept in {store.path}.d.",
            f"If that was you, stop all workers and remove the folder {store.path}.d.",
        )
    return fine("identity", "The id kept beside the file is the file's own.")


def journal(store: ReadOnlyStore) -> Finding:
    """Judge the journal mode."""
    mode = store.inspect("journal_mode")[0][0]
    if mode != "wal":
        return note(
            "journal",
            f"The journal mode is {mode}, as in a fresh backup.",
            "LocalQ sets it to wal when it next opens the file.",
        )
    return fine("journal", "The journal mode is wal.")


def synchronous(durability: str) -> Finding:
    """Say what a commit of this app waits for."""
    if durability == "normal":
        return fine(
            "synchronous",
            "No enqueue waits for the disk (durability 'normal').",
        )
    return fine("synchronous", "Every enqueue waits for the disk (durability 'full').")


def sqlite_version(version: tuple[int, ...] = sqlite3.sqlite_version_info) -> Finding:
    """Tell whether this SQLite has the WAL-reset bug (https://sqlite.org/wal.html#walresetbug)."""
    text = ".".join(map(str, version))
    if version >= (3, 51, 3) or (3, 50, 7) <= version < (3, 51) or (3, 44, 6) <= version < (3, 45):
        return fine("sqlite", f"SQLite {text} is free of the WAL-reset bug.")
    return note(
        "sqlite",
        f"SQLite {text} has the WAL-reset bug. LocalQ's checkpoints avoid it, other programs' do not.",
        "Do not write to the file with other programs while workers run, or use SQLite 3.51.3 or newer.",
    )


def write_lock(store: ReadOnlyStore, locks: Callable[[], str | None], pause: Callable[[float], None]) -> Finding:
    """Tell who holds the write lock, if one process holds it all through half a second.

    Args:
        locks: Returns the system's table of file locks (/proc/locks), or None.
        pause: Sleeps so many seconds.
    """
    try:
        inode = os.stat(f"{store.path}-shm").st_ino
    except OSError:
        return fine("lock", "Nobody holds the write lock.")
    holder = None
    for turn in range(10):
        table = locks()
        if table is None:
            return note("lock", "This system does not say who holds the write lock.")
        found = _writer(table, inode)
        if found is None or (turn and found != holder):
            return fine("lock", "Nobody keeps the write lock.")
        holder = found
        pause(0.05)
    return warning(
        "lock",
        f"Process {holder}{_called(holder)} keeps the write lock; nobody else can enqueue or finish jobs.",
        "If it is busy writing, all is well. If it sits in a transaction, end that.",
    )


def _recovery(store: ReadOnlyStore) -> str:
    return (
        "Stop everything that uses the file and keep a copy of it with its -wal file. Then restore a backup, "
        f"or try: sqlite3 {shlex.quote(store.path)} .recover"
    )


def _writer(table: str, inode: int) -> str | None:
    """Return the id of the process that has the write lock.

    Args:
        table: Lines such as "1: POSIX  ADVISORY  WRITE 4711 fe:00:131090 120 120".
    """
    for line in table.splitlines():
        fields = line.split()
        if len(fields) == 8 and fields[3] == "WRITE" and fields[5].rpartition(":")[2] == str(inode):
            end = float("inf") if fields[7] == "EOF" else int(fields[7])
            if int(fields[6]) <= _WRITE_LOCK_BYTE <= end:
                return fields[4]
    return None


def _called(process: str | None) -> str:
    try:
        with open(f"/proc/{process}/comm", encoding="utf-8", errors="replace") as file:
            return f" ({file.read().strip()})"
    except OSError:
        return ""
