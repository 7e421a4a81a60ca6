"""使用 / 配置文件, and 单任务: where settings stand."""

from __future__ import annotations

import pytest

from localq import Celery, current
from localq.exceptions import ImproperlyConfigured
from tests.tutorial.project import Project

TASKS = """
from proj.celery import app

@app.task
def add(x, y):
    return x + y
"""
CLASS = """
from localq import Celery

app = Celery(path='jobs.db')

class Config:
    include = ['proj.tasks1', 'proj.tasks2']
    broker_url = 'redis://localhost:6379/0'
    result_backend = 'redis://localhost:6379/1'

app.config_from_object(Config)

if __name__ == '__main__':
    app.start()
"""
MODULE = """
from localq import Celery
from . import celeryconfig


app = Celery(path='jobs.db')
app.config_from_object(celeryconfig)

if __name__ == '__main__':
    app.start()
"""
CONFIG = """
broker_url = 'redis://localhost/0'
result_backend = 'redis://localhost/1'
include = ['proj.tasks1', 'proj.tasks2']
"""
SINGLE = """
# 拒绝隐式引入，因为celery.py的名字和celery的包名冲突，需要使用这条语句让程序正确地运行
from __future__ import absolute_import
from localq import Celery

app = Celery('proj', path='jobs.db', include=['proj.tasks'])
app.config_from_object('proj.config')

if __name__ == '__main__':
\tapp.start()
"""
SINGLE_CONFIG = """
from __future__ import absolute_import

CELERY_RESULT_BACKEND = 'redis://127.0.0.1:6379/5'
BROKER_URL = 'redis://127.0.0.1:6379/6'
"""
SINGLE_TASKS = """
from __future__ import absolute_import
from proj.celery import app

@app.task
def add(x, y):
\treturn x + y
"""


@pytest.mark.parametrize("kind", ["class", "module"])
def test_a_configuration_names_the_modules_of_tasks(project: Project, kind: str) -> None:
    """类的方式加载, 文件形式加载: proj/celery.py with a class Config, or with celeryconfig.py."""
    project.write("proj/celeryconfig.py", CONFIG)
    project.write("proj/celery.py", CLASS if kind == "class" else MODULE)
    project.write("proj/tasks1.py", TASKS)
    project.write("proj/tasks2.py", TASKS)

    worker = project.worker("-A proj worker -l info -P threads")
    told = project.python("from proj.tasks2 import add; print(add.delay(2, 3).get(timeout=120))")

    assert worker.stop() == 0
    assert told == ["5"]
    assert "[tasks]\n  . proj.tasks1.add\n  . proj.tasks2.add\n" in worker.said
    if project.port is None:
        assert "Setting broker_url is 'redis://localhost" in worker.said
        assert "and has no effect: jobs and results are in " in worker.said
    else:
        assert f"Settings broker_url 'redis://127.0.0.1:{project.port}/0' and result_backend" in worker.said
        assert f"  .> store:       redis://127.0.0.1:{project.port}/1\n" in worker.said


def test_the_time_zone_is_set() -> None:
    """常用配置: app.conf.update(enable_utc=False, timezone='Asia/Shanghai')."""
    app = Celery(path=":memory:")

    app.conf.update(
        enable_utc=False,
        timezone="Asia/Shanghai",
    )

    assert str(app.timezone) == "Asia/Shanghai"
    assert str(app.now().utcoffset()) == "8:00:00"
    current.set_app(None)


def test_a_package_with_one_module_of_tasks_is_run(project: Project) -> None:
    """单任务: proj/celery.py, config.py with the old names, tasks.py, and the worker."""
    project.write("proj/celery.py", SINGLE)
    project.write("proj/config.py", SINGLE_CONFIG)
    project.write("proj/tasks.py", SINGLE_TASKS)

    worker = project.worker("-A proj worker -l info -P threads")
    told = project.python("from proj.tasks import add; print(add.name, add.delay(2, 3).get(timeout=120))")

    assert worker.stop() == 0
    assert told == ["proj.tasks.add 5"]


def test_the_project_s_misspelt_name_is_answered_with_the_right_one(project: Project) -> None:
    """运行服务: `celery -A project worker -l info`, though the folder is called proj."""
    project.write("proj/celery.py", SINGLE)

    done = project.localq("-A project worker -l info")

    assert done.returncode == 2
    assert "There is no module 'project'. Did you mean 'proj'?" in done.stderr


def test_old_names_and_new_ones_are_not_mixed() -> None:
    """配置文件 and 单任务 together: what Celery refuses is refused."""
    app = Celery(path=":memory:")
    app.config_from_object({"CELERY_TIMEZONE": "UTC", "CELERY_RESULT_BACKEND": "a.db", "result_expires": 60})

    with pytest.raises(ImproperlyConfigured, match=r"result_expires +-> CELERY_TASK_RESULT_EXPIRES"):
        app.conf.load()
    current.set_app(None)
