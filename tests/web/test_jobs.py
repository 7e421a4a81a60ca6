"""Jobs are found by all that is known of them, and a search that stops says how far it came."""

from __future__ import annotations

import re
from urllib.parse import quote, urlencode

import pytest
from starlette.testclient import TestClient

from localq import LocalQ
from localq.testing import drain
from localq.web.ask.listing import Asked, asked_in, listing
from tests.web.runs import ran_for


def listed(page: TestClient, **query: str) -> list[str]:
    text = page.get(f"/jobs?{urlencode(query)}").text
    return re.findall(r'<a class="id" href="/jobs/([^"]+)"', text)


def test_jobs_are_found_by_text_in_arguments_and_errors(page: TestClient, q: LocalQ) -> None:
    ann, pack = q.send_task("shop.mail", ("Ann Ünal",)), q.send_task("shop.pack", (17,))
    drain(q)

    assert listed(page, text="Ünal") == [ann.id]
    assert listed(page, text="order 17 is") == [pack.id]
    assert listed(page, text="nobody") == []


def test_no_search_finds_a_secret(page: TestClient, q: LocalQ) -> None:
    q.send_task("shop.mail", ("ann",), {"password": "hunter2"})

    assert listed(page, text="hunter2") == []
    assert len(listed(page, text="ann")) == 1


def test_jobs_are_found_by_when_they_were_added(page: TestClient, q: LocalQ) -> None:
    job = q.send_task("shop.mail", ("ann",))

    assert listed(page, within="1h") == [job.id]
    assert listed(page, since="2020-01-01T00:00") == [job.id]
    assert listed(page, until="2020-01-01T00:00") == []
    assert listed(page, since="2020-01-01T00:00", until="2020-01-01T00:01") == []
    assert listed(page, until="2100-01-01T00:00Z", within="24h") == [job.id]


def test_jobs_are_found_by_the_worker_that_ran_them(page: TestClient, q: LocalQ) -> None:
    job = q.send_task("shop.mail", ("ann",))
    drain(q)
    ran = q.store.read.attempts(job.id)[0].worker

    assert listed(page, worker=ran) == [job.id]
    assert listed(page, worker="another@host") == []


def test_a_run_stands_beside_what_is_usual_for_its_task(page: TestClient, q: LocalQ) -> None:
    """Of twenty others that took five seconds at most one of a minute is marked, and one of five is not."""
    *_, five, far = ran_for(q, "shop.mail", *[1.0] * 20, 5.0, 60.0)
    (alone,) = ran_for(q, "shop.pack", 30.0)

    rows = re.findall(r'<tr data-id="([^"]+)">(.*?)</tr>', page.get("/jobs").text, re.DOTALL)
    told = {one["id"]: one for one in page.get("/api/v1/jobs").json()["jobs"]}

    assert [job_id for job_id, row in rows if "▲" in row] == [far]
    assert [job_id for job_id, row in rows if "Half of those of the last day" not in row] == [alone]
    assert "far beyond what is usual" in dict(rows)[far]
    assert (told[far]["ran_s"], told[alone]["usual_s"], told[five]["others_s"]) == (60.0, None, None)
    assert told[far]["usual_s"] == told[five]["usual_s"] == pytest.approx(1.0, rel=0.1)
    assert told[far]["others_s"] == pytest.approx(5.0, rel=0.1)


@pytest.mark.parametrize("query", ["within=2y", "since=yesterday", "until=1e3", "since=0001-01-01T00:00"])
def test_a_time_that_is_none_is_refused_in_words(page: TestClient, query: str) -> None:
    answer = page.get(f"/jobs?{query}")

    assert answer.status_code == 400
    assert query.partition("=")[0] in answer.text


def test_what_is_asked_for_stays_in_the_address_of_the_next_page(page: TestClient, q: LocalQ) -> None:
    for number in range(4):
        q.send_task("shop.mail", (f"a & b {number}",))

    query = urlencode({"task": "shop.mail", "text": "a & b", "within": "24h", "state": "PENDING", "lines": "3"})
    text = page.get(f"/jobs?{query}").text

    older = re.search(r'rel="next" href="([^"]+)"', text)
    assert older is not None
    assert "state=PENDING&amp;task=shop.mail&amp;text=a+%26+b&amp;within=24h&amp;before=" in older[1]
    assert len(re.findall('class="id"', page.get(f"/jobs{older[1].replace('&amp;', '&')}").text)) == 1


def test_a_search_that_stops_says_so_and_goes_on(q: LocalQ) -> None:
    q.send_task("shop.rare", queue="rare")
    q.enqueue_many([q.tasks["shop.mail"].s("ann") for _ in range(10_050)])
    asked = Asked(queues=("rare",))

    first = listing(q, q.store, asked, patience_s=0)
    second = listing(q, q.store, asked._replace(before=first.cursor), patience_s=0)

    assert first.lines == []
    assert first.looked_back_to is not None
    assert [line.job.task for line in second.lines] == ["shop.rare"]
    assert (second.cursor, second.looked_back_to) == (None, None)


def test_the_page_of_a_search_that_stopped_leads_on(
    page: TestClient, q: LocalQ, monkeypatch: pytest.MonkeyPatch
) -> None:
    q.send_task("shop.rare", queue="rare")
    q.enqueue_many([q.tasks["shop.mail"].s("ann") for _ in range(10_050)])
    monkeypatch.setattr("localq.web.ask.listing.monotonic", iter(range(1000)).__next__)

    text = page.get("/jobs?queue=rare").text

    assert re.search(r'rel="next" href="\?queue=rare&amp;before=\d+">Searched back to \d{4}-', text)
    assert "No job is like that." not in text


def test_names_to_look_for_are_offered_and_escaped(page: TestClient, q: LocalQ) -> None:
    q.send_task("evil/% <b>", queue="q/% <i>")

    text = page.get("/jobs").text

    assert "<option>evil/% &lt;b&gt;</option>" in text
    assert "<option>q/% &lt;i&gt;</option>" in text
    assert listed(page, task="evil/% <b>") == listed(page, queue="q/% <i>") != []
    assert f'href="/tasks/{quote("evil/% <b>")}"' in text


def test_a_query_says_all_that_it_asks_for() -> None:
    asked = Asked(("FAILURE", "RETRY"), ("a", "b"), ("q",), "w", "t", "1h", "2026-11-30T14:02", "2026-11-30T15:02")
    fields: dict[str, list[str]] = {}
    for name, value in asked.fields():
        fields.setdefault(name, []).append(value)

    assert asked_in(fields) == asked
