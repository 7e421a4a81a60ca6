"""Flower's paths, and who may go there. Names of workers and tasks, and ids, may hold a slash."""

from __future__ import annotations

from localq.web.flower import calls, task_changes, tasks, worker_changes, workers
from localq.web.flower.asked import told
from localq.web.gate.actor import Right
from localq.web.site import Handler, Way

__all__ = ["FLOWER_WAYS"]


def _question(path: str, handler: Handler) -> Way:
    return Way(f"/api/{path}", Right.READ, told(handler))


def _change(path: str, handler: Handler) -> Way:
    return Way(f"/api/{path}", Right.ACT, told(handler), ("POST",))


FLOWER_WAYS = (
    _question("workers", workers.workers),
    _change("worker/shutdown/{worker:path}", worker_changes.shutdown),
    _change("worker/pool/restart/{worker:path}", worker_changes.restart),
    _change("worker/pool/grow/{worker:path}", worker_changes.grow),
    _change("worker/pool/shrink/{worker:path}", worker_changes.shrink),
    _change("worker/pool/autoscale/{worker:path}", worker_changes.autoscale),
    _change("worker/queue/add-consumer/{worker:path}", worker_changes.add_consumer),
    _change("worker/queue/cancel-consumer/{worker:path}", worker_changes.cancel_consumer),
    _question("tasks", tasks.tasks),
    _question("task/types", tasks.types),
    _question("task/info/{id:path}", tasks.info),
    _question("task/result/{id:path}", tasks.result),
    _question("queues/length", tasks.lengths),
    _change("task/apply/{name:path}", calls.apply),
    _change("task/async-apply/{name:path}", calls.async_apply),
    _change("task/send-task/{name:path}", calls.send_task),
    _change("task/abort/{id:path}", task_changes.abort),
    _change("task/revoke/{id:path}", task_changes.revoke),
    _change("task/rate-limit/{name:path}", task_changes.rate_limit),
    _change("task/timeout/{name:path}", task_changes.timeout),
)
