"""Count the words of files side by side, and report when something changed: localq -A report worker -B.

`python report.py FILE...` reports at once.
"""

from __future__ import annotations

import os
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

from localq import Celery, chord
from localq.schedules import schedule

FOLDER = Path(os.environ.get("REPORT_FOLDER", "."))

app = Celery("report", broker=f"sqla+sqlite:///{FOLDER}/jobs.db", backend=f"db+sqlite:///{FOLDER}/jobs.db")


class WhenChanged(schedule):
    """Due when the file `changed` is there, whatever the interval is."""

    def is_due(self, last_run_at: datetime) -> tuple[bool, float]:
        return (FOLDER / "changed").exists(), 0.5


app.conf.beat_schedule = {"changes": {"task": "report.changes", "schedule": WhenChanged(86400)}}


@app.task
def count(path: str) -> int:
    return len(Path(path).read_text("utf-8").split())


@app.task
def total(counts: list[int]) -> str:
    return f"{sum(counts)} words in {len(counts)} files"


@app.task
def complain(request: Any, exc: Exception, traceback: Any) -> None:
    with (FOLDER / "complaints").open("a") as file:
        file.write(f"{request.task} {type(exc).__name__}\n")


@app.task
def changes() -> None:
    if (FOLDER / "changed").exists():
        (FOLDER / "changed").replace(FOLDER / "seen")


def report(paths: list[str]) -> Any:
    return chord([count.s(path) for path in paths], total.s().on_error(complain.s())).delay()


if __name__ == "__main__":
    print(report(sys.argv[1:]).get(timeout=60))
