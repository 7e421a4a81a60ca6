"""A page that many browsers keep up to date is drawn once for each change."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from starlette.testclient import TestClient

from localq import LocalQ
from localq.web.ask import listing

Open = Callable[..., TestClient]
LIVE = {"X-Live": "1"}


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the names of the jobs pages that were drawn, and hold each as long as nothing changes."""
    names: list[str] = []
    real = listing.lines_of

    def lines_of(*given: object, **more: object) -> object:
        names.append("jobs")
        return real(*given, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(listing, "lines_of", lines_of)
    monkeypatch.setattr("localq.web.live.drawn._HELD_S", 3600)
    return names


def test_two_browsers_that_show_the_same_share_a_drawing_and_each_has_forms_of_its_own(
    browser: TestClient, q: LocalQ, drawn: list[str]
) -> None:
    job = q.send_task("shop.mail", ("ann",))
    other = dict(browser.cookies)
    browser.cookies.clear()
    browser.post("/login", data={"token": "the token"})
    own = dict(browser.cookies)

    def seen(cookies: dict[str, str]) -> str:
        browser.cookies.clear()
        browser.cookies.update(cookies)
        return browser.get(f"/jobs/{job.id}", headers=LIVE).text

    tokens = [re.findall(r'name="form_token" value="(\w+)"', seen(cookies)) for cookies in (own, other, own)]

    assert tokens[0]
    assert set(tokens[0]).isdisjoint(tokens[1])
    assert tokens[0] == tokens[2]


def test_a_page_is_drawn_once_for_all_who_follow_it(page: TestClient, q: LocalQ, drawn: list[str]) -> None:
    q.send_task("shop.mail", ("ann",))

    texts = [page.get("/jobs", headers=LIVE).text for _ in range(5)]

    assert len(drawn) == 1
    assert len(set(texts)) == 1
    page.get("/jobs?task=shop.mail", headers=LIVE)
    assert len(drawn) == 2, "another page"
    page.get("/jobs")
    assert len(drawn) == 3, "somebody who has come anew"


def test_nobody_sees_what_was_drawn_for_more_rights(page_of: Open, q: LocalQ) -> None:
    job = q.send_task("shop.mail", ("ann",))
    path = f"/jobs/{job.id}"

    assert "/cancel" in page_of().get(path, headers=LIVE).text
    assert "/cancel" not in page_of(read_only=True).get(path, headers=LIVE).text
    assert page_of(None).get(path, headers=LIVE).status_code == 401
