"""Reading: jobs, results, notes and counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from localq.model.edges import Edge
from localq.model.job import JobState
from localq.model.outcome import Note
from localq.store.protocol import Filter, Page
from tests.store.given import NOW, attempt, call, claimed, done, job, job_in, new, newly, news, worker

pytestmark = pytest.mark.facets("jobs", "read", "workers")


def found(store: Any, limit: int = 100, **which: Any) -> str:
    return " ".join(one.id for one in store.read.find(Filter(**which), limit).jobs)


# One job


def test_known_jobs_are_returned_without_their_arguments(store: Any) -> None:
    store.jobs.add(news("a", "b"), NOW)

    jobs = store.read.get(["b", "unknown", "a", "a"])

    assert set(jobs) == {"a", "b"}
    assert jobs["a"].id == "a"
    assert jobs["a"].args is None


def test_nothing_is_known_of_an_unknown_job(store: Any) -> None:
    assert store.read.get([]) == store.read.get(["unknown"]) == {}
    assert store.read.seen([]) == store.read.seen(["unknown"]) == {}
    assert call(store, "unknown") is None
    assert store.read.attempts("unknown") == []


def test_results_bring_each_job_with_its_last_attempt(store: Any) -> None:
    store.jobs.add(news("twice", "once", "never"), NOW)
    anna = worker(store)
    twice, once, _ = claimed(store, anna)
    last = attempt(2, result=b"last")
    store.jobs.finish([done(twice, JobState.READY, attempt=attempt(1)), done(once)], NOW)
    store.jobs.finish([done(claimed(store, anna)[0], attempt=last)], NOW)

    results = store.read.seen(["twice", "once", "never", "unknown"])

    assert {name: kept for name, (_, kept, _) in results.items()} == {
        "twice": last,
        "once": attempt(1),
        "never": None,
    }
    assert {name: one for name, (one, _, _) in results.items()} == store.read.get(["twice", "once", "never"])


def test_many_jobs_are_read_as_each_of_them_is(store: Any) -> None:
    """However many are asked for: those that ran twice, run and tell of it, failed, wait, or are not known."""
    names = [f"job-{number}" for number in range(12)]
    large = b'["' + b"x" * 50_000 + b'"]'
    store.jobs.add([new(name, args=large if name == "job-7" else b"[%d]" % len(name)) for name in names], NOW)
    anna = worker(store)
    again, over, failed, telling, *_ = claimed(store, anna, 5)
    store.jobs.finish([done(again, JobState.READY, attempt=attempt(1)), done(over, attempt=attempt(1))], NOW)
    store.jobs.finish([done(failed, JobState.FAILED, attempt=attempt(1, result=None, failure=b"lost"))], NOW)
    store.jobs.finish([done(one, attempt=attempt(2)) for one in claimed(store, anna, 1)], NOW)
    store.jobs.note([Note(telling.id, "PROGRESS", b"1")], NOW)
    asked = [*reversed(names), "unknown", names[0], "it's \u5de5\u4f5c"]

    seen, known, called = store.read.seen(asked), store.read.get(asked), store.read.get(asked, args=True)

    assert list(seen) == list(known) == list(called) == names[::-1]
    assert seen == {name: store.read.seen([name])[name] for name in names}
    assert known == {name: store.read.get([name])[name] for name in names}
    assert called == {name: call(store, name) for name in names}
    assert called["job-7"].args == large
    assert seen[telling.id].note == b"1"
    assert {one.attempt.number for one in seen.values() if one.attempt} == {1, 2}


def test_large_results_come_back_byte_for_byte(store: Any) -> None:
    large = bytes(range(256)) * 4000
    told = attempt(1, result=large, failure=large[::-1], output="x" * 100_000)
    one = job_in(store, JobState.RUNNING)

    store.jobs.finish([done(one, attempt=told)], NOW)

    assert store.read.seen(["job"])["job"][1] == told


def test_an_attempt_without_result_or_start_is_kept_so(store: Any) -> None:
    bare = attempt(1, started_at=None, result=None, failure=None, peak_kb=None, output=None)
    one = job_in(store, JobState.RUNNING)

    store.jobs.finish([done(one, attempt=bare)], NOW)

    assert store.read.attempts("job") == [bare]


# Notes


def test_a_running_job_shows_what_it_said_last(store: Any) -> None:
    job_in(store, JobState.RUNNING)

    store.jobs.note([Note("job", "PROGRESS", b"1"), Note("job", "PROGRESS", b"2")], NOW)

    kept, _, meta = store.read.seen(["job"])["job"]
    assert (kept.shown, meta) == ("PROGRESS", b"2")


def test_a_note_without_a_state_or_without_data_keeps_the_other(store: Any) -> None:
    job_in(store, JobState.RUNNING)

    store.jobs.note([Note("job", None, b"data")], NOW)
    assert (job(store).shown, store.read.seen(["job"])["job"][2]) == (None, b"data")

    store.jobs.note([Note("job", "SHOWN", None)], NOW)
    assert (job(store).shown, store.read.seen(["job"])["job"][2]) == ("SHOWN", b"data")

    store.jobs.note([Note("job", None, None)], NOW)
    assert (job(store).shown, store.read.seen(["job"])["job"][2]) == ("SHOWN", b"data")


@pytest.mark.parametrize("was", JobState)
def test_only_unfinished_jobs_can_be_annotated(store: Any, was: JobState) -> None:
    job_in(store, was)

    store.jobs.note([Note("unknown", "LATE", b"1"), Note("job", "LATE", b"1")], NOW)

    shown = None if was.final else "LATE"
    assert job(store).shown == shown
    assert store.read.seen(["job"])["job"][2] == (None if was.final else b"1")


@pytest.mark.parametrize("end", [JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED])
def test_the_last_note_of_a_run_is_there_when_its_job_is_over(store: Any, end: JobState) -> None:
    one = job_in(store, JobState.RUNNING)
    store.jobs.add([new("silent")], NOW)
    store.jobs.note([Note("job", None, b"90"), Note("job", None, b"100")], NOW)

    store.jobs.finish([done(one, end, attempt=attempt(1))], NOW)

    assert store.read.notes(["silent", "job", "unknown", "job"]) == {"job": b"100"}
    assert store.read.notes([]) == {}
    assert store.read.seen(["job"])["job"].note is None
    store.jobs.forget(["job"])
    assert store.read.notes(["job"]) == {}


def test_a_run_that_is_to_come_has_said_nothing(store: Any) -> None:
    one = job_in(store, JobState.RUNNING)
    store.jobs.note([Note("job", None, b"90")], NOW)

    store.jobs.finish([done(one, JobState.SCHEDULED, run_at=NOW + 1, attempt=attempt(1))], NOW)

    assert store.read.notes(["job"]) == {}


def test_annotating_nothing_is_no_error(store: Any) -> None:
    store.jobs.add([new()], NOW)
    before = store.read.find(Filter(), 10).jobs

    store.jobs.note([], NOW + 1)

    assert store.read.find(Filter(), 10).jobs == before


# Many jobs


@pytest.fixture
def varied(store: Any) -> Any:
    """Return a store with one job in each state but WAITING, of several tasks and queues."""
    for number, was in enumerate(one for one in JobState if one != JobState.WAITING):
        job_in(store, was, was.name.lower())
        store.jobs.add([new(f"extra-{number}", task=f"task-{number % 2}", queue=f"queue-{number % 3}")], NOW)
    return store


def test_jobs_are_found_newest_first(varied: Any) -> None:
    assert found(varied, 5) == "extra-5 cancelled extra-4 failed extra-3"


@pytest.mark.parametrize(
    ("which", "expected"),
    [
        ({"states": (JobState.RUNNING,)}, "running"),
        ({"states": (JobState.FAILED, JobState.SUCCEEDED)}, "failed succeeded"),
        ({"states": ()}, ""),
        ({"states": tuple(JobState), "limit": 4}, "extra-5 cancelled extra-4 failed"),
        ({"states": (JobState.CANCELLED, JobState.RUNNING, JobState.FAILED), "limit": 2}, "cancelled failed"),
        ({"tasks": ("task-1",)}, "extra-5 extra-3 extra-1"),
        ({"tasks": ("task-1", "shop.mail"), "states": (JobState.READY,)}, "extra-5 extra-3 extra-1 ready"),
        ({"queues": ("queue-0", "failed")}, "failed extra-3 extra-0"),
        ({"queues": ("queue-0",), "tasks": ("task-1",)}, "extra-3"),
    ],
)
def test_jobs_are_found_by_what_they_are(varied: Any, which: dict[str, Any], expected: str) -> None:
    assert found(varied, **which) == expected


@pytest.mark.parametrize(
    ("prefix", "expected"),
    [("s", "succeeded scheduled"), ("extra", "extra-5 extra-4"), ("extra-2", "extra-2"), ("EXTRA", ""), ("%", "")],
)
def test_jobs_are_found_by_how_their_ids_start(varied: Any, prefix: str, expected: str) -> None:
    assert " ".join(one.id for one in varied.read.starting(prefix, 2)) == expected


def test_jobs_are_found_by_the_state_they_show(varied: Any) -> None:
    varied.jobs.note([Note("running", "PROGRESS", None), Note("ready", "PROGRESS", None)], NOW)

    assert found(varied, shown="PROGRESS") == "running ready"
    assert found(varied, shown="PROGRESS", states=(JobState.READY, JobState.FAILED)) == "ready"
    assert found(varied, shown="OTHER") == ""


def pages(store: Any, which: Filter, limit: int, look: int) -> list[Page]:
    """Return pages to the last one."""
    read = [store.read.find(which, limit, look)]
    while read[-1].cursor is not None:
        read.append(store.read.find(which._replace(before=read[-1].cursor), limit, look))
    return read


EVERY_FILTER = [
    Filter(),
    Filter(states=tuple(JobState)),
    Filter(states=(JobState.SUCCEEDED, JobState.RUNNING, JobState.CANCELLED)),
    Filter(tasks=("task-1",)),
    Filter(tasks=("shop.mail",), states=(JobState.FAILED, JobState.CANCELLED)),
    Filter(queues=("ready", "queue-2")),
    Filter(shown="PROGRESS"),
    Filter(shown="PROGRESS", tasks=("shop.mail",), states=(JobState.READY,)),
    Filter(tasks=("none",), states=(JobState.READY, JobState.RUNNING, JobState.FAILED)),
]


@pytest.mark.parametrize("which", EVERY_FILTER)
@pytest.mark.parametrize(("limit", "look"), [(1, 100), (5, 100), (100, 1), (2, 3), (1, 1)])
def test_pages_go_on_where_the_last_one_ended(varied: Any, which: Filter, limit: int, look: int) -> None:
    varied.jobs.note([Note("running", "PROGRESS", None), Note("ready", "PROGRESS", None)], NOW)

    read = pages(varied, which, limit, look)

    whole = varied.read.find(which, 1000)
    assert [one for page in read for one in page.jobs] == whole.jobs
    assert (whole.cursor, whole.looked_back_to) == (None, None)
    assert max(len(page.jobs) for page in read) <= limit


def test_a_page_says_how_far_it_looked(store: Any) -> None:
    store.jobs.add([new("far-1", queue="far"), new("far-2", queue="far")], NOW)
    for minute in range(30):
        store.jobs.add([new(f"near-{minute}")], NOW + minute)

    page = store.read.find(Filter(queues=("far",)), 10, look=10)

    # Found nothing yet, and says so: there may be more further back.
    assert page.jobs == []
    assert page.cursor is not None
    assert NOW + 10 <= page.looked_back_to <= NOW + 20
    assert [one.id for one in pages(store, Filter(queues=("far",)), 10, 10)[-1].jobs] == ["far-2", "far-1"]


def test_a_full_page_says_how_old_its_last_job_is(store: Any) -> None:
    for minute in range(5):
        store.jobs.add([new(f"job-{minute}")], NOW + minute)

    page = store.read.find(Filter(), 2)

    assert [one.id for one in page.jobs] == ["job-4", "job-3"]
    assert (page.cursor, page.looked_back_to) == (page.jobs[-1].key, NOW + 3)


def test_jobs_are_counted_by_queue_and_state(varied: Any) -> None:
    counted = Counter((one.queue, JobState(one.state)) for one in varied.read.find(Filter(), 100).jobs)

    assert varied.read.stats().counts == counted
    assert all(isinstance(state, JobState) for _, state in varied.read.stats().counts)
    unfinished = {which: count for which, count in counted.items() if not which[1].final}
    assert varied.read.stats(finished=False) == varied.read.stats()._replace(counts=unfinished)


def test_waiting_jobs_are_counted_by_queue_and_task(varied: Any) -> None:
    waiting = varied.read.find(Filter(states=(JobState.WAITING, JobState.SCHEDULED, JobState.READY)), 100).jobs

    assert varied.read.waiting_tasks() == Counter((one.queue, one.task) for one in waiting)


def test_an_empty_store_has_nothing_to_tell(store: Any) -> None:
    assert store.read.find(Filter(), 10).jobs == store.workers.all() == []
    assert store.read.stats().counts == store.read.waiting_tasks() == {}
    assert (store.jobs.purge(None), store.jobs.prune(NOW, 10), store.jobs.forget([]), store.jobs.requeue([], NOW)) == (
        0,
        0,
        0,
        [],
    )
    assert store.jobs.cancel([], NOW) == {}


def test_a_closed_store_opens_again_by_itself(make_store: Callable[[], Any]) -> None:
    store = make_store()
    store.open()
    store.jobs.add([new()], NOW)

    store.close()
    store.close()

    assert store.read.get(["job"]).keys() in ({"job"}, set())  # a store in memory forgets
    assert newly(store, [new("other")], NOW) == [True]


def test_upkeep_of_a_small_store_is_no_error(store: Any) -> None:
    store.jobs.add([new()], NOW)

    store.tend(NOW)

    assert job(store).state == JobState.READY


def test_the_ready_job_that_has_waited_longest_tells_since_when(store: Any) -> None:
    assert store.read.stats().waiting_since == {}
    job_in(store, JobState.RUNNING)
    store.jobs.add([new("later", run_at=NOW + 1)], NOW)
    assert store.read.stats().waiting_since == {}

    store.jobs.add([new("waits")], NOW + 5)
    store.jobs.add([new("waited", run_at=NOW - 5)], NOW + 9)

    assert store.read.stats().waiting_since == {"default": NOW - 5}


def test_what_is_due_where_nobody_claims_has_waited_too(store: Any) -> None:
    assert store.read.stats().oldest(NOW) is None
    store.jobs.add([new("due", run_at=NOW + 10, queue="far"), new("later", run_at=NOW + 20, queue="far")], NOW)

    assert store.read.stats().oldest(NOW + 9) is None
    assert store.read.stats().oldest(NOW + 15) == NOW + 10
    store.jobs.add([new("ready")], NOW + 5)
    assert store.read.stats().oldest(NOW + 15) == NOW + 5


def test_the_tasks_in_front_of_every_queue_and_priority_are_told(store: Any) -> None:
    assert store.read.stats().in_front == {}
    store.jobs.add([new(f"mail-{n}", priority=n % 10, task="mail") for n in range(30)], NOW)
    store.jobs.add([new("pack", task="pack"), new("far", task="pack", queue="far")], NOW)
    store.jobs.add([new("later", task="later", run_at=NOW + 1), new("behind", task="x", after=(Edge("far"),))], NOW)
    job_in(store, JobState.RUNNING)

    assert store.read.stats().in_front == {("default", "mail"): 30, ("default", "pack"): 1, ("far", "pack"): 1}


def test_the_longest_wait_is_looked_for_in_every_queue_and_priority(store: Any) -> None:
    store.jobs.add([new(f"job-{rank}", priority=rank, queue=f"queue-{rank % 3}") for rank in range(10)], NOW)
    for rank in range(10):
        store.jobs.add([new(f"longer-{rank}", priority=rank, queue=f"queue-{rank % 3}", run_at=NOW - 1 - rank)], NOW)

        assert min(store.read.stats().waiting_since.values()) == NOW - 1 - rank


# What is in a job


def test_jobs_are_found_by_when_they_were_added(store: Any) -> None:
    for number in range(4):
        store.jobs.add([new(f"job-{number}")], NOW + number)

    found = store.read.find(Filter(added=(NOW + 1, NOW + 3)), 10).jobs

    assert [job.id for job in found] == ["job-2", "job-1"]


def test_jobs_are_found_by_who_ran_them_or_runs_them(store: Any) -> None:
    ann, bob = worker(store, "ann"), worker(store, "bob")
    store.jobs.add(news("one", "two", "three"), NOW)
    store.jobs.finish([done(claimed(store, ann, 1)[0])], NOW)
    claimed(store, bob, 1)

    assert [job.id for job in store.read.find(Filter(worker="bob"), 10).jobs] == ["two"]
    assert store.read.find(Filter(worker="carl"), 10).jobs == []


def test_each_search_finds_its_own_whatever_was_searched_before(store: Any) -> None:
    """What is kept of a search is its words, and never what it was for."""
    store.jobs.add([new("a", task="a", queue="p"), new("b", task="b%", queue="q"), new("c", task="c", queue="p")], NOW)
    ran = {name: worker(store, name) for name in ("a_/%", "ab/%", "plain")}
    for key in ran.values():
        claimed(store, key, 1)

    assert [found(store, worker=name) for name in ran] == [
        job.id for key in ran.values() for job in store.read.find(Filter(), 10).jobs[::-1] if job.owner == key
    ]
    assert [found(store, tasks=names) for names in (("a",), ("b%",), ("a", "c"), ("b%", "c"), ())] == [
        "a",
        "b",
        "c a",
        "c b",
        "",
    ]
    assert [found(store, queues=names) for names in (("p",), ("q",), ())] == ["c a", "b", ""]
    assert [found(store, 1), found(store, 2), found(store)] == ["c", "c b", "c b a"]


def test_jobs_are_found_by_text_in_their_arguments_however_large(store: Any) -> None:
    store.jobs.add([new("small", args=b'[["a needle"],{}]'), new("other")], NOW)
    store.jobs.add([new("large", args=b'[["' + b"x" * 10_000 + b'needle"],{}]')], NOW)

    assert {job.id for job in store.read.find(Filter(text="needle"), 10).jobs} == {"small", "large"}
    assert store.read.find(Filter(text="needle", tasks=("shop.pack",)), 10).jobs == []


def test_a_ready_job_knows_how_many_come_before_it(store: Any) -> None:
    store.jobs.add([new("a"), new("b", priority=5), new("c"), new("far", queue="far")], NOW)

    assert [store.read.ahead(name, 10) for name in ("b", "a", "c", "far", "unknown")] == [0, 1, 2, 0, 0]
    assert store.read.ahead("c", 1) == 1
