"""The dashboard in a real browser, of a worker that does real work: with JavaScript and without."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from localq.web import rendering
from localq.web.pages.routes import WAYS
from tests.web.browser import TOKEN, Browser, Shop, chromium, open_shop, signal_browser
from tests.worker.waiting import DEADLINE_S, until

pytestmark = pytest.mark.slow
AXE = Path(__file__).parent / "data" / "axe-core-4.11.4.min.js"
#: What a page may take until it shows what has happened, in milliseconds.
SOON = DEADLINE_S * 1000


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with open_shop(tmp_path_factory.mktemp("shop")) as opened:
        q = opened.q
        q.send_task("shop.hold", (str(opened.folder / "gate"),), task_id="held")
        q.send_task("shop.mail", ("ann",), {"password": "secret!"})
        failed = q.send_task("shop.pack", (17,), task_id="failed")
        q.send_task("shop.mail", ("eve",), countdown=3600, task_id="later")
        q.schedules.add("tea", "every 2 hours", "shop.mail", ("tea",))
        until(lambda: failed.state == "FAILURE", DEADLINE_S)
        yield opened
        (opened.folder / "gate").touch()


@pytest.fixture(scope="module")
def browser(shop: Shop) -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@contextmanager
def logged_in(browser: Browser, shop: Shop, **options: Any) -> Iterator[Any]:
    """Open a page of a browser that has logged in."""
    with browser.page(base_url=shop.base, **options) as page:
        page.set_default_timeout(SOON)
        page.goto("/")
        page.fill("#token", TOKEN)
        page.click("button.primary")
        page.wait_for_selector("h1:not(:text('401'))")
        yield page


@pytest.fixture(params=[True, False], ids=["script", "no_script"])
def page(request: pytest.FixtureRequest, browser: Browser, shop: Shop) -> Iterator[Any]:
    """Return a page that runs scripts, and one that does not."""
    with logged_in(browser, shop, java_script_enabled=request.param) as opened:
        yield opened


@pytest.fixture
def scripted(browser: Browser, shop: Shop) -> Iterator[Any]:
    with logged_in(browser, shop) as opened:
        yield opened


def press(page: Any, text: str, within: str = "main") -> None:
    page.locator(f"{within} button", has_text=re.compile(f"^{text}")).first.click()


def said(page: Any) -> str:
    return str(page.inner_text(".said"))


LISTS = tuple(f"/{path}" for path, _ in rendering.PAGES if f"/{path}" in {way.path for way in WAYS})
PAGES = (
    *LISTS,
    "/jobs/failed",
    "/jobs/held",
    "/jobs/later",
    *(("/tasks/shop.mail",) if "/tasks" in LISTS else ()),
    "/queues/celery",
    "/schedules/tea",
    "/schedules/nightly",
    "/no/such/page",
)


# Every page


def test_axe_finds_nothing_on_any_page(browser: Browser, shop: Shop) -> None:
    """In both themes, which differ in their colours alone."""
    with logged_in(browser, shop, bypass_csp=True) as page:
        script, found = AXE.read_text(), []

        for path in PAGES:
            page.emulate_media(color_scheme="light")
            page.goto(path)
            page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
            page.evaluate(script)
            told = page.evaluate("axe.run(document, { resultTypes: ['violations'] })")["violations"]
            page.emulate_media(color_scheme="dark")
            told += page.evaluate("axe.run(document, { runOnly: ['color-contrast'] })")["violations"]
            found += [(path, one["id"], [node["html"][:200] for node in one["nodes"]]) for one in told]

    assert found == []


def test_no_page_is_wider_than_the_screen_of_a_small_phone(browser: Browser, shop: Shop) -> None:
    with logged_in(browser, shop, viewport={"width": 320, "height": 640}) as page:
        wide = {}

        for path in PAGES:
            page.goto(path)
            wide[path] = page.evaluate("document.documentElement.scrollWidth")

    assert {path: width for path, width in wide.items() if width > 320} == {}


@pytest.mark.parametrize("screen", [(640, 400), (3840, 2160)], ids=["zoomed_twice", "4k"])
def test_no_page_scrolls_sideways_at_twice_the_size_or_on_a_huge_screen(
    browser: Browser, shop: Shop, screen: tuple[int, int]
) -> None:
    """A browser's zoom of 200 % leaves a page half of the screen's 1280 pixels."""
    with logged_in(browser, shop, viewport={"width": screen[0], "height": screen[1]}) as page:
        wide = {}

        for path in PAGES:
            page.goto(path)
            page.evaluate("for (const one of document.querySelectorAll('details:not(.ask)')) one.open = true")
            wide[path] = page.evaluate("document.documentElement.scrollWidth")

    assert {path: width for path, width in wide.items() if width > screen[0]} == {}


def test_a_page_is_printed_without_what_cannot_be_pressed_on_paper(scripted: Any) -> None:
    scripted.emulate_media(media="print")

    scripted.goto("/jobs/failed")
    assert scripted.locator("h1").is_visible()
    assert scripted.locator(".error").first.is_visible()
    assert [one for one in scripted.locator("nav, button, summary.danger, input").all() if one.is_visible()] == []
    scripted.goto("/jobs")
    assert scripted.locator("tbody tr").first.is_visible()
    assert scripted.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


def test_many_tabs_do_not_starve_each_other(browser: Browser, shop: Shop) -> None:
    """A browser has six connections to a host, and each visible tab would like to keep one for itself."""
    with logged_in(browser, shop) as first:
        tabs = [first, *(first.context.new_page() for _ in range(8))]
        for tab in tabs:
            tab.set_default_timeout(SOON)
            tab.goto("/jobs")
            tab.wait_for_selector("tbody tr")

        new = shop.q.send_task("shop.mail", ("new",), countdown=3600)
        for tab in (tabs[-1], tabs[0]):
            tab.wait_for_selector("#new-rows:visible")
            tab.goto(f"/jobs/{new.id}")
            assert "shop.mail" in tab.inner_text("h1")


def test_no_page_breaks_its_own_policy_or_throws(scripted: Any) -> None:
    wrong: list[str] = []
    scripted.on("pageerror", lambda error: wrong.append(str(error)))
    scripted.on("console", lambda told: wrong.append(told.text) if told.type == "error" else None)

    for path in PAGES[:-1]:
        scripted.goto(path)
        assert scripted.locator("[style]").count() == 0
        assert scripted.locator("nav a[aria-current=page]").count() == 1

    assert wrong == []


def test_a_browser_in_chinese_reads_chinese_and_english_is_a_click_away(browser: Browser, shop: Shop) -> None:
    with logged_in(browser, shop, locale="zh-CN") as page:
        page.goto("/queues")
        assert page.inner_text("h1") == "队列"

        page.click("footer button[lang=en]")

        assert page.inner_text("h1") == "Queues"


# Every action, with scripts and without


def test_a_job_runs_again_and_one_that_waits_is_cancelled(page: Any, shop: Shop) -> None:
    page.goto("/jobs/failed")
    press(page, "Run again")
    assert "1 job runs again" in said(page)
    until(lambda: shop.q.AsyncResult("failed").state == "FAILURE", DEADLINE_S)

    waiting = shop.q.send_task("shop.mail", ("eve",), countdown=3600)
    page.goto(f"/jobs/{waiting.id}")
    press(page, "Cancel")
    assert waiting.state == "REVOKED"


def test_a_queue_is_paused_goes_on_and_is_emptied(page: Any, shop: Shop) -> None:
    shop.q.send_task("shop.mail", ("eve",), queue="letters", countdown=3600)
    page.goto("/queues/letters")

    press(page, "Pause")
    assert said(page) == "The queue is paused."
    press(page, "Resume")
    assert said(page) == "The queue goes on."
    page.click("summary:has-text('Remove what waits')")
    press(page, "Remove 1 job")

    assert said(page) == "1 job is removed."


def test_a_worker_gets_a_slot_more_and_one_less_and_leaves_a_queue(page: Any) -> None:
    page.goto("/workers")

    press(page, "Grow")
    assert "one more job at a time" in said(page)
    press(page, "Shrink")
    assert "one job less at a time" in said(page)
    page.click("summary:has-text('Queues')")
    page.fill("input[name=queue]", "elsewhere")
    press(page, "Serve it no more")
    assert "no more" in said(page)


def test_a_schedule_is_added_changed_fired_paused_and_removed(page: Any, shop: Shop) -> None:
    page.goto("/schedules")
    page.click("summary:has-text('Add a schedule')")
    page.fill("main input[name=name]", "by hand")
    page.fill("main input[name=rule]", "every 3 hours of the day")
    page.fill("main input[name=task]", "shop.mail")
    page.fill("main textarea[name=args]", '["ann"]')
    press(page, "Add")
    assert page.locator("[role=alert]").inner_text()
    page.fill("main input[name=rule]", "every 3 hours")
    press(page, "Add")
    assert said(page) == "The schedule is added."

    page.click("summary:has-text('Change the schedule')")
    page.fill("main input[name=rule]", "0 9 * * mon-fri")
    press(page, "Change")
    assert "at 09:00 on Monday to Friday" in page.inner_text("main")

    press(page, "Trigger now")
    assert said(page) == "The schedule has fired."
    press(page, "Pause")
    press(page, "Resume")
    page.click("summary:has-text('Remove')")
    press(page, "Remove by hand")
    assert said(page) == "The schedule is removed."


def test_many_jobs_are_counted_before_they_run_again(page: Any, shop: Shop) -> None:
    page.goto("/jobs?state=FAILURE")

    press(page, "Run again…")
    page.wait_for_load_state()
    for _ in range(100):
        if page.locator("main button:has-text('Run them again')").count():
            break
        page.reload()
    press(page, "Run them again")

    assert "/bulk/" in page.url


# What scripts add


def test_new_jobs_are_counted_above_a_list_that_stays_where_it_is(scripted: Any, shop: Shop) -> None:
    scripted.goto("/jobs")
    first = scripted.locator("tbody tr").first.get_attribute("data-id")
    scripted.locator("tbody input[data-pick]").first.check()

    new = shop.q.send_task("shop.mail", ("new",), countdown=3600)
    scripted.wait_for_selector("#new-rows:visible")

    assert scripted.inner_text("#new-rows") == "(1 new)"
    assert scripted.inner_text("#live") == "(1 new)"
    assert scripted.locator("tbody tr").first.get_attribute("data-id") == first
    scripted.click("#new-rows")
    scripted.wait_for_selector(f"tbody tr:first-child[data-id='{new.id}']")
    assert scripted.locator("tbody input:checked").count() == 1


def test_a_page_shows_what_happened_by_itself(scripted: Any, shop: Shop) -> None:
    job = shop.q.send_task("shop.mail", ("ann",), queue="stopped", countdown=3600)
    scripted.goto(f"/jobs/{job.id}")
    assert "PENDING" in scripted.inner_text("h1")

    job.revoke()

    scripted.wait_for_selector("h1:has-text('REVOKED')")


def test_what_is_half_typed_stays_and_so_does_an_open_question(scripted: Any, shop: Shop) -> None:
    shop.q.send_task("shop.mail", ("eve",), queue="asked", countdown=3600)
    scripted.goto("/queues/asked")
    scripted.click("summary:has-text('Remove what waits')")
    shop.q.send_task("shop.mail", ("eve",), queue="asked", countdown=3600)
    scripted.wait_for_selector(".cards .card:first-child .figure:has-text('2')")
    assert scripted.locator("button:has-text('Remove 1 job')").is_visible()

    scripted.goto("/workers")
    scripted.click("summary:has-text('Queues')")
    scripted.type("input[name=queue]", "half ty")
    shop.q.control.pause("somewhere")
    shop.q.control.resume("somewhere")
    scripted.wait_for_timeout(1)
    scripted.type("input[name=queue]", "ped")
    assert scripted.input_value("input[name=queue]") == "half typed"


def test_the_keys_go_where_their_list_says(scripted: Any) -> None:
    scripted.goto("/")
    scripted.keyboard.press("?")
    assert scripted.locator("#keys").is_visible()
    scripted.keyboard.press("Escape")
    assert not scripted.locator("#keys").is_visible()

    for path in LISTS[1:]:
        scripted.keyboard.press("g")
        scripted.keyboard.press(path[1])
        scripted.wait_for_url(f"**{path}")
    scripted.keyboard.press("/")
    assert scripted.evaluate("document.activeElement.id") == "find"


def test_rows_are_walked_ticked_and_run_again_by_keys_after_a_question(scripted: Any) -> None:
    scripted.goto("/jobs?state=FAILURE")

    scripted.keyboard.press("j")
    assert scripted.evaluate("document.activeElement.className") == "id"
    scripted.keyboard.press("x")
    assert scripted.locator("tbody input:checked").count() == 1
    scripted.keyboard.press("r")
    scripted.wait_for_selector("h1:has-text('Run 1 job again?')")


# The browser itself


def test_a_browser_that_hangs_is_ended_and_the_next_page_has_another(
    browser: Browser, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.web.browser.HANGS_S", 1)
    with logged_in(browser, shop):
        signal_browser(signal.SIGSTOP)

    with logged_in(browser, shop) as page:
        assert page.locator("h1").is_visible()
