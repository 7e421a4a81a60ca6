"""The tasks' pages: how much, how long, how it fails, and a form that calls what it shows."""

from __future__ import annotations

import re
from typing import Any

import pytest
from starlette.testclient import TestClient

from localq import LocalQ
from localq.exceptions import QueryError, StoreError
from localq.model.tally import size_of
from localq.store.protocol import Filter, Page
from localq.testing import drain
from localq.web.act.form_call import read_call
from localq.web.ask import task as task_questions
from localq.web.ask.task import parameters_of
from localq.web.draw.histogram import bars, histogram
from localq.web.draw.lines import chart
from tests.web.runs import ran_for

EVIL = "<script>alert(1)</script>\"'>/% "


def text_of(page: TestClient, path: str) -> str:
    answer = page.get(path)
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.text))


def test_tasks_are_listed_with_what_became_of_their_jobs(page: TestClient, q: LocalQ) -> None:
    for number in range(3):
        q.send_task("shop.mail", ("ann",))
        q.send_task("shop.pack", (number,))
    drain(q)
    q.send_task("shop.elsewhere")

    text = text_of(page, "/tasks")

    assert re.search(r"shop\.pack 0 0 0 3 100\.0 % 0 [\d.]+ [mµ]?s", text)
    assert re.search(r"shop\.mail 0 0 3 0 0\.0 % 0 [\d.]+ [mµ]?s", text)
    assert "shop.elsewhere 1 0 0 0 - 0 - - - no live worker" in text


def test_where_nothing_is_known_the_list_says_so(page: TestClient, q: LocalQ) -> None:
    for name in list(q.tasks):
        q.tasks.unregister(name)

    assert "No task is known yet." in text_of(page, "/tasks")


def test_errors_of_a_task_are_grouped_and_lead_to_the_newest(page: TestClient, q: LocalQ) -> None:
    ids = [q.send_task("shop.pack", (number,)).id for number in (3, 17, 200)]
    drain(q)

    answer = page.get("/tasks/shop.pack").text

    groups = re.search(r"<h2>Errors.*?</section>", answer, re.DOTALL)
    assert groups is not None
    assert re.findall(r'<span class="error"[^>]*>([^<]+)', groups[0]) == ["ValueError: order … is lost"]
    assert re.findall(r'href="/jobs/([^"]+)"', groups[0])[0] in ids
    assert "100.0 %" in text_of(page, "/tasks/shop.pack")


def test_a_task_shows_how_long_it_runs_and_its_slowest_jobs(page: TestClient, q: LocalQ) -> None:
    job = q.send_task("shop.mail", ("ann",))
    drain(q)

    answer = page.get("/tasks/shop.mail?window=1h").text

    assert 'class="chart histogram"' in answer
    assert 'class="p95"' in answer
    assert "Slowest jobs" in answer
    assert answer.count(f'href="/jobs/{job.id}"') == 2


def test_the_slowest_jobs_are_found_behind_a_backlog(page: TestClient, q: LocalQ) -> None:
    """Those that wait are newer, and more than are looked at."""
    quick, slow = ran_for(q, "shop.mail", 1.0, 9.0)
    q.enqueue_many(q.tasks["shop.mail"].s(str(number)) for number in range(300))

    told = page.get("/api/v1/tasks/shop.mail").json()

    assert [one["id"] for one in told["slowest"]] == [slow, quick]
    assert (told["examined"], told["looked_back_to"]) == (2, None)
    assert "Slowest jobs of the newest 2 that are over" in text_of(page, "/tasks/shop.mail")


def test_a_search_for_the_slowest_that_stops_says_how_far_it_came(
    page: TestClient, q: LocalQ, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran_for(q, "shop.mail", 1.0)
    q.enqueue_many(q.tasks["shop.mail"].s(str(number)) for number in range(20))
    reading = type(q.store.read)
    find = reading.find

    def find_nearby(self: Any, which: Filter, limit: int, look: int = 5) -> Page:
        return find(self, which, limit, 5)

    monkeypatch.setattr(task_questions, "_PATIENCE_S", 0)
    monkeypatch.setattr(reading, "find", find_nearby)

    told = page.get("/api/v1/tasks/shop.mail").json()

    assert (told["slowest"], told["examined"]) == ([], 0)
    assert told["looked_back_to"] is not None
    assert re.search(r"of the newest 0 that are over, searched back to [\d: -]+", text_of(page, "/tasks/shop.mail"))


def test_limits_that_hold_are_shown_and_whether_they_were_ordered(page: TestClient, q: LocalQ) -> None:
    @q.task(name="shop.slow", rate_limit="10/m", soft_time_limit=30, time_limit=60)
    def slow() -> None:
        """Do it slowly.

        And more.
        """

    before = text_of(page, "/tasks/shop.slow")
    q.control.rate_limit("shop.slow", "5/m")
    after = text_of(page, "/tasks/shop.slow")

    assert "10/m" in before
    assert "soft 30 s, hard 1 min" in before
    assert "5/m (ordered)" in after
    assert "Do it slowly." in before
    assert "And more." not in before


def test_a_task_is_called_by_its_form(page: TestClient, q: LocalQ) -> None:
    answer = page.post("/tasks/shop.mail/call", data={"p.to": "ann", "queue": "post", "countdown": "60"})

    new = answer.headers["location"].removeprefix("/jobs/")
    job = q.store.read.get([new], args=True)[new]
    assert (answer.status_code, job.task, job.queue) == (303, "shop.mail", "post")
    assert job.args == b'[[],{"to":"ann"}]'
    assert q.AsyncResult(new).state == "PENDING"
    assert [(row.change.verb, row.change.target, row.change.note) for row in q.store.history.changes(5)] == [
        ("call", "task shop.mail", new)
    ]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, "missing a required argument"),
        ({"p.order": "seventeen"}, "order is not JSON"),
        ({"p.order": "17", "countdown": "soon"}, "must be a number"),
        ({"p.order": "17", "priority": "12"}, "priority=12"),
        ({"p.order": "17", "queue": "a\tb"}, "queue"),
        ({"p.order": "17", "countdown": "nan"}, "countdown"),
    ],
)
def test_a_call_that_cannot_be_is_refused_in_words_and_stays_in_the_form(
    page: TestClient, q: LocalQ, fields: dict[str, str], said: str
) -> None:
    answer = page.post("/tasks/shop.pack/call", data=fields)

    assert answer.status_code == 400
    assert said in answer.text
    assert all(value in answer.text for value in fields.values())
    assert q.store.read.stats().counts == {}


