"""The orders that hold for all workers, as one keeps them: rate limits and time limits beside the tasks' own."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from localq.app.app import LocalQ
from localq.execution.policy import Limits
from localq.model.orders import LIMITS, Order
from localq.model.rates import Rate, read_rate
from localq.tasks.task import Task

__all__ = ["Orders"]


class Orders:
    """What a worker was last told.

    Args:
        app: Its tasks, and their own limits.

    Attributes:
        held: The orders that hold.
        limits: The time limits that were ordered, by task, 0 for none; another object after each change.
    """

    def __init__(self, app: LocalQ) -> None:
        self.held: tuple[Order, ...] = ()
        self.limits: Mapping[str, Limits] = {}
        self._app = app
        self._rates: dict[str, Rate] = {}
        self._rates_of: Any = None

    def obey(self, orders: Sequence[Order]) -> None:
        """Take over the orders that hold now."""
        if tuple(orders) == self.held:
            return
        self.held = tuple(orders)
        limits = {}
        for order in orders:
            if order.kind == LIMITS:
                # What no version of ours wrote must not stop a worker.
                with contextlib.suppress(TypeError, ValueError):
                    soft, hard = json.loads(str(order.value))
                    limits[order.name] = Limits(hard=float(hard or 0), soft=float(soft or 0))
        self.limits = limits

    def rates(self) -> Mapping[str, Rate] | None:
        """Return the rate limits that tasks have by themselves; None: no limits hold here, orders included."""
        app = self._app
        if app.conf.worker_disable_rate_limits:
            return None
        read_from = (app.tasks.revision, app.conf.task_default_rate_limit)
        if read_from != self._rates_of:
            self._rates_of = read_from
            found = {name: _rate_of(task, read_from[1]) for name, task in app.tasks.items()}
            self._rates = {name: rate for name, rate in found.items() if rate is not None}
        return self._rates


def _rate_of(task: Task[..., Any], default: Any) -> Rate | None:
    given = default if task.rate_limit is None else task.rate_limit
    # Both were checked when they were set; what was put into a task's attribute later may be anything.
    with contextlib.suppress(ValueError):
        return read_rate(given)
    return None
