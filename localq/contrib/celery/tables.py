"""The tables of `docs/migrating-from-celery.md`, made of what there is: `python -m localq.contrib.celery.tables FILE`.

What stands between `<!-- NAME -->` and `<!-- end of NAME -->` in the file is written anew.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from localq.app import LocalQ
from localq.contrib.celery.names import APP, MADE, MODULES, RESULT, TASK, find
from localq.result import AsyncResult
from localq.settings import SETTINGS, Setting
from localq.tasks.task import Task

__all__ = ["TABLES", "rewrite"]


def names() -> str:
    """Return the table of Celery's public names by module: where each is here, or why it is not."""
    rows = []
    for module, listed in MODULES.items():
        found: dict[str, list[str]] = {}
        for name in listed.split() or [""]:
            place = find(module, name)
            note = f"; {place.note}" if place.note and place.module else ""
            where = f"not there: {place.note}" if place.module is None else f"`{place.module}`{note}"
            found.setdefault(where, []).append(f"`{name}`" if name else "the module")
        rows += [(f"`{module}`", ", ".join(several), where) for where, several in found.items()]
    return _table(("Celery", "names", "here"), rows)


def members() -> str:
    """Return the table of what apps, tasks and results have in Celery, and whether ours have it."""
    rows = []
    for title, kind, listed in (("app", LocalQ, APP), ("task", Task, TASK), ("result", AsyncResult, RESULT)):
        there = {name for name in listed if hasattr(kind, name) or name in MADE[title]}
        for has, several in (("there", there), ("not there", listed - there)):
            if several:
                rows.append((title, has, ", ".join(f"`{name}`" for name in sorted(several))))
    return _table(("of", "", "names"), rows)


def settings() -> str:
    """Return the table of settings that have an effect."""
    return _of_settings(one for one in SETTINGS.values() if one.used)


def unused() -> str:
    """Return the table of settings that are accepted and have none."""
    return _of_settings(one for one in SETTINGS.values() if not one.used)


def _of_settings(several: Iterable[Setting]) -> str:
    rows = []
    for one in several:
        old = "" if one.old_name is None else f"`{one.old_name}`"
        rows.append((f"`{one.name}`", old, f"`{one.default!r}`", one.doc))
    return _table(("setting", "before Celery 4", "default", "here"), rows)


def _table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [heads, ("---",) * len(heads), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)


TABLES: dict[str, Callable[[], str]] = {"names": names, "members": members, "settings": settings, "unused": unused}


def rewrite(text: str) -> str:
    """Return a page with its tables made anew."""
    for name, table in TABLES.items():
        begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
        made = f"{begin}\n\n{table()}\n\n{end}"
        text = re.sub(f"{re.escape(begin)}.*?{re.escape(end)}", lambda _: made, text, flags=re.DOTALL)  # noqa: B023
    return text


if __name__ == "__main__":
    page = Path(sys.argv[1])
    page.write_text(rewrite(page.read_text("utf-8")), "utf-8")
