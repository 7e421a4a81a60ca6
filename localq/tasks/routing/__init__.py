"""Which queue a call goes to: Celery's `app.amqp` and `celery.app.routes`, as far as a queue needs them."""

from __future__ import annotations

from localq.tasks.routing.queues import Exchange, Queue
from localq.tasks.routing.router import Router

__all__ = ["Exchange", "Queue", "Router"]
