from __future__ import annotations

import configparser
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from localq.cli.commands.multi import multi
from localq.cli.commands.worker import worker

UNITS = sorted(Path(__file__).parent.glob("*.service"))
COMMANDS = {"worker": worker, "multi": multi}


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_a_unit_calls_localq_with_options_that_are_there(unit: Path) -> None:
    read = configparser.RawConfigParser(strict=False)
    read.optionxform = str  # type: ignore[assignment,method-assign]
    read.read_string(unit.read_text())

    lines = [line for name, line in read["Service"].items() if name.startswith("Exec") and "localq" in line]

    assert lines
    for line in lines:
        _, command, *words = shlex.split(line)
        COMMANDS[command].make_context(command, words)


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_systemd_takes_the_unit(unit: Path, tmp_path: Path) -> None:
    text = unit.read_text().replace("/srv/shop/.venv/bin/localq", "/bin/true").replace("/srv/shop", "/")
    copy = tmp_path / unit.name
    copy.write_text(text)
    # Where there is no systemd, the unit is only read above.
    analyze = shutil.which("systemd-analyze") or "true"

    done = subprocess.run([analyze, "verify", "--man=no", str(copy)], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
