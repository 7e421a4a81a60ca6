"""Write a report of a folder every night, one a day: python nightly.py [FOLDER]; stop it with Ctrl-C.

After a pause of some days, days that have no report get theirs at the next start. Or let a service run it:
localq serve -A nightly.py
"""

from __future__ import annotations

import os
import sys
import threading
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

from localq import LocalQ
from localq.schedules import crontab

q = LocalQ("nightly", path="nightly.db", timezone=os.environ.get("TZ", "Europe/Berlin"))
FOLDER = Path(sys.argv[1] if sys.argv[1:] and __name__ == "__main__" else ".").absolute()
REPORTS = Path("reports").absolute()


@q.periodic(crontab(hour=2, minute=30), missed="all", most=7, window=7 * 86_400, args=(str(FOLDER),))
@q.task(bind=True)
def report(self: Any, folder: str) -> str:
    """Count the files below a folder, and write that down under the day this run is for."""
    day = datetime.fromisoformat(self.request.scheduled_at).date()
    sizes: Counter[str] = Counter()
    for path in Path(folder).rglob("*"):
        if path.is_file() and REPORTS not in path.parents:
            sizes[path.suffix or "(none)"] += path.stat().st_size
    REPORTS.mkdir(exist_ok=True)
    lines = [f"{size:>15,}  {suffix}" for suffix, size in sizes.most_common()]
    (REPORTS / f"{day}.txt").write_text("\n".join([f"{folder} on {day}", *lines]) + "\n", "utf-8")
    return f"{day}.txt"


@q.periodic("0 4 * * sun", args=(60,))
@q.task
def tidy(keep: int) -> list[str]:
    """Remove all but the newest reports."""
    old = sorted(REPORTS.glob("*.txt"))[:-keep]
    for path in old:
        path.unlink()
    return [path.name for path in old]


if __name__ == "__main__":
    try:
        with q.running(1):
            for one in q.schedules.list("active"):
                print(f"{one.name}: {one.words} ({one.zone}), next at {one.next:%Y-%m-%d %H:%M} UTC", flush=True)
            threading.Event().wait()
    except KeyboardInterrupt:
        print("stopped")
