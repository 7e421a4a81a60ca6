"""Settings of the app as a whole, and of its schedule."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from localq.serialization.keys import read_keys
from localq.settings.checks import flag, modules, names, one_of, or_none, seconds, text, zone
from localq.settings.setting import Setting, unused

__all__ = ["SETTINGS"]


def _url(value: Any) -> str | None:
    """Accept a URL or a path; an empty one is none."""
    return None if value in (None, "") else text(value)


def _urls(value: Any) -> str | None:
    """Accept a URL, or several to fail over to."""
    return ";".join(value) or None if isinstance(value, list | tuple) else _url(value)


def _entries(value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise TypeError("must be a dict of schedules by name: {'nightly': {'task': ..., 'schedule': ...}}")
    return dict(value)


def _interval(value: Any) -> float:
    return 0.0 if value in (None, 0) else seconds(value)


SETTINGS = [
    Setting(
        "durability",
        "full",
        "'full' fsyncs every enqueue; 'normal' may lose the last at a power cut",
        one_of("full", "normal"),
        old="",
    ),
    Setting(
        "strict",
        False,
        "A Redis server that may lose what it has acknowledged is refused, and says why",
        flag,
        old="",
    ),
    Setting(
        "confirm",
        None,
        "'aof': an enqueue returns when its jobs are on the Redis server's disk; None: as the server's settings say",
        or_none(one_of("aof")),
        old="",
    ),
    Setting(
        "outbox",
        None,
        "Path of a file that keeps jobs enqueued while the Redis server is away; they are sent once it is back",
        or_none(text),
        old="",
    ),
    Setting(
        "accept_content",
        ("json",),
        "Serializers this process reads, or their content types; add 'pickle' or 'dill' knowingly",
        names,
        old="CELERY_ACCEPT_CONTENT",
    ),
    Setting(
        "message_signing",
        "off",
        "'require' signs calls, results and schedules and takes only signed ones; 'accept' takes unsigned ones too",
        one_of("off", "accept", "require"),
        old="",
    ),
    Setting(
        "message_keys",
        (),
        "Secrets for message_signing, each 'env:NAME', 'file:PATH' or itself, with 'ID:' before it if wanted; the "
        "first signs, all verify",
        read_keys,
        old="",
    ),
    Setting("enable_utc", True, "Naive times are UTC unless `timezone` is set; False: this machine's zone", flag),
    Setting(
        "timezone",
        None,
        "Name of the zone naive times are in, such as 'Europe/Berlin'",
        or_none(zone),
        old="CELERY_TIMEZONE",
    ),
    Setting("imports", (), "Modules a worker imports for their tasks", modules, old="CELERY_IMPORTS"),
    Setting("include", (), "Modules a worker imports for their tasks, after `imports`", modules, old="CELERY_INCLUDE"),
    # The schedule
    Setting(
        "beat_schedule",
        {},
        "Schedules by name: {'nightly': {'task': 'shop.report', 'schedule': crontab(hour=2, minute=0)}}",
        _entries,
        old="CELERYBEAT_SCHEDULE",
    ),
    Setting(
        "beat_run_new_entries",
        True,
        "An interval seen for the first time runs at once; False: after one interval, as in Celery",
        flag,
        old="",
    ),
    Setting(
        "beat_max_loop_interval",
        0.0,
        "Seconds between a scheduler's looks at the schedules when nothing changes; 0: 300",
        _interval,
        old="CELERYBEAT_MAX_LOOP_INTERVAL",
    ),
    Setting(
        "beat_cron_starting_deadline",
        None,
        "Seconds after which a missed firing of a cron rule is skipped; None: never",
        or_none(seconds),
        old="CELERYBEAT_CRON_STARTING_DEADLINE",
    ),
    unused(
        "beat_scheduler",
        "celery.beat:PersistentScheduler",
        "The schedule is in the store; there is one scheduler",
        "CELERYBEAT_SCHEDULER",
    ),
    unused(
        "beat_schedule_filename",
        "celerybeat-schedule",
        "The schedule's last runs are in the store",
        "CELERYBEAT_SCHEDULE_FILENAME",
    ),
    unused("beat_sync_every", 0, "Each firing is recorded with its job, in one commit", "CELERYBEAT_SYNC_EVERY"),
    unused(
        "beat_enable_remote_control",
        False,
        "Schedules are changed in the store, from any process",
        "CELERYBEAT_ENABLE_REMOTE_CONTROL",
    ),
    unused(
        "beat_remote_control_max_tick_age",
        None,
        "Schedules are changed in the store, from any process",
        "CELERYBEAT_REMOTE_CONTROL_MAX_TICK_AGE",
    ),
    # Where the jobs are
    Setting(
        "broker_url",
        None,
        "The store: a path, sqlite:///path or :memory:; None: jobs.db. `path=` of the app comes first",
        _urls,
    ),
    Setting(
        "result_backend",
        None,
        "The same store as broker_url: jobs and their results are in one file",
        _url,
        old="CELERY_RESULT_BACKEND",
    ),
]
