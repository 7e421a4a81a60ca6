from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

HERE = Path(__file__).parent
VISIT = """
import django; django.setup()
from django.test import Client
from shop import celery_app
from localq import AsyncResult
from localq.store.protocol import Filter

number = Client().post("/orders", {"item": "lamp"}).json()["number"]
(job,) = celery_app.store.read.find(Filter(tasks=("orders.tasks.confirm",)), 10).jobs
print(AsyncResult(job.id).get(timeout=120))
print(Client().get(f"/orders/{number}").content.decode())
"""

Run = Callable[..., str]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Return what runs Python in the project, on a database and a queue of the test's own."""
    environment = {**os.environ, "SHOP_DATA": str(tmp_path), "DJANGO_SETTINGS_MODULE": "shop.settings"}

    def run(*words: str) -> str:
        done = subprocess.run(
            [sys.executable, *words],
            cwd=HERE,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    run("manage.py", "migrate")
    return run


def test_an_order_is_confirmed_by_a_worker(run: Run, tmp_path: Path) -> None:
    run("-m", "localq", "multi", "start", "w", "-A", "shop", "-c", "1")
    try:
        said, shown = run("-c", VISIT).splitlines()
    finally:
        run("-m", "localq", "multi", "stopwait", "w", "-A", "shop")

    assert said == "lamp is confirmed"
    assert json.loads(shown) == {"number": 1, "item": "lamp", "confirmed": True}


def test_the_project_has_nothing_that_django_or_localq_would_warn_of(run: Run) -> None:
    assert "no issues" in run("manage.py", "check")
    assert "No changes detected" in run("manage.py", "makemigrations", "--check", "--dry-run")
    assert "forget-old-orders" in run("-c", "from shop import celery_app as q; print(*q.conf.beat_schedule)")
