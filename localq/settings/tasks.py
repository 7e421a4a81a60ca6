"""Settings of tasks: what a call or a task says nothing about."""

from __future__ import annotations

from typing import Any

from localq.model.rates import read_rate
from localq.serialization.compression import check_compression
from localq.settings.checks import flag, mapping, name, or_none, queue_list, seconds, text, whole
from localq.settings.setting import Setting, unused

__all__ = ["SETTINGS"]

_FINISHED = "A job that failed or ran out of time is finished; it runs again by retry or `localq retry`"
_RUNS_AGAIN = "A job whose process died runs again by itself, task_max_crashes times at most"
_ONE_KIND = "A queue is a name in the store; there is one kind"
_NO_PUBLISH = "An enqueue is one commit; the store waits for the file's lock by itself"


def _priority(value: Any) -> int:
    return 0 if value is None else whole(0, 9)(value)


def _rate(value: Any) -> Any:
    try:
        read_rate(value)
    except ValueError:
        raise ValueError("must be such as '10/s', '100/m' or '5/h', or a number of runs a second") from None
    return value


SETTINGS = [
    Setting(
        "task_always_eager", False, "Calls run here and now, on a store in memory", flag, old="CELERY_ALWAYS_EAGER"
    ),
    Setting(
        "task_eager_propagates",
        False,
        "In eager mode a task's error is raised by the call",
        flag,
        old="CELERY_EAGER_PROPAGATES_EXCEPTIONS",
    ),
    Setting(
        "task_store_eager_result",
        False,
        "In eager mode a result that a worker could not write down fails its job",
        flag,
        old="CELERY_STORE_EAGER_RESULT",
    ),
    Setting("task_default_queue", "celery", "Queue of calls that name none", name, old="CELERY_DEFAULT_QUEUE"),
    Setting(
        "task_default_exchange",
        None,
        "Exchange of queues that name none; None: task_default_queue",
        or_none(text),
        old="CELERY_DEFAULT_EXCHANGE",
    ),
    Setting(
        "task_default_exchange_type",
        "direct",
        "Kind of exchanges that name none: direct, topic or fanout",
        text,
        old="CELERY_DEFAULT_EXCHANGE_TYPE",
    ),
    Setting(
        "task_default_routing_key",
        None,
        "Routing key of queues that name none; None: task_default_queue",
        or_none(text),
        old="CELERY_DEFAULT_ROUTING_KEY",
    ),
    Setting(
        "task_default_priority",
        0,
        "Priority of calls that name none: 0 to 9, higher first (Celery: None)",
        _priority,
        old="CELERY_DEFAULT_PRIORITY",
    ),
    Setting(
        "task_inherit_parent_priority",
        False,
        "A call from within a task that names no priority gets that of the running job",
        flag,
        old="CELERY_INHERIT_PARENT_PRIORITY",
    ),
    Setting(
        "task_default_rate_limit",
        None,
        "Runs of a task that names no rate, such as '10/s'; over all workers, not for each",
        _rate,
        old="CELERY_DEFAULT_RATE_LIMIT",
    ),
    Setting(
        "task_queues",
        None,
        "Queues by name, with exchange and routing key where calls are routed by those",
        or_none(queue_list),
        old="CELERY_QUEUES",
    ),
    Setting(
        "task_routes",
        None,
        "Which task goes to which queue: names, patterns, functions or classes",
        lambda value: value,
        old="CELERY_ROUTES",
    ),
    Setting(
        "task_create_missing_queues",
        True,
        "False: a call for a queue that task_queues does not have is refused",
        flag,
        old="CELERY_CREATE_MISSING_QUEUES",
    ),
    Setting(
        "task_annotations",
        None,
        "Attributes of tasks, by name or '*', that take the place of their own",
        lambda value: value,
        old="CELERY_ANNOTATIONS",
    ),
    Setting(
        "task_serializer",
        "json",
        "How arguments and results are written: json, pickle, dill, yaml, msgpack, or one of your own",
        text,
        old="CELERY_TASK_SERIALIZER",
    ),
    Setting(
        "task_compression",
        None,
        "How arguments are packed: zlib (gzip), bzip2, xz (lzma), zstd; None: not",
        or_none(check_compression),
        old="CELERY_MESSAGE_COMPRESSION",
    ),
    Setting("compression_min_bytes", 1024, "Encoded bytes below which nothing is packed", whole(0), old=""),
    Setting("task_ignore_result", False, "Keep no results", flag, old="CELERY_IGNORE_RESULT"),
    Setting(
        "task_store_errors_even_if_ignored",
        False,
        "Keep errors of tasks whose results are ignored",
        flag,
        old="CELERY_STORE_ERRORS_EVEN_IF_IGNORED",
    ),
    Setting(
        "task_time_limit",
        None,
        "Seconds after which a run is killed",
        or_none(seconds),
        old="CELERYD_TASK_TIME_LIMIT",
    ),
    Setting(
        "task_soft_time_limit",
        None,
        "Seconds after which SoftTimeLimitExceeded is raised in a run",
        or_none(seconds),
        old="CELERYD_TASK_SOFT_TIME_LIMIT",
    ),
    Setting(
        "task_acks_late",
        True,
        "False: at most once, a job whose process dies is a FAILURE and not run again (Celery: False)",
        flag,
        old="CELERY_ACKS_LATE",
    ),
    Setting("task_max_crashes", 3, "Times a job's process may die before the job is a FAILURE", whole(1), old=""),
    Setting("task_args_max_bytes", 16 << 20, "Largest encoded arguments of a call, in bytes", whole(1), old=""),
    Setting("task_headers_max_bytes", 1 << 20, "Largest encoded headers of a call, in bytes", whole(1), old=""),
    Setting(
        "task_track_started",
        True,
        "Accepted; a running job always shows STARTED (Celery: False)",
        flag,
        old="CELERY_TRACK_STARTED",
        used=False,
    ),
    Setting(
        "task_send_sent_event",
        False,
        "Send the event task-sent for each call, where somebody listens",
        flag,
        old="CELERY_SEND_TASK_SENT_EVENT",
    ),
    Setting(
        "task_allow_error_cb_on_chord_header",
        False,
        "Error callbacks of a chord's body are those of each part of its header too",
        flag,
        old="CELERY_ALLOW_ERROR_CB_ON_CHORD_HEADER",
    ),
    unused("task_acks_on_failure_or_timeout", True, _FINISHED, "CELERY_ACKS_ON_FAILURE_OR_TIMEOUT"),
    unused("task_acks_on_failure", None, _FINISHED, "CELERY_ACKS_ON_FAILURE"),
    unused("task_acks_on_timeout", None, _FINISHED, "CELERY_ACKS_ON_TIMEOUT"),
    unused("task_reject_on_worker_lost", None, _RUNS_AGAIN, "CELERY_REJECT_ON_WORKER_LOST"),
    unused("task_retry_on_worker_lost", False, _RUNS_AGAIN, "CELERY_RETRY_ON_WORKER_LOST"),
    unused("task_create_missing_queue_type", "classic", _ONE_KIND, "CELERY_CREATE_MISSING_QUEUE_TYPE"),
    unused("task_create_missing_queue_exchange_type", None, _ONE_KIND, "CELERY_CREATE_MISSING_QUEUE_EXCHANGE_TYPE"),
    unused("task_default_queue_type", "classic", _ONE_KIND, "CELERY_DEFAULT_QUEUE_TYPE"),
    unused("task_default_delivery_mode", 2, "Every job is durable", "CELERY_DEFAULT_DELIVERY_MODE"),
    unused("task_queue_max_priority", None, "Every queue has the priorities 0 to 9", "CELERY_QUEUE_MAX_PRIORITY"),
    unused("task_protocol", 2, "A job is a row of the store, not a message", "CELERY_TASK_PROTOCOL"),
    unused("task_publish_retry", True, _NO_PUBLISH, "CELERY_TASK_PUBLISH_RETRY"),
    Setting(
        "task_publish_retry_policy",
        {"max_retries": 3, "interval_start": 0, "interval_max": 1, "interval_step": 0.2},
        _NO_PUBLISH,
        mapping,
        old="CELERY_TASK_PUBLISH_RETRY_POLICY",
        used=False,
    ),
    unused(
        "task_remote_tracebacks",
        False,
        "Tracebacks cross processes as text, and are always there",
        "CELERY_REMOTE_TRACEBACKS",
    ),
    unused("task_repr_maxlevels", 3, "Arguments are neither logged nor shown", "CELERY_REPR_MAXLEVELS"),
]
