from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
#: A screen that nobody sees, where the machine has one to offer; else the one that is there.
SCREEN = [found, "-a"] if (found := shutil.which("xvfb-run")) else []
HAS_SCREEN = bool(SCREEN or os.environ.get("DISPLAY"))

#: Somebody at the window: looks at it every few milliseconds, and does the next thing when a fact has come true.
PERSON = """
import json, os, sys, time, zipfile
sys.path.insert(0, FOLDER)

write = zipfile.ZipFile.write
def write_when_told(self, path, *more):
    while path.name == "30.raw" and not os.path.exists("go on"):
        time.sleep(0.01)
    write(self, path, *more)
zipfile.ZipFile.write = write_when_told

from jobs import add, q
from WINDOW import *

class Person:
    def __init__(self, later, steps):
        self.later, self.steps, self.looks = later, list(steps), 0
        later(10, self.look)

    def look(self):
        self.looks += 1
        if self.steps and self.steps[0][0]():
            self.steps.pop(0)[1]()
        self.later(10, self.look)

def say(**what):
    print(json.dumps(what), flush=True)

q.start(concurrency=1)
"""
TK = """
window = Archiver()
def rows():
    return [[window.rows.item(row, "text"), *window.rows.item(row, "values")] for row in window.rows.get_children()]
def pick(number):
    window.rows.selection_set(window.rows.get_children()[number])
show, close, run, later = window.show, window.close, window.mainloop, window.after
window.after(90_000, lambda: os._exit(3))
"""
QT = """
from PySide6.QtCore import QTimer
program = QApplication([])
window = Archiver()
window.show()
def rows():
    items = [window.rows.topLevelItem(n) for n in range(window.rows.topLevelItemCount())]
    return [[item.text(0), item.text(1), item.text(2)] for item in items]
def pick(number):
    window.rows.topLevelItem(number).setSelected(True)
show, close, run = window.show_job, window.close, program.exec
later = QTimer.singleShot
QTimer.singleShot(90_000, lambda: os._exit(3))
"""
WINDOWS = {"in_tk": TK, "in_qt": QT}


@pytest.fixture(
    params=[
        pytest.param(
            "in_tk",
            marks=pytest.mark.skipif(
                not HAS_SCREEN or importlib.util.find_spec("tkinter") is None, reason="there is no screen, or no Tk"
            ),
        ),
        pytest.param(
            "in_qt",
            marks=pytest.mark.skipif(
                not HAS_SCREEN or importlib.util.find_spec("PySide6") is None, reason="there is no screen, or no Qt"
            ),
        ),
    ]
)
def window(request: pytest.FixtureRequest) -> str:
    """Return the module of a window."""
    return str(request.param)


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """Return a working folder with something to pack: in the middle of it waits for a file "go on"."""
    (tmp_path / "photos" / "old").mkdir(parents=True)
    for number in range(60):
        content = b"%d " % number * 2_000
        (tmp_path / "photos" / ("old" if number % 2 else "") / f"{number:02}.raw").write_bytes(content)
    return tmp_path


def sit_at(folder: Path, window: str, steps: str) -> list[dict[str, Any]]:
    """Run the program in a folder with somebody who takes steps; return what that person said."""
    person = PERSON.replace("FOLDER", repr(str(HERE))).replace("WINDOW", window)
    done = subprocess.run(
        [*SCREEN, sys.executable, "-c", f"{person}{WINDOWS[window]}{steps}\nrun()\nsay(looks=person.looks)\n"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.getcwd(), "QT_QPA_PLATFORM": "offscreen"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def names(archive: Path) -> list[str]:
    with zipfile.ZipFile(archive) as packed:
        assert packed.testzip() is None
        return sorted(Path(name).name for name in packed.namelist())


def test_a_row_shows_progress_and_then_what_came_of_it(desk: Path, window: str) -> None:
    said = sit_at(
        desk,
        window,
        """
show(*add("photos"))
person = Person(later, [
    (lambda: " of 60: " in rows()[0][2], lambda: (say(row=rows()[0]), open("go on", "w").close())),
    (lambda: rows()[0][2].startswith("60 files, "), lambda: (say(row=rows()[0]), close())),
])
""",
    )

    assert said[0]["row"][:2] == ["photos.zip", "PROGRESS"]
    assert said[1]["row"][:2] == ["photos.zip", "SUCCESS"]
    assert names(desk / "photos.zip") == [f"{number:02}.raw" for number in range(60)]


def test_what_was_unfinished_when_the_window_was_closed_is_done_after_the_next_start(desk: Path, window: str) -> None:
    before = sit_at(
        desk,
        window,
        """
show(*add("photos"))
show(*add("photos/old"))
person = Person(later, [(lambda: " of 60: " in rows()[0][2], lambda: (say(rows=rows()), close()))])
""",
    )
    (desk / "go on").touch()
    after = sit_at(
        desk,
        window,
        """
person = Person(later, [(lambda: all(row[1] == "SUCCESS" for row in rows()), lambda: (say(rows=rows()), close()))])
""",
    )

    assert before[0]["rows"][1][:2] == ["old.zip", "PENDING"]
    assert [row[0] for row in after[0]["rows"]] == ["photos.zip", "old.zip"]
    assert names(desk / "old.zip") == [f"{number:02}.raw" for number in range(1, 60, 2)]
    assert not list(desk.glob("*.part"))


def test_a_job_is_cancelled_while_it_runs_and_the_next_one_begins(desk: Path, window: str) -> None:
    said = sit_at(
        desk,
        window,
        """
show(*add("photos"))
show(*add("nowhere"))
person = Person(later, [
    (lambda: " of 60: " in rows()[0][2], lambda: (pick(0), window.cancel())),
    (lambda: rows()[0][1] == "REVOKED" and rows()[1][1] == "SUCCESS", lambda: (say(rows=rows()), close())),
])
""",
    )

    assert [row[:2] for row in said[0]["rows"]] == [["photos.zip", "REVOKED"], ["nowhere.zip", "SUCCESS"]]
    assert not (desk / "photos.zip").exists()
    assert names(desk / "nowhere.zip") == []


def test_the_window_never_stands_still_while_it_waits_for_a_job(desk: Path, window: str) -> None:
    said = sit_at(
        desk,
        window,
        """
import threading
stop = q._stop
def slow(*args, **options):
    # The worker takes its time until the window has been looked at a hundred times more.
    until = person.looks + 100
    while person.looks < until:
        threading.Event().wait(0.01)
    stop(*args, **options)
q._stop = slow
person = Person(later, [(lambda: True, lambda: (say(looks=person.looks), close()))])
""",
    )

    assert said[1]["looks"] >= said[0]["looks"] + 100
