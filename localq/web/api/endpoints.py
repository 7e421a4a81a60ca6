"""The table of endpoints: what has no line here does not exist, and the OpenAPI document is made from it."""

from __future__ import annotations

from localq.web.api import bulks, jobs, queues, schedules, schemas, tasks, whole
from localq.web.api.endpoint import Endpoint

__all__ = ["ENDPOINTS"]

ENDPOINTS = (
    Endpoint("GET", "/overview", whole.overview, schemas.Overview),
    Endpoint("GET", "/series", whole.series, schemas.Series, schemas.WindowAsked),
    Endpoint("GET", "/audit", whole.audit, schemas.Audit, schemas.AuditAsked),
    Endpoint("GET", "/jobs", jobs.jobs, schemas.JobsPage, schemas.JobsAsked),
    # An id may hold a slash: paths with more behind it come first.
    Endpoint("GET", "/jobs/{id}/why", jobs.why, schemas.Why),
    Endpoint("POST", "/jobs/{id}/retry", jobs.retry, schemas.Changed),
    Endpoint("POST", "/jobs/{id}/cancel", jobs.cancel_one, schemas.Changed),
    Endpoint("POST", "/jobs/{id}/terminate", jobs.terminate, schemas.Changed),
    Endpoint("POST", "/jobs/{id}/edit", jobs.edit, schemas.Called, schemas.Edited),
    Endpoint("DELETE", "/jobs/{id}", jobs.delete_one, schemas.Changed),
    Endpoint("GET", "/jobs/{id}", jobs.job, schemas.JobDetail),
    Endpoint("POST", "/bulks", bulks.count, schemas.Bulk, schemas.BulkWanted),
    Endpoint("POST", "/bulks/{id}/begin", bulks.begin, schemas.Bulk, schemas.BulkBegun),
    Endpoint("POST", "/bulks/{id}/stop", bulks.stop, schemas.Bulk),
    Endpoint("GET", "/bulks/{id}", bulks.bulk, schemas.Bulk),
    Endpoint("GET", "/tasks", tasks.tasks, schemas.TaskNames),
    Endpoint("POST", "/tasks/{name}/call", tasks.call, schemas.Called, schemas.Call),
    Endpoint("GET", "/tasks/{name}", tasks.task, schemas.TaskDetail, schemas.WindowAsked),
    Endpoint("GET", "/queues", queues.queues, schemas.Queues),
    Endpoint("POST", "/queues/{name}/pause", queues.pause, schemas.Changed),
    Endpoint("POST", "/queues/{name}/resume", queues.resume, schemas.Changed),
    Endpoint("POST", "/queues/{name}/purge", queues.purge, schemas.Changed, schemas.Purge),
    Endpoint("GET", "/queues/{name}", queues.queue, schemas.Queue),
    Endpoint("GET", "/workers", queues.workers, schemas.Workers),
    Endpoint("POST", "/workers/{name}/grow", queues.grow, schemas.Changed),
    Endpoint("POST", "/workers/{name}/shrink", queues.shrink, schemas.Changed),
    Endpoint("POST", "/workers/{name}/serve", queues.serve, schemas.Changed, schemas.QueueName),
    Endpoint("POST", "/workers/{name}/leave", queues.leave, schemas.Changed, schemas.QueueName),
    Endpoint("POST", "/workers/{name}/shutdown", queues.shutdown, schemas.Changed),
    Endpoint("GET", "/schedules", schedules.schedules, schemas.Schedules, schemas.SchedulesAsked),
    Endpoint("POST", "/schedules", schedules.add, schemas.Changed, schemas.ScheduleAdded),
    Endpoint("GET", "/schedules/{name}/ledger", schedules.ledger, schemas.Ledger, schemas.LedgerAsked),
    Endpoint("POST", "/schedules/{name}/pause", schedules.pause, schemas.Changed),
    Endpoint("POST", "/schedules/{name}/resume", schedules.resume, schemas.Changed),
    Endpoint("POST", "/schedules/{name}/trigger", schedules.trigger, schemas.Changed),
    Endpoint("POST", "/schedules/{name}/backfill", schedules.backfill, schemas.Changed, schemas.Backfill),
    Endpoint("PATCH", "/schedules/{name}", schedules.edit, schemas.Changed, schemas.ScheduleEdited),
    Endpoint("DELETE", "/schedules/{name}", schedules.remove, schemas.Changed),
    Endpoint("GET", "/schedules/{name}", schedules.schedule, schemas.ScheduleDetail),
)
