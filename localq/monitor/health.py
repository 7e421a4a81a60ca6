"""Examine a store from outside, without changing anything: what `localq doctor` shows."""

from __future__ import annotations

import os
from collections.abc import Iterator

from localq import store as stores
from localq.model.clock import SYSTEM, Clock
from localq.model.finding import Finding, checked, fine, warning, worst
from localq.monitor import health_of_work
from localq.store.protocol import Store

__all__ = ["Finding", "examine", "worst"]


def examine(
    location: str | os.PathLike[str],
    *,
    durability: str = "full",
    full: bool = False,
    clock: Clock = SYSTEM,
    outbox: str | None = None,
) -> list[Finding]:
    """Return what every check finds about a store and what is in it, whatever that is; raise nothing.

    Args:
        location: Its path or URL. A file that is missing is not made.
        durability: The app's setting.
        full: Check every index too, however large the file.
        outbox: Where the app keeps jobs while a server is away.
    """
    found, store = stores.examine(location, durability, full)
    if outbox is not None:
        found += checked("outbox", lambda: _outbox(stores.waiting_to_be_sent(outbox), outbox, clock.now()))
    if store is None:
        return found
    try:
        found += checked("workers", lambda: _work(store, clock))
        found += checked("workflows", lambda: health_of_work.stranded(store))
        found += checked("schedules", lambda: health_of_work.schedules(store, clock.now()))
    finally:
        store.close()
    return found


def _outbox(waiting: tuple[int, int | None], path: str, now: int) -> Finding:
    calls, since = waiting
    if since is None:
        return fine("outbox", f"Nothing waits in the outbox {path}.")
    wait = "1 call waits" if calls == 1 else f"{calls:,} calls wait"
    return warning(
        "outbox",
        f"{wait} in the outbox {path}, the first for {(now - since) // 1_000_000} s.",
        "A program or worker of this app on this computer sends them once the server is back: see that one runs.",
    )


def _work(store: Store, clock: Clock) -> Iterator[Finding]:
    before = {(one.id, one.run_token) for one in health_of_work.running(store)}
    found = store.workers.all()
    # What began or ended while the workers were read says nothing about them.
    running = [one for one in health_of_work.running(store) if (one.id, one.run_token) in before]
    waiting = store.read.waiting_tasks()
    yield from health_of_work.workers(found, clock.now())
    yield health_of_work.orphans(found, running)
    yield from health_of_work.unserved(found, waiting)
    yield from health_of_work.paused(store.mail.orders(), waiting)
    yield from health_of_work.unknown_tasks(found, waiting)
