"""The page about files names all that lies beside one, and what may be done with it."""

from __future__ import annotations

import re
import shutil
import sqlite3
import subprocess
from pathlib import Path

import pytest

from localq import LocalQ
from localq.exceptions import StoreVersion
from localq.host.presence import Presence
from localq.store.protocol import Topic
from localq.store.sql.layout import SCHEMA_VERSION
from tests.store.files import opened
from tests.store.given import NOW, new

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "files.md").read_text("utf-8")
#: Names as the page has them, with stars where a part of them differs.
NAMED = re.findall(r"`((?:jobs\.db|\*\.|w-|r-)[^`\s]*)`", "\n".join(re.findall(r"^\| `.*$", PAGE, re.MULTILINE)))


def is_named(name: str) -> bool:
    """Whether the page names a file: by its name, or by a pattern in its folder."""
    folder = "jobs.db.d/"
    patterns = [one if one.startswith("jobs.db") else folder + one for one in NAMED]
    return any(re.fullmatch(re.escape(one).replace(r"\*", "[^/]+").removesuffix("/") + "/?", name) for one in patterns)


def test_all_that_lies_beside_a_file_in_use_is_named(tmp_path: Path) -> None:
    store = opened(tmp_path / "jobs.db")
    store.jobs.add([new()], NOW)
    bells = [store.bells.hang(topic) for topic in (Topic.WORK, Topic.RESULTS)]
    presence = Presence(tmp_path / "jobs.db.d", "one", slots=1)

    found = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*"))
    presence.close()
    for bell in bells:
        bell.close()
    store.close()

    assert len(found) >= 8
    assert [name for name in found if not is_named(name)] == []


def test_the_lines_for_a_repository_leave_nothing_of_a_file_in_it(tmp_path: Path) -> None:
    if (git := shutil.which("git")) is None:
        pytest.skip("git is not installed")
    (lines,) = re.findall(r"```text\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / ".gitignore").write_text(lines)
    subprocess.run([git, "init", "-q", str(tmp_path)], check=True)
    store = opened(tmp_path / "jobs.db")
    store.jobs.add([new()], NOW)

    words = [git, "-C", str(tmp_path), "status", "--porcelain", "--untracked-files=all"]
    seen = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    store.close()

    assert seen == "?? .gitignore\n"


def test_the_format_of_a_file_is_read_as_the_page_says(tmp_path: Path) -> None:
    opened(tmp_path / "jobs.db").close()
    (command,) = re.findall(r'sqlite3 jobs\.db "(PRAGMA \w+)"', PAGE)

    with sqlite3.connect(tmp_path / "jobs.db") as connection:
        version = connection.execute(command).fetchone()[0]
        connection.execute(f"{command}={version + 1}")
    connection.close()

    assert version == SCHEMA_VERSION
    with pytest.raises(StoreVersion):
        LocalQ(path=str(tmp_path / "jobs.db")).store.read.stats()
