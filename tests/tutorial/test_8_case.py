"""使用 / 一个案例: celery_task, a package with a folder of tasks and a crontab for each."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from localq.model.clock import from_datetime, to_datetime
from localq.schedules import crontab
from tests.tutorial.project import Project

CONFIG = """
from __future__ import absolute_import # 拒绝隐式引入，因为celery.py的名字和celery的包名冲突，需要使用这条语句让程序正确地运行
from localq.schedules import crontab

broker_url = "redis://127.0.0.1:6379/5"
result_backend = "redis://127.0.0.1:6379/6"

broker_url = "redis://127.0.0.1:6379/2"   # 使用redis存储任务队列
result_backend = "redis://127.0.0.1:6379/6"  # 使用redis存储结果

task_serializer = 'json'
result_serializer = 'json'
accept_content = ['json']
timezone = "Asia/Shanghai"  # 时区设置
worker_hijack_root_logger = False  # celery默认开启自己的日志，可关闭自定义日志，不关闭自定义日志输出为空
result_expires = 60 * 60 * 24  # 存储结果过期时间（默认1天）

# 导入任务所在文件
imports = [
    "celery_task.epp_scripts.test1",  # 导入py文件
    "celery_task.epp_scripts.test2",
]


# 需要执行任务的配置
beat_schedule = {
    "test1": {
        "task": "celery_task.epp_scripts.test1.celery_run",  #执行的函数
        "schedule": crontab(minute="*/1"),   # every minute 每分钟执行
        "args": ()  # # 任务函数参数
    },

    "test2": {
        "task": "celery_task.epp_scripts.test2.celery_run",
        "schedule": crontab(minute=0, hour="*/1"),   # every minute 每小时执行
        "args": ()
    },

}
"""
APP = """
# coding:utf-8
from __future__ import absolute_import # 拒绝隐式引入，因为celery.py的名字和celery的包名冲突，需要使用这条语句让程序正确地运行
from localq import Celery

# 创建celery应用对象
app = Celery("celery_demo", path="jobs.db")

# 导入celery的配置信息
app.config_from_object("celery_task.celeryconfig")
"""
TEST1 = """
# test1.py
from celery_task.celery import app

def test11():
    print("test11----------------")

def test22():
    print("test22--------------")
    test11()

@app.task
def celery_run():
    test11()
    test22()

if __name__ == '__main__':
    celery_run()
"""
TEST2 = TEST1.replace("test11", "test33").replace("test22", "test44").replace("test1.py", "test2.py")


def write(project: Project) -> None:
    """Write the folder as `tree celery_task` shows it."""
    project.write("celery_task/celeryconfig.py", CONFIG)
    project.write("celery_task/celery.py", APP)
    project.write("celery_task/epp_scripts/test1.py", TEST1)
    project.write("celery_task/epp_scripts/test2.py", TEST2)


def test_each_task_runs_when_its_crontab_says(project: Project) -> None:
    """celeryconfig.py: every minute, and every hour."""
    write(project)

    told = project.python("""
        from datetime import datetime, timezone
        from celery_task.celery import app
        from localq.testing import travel

        with travel(app, datetime(2024, 1, 1, 0, 0, 30, tzinfo=timezone.utc)) as trip:
            trip.forward(hours=2)
        ran = [one.task for one in trip.ran]
        print(*[ran.count(f"celery_task.epp_scripts.test{n}.celery_run") for n in (1, 2)])
    """)

    assert told[-1] == "120 2"


def test_the_crontabs_below_the_configuration_are_those_of_cron() -> None:
    """celeryconfig.py: every ten minutes, every minute, every hour."""
    start = datetime(2024, 1, 1, 0, 5, tzinfo=UTC)
    due = [
        crontab(minute="*/10"),  # 每十分钟执行
        crontab(minute="*/1"),  # 每分钟执行
        crontab(minute=0, hour="*/1"),  # 每小时执行
    ]

    found = [one.next_after(from_datetime(start), anchor=0, zone=ZoneInfo("UTC")) for one in due]
    assert [to_datetime(at or 0).strftime("%H:%M") for at in found] == ["00:10", "00:06", "01:00"]


def test_a_scheduler_and_a_worker_are_started_beside_the_folder(project: Project) -> None:
    """发布任务, 执行任务: `celery -A celery_task beat` and `celery -A celery_task worker --loglevel=info`."""
    write(project)

    beat = project.start("-A celery_task beat")
    worker = project.worker("-A celery_task worker --loglevel=info")
    beat.until("2 configured")
    told = project.python("""
        from celery_task.epp_scripts.test1 import celery_run

        print(celery_run.delay().get(timeout=120))
    """)

    assert beat.stop() == 0
    assert worker.stop() == 0
    assert told == ["None"]
    log = worker.said.partition("[tasks]")[2]
    assert "  . celery_task.epp_scripts.test1.celery_run\n  . celery_task.epp_scripts.test2.celery_run\n" in log
    assert [line.rpartition("]: ")[2] for line in log.splitlines() if "test11---" in line or "test22---" in line] == [
        "test11----------------",
        "test22--------------",
        "test11----------------",
    ]


def test_a_module_of_tasks_is_a_script_too(project: Project) -> None:
    """任务函数: `if __name__ == '__main__': celery_run()`."""
    write(project)

    told = project.python("import runpy; runpy.run_module('celery_task.epp_scripts.test2', run_name='__main__')")

    assert told == ["test33----------------", "test44--------------", "test33----------------"]
