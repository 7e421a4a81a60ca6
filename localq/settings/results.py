"""Settings of results."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from localq.serialization.compression import check_compression
from localq.settings.checks import flag, names, or_none, seconds, text, whole
from localq.settings.setting import Setting, unused

__all__ = ["SETTINGS"]

_RETRIES = "The store waits for the file's lock by itself, and says StoreBusy after that"
_CHORDS = "A chord is counted in the store, in the commit that ends its last part"


def _expires(value: Any) -> float | None:
    return None if value is None or value == 0 or value == timedelta(0) else seconds(value)


SETTINGS = [
    Setting("result_max_bytes", 64 << 20, "Largest encoded result, in bytes", whole(1), old=""),
    Setting(
        "result_expires",
        86400.0,
        "Seconds (or timedelta) finished jobs are kept; None or 0: for ever",
        _expires,
        old="CELERY_TASK_RESULT_EXPIRES",
    ),
    Setting(
        "result_accept_content",
        None,
        "Accepted; results are read as accept_content says",
        or_none(names),
        used=False,
    ),
    Setting(
        "result_serializer",
        "json",
        "Accepted; a result is written as its task's arguments are (task_serializer, or the task's own)",
        text,
        old="CELERY_RESULT_SERIALIZER",
        used=False,
    ),
    Setting(
        "result_extended",
        True,
        "Accepted; name, arguments, worker and retries are always there (Celery: False)",
        flag,
        old="CELERY_RESULT_EXTENDED",
        used=False,
    ),
    Setting(
        "result_persistent",
        True,
        "Accepted; results are always durable (Celery: None)",
        or_none(flag),
        old="CELERY_RESULT_PERSISTENT",
        used=False,
    ),
    unused("result_cache_max", -1, "Results are read from the store", "CELERY_MAX_CACHED_RESULTS"),
    Setting(
        "result_compression",
        None,
        "How results are packed; as task_compression",
        or_none(check_compression),
        old="CELERY_RESULT_COMPRESSION",
    ),
    unused("result_exchange", "celeryresults", "Results are in the store", "CELERY_RESULT_EXCHANGE"),
    unused("result_exchange_type", "direct", "Results are in the store", "CELERY_RESULT_EXCHANGE_TYPE"),
    unused(
        "result_failure_expires",
        None,
        "Failures are kept as long as other results: result_expires",
        "CELERY_RESULT_FAILURE_EXPIRES",
    ),
    unused("result_chord_expires", None, _CHORDS, "CELERY_RESULT_CHORD_EXPIRES"),
    unused("result_chord_retry_interval", 1.0, _CHORDS, "CELERY_RESULT_CHORD_RETRY_INTERVAL"),
    unused("result_chord_join_timeout", 3.0, _CHORDS, "CELERY_RESULT_CHORD_JOIN_TIMEOUT"),
    unused("result_backend_always_retry", False, _RETRIES, "CELERY_RESULT_BACKEND_ALWAYS_RETRY"),
    unused("result_backend_max_retries", float("inf"), _RETRIES, "CELERY_RESULT_BACKEND_MAX_RETRIES"),
    unused(
        "result_backend_max_sleep_between_retries_ms",
        10000,
        _RETRIES,
        "CELERY_RESULT_BACKEND_MAX_SLEEP_BETWEEN_RETRIES_MS",
    ),
    unused(
        "result_backend_base_sleep_between_retries_ms",
        10,
        _RETRIES,
        "CELERY_RESULT_BACKEND_BASE_SLEEP_BETWEEN_RETRIES_MS",
    ),
]
