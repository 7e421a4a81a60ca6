"""What proves that a worker lives: files that its group may read, where its user has told so."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from localq.host.posix_locks import PosixLocks
from localq.host.presence import Presence


@pytest.mark.parametrize(("umask", "group"), [(0o022, 0o040), (0o077, 0), (0o007, 0o060)])
def test_a_workers_files_are_its_groups_where_its_umask_says_so(
    tmp_path: Path, umask: int, group: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("localq.host.presence.LOCKS", PosixLocks())
    old = os.umask(umask)
    try:
        presence = Presence(tmp_path, "one", slots=1)
    finally:
        os.umask(old)

    rights = {path.name: path.stat().st_mode & 0o077 for path in tmp_path.iterdir()}
    presence.close()

    assert rights == {"one.lock": group, "one.slots": group}
