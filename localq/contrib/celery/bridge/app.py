"""An application of Celery's that runs a LocalQ program."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

import celery
import celery.signals

import localq.signals
from localq.app.app import LocalQ
from localq.contrib.celery.bridge import lacks
from localq.contrib.celery.bridge.carrier import CeleryCarrier, scheme_of
from localq.contrib.celery.bridge.schedules import beat_entry
from localq.contrib.celery.bridge.settings import celery_settings
from localq.contrib.celery.bridge.task import CarriedTask
from localq.exceptions import ScheduleError
from localq.model.warning import warn

__all__ = ["celery_app"]

#: Signals of workers, tasks and schedulers that receivers of LocalQ's hear of as well.
_TOLD = [
    "before_task_publish",
    "after_task_publish",
    "task_prerun",
    "task_postrun",
    "task_success",
    "task_retry",
    "task_failure",
    "task_revoked",
    "task_received",
    "task_rejected",
    "task_unknown",
    "task_internal_error",
    "celeryd_init",
    "celeryd_after_setup",
    "worker_init",
    "worker_process_init",
    "worker_process_shutdown",
    "worker_ready",
    "worker_shutting_down",
    "worker_shutdown",
    "beat_init",
    "beat_embedded_init",
]


def celery_app(q: LocalQ, broker: str | None, backend: str | None, settings: Mapping[str, Any]) -> celery.Celery:
    """Return the application; calls of the app's tasks go there from now on."""
    values = celery_settings(q.conf, broker, backend, settings)
    app = celery.Celery(q.main or q.defined_in, broker=values.get("broker_url"), backend=values.get("result_backend"))
    scheme = scheme_of(values.get("broker_url"))
    if scheme.startswith(("amqp", "pyamqp", "librabbitmq")) and _ranked(q):
        values = {"task_queue_max_priority": 10, **values}
    app.conf.update(values)
    carrier = CeleryCarrier(q, app, scheme)
    for task in list(q._tasks.values()):
        carrier.registered(task)
    q.carrier = carrier
    _follow(q, app)
    found = [*lacks.lacks_of_settings(q.conf.given()), *_of_tasks(q), *lacks.lacks_of_priorities(scheme, _ranked(q))]
    _tell(found)
    return app


def _ranked(q: LocalQ) -> bool:
    return bool(q.conf.task_default_priority) or any(task.priority is not None for task in q._tasks.values())


def _of_tasks(q: LocalQ) -> Iterator[str]:
    for task in q._tasks.values():
        yield from lacks.lacks_of_task(task)


def _tell(found: list[str]) -> None:
    if found:
        warn(f"Celery cannot do: {'; '.join(dict.fromkeys(found))}.", lacks.CeleryLacksWarning)


def _follow(q: LocalQ, app: celery.Celery) -> None:
    """Take up what the program imports and configures later, and tell its receivers what happens there."""

    def schedules(**_: Any) -> None:
        # Also where a client only calls tasks, whom a schedule of what is imported later is no trouble of.
        with contextlib.suppress(ScheduleError):
            _schedule(q, app)

    def imports(sender: Any = None, **_: Any) -> None:
        if sender is app:
            q.import_tasks()
            _schedule(q, app)

    app.on_after_finalize.connect(schedules, weak=False)
    celery.signals.import_modules.connect(imports, weak=False)
    for name in _TOLD:
        getattr(celery.signals, name).connect(_teller(name), weak=False, dispatch_uid=f"localq-{name}")


def _teller(name: str) -> Any:
    own = getattr(localq.signals, name)

    def tell(sender: Any = None, signal: Any = None, **fields: Any) -> None:
        if own.receivers:
            own.send(sender=sender.twin if isinstance(sender, CarriedTask) else sender, **fields)

    return tell


def _schedule(q: LocalQ, app: celery.Celery) -> None:
    """Give beat the schedules that the program configures."""
    entries: dict[str, Any] = {}
    found: list[str] = []
    for definition in q.schedules.configured():
        entries[definition.name] = beat_entry(definition, q.accepts(definition.job.task))
        found += lacks.lacks_of_schedule(definition)
    if entries != app.conf.beat_schedule:
        _tell(found)
        app.conf.beat_schedule = entries
