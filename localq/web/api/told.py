"""From values of the questions to what the API gives."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from localq.model.clock import to_datetime
from localq.monitor.why_not import Reason
from localq.schedules.schedule_view import LedgerLine, ScheduleView
from localq.web.act.bulk import Bulk as BulkChange
from localq.web.act.jobs import Came
from localq.web.api import schemas
from localq.web.ask.job import JobSeen
from localq.web.ask.listing import Line
from localq.web.ask.queues import QueueSeen
from localq.web.ask.series import Figures
from localq.web.ask.task import Parameter, TaskPage
from localq.web.ask.workers import WorkerSeen
from localq.web.draw.histogram import bars
from localq.web.language import language

__all__ = [
    "at",
    "bulk",
    "changed",
    "detail",
    "figures",
    "ledger_entry",
    "line",
    "queue",
    "schedule",
    "task",
    "why",
    "worker",
]


def at(micros: int | None) -> datetime | None:
    """Return a time."""
    return None if micros is None else to_datetime(micros)


def line(one: Line) -> schemas.JobLine:
    """Return a line of the list of jobs."""
    job = one.job
    return schemas.JobLine(
        job.id,
        job.task,
        job.queue,
        one.state,
        job.priority,
        one.call,
        one.error or None,
        job.attempts,
        to_datetime(job.created_at),
        at(job.finished_at),
        one.ran_s,
        one.usual_s,
        one.others_s,
    )


def why(reason: Reason) -> schemas.Why:
    """Return why a job is where it is."""
    return schemas.Why(reason.kind, reason.english(), list(reason.jobs))


def detail(seen: JobSeen, output: str | None) -> schemas.JobDetail:
    """Return a job with all that is known of it, and what its run has said so far."""
    job, call, result = seen.job, seen.call, seen.result
    return schemas.JobDetail(
        id=job.id,
        task=job.task,
        queue=job.queue,
        state=seen.state,
        priority=job.priority,
        attempts=job.attempts,
        created_at=to_datetime(job.created_at),
        finished_at=at(job.finished_at),
        expires_at=None if (job.expires_at or 0) < 0 else at(job.expires_at),
        worker=seen.owner,
        why=why(seen.reason),
        args=call.args,
        kwargs=call.kwargs,
        exact=call.exact,
        note=call.note,
        result=None if result is None else result.value,
        result_note=None if result is None else result.note,
        progress=seen.progress,
        runs=[
            schemas.Attempt(
                run.number,
                run.worker,
                run.started,
                run.ended,
                run.outcome,
                run.error,
                run.traceback,
                run.peak_memory,
                run.output,
            )
            for run in seen.runs
        ],
        output=output,
        root_id=seen.options.root_id,
        parent_id=seen.options.parent_id,
        workflow=[one.id for one in seen.family],
    )


def changed(came: Came) -> schemas.Changed:
    """Return what came of a change."""
    return schemas.Changed(came.count, language("en")(came.text, n=came.count))


def queue(seen: QueueSeen) -> schemas.Queue:
    """Return a queue."""
    return schemas.Queue(
        seen.name,
        seen.ready,
        seen.waiting,
        seen.running,
        at(seen.oldest_at),
        seen.paused,
        list(seen.served_by),
        seen.drains_in_s,
        seen.lately.per_second,
        seen.lately.wait_p95,
    )


def worker(seen: WorkerSeen) -> schemas.Worker:
    """Return a worker."""
    row, card = seen.row, seen.row.card
    return schemas.Worker(
        card.name,
        row.state.value,
        card.host,
        card.pid,
        card.pool,
        card.concurrency,
        None if card.queues is None else list(card.queues),
        to_datetime(row.started_at),
        to_datetime(row.seen_at),
        [job.id for job in seen.jobs],
    )


def figures(given: Figures) -> schemas.Figures:
    """Return what a stretch of time comes to."""
    return schemas.Figures(*given)


def task(seen: TaskPage, window: schemas.Window) -> schemas.TaskDetail:
    """Return a task with all that is known of it."""
    one, limits = seen.task, seen.limits
    return schemas.TaskDetail(
        name=one.name,
        window=window,
        waiting=one.waiting,
        running=one.running,
        revoked=one.revoked,
        workers=list(one.workers),
        during=figures(one.figures),
        before=figures(seen.before),
        steps=[schemas.TaskStep(to_datetime(step.at), figures(step.figures)) for step in seen.spans],
        runs=[schemas.Bar(*bar) for bar in bars(seen.runs)],
        errors=[schemas.ErrorGroup(e.said, e.count, e.newest, to_datetime(e.at), e.example) for e in seen.errors],
        failed_examined=seen.failed_examined,
        slowest=[line(job) for job in seen.slowest],
        examined=seen.examined,
        looked_back_to=at(seen.looked_back_to),
        newest=[line(job) for job in seen.newest],
        limits=schemas.Limits(limits.rate, limits.soft, limits.hard, limits.max_retries, list(limits.ordered)),
        parameters=None if seen.parameters is None else [_parameter(each) for each in seen.parameters],
    )


def _parameter(one: Parameter) -> schemas.Parameter:
    kind: Literal["one", "many", "names"] = "many" if one.kind == "many" else "names" if one.kind == "names" else "one"
    return schemas.Parameter(one.name, kind, one.required, one.hint)


def schedule(view: ScheduleView) -> schemas.Schedule:
    """Return a schedule."""
    return schemas.Schedule(
        view.name,
        view.state,
        view.source,
        view.words,
        view.zone,
        view.task,
        view.next,
        view.last,
        view.last_job,
        view.runs,
        view.missed,
        view.note,
    )


def ledger_entry(entry: LedgerLine) -> schemas.LedgerEntry:
    """Return an entry of a schedule's ledger."""
    return schemas.LedgerEntry(*entry)


def bulk(change: BulkChange) -> schemas.Bulk:
    """Return a change of many jobs."""
    return schemas.Bulk(
        change.id,
        change.verb,
        change.words(),
        change.phase.value,
        change.counted,
        change.passed,
        change.changed,
        change.spread_s,
        change.error,
    )
