"""The task that `localq bench` runs, in a store of its own."""

from __future__ import annotations

import os
import time
from typing import Literal

from localq.app import LocalQ

__all__ = ["NAME", "app_at", "stamp"]

#: What the task is called.
NAME = "localq.cli.bench.tasks.stamp"


def stamp() -> tuple[int, float]:
    """Return which process ran this, and how much processor time it has used so far (seconds)."""
    return os.getpid(), time.process_time()


def app_at(place: str, durability: Literal["full", "normal"]) -> LocalQ:
    """Return an app on a file, or a server's URL, that knows the task; no configuration of a program's is read."""
    path, url = (None, place) if "://" in place else (place, None)
    app = LocalQ("localq.cli.bench.tasks", path=path, url=url, durability=durability, config_source={})
    app.task(name=NAME)(stamp)
    return app
