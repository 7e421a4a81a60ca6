"""Settings of workers."""

from __future__ import annotations

from localq.settings.checks import concurrency, flag, level, one_of, or_none, seconds, text, whole
from localq.settings.setting import Setting, unused

__all__ = ["POOLS", "SETTINGS"]

#: What a pool may be called.
POOLS = ("processes", "prefork", "threads", "solo", "asyncio", "gevent", "eventlet")
_NO_CONNECTION = "There is no connection to lose"
_AHEAD = "Workers take jobs ahead by measured run time, and give back what has not started"
_SOFT = "See worker_shutdown_timeout"

SETTINGS = [
    Setting(
        "worker_concurrency",
        None,
        "Slots; None or 'auto': the processors this process may use",
        or_none(concurrency),
        old="CELERYD_CONCURRENCY",
    ),
    Setting(
        "worker_pool",
        "processes",
        "processes (or prefork), threads, solo, asyncio or gevent",
        one_of(*POOLS),
        old="CELERYD_POOL",
    ),
    Setting(
        "worker_max_tasks_per_child",
        None,
        "Runs after which a process is replaced",
        or_none(whole(1)),
        old="CELERYD_MAX_TASKS_PER_CHILD",
    ),
    Setting(
        "worker_max_memory_per_child",
        None,
        "KiB resident after which a process is replaced; at twice as much it is killed",
        or_none(whole(1)),
        old="CELERYD_MAX_MEMORY_PER_CHILD",
    ),
    Setting("worker_lease", 30.0, "Seconds a worker's right to its jobs lasts without a heartbeat", seconds, old=""),
    Setting("worker_heartbeat", 5.0, "Seconds between heartbeats", seconds, old=""),
    Setting(
        "worker_shutdown_timeout",
        None,
        "Seconds a stopping worker waits for running jobs; None: as long as they take",
        or_none(seconds),
        old="",
    ),
    Setting(
        "worker_unknown_tasks",
        "leave",
        "What becomes of jobs whose task a worker does not know: leave them to others, fail them as Celery does, or "
        "discard them",
        one_of("leave", "fail", "discard"),
        old="",
    ),
    Setting("worker_redirect_stdouts", True, "Log what tasks print", flag, old="CELERY_REDIRECT_STDOUTS"),
    Setting(
        "worker_redirect_stdouts_level",
        "WARNING",
        "Level of what tasks print",
        level,
        old="CELERY_REDIRECT_STDOUTS_LEVEL",
    ),
    Setting(
        "worker_hijack_root_logger",
        True,
        "`localq worker` replaces the root logger's handlers",
        flag,
        old="CELERYD_HIJACK_ROOT_LOGGER",
    ),
    Setting(
        "worker_log_format",
        "[%(asctime)s: %(levelname)s/%(processName)s] %(message)s",
        "Format of the worker's log lines",
        text,
        old="CELERYD_LOG_FORMAT",
    ),
    Setting(
        "worker_log_datefmt",
        None,
        "Format of times in the worker's log lines; None: that of `logging`",
        or_none(text),
        old="CELERYD_LOG_DATEFMT",
    ),
    Setting(
        "worker_task_log_format",
        "[%(asctime)s: %(levelname)s/%(processName)s] %(task_name)s[%(task_id)s]: %(message)s",
        "Format of log lines of tasks",
        text,
        old="CELERYD_TASK_LOG_FORMAT",
    ),
    Setting(
        "worker_task_log_datefmt",
        None,
        "Format of times in log lines of tasks; None: that of `logging`",
        or_none(text),
        old="CELERYD_TASK_LOG_DATEFMT",
    ),
    Setting(
        "worker_log_color", None, "Colour in the log; None: if it is a terminal", or_none(flag), old="CELERYD_LOG_COLOR"
    ),
    Setting(
        "worker_disable_rate_limits", False, "Rate limits are not looked at", flag, old="CELERY_DISABLE_RATE_LIMITS"
    ),
    Setting(
        "worker_enable_remote_control",
        True,
        "Workers answer inspect and control commands",
        flag,
        old="CELERY_ENABLE_REMOTE_CONTROL",
    ),
    Setting("worker_pool_restarts", False, "Allow the command pool_restart", flag, old="CELERYD_POOL_RESTARTS"),
    Setting(
        "worker_send_task_events",
        True,
        "Tell who listens to events of tasks; False: of workers only",
        flag,
        old="CELERY_SEND_EVENTS",
    ),
    unused("worker_agent", None, "A worker is one loop; it has no agents", "CELERYD_AGENT"),
    unused(
        "worker_autoscaler",
        "celery.worker.autoscale:Autoscaler",
        "There is one autoscaler",
        "CELERYD_AUTOSCALER",
    ),
    unused(
        "worker_cancel_long_running_tasks_on_connection_loss",
        False,
        _NO_CONNECTION,
        "CELERYD_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS",
    ),
    unused("worker_soft_shutdown_timeout", 0.0, _SOFT, "CELERYD_SOFT_SHUTDOWN_TIMEOUT"),
    unused("worker_enable_soft_shutdown_on_idle", False, _SOFT, "CELERYD_ENABLE_SOFT_SHUTDOWN_ON_IDLE"),
    unused("worker_consumer", "celery.worker.consumer:Consumer", "A worker is one loop", "CELERYD_CONSUMER"),
    unused("worker_direct", False, "Give a worker a queue of its own with -Q", "CELERY_WORKER_DIRECT"),
    unused(
        "worker_deduplicate_successful_tasks",
        False,
        "A job that is finished never runs again by itself",
        "CELERYD_DEDUPLICATE_SUCCESSFUL_TASKS",
    ),
    unused("worker_lost_wait", 10.0, "The death of a process is known at once", "CELERYD_WORKER_LOST_WAIT"),
    unused("worker_pool_putlocks", True, _AHEAD, "CELERYD_POOL_PUTLOCKS"),
    unused(
        "worker_pool_start_method",
        "fork",
        "Slots are forked from a process that has neither threads nor connections",
        "CELERYD_POOL_START_METHOD",
    ),
    unused("worker_proc_alive_timeout", 4.0, "The death of a process is known at once", "CELERYD_PROC_ALIVE_TIMEOUT"),
    unused("worker_prefetch_multiplier", 4, _AHEAD, "CELERYD_PREFETCH_MULTIPLIER"),
    unused("worker_disable_prefetch", False, _AHEAD, "CELERYD_DISABLE_PREFETCH"),
    unused("worker_enable_prefetch_count_reduction", True, _NO_CONNECTION, "CELERYD_ENABLE_PREFETCH_COUNT_REDUCTION"),
    unused("worker_eta_task_limit", None, "Jobs for later wait in the store, not in workers", "CELERYD_ETA_TASK_LIMIT"),
    unused("worker_state_db", None, "Revokes are in the store", "CELERYD_STATE_DB"),
    unused("worker_timer", None, "Jobs for later wait in the store, not in workers", "CELERYD_TIMER"),
    unused("worker_timer_precision", 1.0, "Workers wake when the next job is due", "CELERYD_TIMER_PRECISION"),
    unused("worker_detect_quorum_queues", True, "There are no quorum queues", "CELERYD_DETECT_QUORUM_QUEUES"),
]
