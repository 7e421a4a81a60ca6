"""Files that a SQLite store refuses, or finds damaged: a clear error, and the file is left as it is."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from localq.exceptions import (
    StoreDamaged,
    StoreError,
    StoreForeign,
    StoreVersion,
)
from localq.store.sql.layout import SCHEMA_VERSION
from localq.store.sqlite.conversions import OLDEST
from localq.store.sqlite.store import SqliteStore
from tests.store import children
from tests.store.files import changed, filled, mode, opened
from tests.store.given import NOW, new
from tests.store.together import together

# Not allowed


@pytest.mark.parametrize(
    ("name", "permissions", "words"),
    [
        ("new.db", {".": 0o500}, "cannot be created"),
        ("jobs.db", {"jobs.db": 0o400}, "cannot be written"),
        ("jobs.db", {"jobs.db": 0o000}, "cannot be written"),
        ("jobs.db", {".": 0o500}, "must write beside"),
        ("jobs.db", {".": 0o000}, "cannot be used"),
        ("jobs.db", {"jobs.db.d/id": 0o000, "jobs.db.d": 0o500}, None),
    ],
)
def test_without_the_right_to_write_there_is_a_clear_error(
    tmp_path: Path, name: str, permissions: dict[str, int], words: str | None
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    filled(folder / "jobs.db")
    for what, allowed in permissions.items():
        (folder / what).chmod(allowed)

    (said,) = together(1, children.open_without_privileges, folder / name)

    folder.chmod(0o700)
    if words is None:
        assert said == ""
    else:
        assert said.startswith("StoreReadOnly: ")
        assert words in said
        assert str(folder / name) in said


# Refused and left as they are


def refused(path: Path, error: type[StoreError], words: str) -> None:
    """Assert that opening fails so, twice, and that neither the file nor its folder is changed by it."""
    before = path.read_bytes(), mode(path), sorted(os.listdir(path.parent))
    for _ in range(2):
        store = SqliteStore(path)
        with pytest.raises(error, match=words) as caught:
            store.jobs.add([new()], NOW)
        assert str(path) in str(caught.value)
        store.close()
    assert (path.read_bytes(), mode(path), sorted(os.listdir(path.parent))) == before


@pytest.mark.parametrize(
    "statements",
    [
        ("CREATE TABLE places (url TEXT)", "INSERT INTO places VALUES ('x')"),
        ("PRAGMA journal_mode=WAL", "CREATE TABLE places (url TEXT)"),
        ("CREATE TABLE job (key INTEGER)",),
        ("PRAGMA application_id=42",),
        ("PRAGMA application_id=42", "CREATE TABLE places (url TEXT)"),
    ],
)
def test_another_programs_database_is_refused_and_left_alone(tmp_path: Path, statements: tuple[str, ...]) -> None:
    refused(changed(tmp_path / "places.db", *statements), StoreForeign, "something else")


@pytest.mark.parametrize(
    "content", [b"Dear Sir or Madam,\n" * 100, b"xy", b"\0" * 4096, random.Random(1).randbytes(8192)]
)
def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "letter.txt").write_bytes(content)

    refused(tmp_path / "letter.txt", StoreDamaged, "no SQLite database")


@pytest.mark.parametrize("damage", [b"\0" * 16, b"\xff" * 100, random.Random(2).randbytes(64)])
def test_a_damaged_header_is_told(tmp_path: Path, damage: bytes) -> None:
    path = filled(tmp_path / "jobs.db", 100)
    whole = path.read_bytes()
    path.write_bytes(damage + whole[len(damage) :])

    refused(path, StoreDamaged, "no SQLite database")

    path.write_bytes(whole)
    filled(path)


def test_a_file_cut_to_nothing_is_not_taken_for_a_new_one(tmp_path: Path) -> None:
    path = filled(tmp_path / "jobs.db")
    os.truncate(path, 0)

    refused(path, StoreDamaged, "cut it to nothing")


def test_a_file_cut_in_half_is_told(tmp_path: Path) -> None:
    path = filled(tmp_path / "jobs.db", 500)
    os.truncate(path, path.stat().st_size // 2)

    with pytest.raises(StoreDamaged, match="recover"):
        SqliteStore(path).jobs.add([new()], NOW)


def test_a_newer_versions_file_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = filled(tmp_path / "jobs.db")
    changed(path, f"PRAGMA user_version={SCHEMA_VERSION + 1}")

    refused(path, StoreVersion, f"format is {SCHEMA_VERSION + 1}, this one knows {SCHEMA_VERSION}")


def test_an_older_development_versions_file_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = filled(tmp_path / "jobs.db")
    changed(path, f"PRAGMA user_version={OLDEST - 1}")

    refused(path, StoreVersion, rf"older .* format is {OLDEST - 1}; this one converts those from {OLDEST} on")


def test_a_store_that_lost_its_table_says_so(tmp_path: Path) -> None:
    path = changed(filled(tmp_path / "jobs.db"), "DROP TABLE attempt")

    store = opened(path)

    with pytest.raises(StoreError, match="no such table: attempt"):
        store.read.attempts("job-0")
    store.close()


def test_a_removed_file_starts_afresh(tmp_path: Path) -> None:
    path = filled(tmp_path / "jobs.db")
    path.unlink()

    store = opened(path)

    assert store.read.stats().counts == {}
    store.close()
