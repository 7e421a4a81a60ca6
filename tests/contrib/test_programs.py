"""Programs with Django that run their jobs themselves: management commands, and servers with threads."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.worker.waiting import PROGRAM_S

PROJECT = {
    "shop/__init__.py": "",
    "shop/settings.py": """
        SECRET_KEY = "of a test"
        INSTALLED_APPS = ["orders"]
        DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "shop.sqlite3"}}
        DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
        USE_TZ = True
        TASKS = {
            "default": {
                "BACKEND": "localq.contrib.django.tasks.LocalQBackend", "OPTIONS": {"app": "shop.queue:app"}
            }
        }
    """,
    "shop/queue.py": """
        from localq import LocalQ

        app = LocalQ("shop", path="jobs.db", durability="normal")
        app.autodiscover_tasks()
    """,
    "orders/__init__.py": "",
    "orders/apps.py": """
        import os
        import threading
        from django.apps import AppConfig

        class Orders(AppConfig):
            name = "orders"

            def ready(self):
                if "START" in os.environ:
                    from shop.queue import app
                    threading.Thread(target=threading.Event().wait, daemon=True).start()
                    app.start(1)
    """,
    "orders/models.py": """
        from django.db import models

        class Order(models.Model):
            item = models.CharField(max_length=20)
    """,
    "orders/tasks.py": """
        from django.db import connection
        try:
            from django.tasks import task
        except ModuleNotFoundError:
            from django_tasks import task
        from localq import shared_task
        from orders.models import Order

        @shared_task
        def item(number):
            return Order.objects.get(pk=number).item

        @task
        def item_by_djangos_task(number):
            return Order.objects.get(pk=number).item

        @shared_task
        def came_with_a_connection():
            return connection.connection is not None
    """,
}
HEAD = """
import os, threading

os.environ["DJANGO_SETTINGS_MODULE"] = "shop.settings"
import django

django.setup()
from django.db import connection
from shop.queue import app
from orders.models import Order
from orders import tasks

with connection.schema_editor() as editor:
    editor.create_model(Order)
hat = Order.objects.create(item="hat").pk
"""
THREADS = "threading.Thread(target=threading.Event().wait, daemon=True).start()\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Make a Django project with tasks that use its models."""
    for name, text in PROJECT.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("\n".join(line[8:] for line in text.splitlines()))
    return tmp_path


def run(project: Path, text: str, **environment: str) -> list[str]:
    """Run a program in a project; return the lines it printed."""
    (project / "program.py").write_text(HEAD + text)
    done = subprocess.run(
        [sys.executable, "program.py"], cwd=project, capture_output=True, text=True, timeout=PROGRAM_S, check=False,
        env={**os.environ, "PYTHONPATH": os.getcwd(), **environment},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize(
    ("threads", "pool"), [("", "processes"), (THREADS, "processes"), (THREADS, "threads"), ("", "asyncio")]
)
def test_a_program_runs_tasks_that_use_its_models_whether_it_has_threads_or_not(
    project: Path, threads: str, pool: str
) -> None:
    text = f"""
with app.running(1, pool={pool!r}):
    print(tasks.item.delay(hat).get(120))
    print(app.AsyncResult(tasks.item_by_djangos_task.enqueue(hat).id).get(120))
"""
    assert run(project, threads + text) == ["hat", "hat"]


def test_a_worker_may_be_started_while_django_is_set_up(project: Path) -> None:
    assert run(project, "print(tasks.item.delay(hat).get(120))\napp.stop()\n", START="1") == ["hat"]


def test_a_forked_slot_opens_connections_of_its_own(project: Path) -> None:
    text = """
with app.running(1):
    print(tasks.came_with_a_connection.delay().get(120), connection.connection is not None)
"""
    assert run(project, text) == ["False True"]
