from __future__ import annotations

import re
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("archiver.py")
PROMPT = "> "


class Person:
    """Somebody at the program's prompt."""

    def __init__(self, folder: Path) -> None:
        self.program = subprocess.Popen(
            [sys.executable, SCRIPT], cwd=folder, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        self.read()

    def read(self) -> str:
        assert self.program.stdout is not None
        said = ""
        while not said.endswith(PROMPT) and (one := self.program.stdout.read(1)):
            said += one
        return said.removesuffix(PROMPT)

    def type(self, line: str) -> str:
        assert self.program.stdin is not None
        self.program.stdin.write(f"{line}\n")
        self.program.stdin.flush()
        return self.read()

    def watch(self, wanted: Callable[[str], bool]) -> str:
        """Ask for the jobs until they are as wanted."""
        deadline = time.monotonic() + 60
        while not wanted(said := self.type("jobs")):
            assert time.monotonic() < deadline, said
        return said

    def quit(self) -> None:
        with self.program:
            assert self.type("quit") == ""
            assert self.program.wait(timeout=30) == 0


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Path]:
    """Return a working folder with something to pack: enough that one can quit in the middle."""
    (tmp_path / "photos" / "old").mkdir(parents=True)
    for number in range(60):
        content = b"%d " % number * 200_000
        (tmp_path / "photos" / ("old" if number % 2 else "") / f"{number:02}.raw").write_bytes(content)
    return tmp_path


def names(archive: Path) -> list[str]:
    with zipfile.ZipFile(archive) as packed:
        assert packed.testzip() is None
        return sorted(Path(name).name for name in packed.namelist())


def test_a_job_shows_progress_and_ends_in_an_archive(desk: Path) -> None:
    person = Person(desk)
    person.type("pack photos")

    said = person.watch(lambda said: "PROGRESS" in said)
    assert re.search(r"PROGRESS photos.zip  \[#* *\] \d\d.raw", said)
    assert "60 files" in person.watch(lambda said: "SUCCESS" in said)

    person.quit()
    assert names(desk / "photos.zip") == [f"{number:02}.raw" for number in range(60)]


def test_what_was_unfinished_when_the_program_quit_is_done_after_the_next_start(desk: Path) -> None:
    person = Person(desk)
    for folder in ("photos", "photos/old"):
        person.type(f"pack {folder}")
    person.watch(lambda said: "PROGRESS" in said)
    person.quit()

    again = Person(desk)
    said = again.watch(lambda said: said.count("SUCCESS") == 2)
    again.quit()

    assert "30 files" in said
    assert names(desk / "old.zip") == [f"{number:02}.raw" for number in range(1, 60, 2)]
    assert not list(desk.glob("*.part"))


def test_a_folder_that_is_not_there_is_an_empty_archive(desk: Path) -> None:
    person = Person(desk)
    person.type("pack nowhere")

    assert "0 files" in person.watch(lambda said: "SUCCESS" in said)
    person.quit()
