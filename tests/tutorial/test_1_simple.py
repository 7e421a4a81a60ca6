"""使用 / 简单使用: a task, a worker, a client, and what became of the job."""

from __future__ import annotations

import pytest

from localq import Celery, current
from localq.exceptions import ImproperlyConfigured
from tests.tutorial.project import Program, Project

TASKS = """
from localq import Celery

# 创建celery实例，指定任务名，传入broker和backend
app = Celery('tasks', path='jobs.db')

# 创建任务函数add
@app.task
def add(x, y):
    return x + y

@app.task
def broken(x):
    raise ValueError(x)
"""


@pytest.fixture(scope="module")
def worker(project: Project) -> Program:
    """Return a running worker of tasks.py."""
    project.write("tasks.py", TASKS)
    return project.worker("-A tasks worker  --loglevel=info")


def test_a_task_is_defined(project: Project, worker: Program) -> None:
    """定义任务: tasks.py, with the two Redis URLs, or path= in their place."""
    assert project.python("from tasks import add; print(add.name, add(2, 2))") == ["tasks.add 4"]


def test_the_tutorial_s_misspelt_return_is_pointed_at(project: Project) -> None:
    """定义任务: `retunr x + y`, as it stands there."""
    project.write("misspelt.py", TASKS.replace("return x + y", "retunr x + y"))

    done = project.localq("-A misspelt worker")

    assert done.returncode == 2
    assert "retunr x + y" in done.stderr
    assert "SyntaxError: invalid syntax" in done.stderr


def test_urls_of_other_servers_are_refused_when_the_store_is_needed() -> None:
    """定义任务: `Celery('tasks', broker=broker, backend=backend)` with URLs of RabbitMQ."""
    app = Celery("tasks", broker="amqp://localhost", backend="amqp://localhost")

    @app.task
    def add(x: int, y: int) -> int:
        return x + y

    assert add(2, 2) == 4
    with pytest.raises(ImproperlyConfigured, match=r"Use path=, as in LocalQ\(path='jobs.db'\)"):
        add.delay(2, 2)
    current.set_app(None)


def test_urls_of_servers_beside_a_path_are_said_to_have_no_effect(project: Project) -> None:
    """定义任务: the URLs that stand there, and path= beside them."""
    urls = "broker='redis://127.0.0.1:6379/1', backend='redis://127.0.0.1:6379/2', "

    told = project.python(
        f"from localq import Celery; print(*Celery('tasks', {urls} path='own.db').notices(), sep='\\n')"
    )

    assert [line.partition(" and has no effect")[0] for line in told] == [
        "Setting broker_url is 'redis://127.0.0.1:6379/1'",
        "Setting result_backend is 'redis://127.0.0.1:6379/2'",
    ]


def test_a_worker_is_started(worker: Program) -> None:
    """启动服务: `celery -A tasks worker  --loglevel=info`."""
    assert "  .> app:         tasks:app\n" in worker.said
    assert "  . tasks.add\n" in worker.said


def test_a_worker_is_started_with_the_short_option(project: Project, worker: Program) -> None:
    """启动服务: `celery -A tasks worker  -l info`."""
    second = project.start("-A tasks worker  -l info -n second@%h")

    second.until("ready.")

    assert second.stop() == 0


def test_a_program_calls_the_task(project: Project, worker: Program) -> None:
    """应用调用: main.py."""
    project.write("main.py", "from tasks import add\n\nres = add.delay(2, 2)\nprint(res.get(timeout=120))\n")

    assert project.python("import runpy; runpy.run_path('main.py')") == ["4"]
    worker.until("succeeded in")


def test_a_result_tells_of_a_success(project: Project, worker: Program) -> None:
    """结果追踪: id, ready, result, get, failed, successful, state."""
    told = project.python("""
        from tasks import add

        res = add.delay(2, 2)
        print(len(res.id))
        print(res.get())
        print(res.get(timeout=2))
        print(res.ready(), res.result, res.failed(), res.successful(), res.state)
        if res.traceback:
            print("延时任务报错")
        else:
            print("程序正常运行，可以获取返回值")
    """)

    assert told == ["36", "4", "4", "True 4 False True SUCCESS", "程序正常运行，可以获取返回值"]


def test_a_result_tells_of_an_error(project: Project, worker: Program) -> None:
    """报错处理: get() raises, get(propagate=False) returns the error, traceback has its story."""
    told = project.python("""
        from tasks import broken

        res = broken.delay("x")
        print(repr(res.get(propagate=False)))
        print(res.state, res.failed())
        try:
            res.get()
        except ValueError as error:
            print("raised", error)
        if res.traceback:
            print("延时任务报错", res.traceback.splitlines()[-1])
    """)

    assert told == ["ValueError('x')", "FAILURE True", "raised x", "延时任务报错 ValueError: x"]


def test_a_waiting_task_is_pending(project: Project, worker: Program) -> None:
    """结果追踪: the state PENDING."""
    told = project.python("""
        from tasks import add

        res = add.apply_async((2, 2), countdown=3600)
        print(res.state, res.ready(), res.result)
    """)

    assert told == ["PENDING False None"]


def test_a_result_is_released(project: Project, worker: Program) -> None:
    """result资源释放: forget(), and a look whether the id is still there."""
    told = project.python("""
        from tasks import add, app

        res = add.delay(2, 2)
        res.get()
        print(app.AsyncResult(res.id).exists())
        res.forget()
        print(app.AsyncResult(res.id).exists(), app.AsyncResult(res.id).state)
    """)

    assert told == ["True", "False PENDING"]


def test_a_released_result_is_gone_from_the_server(project: Project, worker: Program) -> None:
    """result资源释放: `select 2` and `keys *` show the id of the task, until forget() releases it."""
    if project.port is None:
        pytest.skip("jobs are in a file here")

    told = project.python(f"""
        import redis
        from tasks import add

        def keys():
            return [key for key in redis.Redis(port={project.port}, db=2).keys("*") if res.id.encode() in key]

        res = add.delay(2, 2)
        res.get()
        print(len(keys()))
        res.forget()
        print(len(keys()))
    """)

    assert told == ["1", "0"]


def test_results_expire(project: Project, worker: Program) -> None:
    """result资源释放: app.conf.update(result_expires=60)."""
    told = project.python("""
        from tasks import app

        app.conf.update(result_expires=60)
        print(app.conf.result_expires)
    """)

    assert told == ["60"]
