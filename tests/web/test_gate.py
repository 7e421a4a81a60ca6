"""Who comes in, to what, and what every answer carries."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Callable
from html import escape
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from localq import LocalQ
from localq.exceptions import ImproperlyConfigured
from localq.web.gate.access import Access, Asked
from localq.web.gate.actor import Right
from localq.web.gate.host import is_allowed
from localq.web.gate.origin import is_cross_site
from localq.web.gate.same_user import uid_in
from localq.web.gate.sessions import SESSION_S, Sessions
from localq.web.gate.token_file import token_at, token_path
from localq.web.pages.entry import is_own_path
from localq.web.serve import Address, serve
from localq.web.ways import WAYS
from tests.web.conftest import TOKEN

Open = Callable[..., TestClient]
#: What fills the names in paths.
FILLED = {"id": "some-id", "name": "some-name", "worker": "some-worker"}


def address(path: str) -> str:
    return re.sub(r"{(\w+)[^}]*}", lambda found: FILLED.get(found[1], "1"), path)


# The route table


@pytest.mark.parametrize(
    "way", [way for way in WAYS if way.right != Right.OPEN], ids=lambda way: f"{way.methods[0]} {way.path}"
)
def test_nobody_passes_without_a_key(way: object, page_of: Open) -> None:
    stranger = page_of(None)

    for method in way.methods:  # type: ignore[attr-defined]
        assert stranger.request(method, address(way.path)).status_code == 401  # type: ignore[attr-defined]


def test_what_is_open_to_all_is_named_here() -> None:
    assert {way.path for way in WAYS if way.right == Right.OPEN} == {
        "/static/{name}",
        "/login",
        "/language",
        "/healthcheck",
        "/healthcheck/ready",
    }


def test_whoever_may_change_something_does_so_by_no_get() -> None:
    assert [way.path for way in WAYS if way.right == Right.ACT and "GET" in way.methods] == []
    assert [way.path for way in WAYS if way.right == Right.READ and way.methods != ("GET",)] == []


@pytest.mark.parametrize(
    "way", [way for way in WAYS if way.right == Right.ACT], ids=lambda way: f"{way.methods[0]} {way.path}"
)
def test_nothing_is_changed_where_all_is_read_only(way: object, page_of: Open) -> None:
    reader = page_of(read_only=True)

    assert reader.request(way.methods[0], address(way.path)).status_code == 403  # type: ignore[attr-defined]
    assert reader.get("/jobs").status_code == 200


def test_what_has_no_way_is_not_there(page: TestClient) -> None:
    assert page.get("/nothing").status_code == 404
    assert page.put("/jobs").status_code == 405


# Keys


def test_a_wrong_token_opens_nothing(page_of: Open) -> None:
    assert page_of("another").get("/jobs").status_code == 401


def test_a_link_opens_one_session_and_no_second(page_of: Open, q: LocalQ) -> None:
    sessions = Sessions("secret")

    code = sessions.new_link(1000.0)

    assert sessions.take_link(code, 1001.0)
    assert not sessions.take_link(code, 1001.0)
    assert not sessions.take_link(sessions.new_link(1000.0), 1000.0 + 3601)
    assert page_of(None).get("/login?once=wrong").status_code == 401


def test_a_session_holds_for_two_weeks_and_cannot_be_made() -> None:
    sessions = Sessions("secret")

    session = sessions.new_session(1000.0)

    assert sessions.holds(session, 1000.0 + SESSION_S - 1)
    assert not sessions.holds(session, 1000.0 + SESSION_S + 1)
    assert not sessions.holds(session.replace(".", "0.", 1), 1000.0)
    assert not sessions.holds("", 1000.0)
    assert not Sessions("another").holds(session, 1000.0)


def test_the_cookie_is_kept_from_scripts_and_other_sites(page_of: Open) -> None:
    answer = page_of(None).post("/login", data={"token": "the token"})

    said = answer.headers["set-cookie"].lower()
    assert said.startswith("localq_5555=")
    assert {"httponly", "samesite=strict", "path=/"} <= {part.strip() for part in said.split(";")}


def test_a_token_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    path = token_path("/somewhere/jobs.db", {"XDG_STATE_HOME": str(tmp_path)})

    token = token_at(path)

    assert token_at(path) == token
    assert path.stat().st_mode & 0o777 == 0o600
    assert len(list(path.parent.iterdir())) == 1
    path.chmod(0o644)
    with pytest.raises(ImproperlyConfigured, match="can be read by others"):
        token_at(path)


# Forms, sites and hosts


def test_a_form_of_another_page_changes_nothing(browser: TestClient, q: LocalQ) -> None:
    job = q.send_task("shop.mail", ("ann",))

    assert browser.post(f"/jobs/{job.id}/cancel", data={"form_token": "made up"}).status_code == 403
    assert job.state == "PENDING"


def test_a_form_of_this_page_does(browser: TestClient, q: LocalQ) -> None:
    job = q.send_task("shop.mail", ("ann",))
    drawn = browser.get(f"/jobs/{job.id}").text
    token = re.search(r'name="form_token" value="(\w+)"', drawn)
    assert token is not None

    answer = browser.post(f"/jobs/{job.id}/cancel", data={"form_token": token[1]})

    assert answer.status_code == 303
    assert job.state == "REVOKED"
    assert "1 job is cancelled." in browser.get(answer.headers["location"]).text


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "http://evil.example"},
        {"Origin": "http://localhost:1234"},
        {"Origin": "null"},
    ],
)
def test_no_other_site_changes_anything_whatever_key_it_has(
    page: TestClient, q: LocalQ, headers: dict[str, str]
) -> None:
    job = q.send_task("shop.mail", ("ann",))

    assert page.post(f"/jobs/{job.id}/cancel", headers=headers).status_code == 403
    assert job.state == "PENDING"


def test_where_a_browser_tells_no_site_its_origin_must_be_this_host_and_port() -> None:
    assert not is_cross_site({"origin": "http://box.lan:5555"}, "box.lan:5555")
    assert is_cross_site({"origin": "http://box.lan"}, "box.lan:5555")
    assert not is_cross_site({}, "box.lan:5555")


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "evil.example:5555", "", "127.0.0.1.evil"])
def test_the_page_answers_under_no_other_name(page: TestClient, host: str) -> None:
    assert page.get("/jobs", headers={"Host": host}).status_code == 421


def test_names_are_compared_whole() -> None:
    names = {"localhost", "box.lan", "[::1]"}

    assert [is_allowed(host, names) for host in ("LOCALHOST:1", "box.lan.", "[::1]:5555")] == [True] * 3
    assert [is_allowed(host, names) for host in ("boxxlan", "a.box.lan", "::1")] == [False] * 3


def test_the_kernel_tells_whose_connection_it_is() -> None:
    line = "  12: 0100007F:A0C4 0100007F:15B3 01 00000000:00000000 00:00000000 00000000  1000        0 4711"

    assert uid_in([line], ("127.0.0.1", 0xA0C4), ("127.0.0.1", 5555)) == 1000
    assert uid_in([line], ("127.0.0.1", 1), ("127.0.0.1", 5555)) is None


@pytest.mark.parametrize(
    "path", ["//evil", "/\\evil", "https:evil", "https://evil", "\\evil", "javascript:alert(1)", "/x"]
)
def test_nobody_is_sent_on_to_another_place(path: str) -> None:
    assert not is_own_path(path)


def test_own_places_are_paths_below_this_one() -> None:
    assert is_own_path("jobs?state=FAILURE")
    assert is_own_path("")


# Every answer


@pytest.mark.parametrize("path", ["/", "/jobs", "/static/app.css", "/nothing", "/login?once=x"])
def test_every_answer_carries_the_policy(page: TestClient, path: str) -> None:
    headers = page.get(path).headers

    assert "script-src 'self'" in headers["content-security-policy"]
    assert "default-src 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert "access-control-allow-origin" not in headers


def test_data_is_kept_by_no_cache(page: TestClient) -> None:
    assert page.get("/jobs").headers["cache-control"] == "no-store"


def test_a_body_that_is_too_long_is_refused(page: TestClient) -> None:
    assert page.post("/jobs/x/cancel", content=b"x" * (3 << 20)).status_code == 413


def test_what_goes_wrong_is_a_number_here_and_told_in_the_log(
    page_of: Open, q: LocalQ, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    page = page_of()
    monkeypatch.setattr("localq.web.pages.jobs.listing", lambda *_: 1 / 0)

    answer = page.get("/jobs")

    number = re.search(r"error (\w{8})", answer.text)
    assert answer.status_code == 500
    assert number is not None
    assert number[1] in caplog.text
    assert "ZeroDivisionError" not in answer.text


# Programs of the same user


def local(**more: str) -> Asked:
    return Asked("GET", {"host": "127.0.0.1:5555", **more}, ("127.0.0.1", 4711), ("127.0.0.1", 5555), 0.0)


def test_a_program_of_the_same_user_needs_no_token() -> None:
    own, others = Access(Sessions("s"), peer=lambda *_: os.getuid()), Access(Sessions("s"), peer=lambda *_: 4242)

    assert own.who(local()).may(Right.ACT)
    assert not others.who(local()).may(Right.READ)
    assert not Access(Sessions("s")).who(local()).may(Right.READ), "where the kernel does not tell"


@pytest.mark.parametrize(
    "said",
    [
        {"cookie": "a=b"},
        {"origin": "http://127.0.0.1:5555"},
        {"sec-fetch-site": "none"},
        {"x-forwarded-for": "198.51.100.7"},
        {"forwarded": "for=198.51.100.7"},
        {"via": "1.1 proxy"},
        {"host": "box.lan"},
        {"authorization": "Bearer wrong"},
    ],
)
def test_a_browser_or_a_proxy_of_the_same_user_does_not_pass_as_a_program(said: dict[str, str]) -> None:
    own = Access(Sessions("s"), hosts=["box.lan"], peer=lambda *_: os.getuid())

    assert not own.who(local(**said)).may(Right.READ)


def test_the_link_is_answered_from_the_moment_it_is_printed(q: LocalQ, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]

    def follow(said: str) -> None:
        socket.create_connection(("127.0.0.1", port), 10).close()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        serve(q, Address("127.0.0.1", port), follow, token=TOKEN)


def test_a_stranger_is_shown_the_way_in_and_nothing_of_the_queue(page_of: Open, q: LocalQ) -> None:
    stranger = page_of(None)

    for path in ("/", "/jobs", "/no/such/page"):
        text = stranger.get(path, headers={"Accept": "text/html"}).text
        assert escape(q.store.name) not in text
        assert "<nav" not in text
    assert 'name="token"' in stranger.get("/", headers={"Accept": "text/html"}).text
    assert escape(q.store.name) in page_of().get("/jobs", headers={"Accept": "text/html"}).text
