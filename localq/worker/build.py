"""Put a worker together from an app and what was asked for, in the order that is safe to fork in."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import logging
import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from localq.app.app import LocalQ
from localq.exceptions import ImproperlyConfigured, StoreError
from localq.host.kinds import SLOTS_FORK
from localq.host.marks import MOST_PLACES, SLOTS_OF_PLACES
from localq.model.bounds import is_whole
from localq.model.hints import nearest
from localq.serialization.sealing import signer_of
from localq.signals import celeryd_after_setup, celeryd_init, import_modules, worker_init
from localq.store import open_store
from localq.store.protocol import Presence, Workers
from localq.worker.aside import Aside
from localq.worker.autoscale import Bounds
from localq.worker.celery_signals import Setup
from localq.worker.lease import WorkerPlan
from localq.worker.name import worker_name
from localq.worker.own_name import enter_by_own_name, warn_of_namesake
from localq.worker.pool.contract import Pool, Printed
from localq.worker.pool.log_records import handle_record
from localq.worker.worker import Worker

__all__ = ["assemble"]

logger = logging.getLogger("localq.worker")
#: Seconds the worker's loop waits for other writers before it looks after its slots again.
_PATIENCE_S = 2.0
#: Slots that may be added to a pool of processes while it runs, at least.
_SPARE_SLOTS = 64
_KINDS = {
    "processes": "processes",
    "prefork": "processes",
    "threads": "threads",
    "solo": "solo",
    "asyncio": "asyncio",
    "gevent": "gevent",
}
_EVENT_LOOPS = ("asyncio", "gevent")
#: The classes of pools, each loaded where it is used: most need what not every system has.
_CLASSES = {
    "processes": "localq.worker.pool.processes.pool.ProcessPool",
    "portable": "localq.worker.pool.portable.pool.PortablePool",
    "event loop": "localq.worker.pool.event_loop.pool.EventLoopPool",
    "threads": "localq.worker.pool.threads.pool.ThreadPool",
}
#: Jobs at once in pools for tasks that mostly wait, where nobody said how many.
_MANY = 100


def processors() -> int:
    """Return the processors this process may use: its affinity, and its control group's share."""
    try:
        count = len(os.sched_getaffinity(0))
    except AttributeError:
        count = os.cpu_count() or 1
    with contextlib.suppress(OSError, ValueError):
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        if quota != "max":
            count = min(count, max(1, round(int(quota) / int(period))))
    return count


def assemble(
    app: LocalQ,
    *,
    printed: Printed,
    concurrency: int | str | None = None,
    pool: str | None = None,
    queues: tuple[str, ...] | None = None,
    excluded: tuple[str, ...] = (),
    name: str | None = None,
    max_tasks: int | None = None,
    max_memory_kb: int | None = None,
    autoscale: tuple[int, int] | None = None,
    chosen: bool | None = None,
) -> Worker:
    """Return a worker that is ready to run; its fork server is started, nothing else is.

    Args:
        autoscale: The most and the fewest slots, where their number follows the demand.
        chosen: Whether somebody chose the name; else it gets a number where it is taken. Default: if one is given.

    Raises:
        ImproperlyConfigured: the pool is unknown, or cannot work with the store; or the name cannot be.
        StoreError: the store cannot be used.
    """
    setup = Setup(worker_name(name, app.node_name), app)
    options = {"pool": pool, "concurrency": concurrency, "queues": queues, "exclude_queues": excluded}
    celeryd_init.send(setup.hostname, instance=setup, conf=app.conf, options=options)
    kind = _kind(app, pool)
    _check_served(queues, excluded)
    bounds = None if autoscale is None else _bounds(kind, autoscale)
    size = _size(app, kind, concurrency if bounds is None else bounds.fewest)
    # A key that cannot be had ends the worker here, and not its jobs one by one.
    signer_of(app.conf)
    import_modules.send(app)
    app.import_tasks()
    # Before anything is forked: what receivers load now, the slots share.
    worker_init.send(setup)
    plan = WorkerPlan(setup.hostname, socket.gethostname(), kind, queues, excluded, bounds)
    # Room for slots that are added later; what is not used takes no space.
    places = max(size if bounds is None else bounds.most, size + _SPARE_SLOTS)
    plan, store, presence = _store(app, plan, places, size, chosen=name is not None if chosen is None else chosen)
    worn = {"max_tasks": max_tasks, "max_memory_kb": max_memory_kb}
    aside = Aside(plan.name)
    made = _pool(app, kind, size, plan.name, aside, printed, presence, worn)
    _prepare(app, made, presence)
    worker = Worker(app, store, made, plan, app.clock, presence, aside)
    celeryd_after_setup.send(plan.name, instance=worker, conf=app.conf)
    return worker


def _check_served(queues: tuple[str, ...] | None, excluded: tuple[str, ...]) -> None:
    if queues is not None and not set(queues) - set(excluded):
        raise ImproperlyConfigured(
            f"Every queue of {', '.join(queues) or 'none'} is excluded: nothing is left to serve."
        )


def _prepare(app: LocalQ, pool: Pool, presence: Presence | None) -> None:
    try:
        pool.prepare()
    except BaseException:
        # Refused, it is no worker, and leaves no trace of one.
        if presence is not None:
            workers: Workers = app.store.workers
            with contextlib.suppress(StoreError):
                own = [row.key for row in workers.all() if row.card.uuid == presence.uuid]
                workers.leave(own, app.clock.now())
            presence.close()
        raise


