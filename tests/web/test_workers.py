"""The page of workers, and what workers are told from it: a real one answers."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from localq import LocalQ
from localq.model.worker import WorkerRow
from localq.web.act import letters
from tests.worker.waiting import DEADLINE_S, until


@pytest.fixture
def worker(q: LocalQ) -> Iterator[str]:
    """Return the name of a worker that runs in this process, with a slot and a task that waits to be let go."""
    with q.running(1, pool="threads"):
        until(lambda: len(q.store.workers.all()) == 1)
        yield card(q).card.name


def card(q: LocalQ) -> WorkerRow:
    return q.store.workers.all()[0]


def told(page: TestClient, path: str, **data: str) -> str:
    answer = page.post(path, data=data)
    assert answer.status_code == 303, answer.text
    return page.get(answer.headers["location"]).text


def test_where_no_worker_is_the_page_says_how_to_start_one(page: TestClient) -> None:
    assert "localq worker -A APP" in page.get("/workers").text


def test_a_worker_is_shown_with_what_its_slots_run_and_since_when(page: TestClient, q: LocalQ) -> None:
    go = threading.Event()

    @q.task(name="shop.wait")
    def wait() -> None:
        go.wait(DEADLINE_S)

    with q.running(2, pool="threads"):
        job = wait.delay()
        until(lambda: job.state == "STARTED")
        until(lambda: 'class="for"' in page.get("/workers").text)
        text = page.get("/workers").text
        go.set()

    assert f'href="/jobs/{job.id}"' in text
    assert "2 slots, threads" in text
    assert "every queue" in text
    assert "MiB" in text
    assert "works" in text


def test_a_worker_grows_and_shrinks_and_it_is_written_down(page: TestClient, q: LocalQ, worker: str) -> None:
    assert "The worker takes one more job at a time." in told(page, f"/workers/{worker}/grow")
    until(lambda: card(q).card.concurrency == 2)
    assert "The worker takes one job less at a time." in told(page, f"/workers/{worker}/shrink")
    until(lambda: card(q).card.concurrency == 1)

    refused = page.post(f"/workers/{worker}/shrink", headers={"Accept": "text/html"})

    assert refused.status_code == 409
    assert "refuses:" in refused.text
    changes = [(one.change.verb, one.change.target) for one in q.store.history.changes(9)]
    assert changes == [("shrink", f"worker {worker}"), ("grow", f"worker {worker}")]


def test_a_worker_leaves_a_queue_and_takes_it_up_again(page: TestClient, q: LocalQ, worker: str) -> None:
    assert "no more" in told(page, f"/workers/{worker}/leave", queue="slow")
    until(lambda: card(q).card.excluded == ("slow",))
    assert "but for slow" in page.get("/workers").text

    told(page, f"/workers/{worker}/serve", queue="slow")
    until(lambda: card(q).card.excluded == ())

    assert page.post(f"/workers/{worker}/serve", data={"queue": ""}).status_code == 409


def test_a_worker_that_is_gone_is_folded_away(page: TestClient, q: LocalQ) -> None:
    with q.running(1, pool="threads"):
        until(lambda: len(q.store.workers.all()) == 1)

    assert "1 worker is gone" in page.get("/workers").text


def test_a_worker_is_shut_down_from_the_page(page: TestClient, q: LocalQ, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    monkeypatch.setattr(q.control, "shutdown", lambda *said, **how: asked.append(said) or [{"anna": {"ok": "so"}}])

    assert "stops when what it runs has finished" in told(page, "/workers/anna/stop")
    assert asked == [("anna",)]


def test_who_does_not_answer_is_said_not_to(
    page: TestClient, q: LocalQ, monkeypatch: pytest.MonkeyPatch, worker: str
) -> None:
    monkeypatch.setattr(letters, "ANSWER_S", 0.05)

    answer = page.post("/workers/nobody@here/grow")

    assert answer.status_code == 409
    assert "nobody@here has not answered" in answer.text
    assert q.store.history.changes(5) == []
