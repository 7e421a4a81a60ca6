"""What has gone wrong in other dashboards, tried on this one."""

from __future__ import annotations

import asyncio
import base64
import json
import re
import resource
import subprocess
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import pytest
from starlette.datastructures import Headers
from starlette.testclient import TestClient

from localq import LocalQ
from localq.exceptions import ImproperlyConfigured, StoreError
from localq.store import open_reader
from localq.store.protocol import Filter
from localq.testing import drain
from localq.web.desk import Desk
from localq.web.gate.access import Access, Asked
from localq.web.gate.actor import ANYBODY, Right
from localq.web.gate.passwords import Passwords
from localq.web.gate.proxy import Proxy
from localq.web.gate.sessions import Sessions
from localq.web.gate.slow_down import SlowDown
from localq.web.live.follower import STREAMS, Follower
from tests.worker.waiting import PROGRAM_S

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


# Keys


def asked(client: str = "192.0.2.7", now: float = 1000.0, host: str = "box.lan:5555", **headers: str) -> Asked:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return Asked("GET", {"host": host, **sent}, (client, 40000), ("192.0.2.1", 5555), now)


def user(name: str, password: str) -> str:
    return f"Basic {base64.b64encode(f'{name}:{password}'.encode()).decode()}"


def test_any_address_but_loopback_demands_a_key_of_everybody_elsewhere() -> None:
    access = Access(Sessions("secret"), hosts=["box.lan", "0.0.0.0"], peer=lambda client, server: None)

    for given in (asked(), asked("127.0.0.1"), asked(x_forwarded_for="127.0.0.1"), asked(host="localhost")):
        refused = access.admit(given, access.who(given), Right.READ)
        assert refused is not None
        assert refused.status == 401
    assert access.who(asked(authorization="Bearer secret")).may(Right.ACT)