def test_a_task_that_is_not_known_here_is_shown_and_not_called(page: TestClient, q: LocalQ) -> None:
    q.send_task("shop.elsewhere", (1,))

    assert "does not know the task" in text_of(page, "/tasks/shop.elsewhere")
    answer = page.post("/tasks/shop.elsewhere/call", data={"p.x": "1"})
    assert answer.status_code == 400
    assert "knows no task" in answer.text


def test_a_task_that_nobody_knows_is_not_there(page: TestClient) -> None:
    assert page.get("/tasks/nothing").status_code == 404


def test_whoever_may_only_read_gets_no_form(page_of: Any, q: LocalQ) -> None:
    reader = page_of(read_only=True)

    assert "Call it" not in reader.get("/tasks/shop.mail").text
    assert reader.post("/tasks/shop.mail/call", data={"p.to": "ann"}).status_code == 403


def test_no_name_or_text_gets_out_of_its_place(page: TestClient, q: LocalQ) -> None:
    @q.task(name=f"evil.{EVIL}x")
    def evil(what: str = EVIL) -> None:
        raise RuntimeError(EVIL)

    evil.delay(EVIL)
    drain(q)

    link = re.search(r'href="(/tasks/evil[^"]+)"', page.get("/tasks").text)
    assert link is not None
    for path in ("/tasks", link[1].replace("&#39;", "'")):
        answer = page.get(path)
        assert answer.status_code == 200
        assert "<script>alert" not in answer.text
    assert "RuntimeError" in page.get(link[1]).text


# Pure


def takes(place: int, /, to: str, *more: Any, size: int = 3, **names: Any) -> None: ...


def test_a_form_has_a_field_for_all_that_a_function_takes() -> None:
    found = {one.name: one for one in parameters_of(takes)}

    assert [one.kind for one in found.values()] == ["one", "one", "many", "one", "names"]
    assert [one.name for one in found.values() if one.required] == ["place", "to"]
    assert (found["size"].hint, found["to"].is_text) == ("= 3", True)


def test_fields_become_arguments_by_place_where_they_must() -> None:
    fields = {"p.place": "1", "p.to": "123", "p.more": "[2, 3]", "p.size": "4", "p.names": '{"a": null}'}

    said = read_call(lambda name: fields.get(name, ""), parameters_of(takes), ["place"])

    assert (said.args, said.kwargs, said.options) == ('[1, "123", 2, 3]', '{"size": 4, "a": null}', {})


@pytest.mark.parametrize("fields", [{"p.more": "{}"}, {"p.names": "[]"}, {"p.size": "{"}, {"countdown": "x"}])
def test_fields_of_another_kind_are_refused(fields: dict[str, str]) -> None:
    with pytest.raises(QueryError):
        read_call(lambda name: fields.get(name, ""), parameters_of(takes), ["place"])


def test_bars_hold_every_run_once_each_twice_as_long_as_the_one_before() -> None:
    sizes = {size_of(1000): 5, size_of(3_000_000): 2, size_of(3_600_000): 1, 0: 4}

    found = bars(sizes)

    assert sum(count for _, _, count in found) == 12
    assert all(end == pytest.approx(2 * begin) for begin, end, _ in found)
    assert found[-1][2] == 3
    assert bars({}) == []
    assert histogram(sizes, lambda seconds: f"{seconds:.0f} s", "runs").count('class="bar"') == len(found)


def test_a_line_has_a_gap_where_there_is_nothing() -> None:
    drawn = chart([0, 1, 2, 3], (("p50", [0.1, 0.2, None, 0.3]),), str, "spans", lambda value: f"{value:g}")

    assert drawn.count("<polyline") == 2
    assert "<span>0.4</span>" in drawn


def test_where_too_many_wait_to_be_counted_the_pages_say_at_least_how_many(
    page: TestClient, q: LocalQ, monkeypatch: pytest.MonkeyPatch
) -> None:
    q.send_task("shop.mail", ("ann",))

    def too_long(*_: object) -> dict[tuple[str, str], int]:
        raise StoreError("took too long")

    monkeypatch.setattr(type(q.store.read), "waiting_tasks", too_long)

    assert "shop.mail 1+ 0" in text_of(page, "/tasks")
    assert "1 waiting+" in text_of(page, "/tasks/shop.mail")
    assert page.get("/jobs").status_code == 200
