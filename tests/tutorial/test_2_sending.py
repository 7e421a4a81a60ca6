"""使用 / 常用发送: how calls are sent."""

from __future__ import annotations

import pytest

from tests.tutorial.project import Program, Project

TASKS = """
from localq import Celery

app = Celery('tasks', path='jobs.db')

@app.task
def task(arg1, arg2, kwarg1=None, kwarg2=None):
    return [arg1, arg2, kwarg1, kwarg2]

@app.task
def test1(hotplay_id, start_dt, end_dt):
    return hotplay_id
"""


@pytest.fixture(scope="module")
def worker(project: Project) -> Program:
    """Return a running worker of tasks.py."""
    project.write("tasks.py", TASKS)
    return project.worker("-A tasks worker -l info -P threads")


def test_delay_and_apply_async_send_the_same_call(project: Project, worker: Program) -> None:
    """使用样例: task.delay(...) and task.apply_async(args=..., kwargs=...)."""
    told = project.python("""
        from tasks import task

        arg1, arg2 = 1, 2
        one = task.delay(arg1, arg2, kwarg1='x', kwarg2='y')
        two = task.apply_async(args=[arg1, arg2], kwargs={'kwarg1':'x', 'kwarg2':'y'})
        print(one.get(timeout=120), two.get(timeout=120))
    """)

    assert told == ["[1, 2, 'x', 'y'] [1, 2, 'x', 'y']"]


@pytest.mark.parametrize("sender", ["task", "app"])
def test_a_call_is_sent_by_the_task_s_name(project: Project, worker: Program, sender: str) -> None:
    """使用样例: task.send_task('tasks.test1', ...); Celery itself has it on the app."""
    told = project.python(f"""
        from tasks import app, task

        hotplay_id, start_dt, end_dt = 7, '2024-01-01', '2024-01-02'
        res = {sender}.send_task('tasks.test1', args=[hotplay_id, start_dt, end_dt], exchange='for_task_A', \
                                 routing_key='task_a')
        print(res.get(timeout=120), res.queue)
    """)

    assert told == ["7 for_task_A"]


def test_send_task_takes_every_option_of_its_signature(project: Project, worker: Program) -> None:
    """常用发送: the signature of send_task, each option as it stands there."""
    told = project.python("""
        from tasks import app

        res = app.send_task('tasks.test1', args=None, kwargs=dict(hotplay_id=1, start_dt=2, end_dt=3), countdown=None,
            eta=None, task_id='own-id', producer=None, connection=None, router=None, result_cls=None, expires=None,
            publisher=None, link=None, link_error=None, add_to_parent=True, group_id=None, retries=0, chord=None,
            reply_to=None, time_limit=None, soft_time_limit=None, root_id=None, parent_id=None, route_name=None,
            shadow=None, chain=None, task_type=None)
        print(res.id, res.get(timeout=120))
    """)

    assert told == ["own-id 1"]


@pytest.mark.linux("pools of event loops")
def test_tasks_run_as_greenlets(project: Project) -> None:
    """默认多进程执行，也可以多协程处理(greenlet/gevent)."""
    project.write("greenlets.py", "from tasks import app\n")
    green = project.start("-A greenlets worker -l info -P gevent -c 5 -Q green")

    green.until("ready.")
    told = project.python("""
        from tasks import task

        print(task.apply_async((1, 2), queue='green').get(timeout=120))
    """)

    assert told == ["[1, 2, None, None]"]
    assert "  .> concurrency: 5 (gevent)\n" in green.said