def test_who_sends_wrong_keys_waits_longer_and_longer() -> None:
    slow = SlowDown()
    waits = []

    for _ in range(14):
        slow.failed("192.0.2.7", 1000.0)
        waits.append(slow.wait_s("192.0.2.7", 1000.0))

    assert waits == [0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert slow.wait_s("192.0.2.7", 1060.0) == 0
    assert slow.wait_s("192.0.2.8", 1000.0) == 0
    slow.failed("192.0.2.7", 3000.0)
    assert slow.wait_s("192.0.2.7", 3000.0) == 0


def test_all_addresses_of_one_network_are_one_and_memory_has_an_end() -> None:
    slow = SlowDown()
    for number in range(20):
        slow.failed(f"2001:db8::{number}", 1000.0)

    assert slow.wait_s("2001:db8::ffff", 1000.0) == 60
    assert slow.wait_s("2001:db8:0:1::1", 1000.0) == 0
    for number in range(20_000):
        slow.failed(f"10.0.{number // 256}.{number % 256}", 1000.0)
    assert len(slow._wrong) == 10_000


def test_a_right_key_is_not_looked_at_while_its_address_waits(page_of: Open) -> None:
    page = page_of(None, now=lambda: 1000.0)
    for _ in range(6):
        page.get("/jobs", headers={"Authorization": "Bearer wrong"})

    answer = page.get("/jobs", headers={"Authorization": "Bearer the token"})

    assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")
    assert "Try again in 1 s." in answer.text


def test_the_form_to_log_in_is_as_slow(page_of: Open) -> None:
    page = page_of(None)

    answers = [page.post("/login", data={"token": f"guess {number}"}).status_code for number in range(7)]

    assert answers == [401] * 6 + [429]
    assert page.post("/login", data={"token": "the token"}).status_code == 429


def test_a_session_goes_on_while_others_at_its_address_guess(browser: TestClient) -> None:
    for number in range(10):
        browser.post("/login", data={"token": f"guess {number}"})

    assert browser.get("/jobs").status_code == 200


# Names and passwords


@pytest.fixture
def named(page_of: Open) -> TestClient:
    """Return a stranger before a dashboard with two users."""
    return page_of(None, passwords=Passwords(["ann:s3cret,bob:a:b"]))


@pytest.mark.parametrize("path", ["/", "/jobs", "/api/workers", "/api/tasks"])
def test_users_get_in_to_pages_and_api_alike(named: TestClient, path: str) -> None:
    assert named.get(path, headers={"Authorization": user("ann", "s3cret")}).status_code == 200
    assert named.get(path, headers={"Authorization": user("bob", "a:b")}).status_code == 200
    assert named.get(path).status_code == 401


def test_programs_of_users_change_things_by_the_api(named: TestClient, q: LocalQ) -> None:
    headers = {"Authorization": user("ann", "s3cret")}

    answer = named.post("/api/task/async-apply/shop.mail", json={"args": ["ann"]}, headers=headers)

    assert answer.status_code == 200
    assert q.store.read.get([answer.json()["task-id"]])


#: What is no user's, though parts of it are.
WRONG = [user("ann", "s3cret "), user("ann", ""), user("", "s3cret"), user("bob", "s3cret"), user("ann,bob", "a:b")]
WRONG += [user("ANN", "s3cret"), user("ann:s3cret", ""), "Basic !!!", "Basic", "Basic YW5u", "Bearer s3cret"]


@pytest.mark.parametrize("sent", WRONG)
def test_nobody_else_does(named: TestClient, sent: str) -> None:
    assert named.get("/api/workers", headers={"Authorization": sent}).status_code == 401


def test_passwords_are_kept_as_salted_hashes() -> None:
    one, other = Passwords(["ann:s3cret"]), Passwords(["ann:s3cret"])

    assert "s3cret" not in repr(vars(one))
    assert one._hashes["ann"] != other._hashes["ann"]


@pytest.mark.parametrize("pair", ["", "ann", "ann:", ":s3cret", "ann:s3cret,,bob:x"])
def test_what_is_no_user_and_password_is_refused_without_being_said_again(pair: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="takes USER:PASSWORD") as refused:
        Passwords([pair])
    assert "s3cret" not in str(refused.value)


def test_browsers_are_asked_by_a_form_and_programs_by_a_header(named: TestClient) -> None:
    program = named.get("/api/workers")
    browser = named.get("/", headers={"User-Agent": "Mozilla/5.0", "Accept": "text/html"})

    assert program.headers["www-authenticate"].startswith("Basic ")
    assert not browser.headers["www-authenticate"].startswith("Basic")
    assert 'name="password"' in browser.text


def test_a_user_logs_in_and_is_written_down_by_name(named: TestClient, q: LocalQ) -> None:
    job = q.send_task("shop.mail", ("ann",))
    assert named.post("/login", data={"user": "bob", "password": "s3cret"}).status_code == 401
    assert named.post("/login", data={"user": "bob", "password": "a:b"}).status_code == 303
    token = re.search(r'name="form_token" value="(\w+)"', named.get(f"/jobs/{job.id}").text)
    assert token is not None

    named.post(f"/jobs/{job.id}/cancel", data={"form_token": token[1]})

    assert job.state == "REVOKED"
    assert q.store.history.changes(1)[0].change.actor == "bob"


def test_a_form_of_a_browser_that_sends_a_password_along_must_be_ours(named: TestClient, q: LocalQ) -> None:
    job = q.send_task("shop.mail", ("ann",))
    named.headers["Authorization"] = user("ann", "s3cret")

    assert named.post(f"/jobs/{job.id}/cancel", data={}).status_code == 403
    assert job.state == "PENDING"


# A proxy in front


@pytest.mark.parametrize(
    ("client", "who"),
    [("10.1.2.3", "ann"), ("::ffff:10.1.2.3", "ann"), ("10.2.0.1", "anybody"), ("127.0.0.1", "anybody")],
)
def test_only_named_proxies_say_who_asks(client: str, who: str) -> None:
    access = Access(Sessions("secret"), proxy=Proxy("X-User", ["10.1.0.0/16", "::1"]))

    assert access.who(asked(client, x_user="ann", x_forwarded_for="10.1.2.3")).name == who


def test_a_proxy_that_names_nobody_or_two_lets_nobody_in() -> None:
    access = Access(Sessions("secret"), proxy=Proxy("X-User", ["10.1.2.3"]))
    two = Headers(raw=[(b"x-user", b"ann"), (b"x-user", b"root")])

    assert access.who(asked("10.1.2.3")) == ANYBODY
    assert access.who(asked("10.1.2.3", x_user="  ")) == ANYBODY
    assert access.who(asked("10.1.2.3")._replace(headers=two)) == ANYBODY


@pytest.mark.parametrize("addresses", [[], ["proxy.lan"], ["10.1.2.3/8"]])
def test_a_header_without_a_proxy_of_known_address_is_refused(addresses: list[str]) -> None:
    with pytest.raises(ImproperlyConfigured, match="--proxy"):
        Proxy("X-User", addresses)


# Exhaustion


@pytest.mark.parametrize("query", ["&".join(["s"] * 8_000), "state=" + "x" * 20_000, ";" * 600])
def test_an_address_of_too_many_fields_is_refused(page: TestClient, query: str) -> None:
    answer = page.get(f"/jobs?{query}")

    assert answer.status_code == 400
    assert "The address has more than" in answer.text


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
        timeout=PROGRAM_S,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (allowed, allowed)),
    )

    assert done.returncode == 0, done.stderr[-2000:]
