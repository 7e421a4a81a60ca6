from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from localq.exceptions import ChordError
from localq.testing import start_worker


def until(true: Callable[[], bool]) -> None:
    """Wait until something is so, a minute at most."""
    deadline = time.monotonic() + 60
    while not true() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert true()


def test_files_are_counted_side_by_side_errors_told_and_changes_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REPORT_FOLDER", str(tmp_path))
    from report import app, report

    for name, text in (("a", "one two"), ("b", "three")):
        (tmp_path / name).write_text(text)
    complaints = tmp_path / "complaints"

    with start_worker(app, perform_ping_check=False, beat=True):
        assert report([str(tmp_path / "a"), str(tmp_path / "b")]).get(timeout=120) == "3 words in 2 files"
        # Celery raises the header's own error where that is known when `get` begins to wait, else the body's.
        with pytest.raises((FileNotFoundError, ChordError)):
            report([str(tmp_path / "a"), str(tmp_path / "none")]).get(timeout=120)
        until(complaints.exists)
        (tmp_path / "changed").touch()
        until((tmp_path / "seen").exists)

    assert complaints.read_text() == "report.total ChordError\n"
    assert not (tmp_path / "changed").exists()
