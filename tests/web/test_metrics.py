"""What scrapers and probes are told."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from starlette.testclient import TestClient

from localq import LocalQ
from localq.testing import FakeClock, drain
from localq.web.metrics.counted import Counted
from localq.web.metrics.exposition import OTHERS, Family, Names, histogram, text_of

Open = Callable[..., TestClient]
#: As Prometheus reads a line.
SAMPLE = re.compile(r'[a-z_]+(\{([a-z_]+="(\\[\\n"]|[^"\\\n])*",?)*\})? -?[0-9.e+inf]+')


def sample(text: str, start: str) -> float:
    """Return the value of the sample that starts so."""
    return next(float(line.rpartition(" ")[2]) for line in text.splitlines() if line.startswith(start))


def test_queues_and_finished_jobs_are_told_in_prometheus_form(page: TestClient, q: LocalQ) -> None:
    q.send_task("shop.mail", ("ann",))
    q.send_task("shop.pack", (17,))
    drain(q)
    q.send_task("shop.mail", ("bob",))
    q.send_task("shop.mail", ("eve",), countdown=60)
    q.control.pause("celery")

    # A step is counted when it is over.
    totals = Counted().totals(q.store, q.clock.now() + 20_000_000)
    text = page.get("/metrics").text

    assert {(task, state) for task, _, state in totals.finished} == {("shop.mail", 3), ("shop.pack", 4)}
    assert sample(text, 'localq_queue_jobs{queue="celery",state="ready"}') == 1
    assert sample(text, 'localq_queue_jobs{queue="celery",state="waiting"}') == 1
    assert sample(text, 'localq_queue_paused{queue="celery"}') == 1
    assert sample(text, 'localq_queue_oldest_seconds{queue="celery"}') >= 0
    for line in text.splitlines():
        assert line.startswith("# ") or SAMPLE.fullmatch(line), line


def test_what_was_counted_never_falls_and_is_counted_once(tmp_path: object) -> None:
    with LocalQ("counted", path=f"{tmp_path}/jobs.db") as q:
        clock = FakeClock()
        q.clock = clock
        q.task(name="one")(lambda: None)
        q.store.open()
        counted, found = Counted(), []

        for _ in range(3):
            q.send_task("one")
            drain(q)
            clock.forward(seconds=30)
            found.append(counted.totals(q.store, q.clock.now()).finished.total())
            found.append(counted.totals(q.store, q.clock.now()).finished.total())

    assert found == [1, 1, 2, 2, 3, 3]


def test_workers_are_told_under_localqs_and_flowers_names(page: TestClient, q: LocalQ) -> None:
    with q.running(concurrency=2, pool="threads"):
        text = page.get("/metrics").text

    assert sample(text, 'localq_workers{state="alive"}') == 1
    assert sample(text, "localq_worker_slots{") == 2
    assert sample(text, "flower_worker_online{") == 1
    for name in (
        "flower_events_total",
        "flower_task_runtime_seconds",
        "flower_task_prefetch_time_seconds",
        "flower_worker_prefetched_tasks",
        "flower_worker_number_of_currently_executing_tasks",
    ):
        assert f"# TYPE {name} " in text


def test_a_histogram_counts_what_is_no_longer_than_each_bound() -> None:
    found = {labels.get("le", name): value for name, labels, value in histogram({}, {0.004: 2, 0.3: 1, 9000.0: 1}, 10)}

    assert (found["0.005"], found["0.5"], found["7200"], found["+Inf"]) == (2, 3, 3, 4)
    assert (found["_count"], found["_sum"]) == (4, 10)


def test_names_beyond_so_many_are_told_as_others() -> None:
    names = Names(2)

    assert [names.of(name) for name in ("a", "b", "c", "a", "d")] == ["a", "b", OTHERS, "a", OTHERS]


def test_hostile_names_stay_within_their_label() -> None:
    text = text_of([Family("x", "gauge", "X", [("", {"task": 'a"} 1\nevil 2\\'}, 1.0)])])

    assert text.splitlines()[2:] == ['x{task="a\\"} 1\\nevil 2\\\\"} 1.0']


def test_a_scrapers_token_reads_the_metrics_and_nothing_else(page_of: Open) -> None:
    scraper = page_of("the scraper's", metrics_token="the scraper's")

    assert scraper.get("/metrics").status_code == 200
    assert scraper.get("/jobs").status_code == 403
    assert scraper.get("/api/tasks").status_code == 403
    assert scraper.post("/api/worker/shutdown/x").status_code == 403
    assert page_of("another", metrics_token="the scraper's").get("/metrics").status_code == 401
    assert page_of("", metrics_token="").get("/metrics").status_code == 401


@pytest.mark.parametrize("read_only", [True, False])
def test_a_probe_hears_that_all_is_well_and_nothing_more(page_of: Open, q: LocalQ, read_only: bool) -> None:
    stranger = page_of(None, read_only=read_only)

    assert stranger.get("/healthcheck").text == "OK"
    assert stranger.head("/healthcheck").status_code == 200
    assert stranger.post("/healthcheck").status_code == 405
    assert (stranger.get("/healthcheck/ready").status_code, stranger.get("/healthcheck/ready").text) == (
        503,
        "NOT READY",
    )
    with q.running(concurrency=1, pool="threads"):
        assert stranger.get("/healthcheck/ready").text == "OK"
