"""The blocks of the page about moving on, run as they stand there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from localq import LocalQ
from localq.cli import main
from localq.testing import drain
from tests.cli.runner import runner

PAGE = (Path(__file__).parents[2] / "docs" / "moving-on.md").read_text()


def blocks(kind: str) -> list[str]:
    """Return the blocks of a kind, in the order of the page."""
    return re.findall(rf"^```{kind}\n(.*?)^```$", PAGE, re.S | re.M)


def test_the_commands_about_another_store_move_a_program_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bigger").mkdir()
    q, ran = LocalQ("moved", path="jobs.db"), []

    @q.task
    def work(number: int) -> None:
        ran.append(number)

    for number in range(3):
        work.delay(number)
    commands = [line for block in blocks("bash") for line in block.splitlines() if line.startswith("localq migrate")]
    assert len(commands) == 2

    for line in commands:
        result = runner().invoke(main, shlex.split(line)[1:])
        assert result.exit_code == 0, result.output

    drain(q)
    assert ran == []
    q.relocate(url="sqlite:///bigger/jobs.db")
    drain(q)
    assert ran == [0, 1, 2]
    q.close()
