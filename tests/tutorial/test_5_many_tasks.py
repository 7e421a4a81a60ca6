"""使用 / 多任务: queues, routes, and a worker for each kind of work."""

from __future__ import annotations

import pytest

from tests.tutorial.project import Program, Project

#: What stands in for Kombu: the classes by which the tutorial's configurations say it, and what ours read of them.
KOMBU = """
class Exchange:
    def __init__(self, name='', type='direct', **options):
        self.name, self.type = name, type

class Queue:
    alias = None

    def __init__(self, name='', exchange=None, routing_key='', **options):
        self.name, self.exchange, self.routing_key, self.bindings = name, exchange, routing_key, ()
"""
APP = """
from localq import Celery

app = Celery(path='jobs.db')
app.config_from_object('config')
"""
CONFIG = """
from {source} import Exchange,Queue


BROKER_URL = "redis://10.32.105.227:6379/0"
CELERY_RESULT_BACKEND = "redis://10.32.105.227:6379/0"


CELERY_QUEUES = (
     # 注意：使用Redis作为broker时，Exchange的名字必须和Queue名字一样
    Queue("default",Exchange("default"),routing_key="default"),
    Queue("for_task_A",Exchange("for_task_A"),routing_key="task_a"),
    Queue("for_task_B",Exchange("for_task_B"),routing_key="task_b")
 )


CELERY_ROUTES = {{
    'tasks.taskA':{{"queue":"for_task_A","routing_key":"task_a"}},
    'tasks.taskB':{{"queue":"for_task_B","routing_key":"task_b"}}
}}
"""
TASKS = """
from celery import app

@app.task
def taskA(x,y):
    return x + y


@app.task
def taskB(x,y,z):
    return x + y + z


@app.task
def add(x,y):
    return x + y
"""
CLIENT = """
from tasks import add, taskA, taskB

for res in (taskA.delay(1, 2), taskB.delay(1, 2, 3), add.delay(1, 2)):
    print(res.queue)
"""


def write(project: Project, source: str) -> None:
    """Write 多任务 1: the module that makes the app is called celery.py, and named so by `from celery import app`."""
    project.write("kombu.py", KOMBU)
    project.write("celery.py", APP)
    project.write("config.py", CONFIG.format(source=source))
    project.write("tasks.py", TASKS)


@pytest.mark.parametrize("source", ["localq", "kombu"])
def test_calls_go_to_the_queues_of_their_tasks(project: Project, source: str) -> None:
    """1: celery.py, config.py (with Kombu's queues, and with ours) and tasks.py."""
    write(project, source)

    assert project.python(CLIENT) == ["for_task_A", "for_task_B", "celery"]


@pytest.mark.parametrize(
    ("options", "served", "done"),
    [
        ("worker -l info -n worker.%h -Q for_task_A", "for_task_A", "taskA"),
        ("worker -l info -n worker.%h -Q celery", "celery", "add"),
        ("-P gevent -c 5 -l info -n worker.%h -Q for_task_A worker", "for_task_A", "taskA"),
    ],
)
def test_a_worker_runs_the_queue_it_is_given(project: Project, options: str, served: str, done: str) -> None:
    """运行任务: the three workers, the last of which runs greenlets."""
    write(project, "localq")
    worker = project.worker(f"-A tasks {options}")

    told = project.python(f"""
        from tasks import {done}, taskB

        res, other = {done}.delay(1, 2), taskB.delay(1, 2, 3)
        print(res.get(timeout=120), other.state)
    """)

    assert worker.stop() == 0
    assert told == ["3 PENDING"]
    assert f"queues:      {served}\n" in worker.said
    assert "@worker." in worker.said.lstrip().partition("  ")[0]


def test_a_queue_that_is_misspelt_is_served_and_told_of(project: Project) -> None:
    """运行任务: `-Q celey`, as it stands there."""
    write(project, "localq")
    worker = project.start("-A tasks worker -l info -n worker.%h -Q celey")

    worker.until("Did you mean 'celery'?")

    assert worker.stop() == 0


def test_a_level_that_is_misspelt_is_refused(project: Project) -> None:
    """运行任务: `-l ingo`, as it stands there."""
    write(project, "localq")

    done = project.localq("-A tasks -P gevent -c 5 -l ingo -n worker.%h -Q for_task_A worker")

    assert done.returncode == 2
    assert "'ingo' is no log level: use DEBUG, INFO" in done.stderr


def test_a_command_without_its_name_is_asked_for_it(project: Project) -> None:
    """运行任务: `celery -A tasks -P gevent ...` stands there without the word worker."""
    write(project, "localq")

    done = project.localq("-A tasks -P gevent -c 5 -l info -n worker.%h -Q for_task_A")

    assert done.returncode == 2
    assert "No such option '-P'. Name the command that has it, such as worker: localq -A" in done.stderr


