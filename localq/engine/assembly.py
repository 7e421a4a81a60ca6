"""Put a worker together from an app and what was asked for, in the order that is safe to fork in."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
from pathlib import Path
from typing import Any

from localq.call import new_id
from localq.engine.pool.base import Pool, Printed
from localq.engine.pool.processes import ProcessPool
from localq.engine.pool.threads import ThreadPool
from localq.engine.worker import Worker, WorkerPlan
from localq.exceptions import ImproperlyConfigured
from localq.sealing import signer_of
from localq.settings import nearest
from localq.store import open_store
from localq.store.presence import Presence

__all__ = ["assemble", "worker_name"]

#: Seconds the worker's loop waits for other writers before it looks after its slots again.
_PATIENCE_S = 2.0
_KINDS = {"processes": "processes", "prefork": "processes", "threads": "threads", "solo": "solo"}


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


def worker_name(given: str | None) -> str:
    """Return a worker's name: %h becomes the host's name, %n the part before the @, %d the domain, %% a percent."""
    host = socket.gethostname()
    short, _, domain = host.partition(".")
    name = given or "localq@%h"
    local = name.partition("@")[0] if "@" in name else short
    for mark, text in (("%h", host), ("%n", local if "%" not in local else short), ("%d", domain), ("%%", "%")):
        name = name.replace(mark, text)
    return name if "@" in name else f"{name}@{host}"


def assemble(
    app: Any,
    *,
    printed: Printed,
    concurrency: int | str | None = None,
    pool: str | None = None,
    queues: tuple[str, ...] | None = None,
    excluded: tuple[str, ...] = (),
    name: str | None = None,
    max_tasks: int | None = None,
    max_memory_kb: int | None = None,
) -> Worker:
    """Return a worker that is ready to run; its nursery is started, nothing else is.

    Raises:
        ImproperlyConfigured: the pool is unknown, or cannot work with the store.
        StoreError: the store cannot be used.
    """
    kind = pool or _usual_pool(app)
    if kind not in _KINDS:
        raise ImproperlyConfigured(f"Unknown pool {kind!r}.{nearest(kind, list(_KINDS))} Known: {', '.join(_KINDS)}.")
    kind = _KINDS[kind]
    if kind == "processes" and sys.platform != "linux":
        raise ImproperlyConfigured(
            f"The process pool needs Linux; this is {sys.platform}. Use pool='threads' (-P threads)."
        )
    if queues is not None and not set(queues) - set(excluded):
        raise ImproperlyConfigured(
            f"Every queue of {', '.join(queues) or 'none'} is excluded: nothing is left to serve."
        )
    size = _size(app, kind, concurrency)
    # A key that cannot be had ends the worker here, and not its jobs one by one.
    signer_of(app.conf)
    app.import_tasks()
    plan = WorkerPlan(worker_name(name), socket.gethostname(), kind, queues, excluded)
    store: Any = app.store
    memory = getattr(store, "memory", False)
    if memory and kind == "processes":
        raise ImproperlyConfigured(
            'A store in memory (":memory:") belongs to one process: use pool="threads", or a file.'
        )
    store.open()
    presence = None
    if not memory:
        folder = store.folder
        # The nursery may be forked next, and no connection may cross that.
        store.close()
        store = open_store(app.location, "normal", _PATIENCE_S)
        presence = Presence(folder, new_id(), size if kind == "processes" else 0)
    made: Pool
    if kind == "processes":
        made = ProcessPool(
            app,
            size,
            worker=plan.name,
            clock=app.clock,
            marks=None if presence is None or presence.marks is None else (presence.marks_path, presence.marks),
            printed=printed,
            redirect=app.conf.worker_redirect_stdouts,
            max_tasks=max_tasks or app.conf.worker_max_tasks_per_child,
            max_memory_kb=max_memory_kb or app.conf.worker_max_memory_per_child,
        )
    else:
        made = ThreadPool(
            app,
            size,
            worker=plan.name,
            clock=app.clock,
            printed=printed,
            redirect=app.conf.worker_redirect_stdouts,
        )
    made.prepare()
    return Worker(app, store, made, plan, app.clock, presence)


def _usual_pool(app: Any) -> str:
    """Return the pool of the settings; where nobody chose one and processes do not work, threads."""
    if sys.platform != "linux" and "worker_pool" not in app.conf.given():
        return "threads"
    return str(app.conf.worker_pool)


def _size(app: Any, kind: str, concurrency: int | str | None) -> int:
    wanted = concurrency if concurrency is not None else app.conf.worker_concurrency
    if kind == "solo":
        return 1
    if wanted is None or wanted == "auto":
        return processors()
    if isinstance(wanted, bool) or not isinstance(wanted, int) or not 1 <= wanted <= 10_000:
        raise ImproperlyConfigured(f"concurrency={wanted!r} must be a whole number from 1, or 'auto'")
    return wanted
