from __future__ import annotations

from collections.abc import Mapping

from localq import LocalQ
from localq.execution.policy import Limits
from localq.model.job import Job
from localq.worker.rulebook import Rulebook


class Orders:
    limits: Mapping[str, Limits] = {}


def job(options: str | None = None) -> Job:
    return Job(1, "j", "t", "q", 0, 2, 0, None, 1, 1, 1, 0, 0, 0, None, 0, None, b"[[],{}]", options)


def test_plain_jobs_of_a_task_share_their_rules_until_it_is_defined_anew(q: LocalQ) -> None:
    q.task(name="t", time_limit=5)(lambda: 1)
    book = Rulebook(q, Orders())
    first = book.of(job())

    assert book.of(job()) is first
    assert book.of(job('{"time_limit":7}')).limits.hard == 7
    del q.tasks["t"]
    q.task(name="t", time_limit=6)(lambda: 1)
    assert book.of(job()).limits.hard == 6


def test_limits_that_are_ordered_hold_from_then_on(q: LocalQ) -> None:
    q.task(name="t", time_limit=5)(lambda: 1)
    orders = Orders()
    book = Rulebook(q, orders)
    assert book.of(job()).limits.hard == 5

    orders.limits = {"t": Limits(3, 2)}

    assert book.of(job()).limits == Limits(3, 2)
    assert book.of(job('{"time_limit":7}')).limits == Limits(7, 2)
