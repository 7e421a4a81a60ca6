"""使用 / 定时任务: timedelta, seconds and crontab, and the commands that fire them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from localq import Celery, current
from localq.testing import travel
from tests.tutorial.project import Project

START = datetime(2024, 1, 1, tzinfo=UTC)
APP = """
from localq import Celery

app = Celery('{0}', path='jobs.db', include=['{0}.tasks'])
app.config_from_object('{0}.config')
"""
TASKS = """
from {0}.celery import app

@app.task
def add(x, y):
    return x + y
"""
EVERY_30 = """
from __future__ import absolute_import
from datetime import timedelta


CELERY_RESULT_BACKEND = 'redis://127.0.0.1:6379/5'
BROKER_URL = 'redis://127.0.0.1:6379/6'
# 配置时区
CELERY_TIMEZONE = 'Asia/Shanghai'

# 每隔30秒执行add函数
CELERYBEAT_SCHEDULE = {{
\t'add-every-30-seconds': {{
\t\t'task': '{0}.tasks.add',
\t\t'schedule': timedelta(seconds=30),
\t\t'args': (16, 16)
\t}},
}}
"""
SEVERAL = {
    "taskA_schedule": {
        "task": "tasks.taskA",
        "schedule": 20,  # 间隔20s
        "args": (5, 6),  # 参数
    },
    "taskB_scheduler": {"task": "tasks.taskB", "schedule": 200, "args": (10, 20, 30)},
    "add_schedule": {"task": "tasks.add", "schedule": 10, "args": (1, 2)},
}
CRONTAB = """
from __future__ import absolute_import
from localq.schedules import crontab


CELERY_RESULT_BACKEND = 'redis://127.0.0.1:6379/5'
BROKER_URL = 'redis://127.0.0.1:6379/6'

CELERY_TIMEZONE = 'Asia/Shanghai'

from localq.schedules import crontab

CELERYBEAT_SCHEDULE = {
\t# Executes every Monday morning at 7:30 A.M
\t'add-every-monday-morning': {
\t\t'task': 'tasks.add',
\t\t'schedule': crontab(hour=7, minute=30, day_of_week=1),
\t\t'args': (16, 16),
\t},
}
"""


def write(project: Project, name: str) -> None:
    """Write timedelta's first example as a package."""
    project.write(f"{name}/celery.py", APP.format(name))
    project.write(f"{name}/config.py", EVERY_30.format(name))
    project.write(f"{name}/tasks.py", TASKS.format(name))


@pytest.fixture(autouse=True)
def no_app_is_left() -> object:
    yield
    current.set_app(None)


def test_an_entry_runs_every_thirty_seconds(project: Project) -> None:
    """timedelta: config.py with CELERYBEAT_SCHEDULE, from the first start on."""
    write(project, "timed")

    told = project.python("""
        from datetime import datetime, timezone
        from timed.celery import app
        from localq.testing import travel

        with travel(app, datetime(2024, 1, 1, tzinfo=timezone.utc)) as trip:
            trip.forward(seconds=60)
        print([(one.task, one.args, one.at.second, one.state) for one in trip.ran])
    """)

    run = "('timed.tasks.add', (16, 16), {}, 'SUCCESS')"
    assert told == [f"[{run.format(0)}, {run.format(30)}, {run.format(0)}]"]


def test_several_entries_run_each_at_its_own_interval() -> None:
    """timedelta: 执行多个定时任务, whose schedules are seconds."""
    app = Celery("tasks", eager=True)
    for name in ("taskA", "taskB", "add"):
        app.task(lambda *args: sum(args), name=f"tasks.{name}")  # type: ignore[call-overload]
    app.conf.CELERYBEAT_SCHEDULE = SEVERAL

    with travel(app, START) as trip:
        trip.forward(timedelta(seconds=199))

    ran = [one.task for one in trip.ran]
    assert [ran.count(f"tasks.{name}") for name in ("taskA", "taskB", "add")] == [10, 1, 20]
    app.close()


@pytest.mark.parametrize(
    "line",
    ["-B -A celery_task worker --loglevel=info", "-A celery_task worker -B -l info"],
)
def test_one_command_fires_and_runs(project: Project, line: str) -> None:
    """启动时需加`-B`参数: `celery -B -A celery_task worker`, and `celery -A proj worker -B -l info`."""
    write(project, "celery_task")
    worker = project.start(f"{line} -P threads --path {len(line)}.db")

    worker.until("celery_task.tasks.add[")
    worker.until("succeeded in")

    assert worker.stop() == 0


def test_beat_fires_and_a_worker_runs(project: Project) -> None:
    """启动时需加`-B`参数: `celery -A celery_task beat` beside `celery -A celery_task worker --loglevel=info`."""
    write(project, "celery_task")
    worker = project.worker("-A celery_task worker --loglevel=info -P threads")

    beat = project.start("-A celery_task beat")
    worker.until("celery_task.tasks.add[")
    worker.until("succeeded in")

    assert beat.stop() == 0
    assert worker.stop() == 0
    assert "1 configured" in beat.said


def test_an_entry_runs_on_monday_morning_in_shanghai(project: Project) -> None:
    """crontab: CELERY_TIMEZONE holds for crontab(hour=7, minute=30, day_of_week=1)."""
    project.write("config.py", CRONTAB)

    told = project.python("""
        from datetime import datetime, timezone
        from localq import Celery
        from localq.testing import travel

        app = Celery('tasks', path='jobs.db')
        app.config_from_object('config')

        @app.task(name='tasks.add')
        def add(x, y):
            return x + y

        with travel(app, datetime(2024, 1, 2, tzinfo=timezone.utc)) as trip:
            trip.forward(days=14)
        print(*[one.at.astimezone(app.timezone).strftime('%a %d %H:%M') for one in trip.ran], sep=', ')
    """)

    assert told == ["Mon 08 07:30, Mon 15 07:30"]
