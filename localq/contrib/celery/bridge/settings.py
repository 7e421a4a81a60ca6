"""The settings of a Celery application that does as LocalQ does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from localq.contrib.celery.bridge.serializers import JSON, known_there
from localq.settings import SETTINGS, Settings

__all__ = ["celery_settings"]

#: What LocalQ does without being told, and Celery only when it is.
_PROMISES = {
    "task_acks_late": True,
    "task_reject_on_worker_lost": True,
    "task_track_started": True,
    "result_extended": True,
    "worker_send_task_events": True,
    "broker_connection_retry_on_startup": True,
}
#: Settings that are taken along another way, or mean nothing there.
_LEFT_OUT = {
    "broker_url",
    "result_backend",
    "beat_schedule",
    "task_annotations",
    "task_serializer",
    "result_serializer",
    "accept_content",
    "result_accept_content",
    "worker_pool",
    "worker_concurrency",
    "task_always_eager",
    "beat_scheduler",
}
#: Pools by Celery's names; there is none for coroutines, which the others run to their ends.
_POOLS = {"processes": "prefork", "asyncio": "threads"}


def celery_settings(
    conf: Settings, broker: str | None, backend: str | None, given: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the settings: LocalQ's promises, what the program sets, and over them what was given."""
    own = conf.given()
    kept = {
        name: value
        for name, value in own.items()
        if name in SETTINGS and SETTINGS[name].old != "" and name not in _LEFT_OUT
    }
    accepted = [known_there(name) for name in conf.accept_content]
    zone = {} if conf.timezone is None else {"timezone": str(conf.timezone)}
    values = {
        **_PROMISES,
        "task_serializer": known_there(conf.task_serializer),
        "result_serializer": known_there(conf.result_serializer),
        "accept_content": list(dict.fromkeys([JSON, "json", *accepted])),
        **kept,
        **zone,
        **_pool(own),
    }
    if broker is not None:
        values["broker_url"] = broker
    if backend is not None:
        values["result_backend"] = backend
    return {**values, **given}


def _pool(own: Mapping[str, Any]) -> dict[str, Any]:
    pool = own.get("worker_pool")
    found = {} if pool is None else {"worker_pool": _POOLS.get(pool, pool)}
    if isinstance(own.get("worker_concurrency"), int):
        found["worker_concurrency"] = own["worker_concurrency"]
    return found
