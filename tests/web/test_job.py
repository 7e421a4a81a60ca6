"""A job's page: where it failed, what it was called with, and how it runs once more, as it was or otherwise."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from localq import LocalQ, chain, chord, current
from localq.model.job_options import JobOptions
from localq.testing import drain
from localq.web.act.change import Denied, Hand
from localq.web.act.edited import call_edited, call_task
from localq.web.gate.actor import Actor, Right
from tests.worker.waiting import DEADLINE_S, until

EVIL = "<script>alert(1)</script>\"'>/%"


def test_the_failing_line_stands_before_the_traceback(page: TestClient, q: LocalQ) -> None:
    job = q.send_task("shop.pack", (17,))
    drain(q)

    text = page.get(f"/jobs/{job.id}").text

    line = text.index("raise ValueError(f&#34;order {order} is lost&#34;)")
    assert text.index("conftest.py:") < line < text.index("Traceback (most recent call last)")
    assert "in <code>pack</code>" in re.sub(r"\s+", " ", text)


def test_a_job_that_was_put_back_shows_its_old_error_among_its_runs_alone(page: TestClient, q: LocalQ) -> None:
    job = q.send_task("shop.pack", (17,))
    drain(q)
    q.requeue([job.id])

    text = page.get(f"/jobs/{job.id}").text

    assert text.count("ValueError: order 17 is lost") == 1
    assert "Traceback" not in text


def test_what_a_job_prints_is_seen_while_it_runs(page: TestClient, q: LocalQ) -> None:
    gate = threading.Event()

    @q.task(name="shop.talk")
    def talk() -> None:
        print("one <b>")
        gate.wait(DEADLINE_S)
        print("two")

    with q.running(concurrency=1, pool="threads"):
        job = talk.delay()
        early = until(lambda: page.get(f"/api/v1/jobs/{job.id}").json()["output"])
        text = page.get(f"/jobs/{job.id}").text
        gate.set()
        job.get(timeout=DEADLINE_S)
    after = page.get(f"/api/v1/jobs/{job.id}").json()

    assert early == "one <b>\n"
    assert '<summary>Output so far</summary><pre tabindex="0">one &lt;b&gt;\n</pre>' in text
    assert after["output"] is None
    assert after["runs"][0]["output"] == "one <b>\ntwo\n"


@pytest.mark.parametrize(
    ("said", "drawn"),
    [
        ({"done": 3, "total": 12, "message": "<b>"}, '<progress max="12" value="3" 3 / 12 &lt;b&gt;'),
        ({"current": 3, "total": 12}, '<progress max="12" value="3" 3 / 12'),
        ({"done": 3, "total": None, "message": None}, ""),
        ({"done": "3", "total": 0}, ""),
        (["3"], ""),
    ],
)
def test_how_far_a_job_is_is_drawn_where_it_counts(page: TestClient, q: LocalQ, said: object, drawn: str) -> None:
    gate = threading.Event()

    @q.task(name="shop.count", bind=True)
    def count(self: Any) -> None:
        self.update_state(state="PROGRESS", meta=said)
        gate.wait(DEADLINE_S)

    with q.running(concurrency=1, pool="threads"):
        job = count.delay()
        until(lambda: job.state == "PROGRESS")
        text = page.get(f"/jobs/{job.id}").text
        gate.set()
        job.get(timeout=DEADLINE_S)

    found = re.search(
        r'(<progress max="[^"]+" value="[^"]+") aria-label="Progress"></progress>\s+([^\n]*?) *</p>', text
    )
    assert (" ".join(found.groups()) if found else "") == drawn
    assert "<progress" not in page.get(f"/jobs/{job.id}").text


def test_arguments_are_shown_as_a_tree_and_as_code(page: TestClient, q: LocalQ) -> None:
    job = q.send_task("shop.order", ({"items": [1, {"name": EVIL}]},), {"to": "ann"})

    text = page.get(f"/jobs/{job.id}").text

    assert re.search(r'<details class="tree" open><summary>\s*1 name', text)
    assert "<dt>items</dt>" in text
    assert "app.send_task(&#39;shop.order&#39;" in text
    assert "<script>alert" not in text


def test_a_job_runs_with_other_arguments_as_a_new_one_and_each_page_leads_to_the_other(
    page: TestClient, q: LocalQ
) -> None:
    old = q.send_task("shop.mail", ("ann",), queue="post", priority=3, headers={"trace": "x"})
    drain(q)

    assert "&#34;ann&#34;" in page.get(f"/jobs/{old.id}/edit").text
    answer = page.post(f"/jobs/{old.id}/edit", data={"args": '["bob"]', "kwargs": ""})

    new = answer.headers["location"].removeprefix("/jobs/")
    job = q.store.read.get([new])[new]
    assert (answer.status_code, job.queue, job.priority) == (303, "post", 3)
    assert JobOptions.read(job.options).headers == {"trace": "x", "localq_copy_of": old.id}
    assert f'href="/jobs/{old.id}"' in page.get(f"/jobs/{new}").text
    assert f'href="/jobs/{new}"' in page.get(f"/jobs/{old.id}").text
    assert old.state == "SUCCESS"
    drain(q)
    assert q.AsyncResult(new).get() == "sent to bob"


@pytest.mark.parametrize(
    ("args", "kwargs", "said"),
    [
        ("[1, 2, 3]", "{}", "too many positional arguments"),
        ("[]", "{}", "missing a required argument"),
        ('["ann"]', '{"colour": 1}', "unexpected keyword argument"),
        ("[", "{}", "args is not JSON"),
        ("{}", "{}", "args must be a list"),
        ("[]", "[]", "kwargs must be an object"),
        ("[" * 100_000, "{}", "args cannot be read"),
        ('[{"$lq": "nonsense", "v": 1}]', "{}", "cannot be called so"),
    ],
)
def test_arguments_that_cannot_be_are_refused_in_words_and_kept_in_the_form(
    page: TestClient, q: LocalQ, args: str, kwargs: str, said: str
) -> None:
    job = q.send_task("shop.mail", ("ann",))

    answer = page.post(f"/jobs/{job.id}/edit", data={"args": args, "kwargs": kwargs})

    assert answer.status_code == 400
    assert said in answer.text
    assert len(args) > 100 or f">{args}<".replace('"', "&#34;") in answer.text
    assert len(q.store.history.changes(5)) == 0


def test_values_that_json_has_no_word_for_stay_what_they_are(page: TestClient, q: LocalQ) -> None:
    job = q.send_task("shop.mail", (date(2026, 11, 30),))
    drawn = page.get(f"/jobs/{job.id}/edit").text

    args = re.search(r'<textarea name="args"[^>]*>(.*?)</textarea>', drawn, re.DOTALL)
    assert args is not None
    answer = page.post(f"/jobs/{job.id}/edit", data={"args": args[1].replace("&#34;", '"'), "kwargs": "{}"})

    new = answer.headers["location"].removeprefix("/jobs/")
    drain(q)
    assert q.AsyncResult(new).get() == "sent to 2026-11-30"


def test_what_cannot_be_edited_says_why(page: TestClient, q: LocalQ) -> None:
    secret = q.send_task("shop.mail", ("ann",), {"password": "x"})
    unknown = q.send_task("shop.elsewhere", (1,))
    pickled = q.send_task("shop.mail", ("ann",), serializer="pickle")

    for job, said in ((secret, "not all of them are shown"), (unknown, "knows no task"), (pickled, "bytes of pickle")):
        assert said in page.get(f"/jobs/{job.id}/edit").text
        assert said in page.post(f"/jobs/{job.id}/edit", data={"args": "[]", "kwargs": "{}"}).text


def test_a_signed_job_is_not_edited_without_its_key(tmp_path: Path, page_of: Callable[..., TestClient]) -> None:
    path = tmp_path / "signed.db"
    signing = LocalQ("shop", path=path, message_signing="require", message_keys=["k:0123456789abcdef0123456789abcdef"])
    other = LocalQ("shop", path=path, message_signing="require", message_keys=["k:ffffffffffffffffffffffffffffffff"])
    for app in (signing, other):

        @app.task(name="shop.mail")
        def mail(to: str) -> None: ...

    job = signing.send_task("shop.mail", ("ann",))

    from localq.exceptions import QueryError

    hand = Hand(Actor("ann", frozenset(Right)), "here")
    with pytest.raises(QueryError, match="cannot be edited here: refused"):
        call_edited(other, hand, job.id, '["bob"]', "{}")
    signing.close()
    other.close()
    current.set_app(None)


def test_who_may_only_read_calls_nothing(q: LocalQ) -> None:
    reader = Hand(Actor("eve", frozenset({Right.READ})), "there")
    job = q.send_task("shop.mail", ("ann",))

    with pytest.raises(Denied):
        call_edited(q, reader, job.id, "[]", "{}")
    with pytest.raises(Denied):
        call_task(q, reader, "shop.mail", "[]", "{}", {})


def test_a_workflow_runs_on_from_the_job_that_failed_first(page: TestClient, q: LocalQ) -> None:
    last = chain(q.tasks["shop.pack"].si(1), q.tasks["shop.mail"].si("ann"))()
    drain(q)
    first = last.parent
    assert first is not None

    text = page.get(f"/jobs/{last.id}").text
    assert f'action="/jobs/{first.id}/retry"' in text
    assert "which failed first" in text
    page.post(f"/jobs/{first.id}/retry")

    assert (first.state, last.state) == ("PENDING", "PENDING")


def test_what_people_did_to_a_job_stands_on_its_page(page: TestClient, q: LocalQ) -> None:
    job = q.send_task("shop.mail", ("ann",))
    page.post(f"/jobs/{job.id}/cancel")

    text = page.get(f"/jobs/{job.id}").text

    assert "What people changed" in text
    assert "token" in text


def test_of_a_large_workflow_some_are_drawn_and_the_job_is_among_them(page: TestClient, q: LocalQ) -> None:
    body = chord([q.signature("shop.pack", (number,)) for number in range(300)])(q.signature("shop.mail"))

    text = page.get(f"/jobs/{body.id}").text
    drawn = re.findall(r'class="node[^"]*" data-key="([^"]+)"', text)
    said = page.get(f"/api/v1/jobs/{body.id}").json()

    assert body.id in drawn
    assert 200 < len(drawn) < 300
    assert said["workflow"] == drawn
    assert f"It has many jobs, of which {len(drawn)} are drawn." in text
    assert said["why"]["text"] == "It waits for 300 jobs to finish."
