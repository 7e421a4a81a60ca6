"""使用 / django中使用: a task beside a Django project, which is set up where the worker runs."""

from __future__ import annotations

from tests.tutorial.project import Project

SUM_TWO = """
# 创建和开启任务
from localq import Celery
import os

os.environ["DJANGO_SETTINGS_MODULE"] = "dj_py2_demo.settings"

# django不不需开启，celery端需要开启
# import django
# django.setup()

app = Celery(
    'sum_two',
    path='jobs.db',
)

@app.task
def sum_two(a, b):
    c = a + b
    return c

@app.task
def ready():
    from django.apps import apps
    return apps.ready
"""
SETTINGS = """
SECRET_KEY = "for the test"
INSTALLED_APPS = ["django.contrib.contenttypes"]
USE_TZ = True
"""


def test_a_task_of_a_django_project_is_run(project: Project) -> None:
    """创建和开启任务, 发布和获取结果: celery_tasks/sum_two.py and its client; the worker sets Django up by itself."""
    project.write("dj_py2_demo/settings.py", SETTINGS)
    project.write("celery_tasks/sum_two.py", SUM_TWO)
    worker = project.worker("-A celery_tasks.sum_two worker -l info")

    told = project.python("""
        # 发布和获取结果
        from celery_tasks.sum_two import ready, sum_two

        result = sum_two.delay(5,7)
        print(result.get(timeout=120), ready.delay().get(timeout=120))
    """)

    assert worker.stop() == 0
    assert told == ["12 True"]
