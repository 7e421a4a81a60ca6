"""Whom a verb rings once it has written, and what it says came of it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from localq.model.edges import Edge
from localq.model.job import Job, JobState
from localq.model.orders import MAIL, answer_word
from localq.store.protocol import CANCEL, ORDERS, Finished, Topic
from tests.store.given import NOW, claimed, done, job_in, new, news, pause, told, worker
from tests.store.timed import CONFIG, defined, there

pytestmark = pytest.mark.facets("bells", "jobs", "read", "workers", "mail", "schedules")

Rung = Callable[[Topic, Callable[[], Any]], tuple[bool, list[str]]]


@pytest.fixture
def rung(store: Any) -> Iterator[Rung]:
    """Return a function that does something, and returns whether a bell of a topic rang, and what was said.

    The bells hang before anything is rung: one that is new may be missed.
    """
    with contextlib.ExitStack() as hung:
        bells = {topic: hung.enter_context(contextlib.closing(store.bells.hang(topic))) for topic in Topic}

        def rung(topic: Topic, act: Callable[[], Any]) -> tuple[bool, list[str]]:
            told(store, topic)
            bells[topic].drain()
            act()
            told(store, topic)
            return bells[topic].wait(0), bells[topic].drain()

        yield rung


def test_what_adds_jobs_or_lets_them_run_again_rings_the_workers(store: Any, rung: Rung) -> None:
    assert rung(Topic.WORK, lambda: store.jobs.add([new()], NOW)) == (True, [])
    assert rung(Topic.WORK, lambda: store.jobs.add(news("a", "b"), NOW)) == (True, [])
    store.jobs.cancel(["a"], NOW)
    assert rung(Topic.WORK, lambda: store.jobs.requeue(["a"], NOW)) == (True, [])


def test_what_ends_jobs_rings_who_waits_for_them(store: Any, rung: Rung) -> None:
    store.jobs.add(news("a", "b", "c"), NOW)
    a, b = claimed(store, worker(store), 2)
    ends = [done(a), done(b, JobState.SCHEDULED, run_at=NOW + 5)]

    assert rung(Topic.RESULTS, lambda: store.jobs.finish(ends, NOW)) == (True, ["a"])
    assert rung(Topic.RESULTS, lambda: store.jobs.cancel(["c", "a"], NOW)) == (True, ["c"])


def test_a_cancelled_job_is_told_to_the_workers(store: Any, rung: Rung) -> None:
    job_in(store, JobState.RUNNING)

    assert rung(Topic.WORK, lambda: store.jobs.cancel(["job"], NOW)) == (True, [CANCEL])


def test_an_end_rings_the_workers_only_if_it_lets_jobs_run(store: Any, rung: Rung) -> None:
    store.jobs.add([*news("alone", "again"), new("first"), new("next", after=(Edge("first"),))], NOW)
    alone, again, first = claimed(store, worker(store))

    def end(one: Job, state: JobState = JobState.SUCCEEDED, **more: Any) -> tuple[bool, list[str]]:
        return rung(Topic.WORK, lambda: store.jobs.finish([done(one, state, **more)], NOW))

    assert end(alone) == (False, [])
    assert end(again, JobState.READY) == (True, [])
    assert end(first) == (True, [])


def test_letters_orders_and_schedules_ring_whom_they_are_for(store: Any, rung: Rung) -> None:
    def post(token: str) -> int:
        return int(store.mail.post("ping", "{}", None, wants_reply=True, expires_at=NOW + 5, now=NOW, token=token))

    key = post("one")

    assert rung(Topic.WORK, lambda: post("two")) == (True, [MAIL])
    assert rung(Topic.RESULTS, lambda: store.mail.answer(key, "anna", "{}", "a")) == (True, [answer_word(key)])
    assert rung(Topic.WORK, lambda: pause(store, ["a"])) == (True, [ORDERS])
    assert rung(Topic.SCHEDULES, lambda: there(store, defined("mail"))) == (True, [])
    assert rung(Topic.SCHEDULES, lambda: store.schedules.sync(CONFIG, [defined("mail")], NOW)) == (False, [])
    assert rung(Topic.SCHEDULES, lambda: store.schedules.remove("mail")) == (True, [])


def test_what_came_of_an_end_is_said(store: Any) -> None:
    store.jobs.add([*news("alone", "later", "again"), new("first"), new("next", after=(Edge("first"),))], NOW)
    alone, later, again, first = claimed(store, worker(store))

    assert store.jobs.finish([done(alone), done(alone)], NOW) == Finished([True, False])
    assert store.jobs.finish([done(later, JobState.SCHEDULED, run_at=NOW + 5)], NOW) == Finished(
        [True], next_at=NOW + 5
    )
    assert store.jobs.finish([done(again, JobState.READY)], NOW) == Finished([True], ready=True)
    # A worker's word for the part a job has may be old: the store knows.
    assert store.jobs.finish([done(first)], NOW) == Finished([True], freed=True)
