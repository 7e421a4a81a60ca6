"""Examine a store from outside, without changing anything: what `localq doctor` shows."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from localq.exceptions import StoreError
from localq.model.clock import SYSTEM, Clock
from localq.model.finding import Finding, worst, wrong
from localq.monitor import health_of_work
from localq.store.sqlite import examine_contents, examine_place
from localq.store.sqlite.filesystem import OVERRIDE
from localq.store.sqlite.readonly import ReadOnlyStore

__all__ = ["Finding", "examine", "worst"]

Check = Callable[[], Finding | Iterable[Finding]]


def examine(
    path: str | os.PathLike[str], *, durability: str = "full", full: bool = False, clock: Clock = SYSTEM
) -> list[Finding]:
    """Return what every check finds about a store's file and what is in it, whatever that is; raise nothing.

    The file is opened by SQLite alone, for reading; a missing one is not made. On a filesystem where SQLite's
    locks do not work it is not opened at all, unless the environment allows it.

    Args:
        durability: The app's setting.
        full: Check every index too, however large the file.
    """
    return list(_examine(ReadOnlyStore(path), durability, full, clock))


def _examine(store: ReadOnlyStore, durability: str, full: bool, clock: Clock) -> Iterator[Finding]:
    nowhere = examine_place.place(store.path)
    if nowhere is not None:
        yield nowhere
        return
    on = examine_place.filesystem(examine_place.filesystem_kind(store.path))
    yield on
    yield from _made("rights", lambda: examine_place.rights(store.path, os.geteuid()))
    yield from _made("space", lambda: examine_place.free_space(store.path))
    yield examine_contents.sqlite_version()
    if on.level == "error" and os.environ.get(OVERRIDE) != "1":
        return
    try:
        yield from _inside(store, durability, full, clock)
    finally:
        store.close()


def _inside(store: ReadOnlyStore, durability: str, full: bool, clock: Clock) -> Iterator[Finding]:
    owner = list(_made("owner", lambda: examine_contents.ownership(store)))
    yield from owner
    if owner[0].check == "owner" and owner[0].level != "ok":
        return
    checks: dict[str, Check] = {
        "integrity": lambda: examine_contents.integrity(store, full),
        "journal": lambda: examine_contents.journal(store),
        "synchronous": lambda: examine_contents.synchronous(durability),
        "log": lambda: examine_place.log_size(store.path),
        "lock": lambda: examine_contents.write_lock(store, _locks, time.sleep),
    }
    if owner[0].level == "ok":
        checks |= {
            "schema": lambda: examine_contents.schema(store),
            "identity": lambda: examine_contents.identity(store),
        }
    for name, check in checks.items():
        yield from _made(name, check)
    if owner[0].level == "ok":
        yield from _made("workers", lambda: _work(store, clock))
        yield from _made("schedules", lambda: health_of_work.schedules(store, clock.now()))


def _work(store: ReadOnlyStore, clock: Clock) -> Iterator[Finding]:
    before = {(one.key, one.run_token) for one in health_of_work.running(store)}
    found = health_of_work.standings(store, clock)
    # What began or ended while the workers were read says nothing about them.
    running = [one for one in health_of_work.running(store) if (one.key, one.run_token) in before]
    waiting = store.read.waiting_tasks()
    yield from health_of_work.workers(found, clock.now())
    yield health_of_work.orphans(found, running)
    yield from health_of_work.unserved(found, waiting)
    yield from health_of_work.paused(store.mail.orders(), waiting)
    yield from health_of_work.unknown_tasks(found, waiting)


def _made(name: str, check: Check) -> Iterator[Finding]:
    """Make one check; an error is a finding too, for what a damaged file holds cannot be foreseen."""
    try:
        found = check()
        yield from [found] if isinstance(found, Finding) else list(found)
    except StoreError as error:
        yield wrong(name, str(error), "")
    except Exception as error:
        yield wrong(name, f"The check failed: {type(error).__name__}: {error}", "The file may be damaged.")


def _locks() -> str | None:
    try:
        return Path("/proc/locks").read_text("ascii", "replace")
    except OSError:
        return None
