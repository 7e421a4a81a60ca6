"""Every page's path, and who may go there. What has no line here does not exist."""

from __future__ import annotations

from localq.web.gate.actor import Right
from localq.web.live.stream import stream
from localq.web.pages import (
    audit,
    bulk,
    edit,
    entry,
    job,
    job_changes,
    jobs,
    overview,
    queues,
    schedule_changes,
    schedules,
    static,
    tasks,
    workers,
)
from localq.web.site import Way

__all__ = ["WAYS"]

WAYS = (
    Way("/static/{name}", Right.OPEN, static.static),
    Way("/login", Right.OPEN, entry.by_link),
    Way("/login", Right.OPEN, entry.by_token, ("POST",)),
    Way("/language", Right.OPEN, entry.language, ("POST",)),
    Way("/live", Right.READ, stream),
    Way("/", Right.READ, overview.first),
    Way("/jobs", Right.READ, jobs.jobs),
    Way("/bulk", Right.ACT, bulk.count, ("POST",)),
    Way("/bulk/{id}/go", Right.ACT, bulk.begin, ("POST",)),
    Way("/bulk/{id}/stop", Right.ACT, bulk.stop, ("POST",)),
    Way("/bulk/{id}", Right.READ, bulk.bulk),
    # An id may hold a slash.
    Way("/jobs/{id:path}/edit", Right.READ, edit.edit),
    Way("/jobs/{id:path}/edit", Right.ACT, edit.send_edited, ("POST",)),
    Way("/jobs/{id:path}/delete", Right.ACT, job_changes.delete_one, ("POST",)),
    Way("/jobs/{id:path}/retry", Right.ACT, job_changes.retry_one, ("POST",)),
    Way("/jobs/{id:path}/cancel", Right.ACT, job_changes.cancel_one, ("POST",)),
    Way("/jobs/{id:path}/terminate", Right.ACT, job_changes.terminate_one, ("POST",)),
    Way("/jobs/{id:path}", Right.READ, job.job),
    Way("/tasks", Right.READ, tasks.tasks),
    Way("/tasks/{name:path}/call", Right.ACT, tasks.call, ("POST",)),
    Way("/tasks/{name:path}", Right.READ, tasks.task),
    Way("/queues", Right.READ, queues.queues),
    Way("/queues/{name:path}/pause", Right.ACT, queues.pause, ("POST",)),
    Way("/queues/{name:path}/resume", Right.ACT, queues.resume, ("POST",)),
    Way("/queues/{name:path}/purge", Right.ACT, queues.purge, ("POST",)),
    Way("/queues/{name:path}", Right.READ, queues.queue),
    Way("/workers", Right.READ, workers.workers),
    Way("/workers/{name:path}/grow", Right.ACT, workers.grow, ("POST",)),
    Way("/workers/{name:path}/shrink", Right.ACT, workers.shrink, ("POST",)),
    Way("/workers/{name:path}/serve", Right.ACT, workers.serve, ("POST",)),
    Way("/workers/{name:path}/leave", Right.ACT, workers.leave, ("POST",)),
    Way("/workers/{name:path}/stop", Right.ACT, workers.stop, ("POST",)),
    Way("/schedules", Right.READ, schedules.schedules),
    Way("/schedules", Right.ACT, schedule_changes.add, ("POST",)),
    Way("/schedules/{name:path}/edit", Right.ACT, schedule_changes.edit, ("POST",)),
    Way("/schedules/{name:path}/pause", Right.ACT, schedule_changes.pause, ("POST",)),
    Way("/schedules/{name:path}/resume", Right.ACT, schedule_changes.resume, ("POST",)),
    Way("/schedules/{name:path}/trigger", Right.ACT, schedule_changes.trigger, ("POST",)),
    Way("/schedules/{name:path}/backfill", Right.ACT, schedule_changes.backfill, ("POST",)),
    Way("/schedules/{name:path}/remove", Right.ACT, schedule_changes.remove, ("POST",)),
    Way("/schedules/{name:path}", Right.READ, schedules.schedule),
    Way("/audit", Right.READ, audit.audit),
    Way("/find", Right.READ, jobs.find),
)
