"""使用 / 常用命令: workers in the background, their status, and what beat keeps between its runs."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from localq import Celery, current
from localq.cli.daemon.pidfile import pid_in
from localq.schedules.scheduler import beside
from localq.store.protocol import Filter
from localq.testing import FakeClock
from tests.tutorial.project import Project
from tests.worker.waiting import alive, until

APP = """
from localq import Celery

app = Celery('{0}', path='jobs.db')

@app.task
def add(x, y):
    return x + y
"""
HOST = socket.gethostname()


def pid(project: Project, name: str) -> int | None:
    return pid_in(str(project.folder / (f"jobs.db.d/run/{name}.pid" if project.port is None else f"{name}.pid")))


def test_a_worker_is_started_restarted_and_stopped_in_the_background(project: Project) -> None:
    """多进程相关: `celery multi start work_1 -A appcelery`, `multi restart`, `status -A`, `multi stop`."""
    project.write("appcelery.py", APP.format("appcelery"))

    started = project.localq("multi start work_1 -A appcelery")
    first = pid(project, "work_1")
    restarted = project.localq("multi restart work_1 -A appcelery")
    second = pid(project, "work_1")
    shown = project.localq("status -A appcelery")
    stopped = project.localq("multi stop work_1 -A appcelery")

    assert [one.returncode for one in (started, restarted, shown, stopped)] == [0, 0, 0, 0], started.stderr
    assert first is not None
    assert second is not None
    assert first != second
    assert f"->  work_1@{HOST}: OK\n" in shown.stdout
    assert f"work_1@{HOST}: TERM -> {second}" in stopped.stdout
    until(lambda: not alive(second))


def test_a_worker_is_stopped_without_naming_the_project(project: Project) -> None:
    """多进程相关: `celery multi stop WORKNAME`; its files lie beside jobs.db, where it is looked for."""
    project.write("appcelery.py", APP.format("appcelery"))
    project.localq("multi start work_2 -A appcelery -P threads")
    running = pid(project, "work_2")

    stopped = project.localq("multi stop work_2")

    assert stopped.returncode == 0, stopped.stderr
    assert running is not None
    until(lambda: not alive(running))


def test_the_status_of_a_package_is_shown_beside_it(project: Project) -> None:
    """查看进程数: `celery status -A celery_task`, in the folder that celery_task lies in."""
    project.write("celery_task/celery.py", APP.format("celery_task"))
    worker = project.worker("worker -A celery_task -P threads -l info")

    shown = project.localq("status -A celery_task")

    assert shown.returncode == 0, shown.stderr
    assert f"->  celery@{HOST}: OK\n" in shown.stdout
    assert worker.stop() == 0


# celerybeat-schedule: what is kept of the last runs, which LocalQ keeps in jobs.db


class Beat:
    """A program with an entry for every 30 seconds, whose scheduler is started again and again."""

    def __init__(self, path: Path) -> None:
        self._path, self.clock = path, FakeClock(datetime(2024, 1, 1, tzinfo=UTC))

    def start(self) -> int:
        """Start the scheduler, let it look once, and stop it; return how many jobs there are then."""
        app = Celery("proj", path=self._path)
        app.conf.beat_schedule = {"add": {"task": "proj.add", "schedule": timedelta(seconds=30)}}
        app.clock = self.clock
        app.task(lambda: None, name="proj.add")  # type: ignore[call-overload]
        scheduler = beside(app)
        scheduler.tick(self.clock.now())
        count = len(app.store.read.find(Filter(), 100).jobs)
        app.cancel([job.id for job in app.store.read.find(Filter(), 100).jobs])
        scheduler.close()
        app.close()
        return count


@pytest.fixture
def beat(tmp_path: Path) -> Iterator[Beat]:
    yield Beat(tmp_path / "jobs.db")
    current.set_app(None)


def test_without_a_file_an_entry_runs_at_once(beat: Beat) -> None:
    """2、如果不存在celerybeat-schedule文件，那么会立即执行一次"""
    assert not os.path.exists("celerybeat-schedule")
    assert beat.start() == 1


def test_with_a_file_an_entry_goes_on_from_its_last_run(beat: Beat) -> None:
    """1、如果存在celerybeat-schedule文件，那么读取后根据上一次执行的时间，继续执行"""
    beat.start()
    beat.clock.forward(seconds=20)

    soon = beat.start()
    beat.clock.forward(seconds=10)

    assert soon == 1
    assert beat.start() == 2


def test_with_a_file_an_entry_that_is_overdue_runs_at_once(beat: Beat) -> None:
    """3、如果存在celerybeat-schedule文件，读取后，发现间隔时间已过，那么会立即执行"""
    beat.start()
    beat.clock.forward(seconds=100)

    assert beat.start() == 2
