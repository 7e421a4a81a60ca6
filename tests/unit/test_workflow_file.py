"""The workflow that runs the checks on three systems: what it names is there, and it may do no more than it must."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
FILE = ROOT / ".github" / "workflows" / "tests.yml"
NOXFILE = (ROOT / "noxfile.py").read_text()


@pytest.fixture(scope="module")
def jobs() -> dict[str, Any]:
    return dict(yaml.safe_load(FILE.read_text())["jobs"])


def commands(jobs: dict[str, Any]) -> list[str]:
    return [step["run"] for job in jobs.values() for step in job["steps"] if "run" in step]


def test_every_session_it_runs_is_there(jobs: dict[str, Any]) -> None:
    named = [name for line in commands(jobs) for name in re.findall(r"nox -s (\w+)", line)]

    assert named
    for name in named:
        assert re.search(rf"^def {name}\(session", NOXFILE, re.MULTILINE), name
    assert ".ci/run" in commands(jobs)
    assert (ROOT / ".ci" / "run").exists()


def test_it_runs_on_every_version_of_python_and_on_three_systems(jobs: dict[str, Any]) -> None:
    versions = re.search(r"^PYTHONS = (\[.*\])", NOXFILE, re.MULTILINE)
    assert versions is not None
    for job in jobs.values():
        assert str(job["strategy"]["matrix"]["python"]).replace("'", '"') == versions[1]
    systems = {system for job in jobs.values() for system in job["strategy"]["matrix"].get("system", [job["runs-on"]])}
    assert systems == {"ubuntu-latest", "macos-latest", "windows-latest"}


def test_it_may_only_read_and_its_actions_are_of_one_major_version(jobs: dict[str, Any]) -> None:
    whole = yaml.safe_load(FILE.read_text())

    assert whole["permissions"] == {"contents": "read"}
    assert whole["concurrency"]["cancel-in-progress"] is True
    for job in jobs.values():
        assert "permissions" not in job
        assert job["timeout-minutes"] <= 90
        used = [step for step in job["steps"] if "uses" in step]
        assert all(re.fullmatch(r"actions/[\w-]+@v\d+", step["uses"]) for step in used)
        (checkout,) = (step for step in used if step["uses"].startswith("actions/checkout"))
        assert checkout["with"]["persist-credentials"] is False
