"""Claiming by workers that do not know every task: they take their own, and leave the others as they are."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from localq.model.job import JobState
from localq.model.orders import RATE, Order
from localq.model.rates import Rate
from localq.model.worker import Served
from localq.store.sqlite.store import SqliteStore
from tests.store.given import HOUR, NOW, SECOND, done, new, state, worker

pytestmark = pytest.mark.facets("jobs", "read", "workers", "mail")

ANY = Served()


def knows(*tasks: str, **more: Any) -> Served:
    return Served(tasks=frozenset(tasks), **more)


def taken(store: Any, key: int, served: Served, limit: int = 100, now: int = NOW) -> str:
    return " ".join(job.id for job in store.jobs.claim(key, served, limit, now).jobs)


def test_a_worker_takes_jobs_of_the_tasks_it_knows(store: Any) -> None:
    store.jobs.add([new("a", task="shop.mail"), new("b", task="other"), new("c", task="shop.mail")], NOW)
    anna, bert = worker(store, "anna"), worker(store, "bert")

    assert taken(store, anna, knows("shop.mail")) == "a c"
    assert taken(store, anna, knows("shop.mail")) == ""
    assert taken(store, bert, knows("other", "shop.mail")) == "b"


def test_a_job_that_is_left_is_ready_uncharged_and_as_it_was(store: Any) -> None:
    store.jobs.add([new("b", task="other", options="{}")], NOW)
    anna = worker(store)
    claim = store.jobs.claim(anna, knows("shop.mail"), 10, NOW)
    left = store.read.get(["b"], args=True)["b"]

    assert (claim.jobs, claim.unknown) == ([], ("other",))
    assert (left.state, left.attempts, left.owner, left.args) == (JobState.READY, 0, None, b"[[1],{}]")
    assert taken(store, anna, ANY) == "b"


def test_those_left_stand_in_nobodys_way_whatever_their_priority(store: Any) -> None:
    store.jobs.add([new(f"u{n}", task=f"other.{n % 7}", priority=9) for n in range(300)], NOW)
    store.jobs.add([new("a", task="shop.mail"), new("b", task="shop.pack", priority=5)], NOW)
    store.jobs.add([new("c", task="zebra", priority=1)], NOW)
    anna = worker(store)

    assert taken(store, anna, knows("shop.mail", "shop.pack", "zebra", "none"), 2) == "b c"
    assert taken(store, anna, knows("shop.mail", "shop.pack", "zebra", "none"), 2) == "a"
    assert store.read.stats().counts["default", JobState.READY] == 300


def test_order_holds_over_tasks_and_queues(store: Any) -> None:
    tasks, queues = ("a", "b", "c"), ("one", "two")
    jobs = [new(f"{n:03}", task=tasks[n % 3], queue=queues[n % 2], priority=n % 4 // 2) for n in range(60)]
    store.jobs.add([new("u", task="unknown", queue="one", priority=9), *jobs], NOW)
    anna = worker(store)
    expected = [job.id for job in sorted(jobs, key=lambda job: (-job.priority, job.id))]
    claims = [taken(store, anna, knows(*tasks), limit).split() for limit in (1, 2, 10, 5, 100)]

    assert [name for claim in claims for name in claim] == expected


def test_all_are_taken_at_no_price_once_the_others_are_gone(store: Any) -> None:
    store.jobs.add([new("u", task="unknown"), new("a", task="shop.mail")], NOW)
    anna = worker(store)

    assert store.jobs.claim(anna, knows("shop.mail"), 1, NOW).unknown == ("unknown",)
    assert taken(store, anna, ANY) == "u"
    store.jobs.add([new("b", task="shop.mail"), new("c", task="shop.mail")], NOW)
    assert store.jobs.claim(anna, knows("shop.mail"), 1, NOW).unknown == ()
    assert taken(store, anna, knows("shop.mail")) == "c"


def test_due_jobs_of_others_are_left_too(store: Any) -> None:
    store.jobs.add(
        [new("u", task="unknown", run_at=NOW + SECOND), new("a", task="shop.mail", run_at=NOW + SECOND)], NOW
    )
    anna = worker(store)

    assert taken(store, anna, knows("shop.mail"), now=NOW + 2 * SECOND) == "a"
    assert state(store, "u") in (JobState.READY, JobState.SCHEDULED)
    assert taken(store, anna, ANY, now=NOW + 2 * SECOND) == "u"


def test_rate_limits_and_pauses_hold_among_jobs_of_others(store: Any) -> None:
    store.mail.order([Order(RATE, "shop.mail", "1/h")], NOW)
    store.jobs.add([new(f"u{n}", task="unknown") for n in range(5)], NOW)
    store.jobs.add([new(f"a{n}", task="shop.mail") for n in range(3)] + [new("b", task="shop.pack")], NOW)
    anna, bert = worker(store), worker(store, "bert")

    assert taken(store, anna, knows("shop.mail", "shop.pack")) == "a0 b"
    assert taken(store, bert, knows("unknown")) == "u0 u1 u2 u3 u4"
    # A worker that does not know the task does not let out its parked jobs.
    assert taken(store, bert, knows("unknown"), now=NOW + 2 * HOUR) == ""
    assert taken(store, anna, knows("shop.mail"), now=NOW + 2 * HOUR) == "a1"
    assert taken(store, anna, knows("shop.mail"), now=NOW + 2 * HOUR) == ""


def test_what_failed_with_another_job_is_told_whatever_its_task(store: Any) -> None:
    store.jobs.add([new("a", task="shop.mail")], NOW)
    anna = worker(store)

    assert store.jobs.claim(anna, knows(), 10, NOW).jobs == []
    assert taken(store, anna, knows("shop.mail")) == "a"


@pytest.mark.parametrize("rates", [{}, {"t0": Rate(SECOND, 2)}])
def test_a_worker_of_few_tasks_finds_its_jobs_among_many_of_others(store: Any, rates: Any) -> None:
    store.jobs.add([new(f"u{n}", task=f"other.{n % 500}") for n in range(5000)], NOW)
    store.jobs.add([new(f"k{n}", task=f"t{n}") for n in range(3)], NOW)
    anna = worker(store)
    served = knows("t0", "t1", "t2", "other")
    claim = store.jobs.claim(anna, served, 64, NOW, rates)

    assert [job.id for job in claim.jobs] == ["k0", "k1", "k2"]
    assert 0 < len(claim.unknown) <= 200


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("add"), st.sampled_from("abcdef"), st.integers(0, 2), st.sampled_from(["one", "two"])),
            st.tuples(
                st.just("claim"), st.frozensets(st.sampled_from("abcdef")), st.integers(1, 6), st.sampled_from([0, 1])
            ),
        ),
        max_size=40,
    )
)
def test_claims_are_those_of_a_plain_model(steps: list[tuple[Any, ...]]) -> None:
    store = SqliteStore(":memory:")
    store.open()
    keys = [worker(store, "anna"), worker(store, "bert")]
    waiting: list[tuple[int, int, str, str]] = []
    try:
        for number, (kind, what, count, where) in enumerate(steps):
            if kind == "add":
                store.jobs.add([new(f"{number:03}", task=what, priority=count, queue=where)], NOW)
                waiting.append((-count, number, what, f"{number:03}"))
                continue
            mine = sorted(job for job in waiting if job[2] in what)[:count]
            assert taken(store, keys[where], Served(tasks=what), count).split() == [job[3] for job in mine]
            waiting = [job for job in waiting if job not in mine]
    finally:
        store.close()


def test_a_job_left_and_taken_later_is_finished_under_its_new_token(store: Any) -> None:
    store.jobs.add([new("b", task="other")], NOW)
    anna, bert = worker(store, "anna"), worker(store, "bert")
    taken(store, anna, knows("shop.mail"))
    (job,) = store.jobs.claim(bert, knows("other"), 1, NOW).jobs

    assert store.jobs.finish([done(job)], NOW).applied == [True]
