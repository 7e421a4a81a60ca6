"""What Celery's apps have and ours do not, each with what to use instead."""

from __future__ import annotations

__all__ = ["INSTEAD"]

_NO_BROKER = "there is no broker to connect to, calls go to the store by delay() and apply_async()"

#: What to use in the place of an attribute of Celery's apps.
INSTEAD = {
    "WorkController": "use app.Worker(), app.start() or `with app.running():`",
    "amqp": "there are no messages; queues are in app.conf.task_queues, and routes in app.conf.task_routes",
    "broker_connection": _NO_BROKER,
    "connection_for_read": _NO_BROKER,
    "connection_for_write": _NO_BROKER,
    "current_worker_task": "use app.current_task",
    "either": "use app.conf.first(*names)",
    "loader": "there are no loaders; use app.config_from_object() and app.autodiscover_tasks()",
    "on_after_fork": "use the signal worker_process_init",
    "on_configure": "use the signal app.on_after_configure",
    "pool": _NO_BROKER,
    "producer_or_acquire": _NO_BROKER,
    "producer_pool": _NO_BROKER,
    "select_queues": "a worker serves what -Q or app.start(queues=[...]) says",
    "setup_security": "messages are signed with the settings message_keys and message_signing",
    "steps": "a worker is one loop without bootsteps; use signals, such as worker_init and worker_ready",
    "user_options": "commands take no options of a program's own; use settings or the environment",
}
