"""The pages of queues, and what is done to queues there."""

from __future__ import annotations

import re

from starlette.testclient import TestClient

from localq import LocalQ
from localq.testing import drain


def book(q: LocalQ) -> list[tuple[str, str, int]]:
    return [(one.change.verb, one.change.target, one.change.count) for one in q.store.history.changes(10)]


def test_every_queue_is_listed_with_what_waits_and_who_serves_it(page: TestClient, q: LocalQ) -> None:
    q.send_task("shop.mail", ("ann",))
    q.send_task("shop.mail", ("bob",), queue="a/b c")

    text = page.get("/queues").text

    assert 'href="/queues/celery"' in text
    assert 'href="/queues/a%2Fb%20c"' in text or 'href="/queues/a/b%20c"' in text
    assert text.count("nobody") == 2


def test_a_queues_page_tells_what_stands_in_front_and_what_was_done(page: TestClient, q: LocalQ) -> None:
    q.send_task("shop.mail", ("ann",))
    q.send_task("shop.pack", (1,))
    drain(q)
    q.send_task("shop.pack", (2,))

    text = page.get("/queues/celery").text

    assert "Tasks in front" in text
    assert "No worker is alive." in text
    assert "1 failed" in text
    assert "ValueError: order 1 is lost" in text


def test_a_queue_that_was_never_used_has_no_page(page: TestClient) -> None:
    assert page.get("/queues/nothing").status_code == 404


def test_a_queue_is_paused_and_goes_on_and_both_are_written_down(page: TestClient, q: LocalQ) -> None:
    q.send_task("shop.mail", ("ann",))

    paused = page.post("/queues/celery/pause")
    told = page.get(paused.headers["location"]).text
    page.post("/queues/celery/pause")
    page.post("/queues/celery/resume")

    assert "The queue is paused." in told
    assert "Paused since" in told
    assert q.store.mail.orders() == []
    assert book(q) == [("resume", "queue celery", 1), ("pause", "queue celery", 1)]


def test_what_waits_is_removed_by_the_number_that_was_shown(page: TestClient, q: LocalQ) -> None:
    done = q.send_task("shop.mail", ("ann",))
    drain(q)
    waiting = [q.send_task("shop.mail", ("bob",)) for _ in range(3)]
    q.send_task("shop.mail", ("eve",), queue="other")

    text = page.get("/queues/celery").text
    shown = re.search(r'name="shown" value="(\d+)"', text)
    assert shown is not None
    answer = page.post("/queues/celery/purge", data={"shown": shown[1]})

    assert "Remove 3 jobs" in text
    assert "3 jobs are removed." in page.get(answer.headers["location"]).text
    assert q.store.read.get([one.id for one in waiting]) == {}
    assert done.state == "SUCCESS"
    assert book(q) == [("purge", "queue celery", 3)]


def test_nothing_is_removed_that_nobody_was_shown(page: TestClient, q: LocalQ) -> None:
    jobs = [q.send_task("shop.mail", ("bob",)) for _ in range(2)]

    answer = page.post("/queues/celery/purge", data={"shown": "1"})
    nothing_said = page.post("/queues/celery/purge")

    assert "2 jobs wait there by now" in page.get(answer.headers["location"]).text
    assert nothing_said.status_code == 303
    assert len(q.store.read.get([one.id for one in jobs])) == 2
    assert book(q) == []


def test_one_job_is_told_of_as_one(page: TestClient, q: LocalQ) -> None:
    q.send_task("shop.mail", ("bob",))

    answer = page.post("/queues/celery/purge", data={"shown": "1"})

    assert answer.headers["location"].startswith("/queues?")
    assert "1 job is removed." in page.get(answer.headers["location"]).text