@pytest.mark.parametrize(
    ("name", "before", "after", "told"),
    [
        ("celery.py", "config_from_object('config')", "config_from_obj('config.py')", "mean 'config_from_object'?"),
        ("celery.py", "'config'", "'config.py'", "'config.py' is the name of a file. Name the module: 'config'."),
        ("config.py", '"routing_key":"task_b"', '"routing_key:"task_b"', "SyntaxError"),
        ("config.py", '    Queue("for_task_A"', '　　　Queue("for_task_A"', "non-printable character U+3000"),
        ("tasks.py", "from celery import app", "from localq import app", "Your app is in the module that makes it"),
    ],
)
def test_what_is_misspelt_is_pointed_at(project: Project, name: str, before: str, after: str, told: str) -> None:
    """1: the slips that stand in its files."""
    write(project, "localq")
    text = (project.folder / name).read_text("utf-8")
    assert before in text
    project.write(name, text.replace(before, after))

    done = project.localq("-A tasks worker")

    assert done.returncode == 2
    assert told in done.stderr


# 2: videos and images


MEDIA_TASKS = """

from localq import Celery
import time


app = Celery(path='media.db')
app.config_from_object('celeryconfig')

# 视频压缩
@app.task
def video_compress(video_name):
    time.sleep(0.01)
    print('Compressing the:', video_name)
    return 'success'

@app.task
def video_upload(video_name):
    time.sleep(0.01)
    print(u'正在上传视频')
    return 'success'

# 压缩照片
@app.task
def image_compress(image_name):
    time.sleep(0.01)
    print('Compressing the:', image_name)
    return 'success'

# 其他任务
@app.task
def other(str):
    time.sleep(0.01)
    print('Do other things')
"""
MEDIA_CONFIG = """
from kombu import Exchange, Queue
from routers import MyRouter

# 配置时区
CELERY_TIMEZONE = 'Asia/Shanghai'
# 配置broker
CELERY_BROKER = 'amqp://localhost'

# 定义一个默认交换机
default_exchange = Exchange('dedfault', type='direct')
 # 定义一个媒体交换机
media_exchange = Exchange('media', type='direct')

# 创建三个队列，一个是默认队列，一个是video、一个image
CELERY_QUEUES = (
    Queue('default', default_exchange, routing_key='default'),
    Queue('videos', media_exchange, routing_key='media.video'),
    Queue('images', media_exchange, routing_key='media.image')
)

CELERY_DEFAULT_QUEUE = 'default'
CELERY_DEFAULT_EXCHANGE = 'default'
CELERY_DEFAULT_ROUTING_KEY = 'default'
#
CELERY_ROUTES = (
    {
        'tasks.image_compress': {
            'queue': 'images',
            'routing_key': 'media.image'
        }
    },
    {
        'tasks.video_upload': {
             'queue': 'videos',
             'routing_key': 'media.video'
        }
    },
    {
        'tasks.video_compress': {
             'queue': 'videos',
              'routing_key': 'media.video'
         }
    },
)

# 在出现worker接受到的message出现没有注册的错误时，使用下面一句能解决
CELERY_IMPORTS = ("tasks",)
"""


@pytest.fixture
def media(project: Project) -> Project:
    """Return the folder of 多任务 2; its tasks work for hundredths of seconds instead of seconds."""
    project.write("kombu.py", KOMBU)
    project.write("routers.py", "class MyRouter:\n    pass\n")
    project.write("celeryconfig.py", MEDIA_CONFIG)
    project.write("tasks.py", MEDIA_TASKS)
    return project


def test_each_kind_of_work_has_a_worker_of_its_own(media: Project) -> None:
    """2: the three workers, which are not told the app: celeryconfig.py is in their folder."""
    workers: dict[str, Program] = {}
    for queue in ("default", "videos", "images"):
        workers[queue] = media.start(f"worker -Q {queue} --loglevel=info -n {queue}@%h -P threads -c 1")
    for one in workers.values():
        one.until("ready.")

    told = media.python("""
        from tasks import image_compress, other, video_compress, video_upload

        sent = [video_compress.delay('a'), video_upload.delay('b'), image_compress.delay('c'), other.delay('d')]
        print([one.get(timeout=120) for one in sent])
        print([one.queue for one in sent])
        print([one.worker.partition('@')[0] for one in sent])
    """)

    assert [one.stop() for one in workers.values()] == [0, 0, 0]
    assert told == [
        "['success', 'success', 'success', None]",
        "['videos', 'videos', 'images', 'default']",
        "['videos', 'videos', 'images', 'default']",
    ]
    assert "]: Compressing the: a\n" in workers["videos"].said
    assert "]: 正在上传视频\n" in workers["videos"].said
    assert "]: Compressing the: c\n" in workers["images"].said
    assert "]: Do other things\n" in workers["default"].said


def test_the_print_statement_of_python_2_is_pointed_at(media: Project) -> None:
    """2: `print 'Compressing the:', video_name`, as it stands there."""
    media.write("tasks.py", MEDIA_TASKS.replace("print('Compressing the:', video_name)", "print 'Compressing the:', 1"))

    done = media.localq("worker -Q default --loglevel=info")

    assert done.returncode == 2
    assert "Missing parentheses in call to 'print'" in done.stderr
