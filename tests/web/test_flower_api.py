"""Flower's API beyond what was recorded: searches, pages, secrets, rights, and the book of changes."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable

import pytest
from starlette.testclient import TestClient

from localq import LocalQ
from localq.testing import drain
from localq.web.flower.search import BadSearch, search
from tests.worker.waiting import DEADLINE_S, until

TASK = {
    "uuid": "an-id",
    "name": "shop.mail",
    "state": "SUCCESS",
    "worker": "w1@host",
    "args": "('ann@example.org',)",
    "kwargs": "{'subject': 'Invoice', 'count': 12}",
    "result": "'sent to ann'",
}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "invoice",
        '"sent to"',
        "state:success",
        "worker:w1@ name:mail",
        "kwargs:subject=invoice",
        "kwargs:count=12",
        "state:FAILURE OR state:SUCCESS",
        "(state:FAILURE OR name:mail) AND args:example",
        "state:FAILURE AND name:mail OR result:sent",
        "(((((example)))))",
        "SHOP.MAIL",
        "other:thing OR mail",
    ],
)
def test_a_search_finds_what_it_says(text: str) -> None:
    assert search(text)(TASK)


@pytest.mark.parametrize(
    "text",
    ["elsewhere", "state:succ", "kwargs:count=1", "kwargs:subject=inv", "name:mail state:FAILURE", '"ann example"'],
)
def test_a_search_leaves_out_what_does_not_fit(text: str) -> None:
    assert not search(text)(TASK)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("abc)", 3),
        (")", 0),
        ("OR abc", 0),
        ("abc AND", 4),
        ("abc AND OR def", 4),
        ("((((((abc))))))", 5),
        ("abc name:", 4),
        ("abc de", 4),
    ],
)
def test_a_search_that_cannot_be_meant_names_the_place(text: str, at: int) -> None:
    with pytest.raises(BadSearch, match=f"at position {at}\\."):
        search(text)


def test_a_search_of_many_words_is_refused() -> None:
    with pytest.raises(BadSearch, match="128 tokens"):
        search("abc " * 129)


def test_pages_of_tasks_follow_each_other_by_the_link(page: TestClient, q: LocalQ) -> None:
    ids = [q.send_task("shop.mail", (str(number),)).id for number in range(7)]
    found: list[str] = []
    path = "/api/tasks?limit=3&taskname=shop.mail"

    while path:
        answer = page.get(path)
        found += answer.json()
        more = re.search(r'<(\?[^>]+)>; rel="next"', answer.headers.get("link", ""))
        path = f"/api/tasks{more[1]}" if more else ""

    assert found == ids[::-1]


def test_tasks_are_sorted_before_some_of_them_are_shown(page: TestClient, q: LocalQ) -> None:
    """What waits has not started: that is less than any time."""
    ids = {"lost": q.send_task("shop.pack", (1,)).id, "sent": q.send_task("shop.mail", ("ann",)).id}
    drain(q)
    ids["waits"] = q.send_task("shop.mail", ("bob",)).id

    def listed(**query: str | int) -> list[str]:
        found = page.get("/api/tasks", params=query).json()
        return [name for one in found for name, job_id in ids.items() if job_id == one]

    assert listed() == ["waits", "sent", "lost"]
    assert listed(sort_by="-name")[0] == "lost"
    assert listed(sort_by="name", offset=2, limit=1) == ["lost"]
    assert listed(sort_by="received") == ["lost", "sent", "waits"]
    assert listed(sort_by="-received", limit=2) == ["waits", "sent"]
    assert listed(sort_by="started") == ["waits", "lost", "sent"]
    assert listed(sort_by="-started", limit=1) == ["sent"]
    assert listed(sort_by="state") == ["lost", "waits", "sent"]


@pytest.mark.parametrize("given", [1 << 80, "\ud800", "\x00 & 工作", 0.1])
def test_every_argument_of_json_comes_back_as_it_was(page: TestClient, q: LocalQ, given: object) -> None:
    job = q.send_task("shop.mail", (given,))

    assert page.get("/api/tasks").json()[job.id]["call"]["args"] == [given]
    assert page.get(f"/api/task/info/{job.id}").json()["call"]["args"] == [given]


def test_a_search_goes_on_where_the_last_one_ended_until_all_is_searched(page: TestClient, q: LocalQ) -> None:
    wanted = q.send_task("shop.mail", ("needle",)).id
    q.enqueue_many(q.tasks["shop.mail"].s(str(number)) for number in range(1200))

    def found(query: str) -> list[str]:
        ids: list[str] = []
        while query:
            answer = page.get(f"/api/tasks{query}")
            ids += answer.json()
            more = re.search(r'<(\?[^>]+)>; rel="next"', answer.headers.get("link", ""))
            query = more[1] if more else ""
        return ids

    assert found("?search=needle") == [wanted]
    assert found("?search=needle&state=FAILURE") == []


def test_tasks_are_found_by_times_with_and_without_a_zone(page: TestClient, q: LocalQ) -> None:
    job = q.send_task("shop.mail", ("ann",))

    assert list(page.get("/api/tasks", params={"received_start": "2020-01-01T00:00:00+02:00"}).json()) == [job.id]
    assert page.get("/api/tasks", params={"received_end": "2020-01-01 00:00"}).json() == {}


def test_secrets_are_shown_and_found_nowhere(page: TestClient, q: LocalQ) -> None:
    job = q.send_task("shop.mail", ("ann",), {"password": "hunter2"})

    answers = [page.get("/api/tasks").text, page.get(f"/api/task/info/{job.id}").text]

    assert not any("hunter2" in text for text in answers)
    assert page.get("/api/tasks?search=hunter2").json() == {}


def test_arguments_come_as_values_beside_their_text(page: TestClient, q: LocalQ) -> None:
    job = q.send_task("shop.mail", ("ann",))

    told = page.get(f"/api/task/info/{job.id}").json()

    assert told["args"] == "('ann',)"
    assert told["call"] == {"args": ["ann"], "kwargs": {}}


def test_what_a_queue_is_called_is_not_changed_on_the_way_in(page: TestClient, q: LocalQ) -> None:
    job = page.post("/api/task/send-task/a%26b", json={"queue": "a&b<c>"}).json()["task-id"]

    assert page.get(f"/api/task/info/{job}").json()["routing_key"] == "a&b<c>"
    assert page.get(f"/api/task/info/{job}").json()["name"] == "a&b"
    assert {"name": "a&b<c>", "messages": 1} in page.get("/api/queues/length").json()["active_queues"]


def test_a_call_that_waits_gets_the_result_or_the_error(page: TestClient, q: LocalQ) -> None:
    with q.running(concurrency=1, pool="threads"):
        done = page.post("/api/task/apply/shop.mail", json={"args": ["ann"]}).json()
        failed = page.post("/api/task/apply/shop.pack", json={"kwargs": {"order": 17}}).json()

    assert (done["state"], done["result"]) == ("SUCCESS", "sent to ann")
    assert (failed["state"], failed["result"]) == ("FAILURE", "ValueError('order 17 is lost')")
    assert "order 17 is lost" in failed["traceback"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("apply/shop.mail", {"args": [], "timeout": "x"}),
        ("async-apply/shop.mail", {"args": []}),
        ("async-apply/shop.mail", {"args": ["ann"], "countdown": -(10**30)}),
        ("async-apply/shop.mail", {"args": ["ann"], "queue": 5}),
        ("async-apply/shop.mail", {"args": ["ann"], "eta": "tomorrow at noon!"}),
        ("async-apply/shop.mail", {"args": ["ann"], "priorty": 5}),
        ("send-task/shop.mail", {"args": ["ann"], "task_id": ""}),
        ("send-task/shop.mail", {"args": {"to": "ann"}}),
    ],
)
def test_a_call_that_cannot_be_made_is_refused_in_words(
    page: TestClient, q: LocalQ, path: str, body: dict[str, object]
) -> None:
    answer = page.post(f"/api/task/{path}", json=body)

    assert answer.status_code == 400
    assert answer.text
    assert page.get("/api/tasks").json() == {}


def test_a_finished_task_is_not_revoked(page: TestClient, q: LocalQ) -> None:
    job = q.send_task("shop.mail", ("ann",))
    drain(q)

    assert page.post(f"/api/task/revoke/{job.id}").status_code == 409
    assert page.post(f"/api/task/abort/{job.id}").status_code == 409
    assert job.state == "SUCCESS"


def test_what_is_changed_is_written_down(page: TestClient, q: LocalQ) -> None:
    called = page.post("/api/task/async-apply/shop.mail", json={"args": ["ann"], "countdown": 60}).json()["task-id"]
    page.post(f"/api/task/revoke/{called}")

    rows = q.store.history.changes(5)

    assert [(one.change.verb, one.change.target, one.change.actor) for one in rows] == [
        ("cancel", called, "token"),
        ("call", called, "token"),
    ]


def test_refusals_are_plain_text_for_browsers_too(page_of: Callable[..., TestClient]) -> None:
    stranger = page_of(None)

    answer = stranger.get("/api/workers", headers={"Accept": "text/html"})

    assert answer.status_code == 401
    assert answer.headers["content-type"].startswith("text/plain")
    assert "Bearer" in answer.headers["www-authenticate"]


def test_head_is_answered(page: TestClient) -> None:
    assert page.head("/api/workers").status_code == 200


def test_a_task_that_runs_says_since_when(page: TestClient, q: LocalQ) -> None:
    gate = threading.Event()
    q.task(name="shop.hold")(lambda: gate.wait(DEADLINE_S))
    before = time.time()
    with q.running(concurrency=1, pool="threads"):
        job = q.send_task("shop.hold")
        try:
            until(lambda: page.get(f"/api/task/info/{job.id}").json()["started"] is not None, DEADLINE_S)
            listed = page.get("/api/tasks?state=STARTED").json()[job.id]
        finally:
            gate.set()

    assert before <= listed["started"] <= time.time()
