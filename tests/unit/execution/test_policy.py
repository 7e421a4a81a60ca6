from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from localq import LocalQ, current
from localq.execution.policy import PLAIN, Limits, ignores_result, rules_of
from localq.model.job import Job
from localq.model.job_options import JobOptions


def job(**options: Any) -> Job:
    text = json.dumps(options) if options else None
    return Job(1, "j", "t", "q", 0, 2, 0, None, 1, 1, 1, 0, 0, 0, None, 0, None, b"[[],{}]", text)


@pytest.fixture
def q() -> Iterator[LocalQ]:
    app = LocalQ(
        "tests", eager=True, task_time_limit=30, task_soft_time_limit=20, task_acks_late=True, task_max_crashes=7
    )
    yield app
    app.close()
    current.set_app(None)


def add() -> None: ...


def test_what_the_call_says_comes_before_its_task_and_that_before_the_settings(q: LocalQ) -> None:
    task = q.task(add, time_limit=9, acks_late=False, max_crashes=2)

    said = rules_of(job(time_limit=5, acks_late=True), task, q.conf)
    silent = rules_of(job(), task, q.conf)

    assert (said.limits, said.at_most_once) == (Limits(5, 20), False)
    assert (silent.limits, silent.at_most_once) == (Limits(9, 20), True)
    assert silent.max_crashes == 2
    assert rules_of(job(), None, q.conf)[:3] == ((JobOptions(), Limits(30, 20)), 7, False)


def test_a_limit_of_zero_is_none(q: LocalQ) -> None:
    assert rules_of(job(time_limit=0, soft_time_limit=0), None, q.conf).terms.limits == PLAIN.limits


def test_ordered_limits_stand_between_the_call_and_the_task(q: LocalQ) -> None:
    task = q.task(add, time_limit=9, soft_time_limit=8)

    assert rules_of(job(), task, q.conf, Limits(4, 0)).limits == Limits(4, None)
    assert rules_of(job(time_limit=5), task, q.conf, Limits(4, 3)).limits == Limits(5, 3)


def test_errors_are_kept_unless_results_are_ignored_and_nobody_asks_for_them(q: LocalQ) -> None:
    quiet, told = q.task(add, name="quiet", ignore_result=True), {"store_errors_even_if_ignored": True}

    assert rules_of(job(), None, q.conf).keep_errors
    assert not rules_of(job(), quiet, q.conf).keep_errors
    assert rules_of(job(**told), quiet, q.conf).keep_errors
    assert rules_of(job(ignore_result=False), quiet, q.conf).keep_errors
    assert ignores_result(JobOptions(), quiet, q.conf)
