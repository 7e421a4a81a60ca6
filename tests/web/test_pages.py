"""What the pages show, as a browser without scripts gets them."""

from __future__ import annotations

import re
from urllib.parse import quote

import pytest
from starlette.testclient import TestClient

from localq import LocalQ, chord, group
from localq.testing import drain

#: Text that is dangerous wherever it is not escaped.
EVIL = "<script>alert(1)</script>\"'><img/src=x/onerror=alert(1)>&amp;"


def worked(q: LocalQ) -> None:
    """Run all that is there, here and now."""
    drain(q)


def test_an_empty_queue_says_how_to_begin(page: TestClient) -> None:
    text = page.get("/").text

    assert "Nothing has happened here yet" in text
    assert "add.delay(2, 2)" in text
    assert "There are no jobs yet." in page.get("/jobs").text


def test_jobs_are_listed_with_what_they_were_called_with_and_their_error(page: TestClient, q: LocalQ) -> None:
    q.send_task("shop.mail", ("ann",), {"password": "secret!"})
    q.send_task("shop.pack", (17,))
    worked(q)

    text = page.get("/jobs").text

    assert "&#34;ann&#34;, password=&#34;********&#34;" in text
    assert "secret!" not in text
    assert "ValueError: order 17 is lost" in text


def test_few_finished_jobs_are_more_than_none_a_minute(page: TestClient, q: LocalQ) -> None:
    q.send_task("shop.mail", ("ann",))
    worked(q)

    assert re.search(r"Finished a minute</h2>\s*<p class=\"figure\">0\.02 ", page.get("/").text)


def test_jobs_are_found_by_state_and_task(page: TestClient, q: LocalQ) -> None:
    mail, pack = q.send_task("shop.mail", ("ann",)), q.send_task("shop.pack", (1,))

    def listed(query: str) -> set[str]:
        return set(re.findall(r'href="/jobs/([^"?]+)"', page.get(f"/jobs?{query}").text))

    assert listed("") == {mail.id, pack.id}
    assert listed("task=shop.mail") == {mail.id}
    assert listed("state=FAILURE") == set()
    assert listed("state=&task=&queue=celery") == {mail.id, pack.id}


@pytest.mark.parametrize("query", ["state=NONSENSE", "before=x", "before=1e3"])
def test_a_query_that_cannot_be_meant_is_refused_in_words(page: TestClient, query: str) -> None:
    assert page.get(f"/jobs?{query}").status_code == 400


def test_pages_of_jobs_follow_each_other_without_a_gap(page: TestClient, q: LocalQ) -> None:
    ids = [q.send_task("shop.mail", (str(number),)).id for number in range(7)]
    found: list[str] = []
    path = "/jobs?lines=3"

    while path:
        text = page.get(path).text
        found += re.findall(r'<a class="id" href="/jobs/([^"]+)"', text)
        more = re.search(r'rel="next" href="([^"]+)"', text)
        path = f"/jobs{more[1]}&lines=3".replace("&amp;", "&") if more else ""

    assert found == ids[::-1]


def test_a_job_says_why_it_waits(page: TestClient, q: LocalQ) -> None:
    job = q.send_task("shop.mail", ("ann",))

    assert "No worker is alive." in page.get(f"/jobs/{job.id}").text


def test_a_job_that_failed_shows_its_line_and_can_run_again(page: TestClient, q: LocalQ) -> None:
    job = q.send_task("shop.pack", (17,))
    worked(q)

    text = page.get(f"/jobs/{job.id}").text
    answer = page.post(f"/jobs/{job.id}/retry")

    assert "raise ValueError(f&#34;order {order} is lost&#34;)" in text
    assert answer.status_code == 303
    assert job.state == "PENDING"
    rows = q.store.history.changes(5)
    assert [(one.change.verb, one.change.target, one.change.actor) for one in rows] == [("retry", job.id, "token")]
    assert job.id in page.get("/audit").text


def test_a_workflow_is_drawn_with_the_failure_that_it_comes_from(page: TestClient, q: LocalQ) -> None:
    body = chord(group(q.tasks["shop.pack"].si(1), q.tasks["shop.mail"].si("bob")), q.tasks["shop.mail"].si("ann"))()
    worked(q)

    text = page.get(f"/jobs/{body.id}").text

    assert text.count("<rect") >= 3
    assert re.search(r'<a href="/jobs/[^"]+" class="node bad root"', text)


def test_an_id_leads_to_its_job_and_so_does_its_start(page: TestClient, q: LocalQ) -> None:
    job = q.send_task("shop.mail", ("ann",), task_id="a-long-id-of-my-own")

    assert page.get("/find?id=a-long-id-of-my-own").headers["location"] == f"/jobs/{job.id}"
    assert page.get("/find?id=a-long").headers["location"] == f"/jobs/{job.id}"
    assert page.get("/find?id=another").status_code == 404


def test_no_text_of_a_job_gets_out_of_its_place(page: TestClient, q: LocalQ) -> None:
    @q.task(name=f"evil.{EVIL}")
    def evil(what: str) -> None:
        raise RuntimeError(EVIL)

    job = evil.apply_async((EVIL,), task_id=f"id{EVIL}", queue="celery")
    again = chord(group(evil.si(EVIL)), evil.si(EVIL))()
    worked(q)

    for path in ("/", "/jobs", f"/jobs/{quote(job.id, safe='')}", f"/jobs/{again.id}", "/audit"):
        answer = page.get(path)
        text = answer.text
        assert answer.status_code == 200
        assert "<script>alert" not in text
        assert "<img/src=x" not in text


def test_the_page_speaks_the_browsers_language(page: TestClient) -> None:
    assert '<html lang="zh"' in page.get("/", headers={"Accept-Language": "fr;q=0.9, zh-CN, en;q=0.1"}).text
    assert '<html lang="en"' in page.get("/", headers={"Accept-Language": "fr"}).text


def test_pages_are_read_from_below_any_path(q: LocalQ) -> None:
    from starlette.applications import Starlette
    from starlette.routing import Mount

    from localq.web.application import build
    from localq.web.gate.sessions import Sessions

    app = Starlette(routes=[Mount("/deep/down", build(q, Sessions("t")))])
    with TestClient(app, base_url="http://localhost", headers={"Authorization": "Bearer t"}) as page:
        text = page.get("/deep/down/jobs").text

    assert 'href="/deep/down/static/app.css"' in text
    assert re.findall(r'(?:href|src|action)="/(?!deep/down)', text) == []


@pytest.mark.parametrize(
    ("asked", "back"),
    [
        ("/jobs/one/edit", "jobs/one/edit"),
        ("/tasks/shop.mail/call", "tasks/shop.mail"),
        ("/queues/slow/purge", "queues/slow"),
        ("/workers/nobody/grow", "workers"),
        ("/schedules", "schedules"),
        ("/bulk", ""),
    ],
)
def test_a_language_is_chosen_where_a_change_was_refused(browser: TestClient, q: LocalQ, asked: str, back: str) -> None:
    q.send_task("shop.mail", ("ann",), task_id="one", queue="slow")

    refused = browser.post(asked, data={"verb": "nonsense"})  # a form that was made for nobody

    assert refused.status_code >= 400
    assert f'name="back" value="{back}"' in refused.text
    chosen = browser.post("/language", data={"language": "zh", "back": back})
    assert browser.get(chosen.headers["location"]).status_code == 200
