"""Rate limits in claims: global, exact, durable, and in nobody's way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from localq.model.job import JobState
from localq.model.orders import PARKED_AT, RATE, Order
from localq.model.rates import NO_RATES, Rate
from localq.model.worker import EVERY_QUEUE, Served
from tests.store.given import NOW, SECOND, done, job, new, news, pause, resume, state, worker

pytestmark = pytest.mark.facets("jobs", "read", "workers", "mail")

#: One in a second.
SLOW = {"shop.mail": Rate(SECOND, 1)}


def taken(store: Any, key: int, now: int = NOW, limit: int = 100, rates: Any = SLOW, **more: Any) -> list[str]:
    claim = store.jobs.claim(key, Served(more.get("queues"), more.get("excluded", ())), limit, now, rates)
    return [one.id for one in claim.jobs]


def test_a_limited_task_runs_no_faster_than_its_limit(store: Any) -> None:
    store.jobs.add(news("1", "2", "3"), NOW)
    anna = worker(store)

    seen = [taken(store, anna, NOW + step * SECOND // 2) for step in range(6)]

    assert seen == [["1"], [], ["2"], [], ["3"], []]


def test_the_limit_holds_over_all_workers(store: Any) -> None:
    store.jobs.add(news("1", "2", "3"), NOW)
    anna, bert = worker(store), worker(store, "bert")

    assert taken(store, anna) + taken(store, bert) == ["1"]
    assert taken(store, bert, NOW + SECOND) + taken(store, anna, NOW + SECOND) == ["2"]


def test_the_claim_says_when_the_limit_allows_the_next(store: Any) -> None:
    store.jobs.add([*news("1", "2"), new("later", run_at=NOW + 9 * SECOND)], NOW)
    anna = worker(store)

    assert store.jobs.claim(anna, EVERY_QUEUE, 10, NOW, SLOW).next_at == NOW + SECOND
    assert taken(store, anna, NOW + SECOND) == ["2"]
    assert store.jobs.claim(anna, EVERY_QUEUE, 10, NOW + 2 * SECOND, SLOW).next_at == NOW + 9 * SECOND


@pytest.mark.parametrize("limit", [1, 3, 100])
def test_jobs_over_their_limit_stand_in_nobodys_way(store: Any, limit: int) -> None:
    store.jobs.add([new(f"mail-{n}", priority=9) for n in range(2500)], NOW)
    store.jobs.add([new("pack", task="shop.pack")], NOW)
    anna = worker(store)

    assert taken(store, anna, limit=limit)[0] == "mail-0"
    assert "pack" in [one for _ in range(2) for one in taken(store, anna, limit=limit)] or limit > 1
    assert state(store, "pack") == JobState.RUNNING


def test_a_parked_job_is_uncharged_and_has_no_owner(store: Any) -> None:
    store.jobs.add(news("1", "2"), NOW)
    anna = worker(store)

    taken(store, anna)

    parked = job(store, "2")
    assert (parked.state, parked.run_at) == (JobState.SCHEDULED, PARKED_AT)
    assert (parked.attempts, parked.owner) == (0, None)
    assert store.workers.lost(10) == []


def test_parked_jobs_run_by_priority_then_by_age(store: Any) -> None:
    store.jobs.add([new("first"), new("low"), new("older", priority=5)], NOW)
    anna = worker(store)
    taken(store, anna, limit=3)
    store.jobs.add([new("urgent", priority=9)], NOW)
    taken(store, anna)

    assert [taken(store, anna, NOW + n * SECOND) for n in (1, 2, 3)] == [["urgent"], ["first"], ["low"]]


def test_a_job_that_was_let_out_is_run_as_any_other(store: Any) -> None:
    store.jobs.add(news("1", "2"), NOW)
    anna = worker(store)
    taken(store, anna)

    (second,) = store.jobs.claim(anna, EVERY_QUEUE, 10, NOW + SECOND, SLOW).jobs

    assert (second.id, second.attempts, second.run_at) == ("2", 1, NOW + SECOND)
    assert store.jobs.finish([done(second)], NOW + SECOND).applied == [True]


def test_parked_jobs_can_be_cancelled_and_purged(store: Any) -> None:
    store.jobs.add(news("1", "2", "3"), NOW)
    anna = worker(store)
    taken(store, anna)

    store.jobs.cancel(["2"], NOW)
    assert state(store, "2") == JobState.CANCELLED
    assert store.jobs.purge(None) == 1
    assert taken(store, anna, NOW + 10 * SECOND) == []


def test_an_order_goes_over_the_tasks_own_limit(store: Any) -> None:
    store.jobs.add(news("1", "2", "3", "4"), NOW)
    store.mail.order([Order(RATE, "shop.mail", "0.5/s")], NOW)
    anna = worker(store)

    assert [taken(store, anna, NOW + n * SECOND) for n in range(4)] == [["1"], [], ["2"], []]


def test_an_order_limits_a_task_that_has_no_limit(store: Any) -> None:
    store.jobs.add(news("1", "2"), NOW)
    store.mail.order([Order(RATE, "shop.mail", "1/s")], NOW)
    anna = worker(store)

    assert [taken(store, anna, NOW + n * SECOND, rates=NO_RATES) for n in (0, 1)] == [["1"], ["2"]]


def test_an_order_that_is_no_rate_stops_nobody(store: Any) -> None:
    store.jobs.add(news("1"), NOW)
    store.mail.order([Order(RATE, "shop.mail", "fast")], NOW)

    assert taken(store, worker(store), rates=NO_RATES) == ["1"]


def test_a_lifted_limit_lets_all_parked_jobs_out(store: Any) -> None:
    store.jobs.add(news("1", "2", "3"), NOW)
    anna = worker(store)
    taken(store, anna)

    store.mail.order([Order(RATE, "shop.mail", "0")], NOW)

    assert taken(store, anna) == ["2", "3"]


def test_a_new_limit_holds_at_once_and_not_after_the_old_ones_pause(store: Any) -> None:
    store.mail.order([Order(RATE, "shop.mail", "1/h")], NOW)
    store.jobs.add(news("1", "2", "3"), NOW)
    anna = worker(store)
    taken(store, anna, rates=NO_RATES)

    store.mail.order([Order(RATE, "shop.mail", "1/s")], NOW)

    assert [taken(store, anna, NOW + n * SECOND, rates=NO_RATES) for n in (0, 1)] == [["2"], ["3"]]


def test_jobs_parked_by_a_limit_that_is_gone_are_let_out(store: Any) -> None:
    store.jobs.add(news("1", "2", "3"), NOW)
    anna = worker(store)
    taken(store, anna)

    assert taken(store, anna, rates=NO_RATES) == ["2", "3"]


def test_a_worker_for_which_no_limits_hold_takes_what_is_there(store: Any) -> None:
    store.mail.order([Order(RATE, "shop.mail", "1/h")], NOW)
    store.jobs.add(news("1", "2", "3"), NOW)

    assert taken(store, worker(store), rates=None) == ["1", "2", "3"]


def test_parked_jobs_of_queues_not_served_stay(store: Any) -> None:
    store.jobs.add([new("1", queue="a"), new("2", queue="a"), new("3", queue="b")], NOW)
    anna = worker(store)
    taken(store, anna)

    assert taken(store, anna, NOW + SECOND, queues=["b"]) == ["3"]
    assert taken(store, anna, NOW + 2 * SECOND, excluded=["a"]) == []
    assert taken(store, anna, NOW + 2 * SECOND, queues=["a"]) == ["2"]


def test_parked_jobs_of_a_paused_queue_stay(store: Any) -> None:
    store.jobs.add(news("1", "2"), NOW)
    anna = worker(store)
    taken(store, anna)
    pause(store, ["default"])

    claim = store.jobs.claim(anna, EVERY_QUEUE, 10, NOW + SECOND, SLOW)

    assert (claim.jobs, claim.next_at) == ([], None)
    resume(store, ["default"])
    assert taken(store, anna, NOW + SECOND) == ["2"]


def test_a_retry_of_a_limited_task_counts_again(store: Any) -> None:
    store.jobs.add(news("1", "2"), NOW)
    anna = worker(store)
    (first,) = store.jobs.claim(anna, EVERY_QUEUE, 10, NOW, SLOW).jobs
    store.jobs.finish([done(first, JobState.READY, retries=1)], NOW)

    assert [taken(store, anna, NOW + n * SECOND) for n in (0, 1, 2)] == [[], ["1"], ["2"]]


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(
    jobs=st.lists(st.tuples(st.sampled_from(["shop.mail", "shop.pack"]), st.sampled_from("ab"), st.integers(0, 2))),
    steps=st.lists(st.tuples(st.integers(0, 1500), st.integers(1, 4), st.integers(0, 1)), max_size=30),
    burst=st.integers(1, 3),
)
def test_at_any_time_no_more_have_run_than_allowed_and_in_the_end_all(
    make_store: Callable[[], Any], jobs: list[tuple[str, str, int]], steps: list[tuple[int, int, int]], burst: int
) -> None:
    store, now = make_store(), NOW
    rates = {"shop.mail": Rate(SECOND, burst)}
    workers = [worker(store), worker(store, "bert")]
    for number, (task, queue, priority) in enumerate(jobs):
        store.jobs.add([new(str(number), task=task, queue=queue, priority=priority)], NOW)
    ran: list[tuple[str, int]] = []

    for milliseconds, limit, who in [*steps, *[(1000, 9, 0)] * (len(jobs) + 1)]:
        now += milliseconds * 1000
        ran += [(one.id, now) for one in store.jobs.claim(workers[who], EVERY_QUEUE, limit, now, rates).jobs]

    mails = [at for job_id, at in ran if jobs[int(job_id)][0] == "shop.mail"]
    for first, begun in enumerate(mails):
        assert all(at - begun >= (last - first - burst + 1) * SECOND for last, at in enumerate(mails) if last > first)
    assert sorted(job_id for job_id, _ in ran) == sorted(map(str, range(len(jobs))))
    store.close()
