"""Jobs are found by what people know of them, and a question that is not clear says why."""

from __future__ import annotations

import pytest

from localq import LocalQ
from localq.exceptions import LocalQError, QueryError
from localq.model.ids import new_id
from localq.model.job import JobState
from localq.monitor import queues
from localq.monitor.jobs import job_called, jobs_in, short_ids, wanted


def test_the_start_of_an_id_stands_for_the_only_one_that_starts_so(q: LocalQ) -> None:
    sent = q.send_task("shop.pack", task_id="abcdef-1")

    found = job_called(q.store.read, "abcdef")

    assert found is not None
    assert found.id == sent.id
    assert job_called(q.store.read, "abcde") is None
    assert job_called(q.store.read, "zzzzzz") is None


@pytest.mark.parametrize("name", ["ghi-12", "…ghi-12", "efghi-12"])
def test_so_does_the_end_of_one_with_the_ellipsis_of_a_table_or_without(q: LocalQ, name: str) -> None:
    sent = q.send_task("shop.pack", task_id="abcdefghi-12")
    q.send_task("shop.pack", task_id="abcdefghi-13")

    found = job_called(q.store.read, name)

    assert found is not None
    assert found.id == sent.id
    assert job_called(q.store.read, "ghi-12", ends=False) is None
    assert job_called(q.store.read, "…hi-12") is None


@pytest.mark.parametrize(
    ("name", "ids", "how"),
    [("abcdef", "abcdef-{}", "start"), ("-abcdef", "{}-abcdef", "end")],
)
def test_what_fits_several_is_refused_with_enough_to_choose(q: LocalQ, name: str, ids: str, how: str) -> None:
    for number in range(7):
        q.send_task("shop.pack", task_id=ids.format(number))
    one = ids.format(".")

    with pytest.raises(
        QueryError,
        match=rf"Several ids {how} with '{name}':\n(  {one}  shop.pack  PENDING  \d+-\d\d-\d\d [\d:]+\n){{5}}  \.\.\.$",
    ):
        job_called(q.store.read, name)


def test_ids_are_shortened_to_what_tells_them_apart() -> None:
    near = ["00000000-0001-2222", "00000000-0002-2222", "mine"]

    assert short_ids(near) == ["…001-2222", "…002-2222", "mine"]
    assert short_ids(["00000000-1111-0000abcd", "00000000-2222-0000abcd"]) == ["…1-0000abcd", "…2-0000abcd"]
    assert short_ids([]) == []


def test_the_ids_of_one_program_differ_within_the_ends_that_are_shown() -> None:
    ids = [new_id() for _ in range(1000)]

    assert len({one[-8:] for one in ids}) == 1000


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
