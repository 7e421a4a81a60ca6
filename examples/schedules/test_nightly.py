from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType

import pytest

from localq import current
from localq.testing import travel

SCRIPT = Path(__file__).with_name("nightly.py")
FRIDAY = datetime(2026, 3, 27, 12, tzinfo=UTC)


@pytest.fixture
def nightly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Load the program anew, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TZ", "Europe/Berlin")
    (tmp_path / "a.txt").write_text("12345")
    (tmp_path / "b").write_text("123")
    spec = importlib.util.spec_from_file_location("nightly", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    current.set_app(None)
    return module


def reports(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "reports").glob("*.txt"))


def test_three_nights_give_three_reports(nightly: ModuleType, tmp_path: Path) -> None:
    with travel(nightly.q, FRIDAY) as trip:
        trip.forward(days=3)

    # In the night to the 29th clocks go from 02:00 to 03:00, and 02:30 is left out.
    assert [f"{run.at:%d %H:%M}" for run in trip.ran if run.task.endswith("report")] == [
        "28 01:30",
        "29 01:00",
        "30 00:30",
    ]
    assert [f"{run.at:%d %H:%M}" for run in trip.ran if run.task.endswith("tidy")] == ["29 02:00"]
    assert reports(tmp_path) == ["2026-03-28.txt", "2026-03-29.txt", "2026-03-30.txt"]
    lines = (tmp_path / "reports" / "2026-03-28.txt").read_text().splitlines()
    assert [line.split() for line in lines[1:]] == [["5", ".txt"], ["3", "(none)"]]


def test_after_days_without_power_every_day_gets_its_report(nightly: ModuleType, tmp_path: Path) -> None:
    with travel(nightly.q, FRIDAY) as trip:
        trip.forward(days=1)
        trip.clock.step(timedelta(days=4))
        trip.forward()

    assert reports(tmp_path) == [f"2026-{day}.txt" for day in ("03-28", "03-29", "03-30", "03-31", "04-01")]


def test_only_the_newest_reports_are_kept(nightly: ModuleType, tmp_path: Path) -> None:
    with travel(nightly.q, FRIDAY) as trip:
        trip.forward(days=80)

    kept = reports(tmp_path)
    assert 60 <= len(kept) <= 66
    assert kept[-1] == "2026-06-15.txt"


def test_it_says_what_comes_and_stops_when_asked(tmp_path: Path) -> None:
    program = subprocess.Popen(
        [sys.executable, SCRIPT, "."],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "TZ": "Europe/Berlin"},
    )
    assert program.stdout is not None
    with program.stdout:
        first = [program.stdout.readline(), program.stdout.readline()]
        program.send_signal(signal.SIGINT)
        rest = program.stdout.read()

    assert program.wait(120) == 0
    assert first[0].startswith("nightly.report: at 02:30 (Europe/Berlin), next at 2")
    assert first[1].startswith("nightly.tidy: ")
    assert rest == "stopped\n"
