"""`localq beat`, `worker -B` and `serve`, as processes: where schedules are fired, and how that is stopped."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from localq import LocalQ, current
from localq.cli import main
from localq.model.schedule import FIRED
from tests.cli.runner import runner
from tests.cli.test_worker import Running

SHOP = """
from localq import LocalQ

q = LocalQ("shop", path="jobs.db", durability="normal", beat_schedule={BEAT_SCHEDULE})


@q.task
def report():
    pass
"""
GOOD = "{'report': {'task': 'shop.report', 'schedule': 3600}}"

Run = Callable[[str], Running]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "shop.py").write_text(SHOP.replace("{BEAT_SCHEDULE}", GOOD))
    return tmp_path


@pytest.fixture
def run(folder: Path) -> Iterator[Run]:
    """Return a function that starts `localq ...` in the folder; what still runs in the end is killed."""
    started: list[Running] = []

    def run(line: str) -> Running:
        started.append(Running(folder, line))
        return started[-1]

    yield run
    for one in started:
        one.process.kill()
        one.process.wait()
        assert one.process.stdout is not None
        one.process.stdout.close()


@pytest.fixture
def q(folder: Path) -> Iterator[LocalQ]:
    app = LocalQ("client", path=folder / "jobs.db", durability="normal")
    yield app
    app.close()
    current.set_app(None)


def fired(q: LocalQ) -> int:
    return sum(one.outcome == FIRED for one in q.schedules.ledger("report"))


def test_beat_fires_and_stops_when_asked(run: Run, q: LocalQ) -> None:
    beat = run("beat -A shop")
    beat.until("1 configured")

    beat.until("Schedule report fired task shop.report")

    assert beat.stop() == 0
    assert "Scheduler stopped." in beat.said
    assert fired(q) == 1


def test_beat_starts_anew_when_hung_up_and_goes_on_from_the_last_run(run: Run, q: LocalQ) -> None:
    beat = run("beat -A shop")
    beat.until("Schedule report fired")

    beat.send(signal.SIGHUP)
    beat.until("Scheduler stopped")
    beat.until("Scheduler ready")

    assert beat.stop() == 0
    assert fired(q) == 1


@pytest.mark.parametrize("line", ["worker -B -A shop -c 1 -l info", "serve -A shop -c 1 -l info"])
def test_a_worker_fires_and_runs(run: Run, q: LocalQ, line: str) -> None:
    worker = run(line)

    worker.until("Task shop.report")
    worker.until("succeeded")

    assert worker.stop() == 0
    assert fired(q) == 1
    assert "Scheduler stopped." in worker.said


@pytest.mark.parametrize("line", ["worker -A shop -c 1 -l info", "serve --no-beat --no-page -A shop -c 1 -l info"])
def test_a_worker_alone_fires_nothing(run: Run, q: LocalQ, line: str) -> None:
    worker = run(line)
    worker.until("ready")

    assert worker.stop() == 0
    assert q.schedules.list() == []


@pytest.mark.parametrize("command", ["beat", "serve"])
def test_a_bad_entry_ends_the_program_before_anything_starts(run: Run, folder: Path, command: str) -> None:
    (folder / "shop.py").write_text(SHOP.replace("{BEAT_SCHEDULE}", "{'x': {'task': 'shop.reprot', 'schedule': 1}}"))

    program = run(f"{command} -A shop")

    assert program.end() == 2
    assert "beat_schedule['x']['task']: there is no task 'shop.reprot'. Did you mean 'shop.report'?" in program.said


def test_beat_says_what_is_wrong_with_its_options(q: LocalQ) -> None:
    result = runner().invoke(main, ["--path", q.location, "beat", "-l", "loud"])
    assert result.exit_code == 2
    assert "'loud' is no log level" in result.output

    result = runner().invoke(main, ["--path", q.location, "beat", "-f", "/no/such/folder/log"])
    assert result.exit_code == 2
    assert "Cannot write the log file" in result.output
