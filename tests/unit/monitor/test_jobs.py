"""Jobs are found by what people know of them, and a question that is not clear says why."""

from __future__ import annotations

import pytest

from localq import LocalQ
from localq.exceptions import LocalQError, QueryError
from localq.model.job import JobState
from localq.monitor import queues
from localq.monitor.jobs import job_called, jobs_in, wanted


def test_the_start_of_an_id_stands_for_the_only_one_that_starts_so(q: LocalQ) -> None:
    sent = q.send_task("shop.pack", task_id="abcdef-1")

    found = job_called(q.store.read, "abcdef")

    assert found is not None
    assert found.id == sent.id
    assert job_called(q.store.read, "abcde") is None
    assert job_called(q.store.read, "zzzzzz") is None


def test_the_start_of_several_ids_is_refused_with_three_of_them(q: LocalQ) -> None:
    for number in range(5):
        q.send_task("shop.pack", task_id=f"abcdef-{number}")

    with pytest.raises(QueryError, match=r"Several ids start with 'abcdef':\n(  abcdef-.\n){3}  \.\.\.$"):
        job_called(q.store.read, "abcdef")


def test_a_state_that_nothing_is_in_is_refused_with_the_nearest(q: LocalQ) -> None:
    with pytest.raises(QueryError, match=r"There is no state 'FAILED_', and no job shows it. Did you mean 'FAILED'\?"):
        wanted(q.store.read, ["FAILED_"])
    assert issubclass(QueryError, LocalQError)


def test_jobs_in_several_states_come_newest_first_and_once(q: LocalQ) -> None:
    ids = [q.send_task("shop.pack", countdown=number % 2 * 60).id for number in range(4)]

    assert [job.id for job in jobs_in(q.store.read, wanted(q.store.read, ["PENDING", "SCHEDULED", "READY"]))] == ids[
        ::-1
    ]


def test_more_jobs_than_a_page_are_all_found(q: LocalQ, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("localq.result.paged_jobs._PAGE", 2)
    ids = [q.send_task("shop.pack").id for _ in range(5)]

    assert [job.id for job in jobs_in(q.store.read, wanted(q.store.read, []))] == ids[::-1]


def test_a_queue_is_counted_by_states_in_people_s_words() -> None:
    counted = queues.counts({("b", JobState.RUNNING): 2, ("a", JobState.CANCELLED): 1, ("b", JobState.READY): 3})

    assert list(counted) == ["a", "b"]
    assert (counted["b"]["STARTED"], counted["b"]["READY"], counted["b"]["FAILURE"]) == (2, 3, 0)
    assert counted["a"]["REVOKED"] == 1
