"""The project's settings. `django_celery_beat` and its DatabaseScheduler stood here, with the entry in its admin."""

from __future__ import annotations

import os
from pathlib import Path

from localq.schedules import crontab

DATA = Path(os.environ.get("SHOP_DATA", Path(__file__).parents[1]))

SECRET_KEY = os.environ.get("SHOP_SECRET_KEY", "only for trying it out")
INSTALLED_APPS = ["stock"]
CACHES = {"default": {"BACKEND": "django.core.cache.backends.filebased.FileBasedCache", "LOCATION": DATA / "cache"}}
USE_TZ = True
TIME_ZONE = "Europe/Berlin"

CELERY_BROKER_URL = os.environ.get("BROKER_URL", str(DATA / "jobs.db"))
CELERY_RESULT_BACKEND = os.environ.get("RESULT_BACKEND", str(DATA / "jobs.db"))
CELERY_TIMEZONE = TIME_ZONE
CELERY_TASK_TIME_LIMIT = 300
CELERY_BEAT_SCHEDULE = {
    "recount-at-night": {"task": "stock.tasks.recount", "schedule": crontab(hour=3, minute=0), "args": ("Berlin",)},
}
