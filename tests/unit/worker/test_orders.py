"""What a worker makes of the orders that hold for all."""

from __future__ import annotations

import pytest

from localq import LocalQ
from localq.execution.policy import Limits
from localq.model.orders import LIMITS, PAUSE, Order
from localq.model.rates import read_rate
from localq.worker.control.orders import Orders


def test_ordered_time_limits_are_kept_by_task_and_a_missing_one_is_none_at_all(q: LocalQ) -> None:
    orders = Orders(q)

    orders.obey(
        [Order(LIMITS, "mail", "[1.5, null]"), Order(PAUSE, "slow", None), Order(LIMITS, "report", "[null, 9]")]
    )

    assert orders.limits == {"mail": Limits(hard=0, soft=1.5), "report": Limits(hard=9, soft=0)}


@pytest.mark.parametrize("value", [None, "", "x", "[1]", '["a", "b"]', "{}"])
def test_an_order_that_cannot_be_read_orders_nothing(q: LocalQ, value: str | None) -> None:
    orders = Orders(q)

    orders.obey([Order(LIMITS, "mail", value)])

    assert (orders.limits, len(orders.held)) == ({}, 1)


def test_limits_are_another_object_after_a_change_and_the_same_without_one(q: LocalQ) -> None:
    orders, order = Orders(q), Order(LIMITS, "mail", "[1, 2]")
    orders.obey([order])
    before = orders.limits

    orders.obey([order])
    assert orders.limits is before
    orders.obey([order, Order(PAUSE, "slow", None)])
    assert orders.limits is not before


def test_rates_are_those_of_the_tasks_and_follow_them(q: LocalQ) -> None:
    orders = Orders(q)
    q.task(name="mail", rate_limit="5/m")(max)

    assert orders.rates() == {"mail": read_rate("5/m")}
    q.task(name="sms", rate_limit="1/s")(min)
    assert set(orders.rates() or ()) == {"mail", "sms"}
    q.conf.worker_disable_rate_limits = True
    assert orders.rates() is None
