"""What LocalQ does and Celery cannot, by name: told of what a program uses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from localq.exceptions import LocalQWarning
from localq.schedules.definition import Definition
from localq.settings import OLD_NAMES, SETTINGS
from localq.tasks.task import Task

__all__ = [
    "CALL_OPTIONS",
    "IN_GENERAL",
    "TASK_OPTIONS",
    "TERMS",
    "CeleryLacksWarning",
    "lacks_of_priorities",
    "lacks_of_schedule",
    "lacks_of_settings",
    "lacks_of_task",
]


class CeleryLacksWarning(LocalQWarning):
    """A program does something that Celery cannot do, and that is left out or done otherwise there."""


#: Options of a call that Celery's calls have not; a task's own options of these names hold.
CALL_OPTIONS = {
    "acks_late": "only a task has it",
    "max_retries": "only a task has it",
    "default_retry_delay": "only a task has it",
    "store_errors_even_if_ignored": "only a task has it",
}
#: Options of a task that mean nothing there, with what is so instead.
TASK_OPTIONS = {
    "max_crashes": "a job whose process died runs again, without end",
    "redact": "arguments are in messages and results as they are",
}
#: Terms of a schedule that beat does not know.
TERMS = {
    "missed": "what was missed runs once",
    "most": "what was missed runs once",
    "window": "what was missed runs once",
    "overlap": "runs may overlap",
    "jitter": "each runs at its instant",
    "max_runs": "it goes on",
    "deadline": "late firings run",
}
#: What is so for every program; docs/moving-on.md tells of each.
IN_GENERAL = {
    "within": "a call is no part of a transaction of yours: it is refused",
    "schedules.add": "schedules added while a program runs stay in the store; beat has those of the configuration",
    "map": "over items, with or without key=, is refused: group or chunks do it",
    "pauses and orders": "control has no pause; rate limits hold for each worker, not over all",
    "one commit": "a workflow is not sent as a whole: what is behind is sent when what is before has ended",
    "retry": "finished calls cannot be run again from outside",
}


def lacks_of_task(task: Task[..., Any]) -> Iterator[str]:
    """Yield what of a task Celery cannot do."""
    for name, instead in TASK_OPTIONS.items():
        if getattr(task, name, None):
            yield f"{name} of task {task.name} ({instead})"
    if task.serializer not in (None, "json"):
        yield f"serializer of task {task.name} for that task alone (workers take it from every call)"
    if task.rate_limit:
        yield f"rate_limit of task {task.name} over all workers (it holds for each of them)"


def lacks_of_schedule(definition: Definition) -> Iterator[str]:
    """Yield what of a schedule beat cannot do."""
    for name in definition.terms():
        if name in TERMS:
            yield f"{name} of schedule {definition.name} ({TERMS[name]})"


def lacks_of_settings(given: Mapping[str, Any]) -> Iterator[str]:
    """Yield the settings that are LocalQ's own."""
    for name in given:
        if name in SETTINGS and SETTINGS[name].old == "" and name not in OLD_NAMES:
            yield f"the setting {name}"


def lacks_of_priorities(scheme: str, used: bool) -> Iterator[str]:
    """Yield what becomes of priorities on a broker."""
    if not used:
        return
    if scheme.startswith(("redis", "rediss", "sentinel")):
        yield "ten priorities (Redis has four steps of them, and what a worker has prefetched is not sorted)"
    elif scheme.startswith(("amqp", "pyamqp", "librabbitmq")):
        yield "priorities over several queues (RabbitMQ sorts within each, once a queue is declared with them)"
    else:
        yield f"priorities ({scheme or 'this broker'} has none)"
