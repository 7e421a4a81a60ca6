"""What is read of a Django project, and what of its settings is Celery's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from localq.contrib.celery.reading import read_project

Write = Callable[..., None]
Told = Callable[..., list[str]]
APP = "from celery import Celery\napp = Celery('proj')\napp.config_from_object('django.conf:settings'{})\n"
WITH_PREFIX, WITHOUT = ", namespace='CELERY'", ""


def test_the_tasks_of_installed_apps_are_read(write: Write, told: Told, tmp_path: Path) -> None:
    write("proj/__init__.py", "")
    write("proj/celery.py", APP.format(WITH_PREFIX))
    write(
        "proj/settings.py",
        "LOCAL = ['orders.apps.OrdersConfig', 'bills']\nINSTALLED_APPS = ['django.contrib.admin', *LOCAL]\n"
        "INSTALLED_APPS += ['extra']\n",
    )
    for name in ("orders/__init__.py", "orders/apps.py", "bills/__init__.py", "extra/__init__.py", "other/__init__.py"):
        write(name, "")
    for name in ("orders", "bills", "extra", "other"):
        write(f"{name}/tasks.py", "from celery import shared_task\n@shared_task(max_retrys=1)\ndef pay(): ...\n")

    assert [line.partition(":")[0] for line in told()] == ["bills/tasks.py", "extra/tasks.py", "orders/tasks.py"]
    assert len(read_project("proj", tmp_path)[0]) == 10


def test_modules_that_include_and_autodiscovery_name_are_read(write: Write, told: Told) -> None:
    task = "@app.task(max_retrys=1)\ndef pay(): ...\n"
    write("proj/__init__.py", "app = Celery('proj', include=['jobs.pay'])\napp.autodiscover_tasks(['more'])\n")
    write("jobs/__init__.py", "")
    write("jobs/pay.py", task)
    write("more/__init__.py", "")
    write("more/tasks.py", task)

    assert [line.partition(":")[0] for line in told()] == ["jobs/pay.py", "more/tasks.py"]


@pytest.mark.parametrize(("prefix", "begin"), [(WITH_PREFIX, "CELERY_"), (WITHOUT, "CELERYBEAT_")])
def test_schedules_in_django_s_database_stop_the_program(write: Write, told: Told, prefix: str, begin: str) -> None:
    name = "CELERY_BEAT_SCHEDULER" if prefix else "CELERYBEAT_SCHEDULER"
    write("proj/__init__.py", APP.format(prefix))
    write(
        "proj/settings.py",
        f"INSTALLED_APPS = ['django_celery_beat']\n{name} = 'django_celery_beat.schedulers:DatabaseScheduler'\n",
    )

    assert told() == [
        "proj/settings.py:1 error: django_celery_beat: schedules are in the store, and changed there at run time; "
        "those kept in Django's database never fire",
        f"proj/settings.py:2 error: {name}: schedules kept in Django's database never fire; put them into "
        "beat_schedule, or add them to app.schedules",
    ]
    assert name.startswith(begin)


def test_a_scheduler_of_one_s_own_is_never_asked(write: Write, told: Told) -> None:
    write("proj.py", "app.conf.beat_scheduler = 'proj.sched:Mine'\n")
    assert "proj.py:1 error: beat_scheduler: there is one scheduler, and this one is never asked" in told()[0]

    write("proj.py", "app.conf.beat_scheduler = 'celery.beat:PersistentScheduler'\n")
    assert [line.partition(" has ")[0] for line in told()] == ["proj.py:1 note: beat_scheduler"]


def test_django_s_own_names_are_no_settings_of_celery(write: Write, told: Told) -> None:
    write("proj/__init__.py", APP.format(WITHOUT))
    write(
        "proj/settings.py",
        "INSTALLED_APPS = ['proj']\nTIME_ZONE = 'UTC'\nDATABASES = {'default': {}}\nSECRET_KEY = 'x'\n"
        "CELERY_ALWAYS_EAGER = True\nIMPORT = []\n",
    )
    write("proj/docs/conf.py", "project = 'celery'\nextension = []\ntimezon = 'x'\nimport_ = 1\n")

    assert told() == []


def test_old_names_with_django_s_prefix_have_an_effect(write: Write, told: Told) -> None:
    write("proj/__init__.py", APP.format(WITH_PREFIX))
    write(
        "proj/settings.py",
        "INSTALLED_APPS = ['proj']\nCELERY_ALWAYS_EAGER = True\nCELERY_IGNORE_RESULT = True\n"
        "CELERY_SEND_TASK_SENT_EVENT = 'yes'\nCELERY_TASK_TIME_LIMT = 5\n",
    )

    assert [line.partition(":")[2] for line in told()] == [
        "4 error: CELERY_SEND_TASK_SENT_EVENT is 'yes': it must be True or False",
        "5 error: CELERY_TASK_TIME_LIMT is no setting, and has no effect. Did you mean 'task_time_limit'?",
    ]


def test_names_of_other_programs_settings_are_left_alone(write: Write, told: Told) -> None:
    write("proj/__init__.py", "from celery import Celery\n")
    write("proj/storage.py", "S3_ENDPOINT_URL = 'http://x'\nREDIS_PORT = 6379\n")
    write("proj/conftest.py", "BROKER_URL_HOST = 'fake-redis'\nBROKER_URL = 'redis://h'\n")

    assert told() == []
