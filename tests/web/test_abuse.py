"""What has gone wrong in other dashboards, tried on this one."""

from __future__ import annotations

import asyncio
import json
import resource
import subprocess
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import pytest
from starlette.testclient import TestClient

from localq import LocalQ
from localq.exceptions import StoreError
from localq.store import open_reader
from localq.store.protocol import Filter
from localq.testing import drain
from localq.web.desk import Desk
from localq.web.live.follower import STREAMS, Follower

Open = Callable[..., TestClient]
#: Breaks out of texts, attributes, comments, SVG titles and scripts, where any of them lets it.
NAME = "\"'><img src=x onerror=alert(1)></title></script><script>alert(1)</script>{{7*7}}-->"
PAYLOAD = f"{NAME}\u202e\x1b[2J"


# Hostile text


class _Markup(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def hostile(q: LocalQ) -> str:
    """Add a job of nothing but payloads, which runs and fails; return its id."""

    @q.task(name=NAME)
    def bad(*args: object, **kwargs: object) -> None:
        print(PAYLOAD)
        raise ValueError(PAYLOAD)

    sent = bad.apply_async((PAYLOAD,), {PAYLOAD: PAYLOAD}, task_id=f"job-{NAME}".replace(" ", "/"), queue=NAME)
    drain(q)
    bad.apply_async((PAYLOAD,), queue=NAME)
    return str(sent.id)


@pytest.mark.parametrize("path", ["", "jobs", "queues", "audit", "tasks", "workers", "schedules", "jobs/ID"])
def test_what_jobs_say_is_text_on_every_page(page: TestClient, q: LocalQ, path: str) -> None:
    job_id = hostile(q)
    page.headers["Accept"] = "text/html"
    markup = _Markup()

    text = page.get(f"/{path}").text if path != "jobs/ID" else page.get("/find", params={"id": job_id}).text
    if path == "jobs/ID":
        text = page.get(page.get("/find", params={"id": job_id}).headers["location"]).text
    markup.feed(text)

    assert not [tag for tag, given in markup.found if tag == "img" and given["src"] == "x"]
    assert all("src" in given for tag, given in markup.found if tag == "script")
    assert not [name for _, given in markup.found for name in given if name.startswith("on") or name == "style"]
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "49-->" not in text


def test_control_characters_of_what_a_job_prints_are_shown(page: TestClient, q: LocalQ) -> None:
    @q.task(name="shop.loud")
    def loud() -> str:
        return "\x1b]0;owned\x07\x9b2Jdone"

    sent = loud.delay()
    drain(q)

    text = page.get(f"/jobs/{sent.id}").text

    assert "\x1b" not in text
    assert "\x9b" not in text
    assert "\\x9b2Jdone" in text or "\\u009b2Jdone" in text


# Exhaustion


def test_a_question_that_takes_too_long_is_given_up(q: LocalQ) -> None:
    for number in range(50):
        q.send_task("shop.mail", (number,))
    reader = open_reader(q.location, 0.0)

    def ask() -> None:
        for _ in range(1000):
            reader.read.find(Filter(text="nothing like this"), 50)

    with pytest.raises(StoreError, match="too much to look through"):
        ask()

    reader.close()


def test_a_page_whose_question_was_given_up_says_so(
    page: TestClient, q: LocalQ, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def slow(self: Desk, question: Any) -> None:
        raise StoreError("There was too much to look through.")

    monkeypatch.setattr(Desk, "ask", slow)

    answer = page.get("/jobs")

    assert (answer.status_code, answer.text) == (503, "There was too much to look through.\n")


def test_a_reader_that_was_given_up_on_answers_the_next_question(q: LocalQ) -> None:
    q.send_task("shop.mail", ("ann",))
    reader = open_reader(q.location, 60.0)

    assert len(reader.read.find(Filter(), 10).jobs) == 1
    assert len(reader.read.find(Filter(), 10).jobs) == 1

    reader.close()


@pytest.mark.parametrize("lines", ["1000000000", "999999999999999999"])
def test_no_page_is_longer_than_a_page(page: TestClient, q: LocalQ, lines: str) -> None:
    for number in range(205):
        q.send_task("shop.mail", (number,))

    assert page.get(f"/jobs?lines={lines}").text.count("<time") <= 3 * 200


@pytest.mark.parametrize("query", ["before=-1", "before=1e9", "before=" + "9" * 400, "before=²", "state=" + "x" * 3000])
def test_what_no_query_can_mean_is_refused_in_words(page: TestClient, query: str) -> None:
    answer = page.get(f"/jobs?{query}")

    assert answer.status_code == 400
    assert len(answer.text) < 5000


def test_streams_are_no_more_than_so_many(q: LocalQ) -> None:
    async def opened() -> tuple[int, bool]:
        follower = Follower(Desk(q))
        streams = [follower.changes() for _ in range(1000)]
        taken = 0
        for stream in streams:
            if not follower.full:
                await anext(stream)
                taken += 1
        full = follower.full
        for stream in streams:
            await stream.aclose()
        await follower.stop()
        return taken, full

    assert asyncio.run(opened()) == (STREAMS, True)


def test_who_reads_slowly_gets_the_newest_and_no_queue(q: LocalQ) -> None:
    async def read() -> list[int | None]:
        follower = Follower(Desk(q))
        stream = follower.changes()
        first = await anext(stream)
        follower._version += 100
        seen = [first, await anext(stream)]
        await stream.aclose()
        await follower.stop()
        return seen

    first, second = asyncio.run(read())

    assert first is not None
    assert second is not None
    assert second >= first + 100


def test_streams_go_on_when_the_store_could_not_be_read_once(q: LocalQ, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([StoreError("moved"), True])

    def changed() -> bool:
        answer = next(answers, False)
        if isinstance(answer, StoreError):
            raise answer
        return answer

    async def read() -> list[int | None]:
        desk = Desk(q)
        monkeypatch.setattr(desk.watched.bells, "changed", changed)
        follower = Follower(desk)
        stream = follower.changes()
        seen = [await anext(stream), await asyncio.wait_for(anext(stream), 60)]
        await stream.aclose()
        await follower.stop()
        return seen

    assert asyncio.run(read()) == [0, 1]


CRON = ["*/1000000000 * * * *", "0-999999999 * * * *", "1," * 200_000 + "1 * * * *", "* * * * * " * 50_000]
CRON += ["59-0/999999999999 * * * *", "9" * 5000 + " * * * *"]


@pytest.mark.parametrize("text", CRON, ids=range(len(CRON)))
def test_a_rule_in_words_of_cron_takes_no_gigabytes(text: str) -> None:
    program = (
        "import sys, json; from localq.schedules import cron, crontab\n"
        "text = json.load(sys.stdin)\n"
        "for read in (cron, crontab.from_string):\n"
        "    try: rule = read(text)\n"
        "    except ValueError as error: assert len(str(error)) < 3000, len(str(error))\n"
        "    else: str(rule)\n"
    )
    allowed = 1 << 30

    done = subprocess.run(
        [sys.executable, "-c", program],
        input=json.dumps(text),
        text=True,
        capture_output=True,
        timeout=60,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (allowed, allowed)),
    )

    assert done.returncode == 0, done.stderr[-2000:]
