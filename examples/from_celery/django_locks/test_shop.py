from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
PROGRAM = """
import json
import django

django.setup()
from shop import celery_app
from stock.tasks import counted, recount

from localq.testing import start_worker

first = recount.delay("Berlin")
same = recount.s("Berlin").apply_async()
other = recount.delay("Hamburg")
with start_worker(celery_app, perform_ping_check=False):
    said = [one.get(timeout=120) for one in (first, same, other)]
    again = recount.delay("Berlin")
    said.append(again.get(timeout=120))
entry = celery_app.conf.beat_schedule["recount-at-night"]
told = {
    "said": said,
    "one job": first.id == same.id,
    "freed": again.id != first.id,
    "counted": counted,
    "scheduled": entry["task"] in celery_app.tasks,
    "limit": celery_app.conf.task_time_limit,
}
print(json.dumps(told))
"""


def test_a_call_that_is_under_way_is_not_sent_again(tmp_path: Path) -> None:
    environment = {
        **os.environ, "DJANGO_SETTINGS_MODULE": "shop.settings", "SHOP_DATA": str(tmp_path),
        "BROKER_URL": "memory://", "RESULT_BACKEND": "cache+memory://",
    }  # fmt: skip

    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=HERE, env=environment, capture_output=True, text=True, timeout=120,
        check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "said": ["Berlin: 1", "Berlin: 1", "Hamburg: 2", "Berlin: 3"],
        "one job": True,
        "freed": True,
        "counted": ["Berlin", "Hamburg", "Berlin"],
        "scheduled": True,
        "limit": 300,
    }