def _kind(app: LocalQ, pool: str | None) -> str:
    """Return the kind of pool that was asked for, or else is usual, if it works here."""
    kind = pool or str(app.conf.worker_pool)
    if kind == "eventlet":
        raise ImproperlyConfigured(
            "There is no eventlet pool: eventlet is no longer maintained. Use gevent (-P gevent), which runs the same "
            "tasks in the same way, or asyncio (-P asyncio) for coroutines."
        )
    if kind not in _KINDS:
        raise ImproperlyConfigured(f"Unknown pool {kind!r}.{nearest(kind, list(_KINDS))} Known: {', '.join(_KINDS)}.")
    kind = _KINDS[kind]
    if kind in _EVENT_LOOPS and not SLOTS_FORK:
        raise ImproperlyConfigured(
            f"The {kind} pool needs what only Linux has; this is {sys.platform}, or LOCALQ_PORTABLE is set. "
            "Use -P threads, or -P processes."
        )
    if kind == "gevent" and importlib.util.find_spec("gevent") is None:
        raise ImproperlyConfigured("The gevent pool needs gevent: pip install 'localq[gevent]'.")
    return kind


def _store(
    app: LocalQ, plan: WorkerPlan, places: int, size: int, *, chosen: bool
) -> tuple[WorkerPlan, Any, Presence | None]:
    """Return the plan, the worker's store, not connected, and its presence beside the file; in memory there is none.

    Args:
        chosen: Whether somebody chose the name of the plan; else it gets a number where it is taken.
    """
    kind = plan.pool_kind
    store: Any = app.store
    memory = not store.shared
    if memory and kind not in ("threads", "solo"):
        raise ImproperlyConfigured(
            'A store in memory (":memory:") belongs to one process: use pool="threads", or a file.'
        )
    store.open()
    if memory:
        return plan, store, None
    one_each = kind == "processes" and SLOTS_FORK
    presence = store.workers.presence(places if one_each else 1 if kind == "solo" else SLOTS_OF_PLACES)
    try:
        if chosen:
            warn_of_namesake(store.workers, plan.name, presence.uuid)
        else:
            card = plan.card(presence.uuid, size, app.tasks)
            lease_us = int(app.conf.worker_lease * 1e6)
            plan = plan._replace(name=enter_by_own_name(store.workers, card, app.clock, lease_us))
    except BaseException:
        presence.close()
        raise
    # The fork server may be forked next, and no connection may cross that.
    store.close()
    # Whether jobs are on the disk at once matters to who enqueues.
    wishes = app.wishes._replace(confirm=None)
    return plan, open_store(app.location, "normal", _PATIENCE_S, wishes), presence


def _pool(
    app: LocalQ,
    kind: str,
    size: int,
    worker: str,
    aside: Aside,
    printed: Printed,
    presence: Presence | None,
    worn: dict[str, int | None],
) -> Pool:
    """Return a pool of a kind, not started.

    Args:
        worn: When its processes are replaced, where they are; None: as the settings say.
    """
    conf = app.conf
    marks = None if presence is None or presence.marks is None else (presence.marks_path, presence.marks)
    common: dict[str, Any] = {"worker": worker, "clock": app.clock, "redirect": conf.worker_redirect_stdouts}
    common["marks"] = marks
    common["printed"] = aside.calling(printed)
    if kind in ("threads", "solo"):
        return _class("threads")(app, size, **common)
    common["max_tasks"] = worn["max_tasks"] or conf.worker_max_tasks_per_child
    common["max_memory_kb"] = worn["max_memory_kb"] or conf.worker_max_memory_per_child
    common["logged"] = aside.calling(handle_record)
    if kind in _EVENT_LOOPS:
        return _class("event loop")(app, size, kind, **common)
    return _class("processes" if SLOTS_FORK else "portable")(app, size, **common)


def _class(kind: str) -> Callable[..., Pool]:
    module, _, name = _CLASSES[kind].rpartition(".")
    made: Callable[..., Pool] = getattr(importlib.import_module(module), name)
    return made


def _bounds(kind: str, autoscale: tuple[int, int]) -> Bounds:
    most, fewest = autoscale
    if kind == "solo":
        raise ImproperlyConfigured("The solo pool runs one job at a time: it cannot be scaled. Use -P processes.")
    if not (is_whole(fewest, 1, MOST_PLACES) and is_whole(most, fewest, MOST_PLACES)):
        raise ImproperlyConfigured(
            f"autoscale={most},{fewest} must be MAX,MIN: two whole numbers from 1 to {MOST_PLACES:,}, the larger first"
        )
    return Bounds(most, fewest)


def _size(app: LocalQ, kind: str, concurrency: int | str | None) -> int:
    wanted = concurrency if concurrency is not None else app.conf.worker_concurrency
    if wanted is None and kind in _EVENT_LOOPS:
        return _MANY
    if wanted is None or wanted == "auto":
        return 1 if kind == "solo" else processors()
    if not is_whole(wanted, 1, MOST_PLACES):
        raise ImproperlyConfigured(
            f"concurrency={wanted!r} must be a whole number from 1 to {MOST_PLACES:,}, or 'auto'"
        )
    if kind == "solo" and wanted > 1:
        logger.warning("The solo pool has one slot; concurrency %d has no effect. Use another pool for more.", wanted)
        return 1
    return wanted
