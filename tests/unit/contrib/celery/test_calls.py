"""Apps under any name, and options wherever they are given."""

from __future__ import annotations

from collections.abc import Callable

import pytest

Write = Callable[..., None]
Told = Callable[..., list[str]]
NO_AMQP = "LocalQ has no app.amqp: there are no messages"


@pytest.mark.parametrize(
    "text",
    [
        "app = Celery()\napp.amqp",
        "app: Celery = Celery()\napp.amqp",
        "app: Celery\napp.amqp",
        "class Mine(Celery): ...\nclass More(Mine): ...\nqueue = More()\nqueue.amqp",
        "class Site:\n    def __init__(self):\n        self.jobs = Celery()\n    def f(self):\n        self.jobs.amqp",
        "def make() -> Celery: ...\nqueue = make()\nqueue.amqp",
        "def make():\n    one = Celery()\n    return one\nqueue = make()\nqueue.amqp",
        "from celery import current_app as queue\nqueue.amqp",
        "@shared_task(bind=True)\ndef f(self):\n    self.app.amqp",
        "from proj.queue import jobs as work\nwork.amqp",
        "import proj.queue\nproj.queue.jobs.amqp",
    ],
)
def test_an_app_is_known_under_every_name(write: Write, told: Told, text: str) -> None:
    write("proj/__init__.py", f"from celery import Celery\n{text}\n")
    write("proj/queue.py", "from celery import Celery\njobs = Celery()\n")

    assert [NO_AMQP in line for line in told()] == [True]


def test_what_other_things_called_app_have_is_left_alone(write: Write, told: Told) -> None:
    write(
        "proj.py", "from flask import Flask\nimport celery\napp = Flask('proj')\napp.steps\napp.pool\nself.app.loader\n"
    )

    assert told() == []


@pytest.mark.parametrize(
    "call",
    [
        "f.s().set(qeue='mail')",
        "f.si(1).set(qeue='mail')",
        "chain(f.s(), f.s()).apply_async(qeue='mail')",
        "f.s(1).apply_async(qeue='mail')",
        "f.apply_async((1,), qeue='mail')",
        "signature('proj.f', qeue='mail')",
        "f.signature((1,), qeue='mail')",
        "self.retry(qeue='mail')",
        "app.send_task('proj.f', qeue='mail')",
        "app.add_periodic_task(10, f.s(), qeue='mail')",
    ],
)
def test_a_slip_among_the_options_of_a_call_is_told(write: Write, told: Told, call: str) -> None:
    write("proj.py", f"from celery import shared_task\n@shared_task\ndef f(): ...\n{call}\n")

    assert told() == ["proj.py:4 error: a call has no option qeue. Did you mean 'queue'?"]


def test_options_that_are_nobody_s_are_told_once_where_the_call_is_a_task_s(write: Write, told: Told) -> None:
    write(
        "proj.py",
        "from celery import shared_task\n@shared_task\ndef f(): ...\nf.apply_async(tenant='a')\n"
        "x.apply_async(tenant='a')\n",
    )

    assert told() == [
        "proj.py:4 differs: the option tenant is read by routers, receivers and apply_async of this program alone"
    ]


@pytest.mark.parametrize(
    "call",
    [
        "pool.apply_async(f, args=(1,), callback=print, qeue=1)",
        "pool.apply_async(f, kwds={}, error_callback=print)",
        "cache.set(qeue='mail')",
        "@retry(stop_max_attempt=3, wait_fixd=2)\ndef g(): ...",
        "inspect.signature(f, qeue=1)",
    ],
)
def test_calls_of_other_libraries_are_left_alone(write: Write, told: Told, call: str) -> None:
    write("proj.py", f"from celery import shared_task\n@shared_task\ndef f(): ...\n{call}\n")

    assert told() == []


@pytest.mark.parametrize(
    "text",
    [
        "from celery import shared_task as task\n@task(max_retrys=3)\ndef f(): ...",
        "import celery\n@celery.shared_task(max_retrys=3)\ndef f(): ...",
        "from celery import Celery\nwork: Celery = Celery()\n@work.task(max_retrys=3)\ndef f(): ...",
        "from celery import Celery\nclass Site:\n    jobs = Celery()\n@Site.jobs.task(max_retrys=3)\ndef f(): ...",
    ],
)
def test_the_decorator_is_known_under_every_name(write: Write, told: Told, text: str) -> None:
    write("proj.py", f"{text}\n")

    assert [line.partition("error: ")[2] for line in told()] == [
        "a task has no option max_retrys. Did you mean 'max_retries'?"
    ]


def test_attributes_and_hooks_of_a_task_are_options_of_the_decorator(write: Write, told: Told) -> None:
    write(
        "proj.py",
        "from celery import shared_task\n@shared_task(on_failure=f, on_success=g, after_return=h, colour='red')\n"
        "def f(): ...\n",
    )

    assert told() == []


def test_arguments_of_celery_s_apps_that_mean_nothing_here_can_go(write: Write, told: Told) -> None:
    write("proj.py", "app = Celery('proj', loader='proj:Loader', changes={}, own=1)\n")

    assert told() == [
        "proj.py:1 note: the argument loader of an app has no effect: there are no loaders; use config_from_object() "
        "and autodiscover_tasks()"
    ]
