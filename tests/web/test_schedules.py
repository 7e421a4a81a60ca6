"""The pages of schedules, and what is done to schedules there."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from starlette.testclient import TestClient

from localq import LocalQ
from localq.exceptions import ScheduleError

NEW = {"name": "tea/time", "rule": "0 9 * * mon-fri", "task": "shop.mail", "zone": "Europe/Berlin", "args": '["ann"]'}
AT = "/schedules/tea%2Ftime"


def added(page: TestClient, **more: str) -> None:
    answer = page.post("/schedules", data={**NEW, **more})
    assert answer.status_code == 303, answer.text
    assert answer.headers["location"].startswith(f"{AT}?")


def verbs(q: LocalQ) -> list[str]:
    return [one.change.verb for one in q.store.history.changes(20, target="schedule tea/time")][::-1]


def test_a_schedule_is_added_and_shown_with_its_rule_in_words(page: TestClient, q: LocalQ) -> None:
    added(page, args='["ann"]', kwargs='{"password": "secret!"}')

    text = page.get(AT).text

    assert "at 09:00 on Monday to Friday" in text
    assert text.count("09:00:00 CE") == 10
    assert "&#34;ann&#34;, password=" in text
    assert "secret!" not in text
    assert "at 09:00 on Monday to Friday" in page.get("/schedules").text
    assert verbs(q) == ["add"]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"rule": "x x"}, "Cron expression"),
        ({"rule": ""}, "rule is missing"),
        ({"rule": "1" * 301}, "301 characters"),
        ({"task": ""}, "task is missing"),
        ({"task": "shop.male"}, "shop.male"),
        ({"args": "[1"}, "args must be JSON"),
        ({"args": "{}"}, "args must be JSON such as"),
        ({"kwargs": "[]"}, "kwargs must be JSON such as"),
        ({"zone": "Mars"}, "Mars"),
        ({"name": ""}, "name"),
    ],
)
def test_what_cannot_be_is_said_and_what_was_typed_stays(
    page: TestClient, q: LocalQ, wrong: dict[str, str], said: str
) -> None:
    answer = page.post("/schedules", data={**NEW, "queue": "typed-before", **wrong})

    assert answer.status_code == 422
    assert said in answer.text
    assert 'value="typed-before"' in answer.text
    assert q.schedules.list() == []


def test_a_name_is_taken_once(page: TestClient) -> None:
    added(page)

    assert "There is a schedule" in page.post("/schedules", data=NEW).text


def test_a_schedule_is_changed_where_something_was_typed(page: TestClient, q: LocalQ) -> None:
    added(page, args='["ann"]')

    answer = page.post(f"{AT}/edit", data={"rule": "every 5 minutes", "task": "", "args": "", "overlap": "skip"})

    assert answer.status_code == 303
    one = q.schedules.get("tea/time")
    assert (one.words, one.task, one.zone) == ("every 5 minutes", "shop.mail", "Europe/Berlin")
    text = page.get(AT).text
    assert "&#34;ann&#34;" in text
    assert "<dd>skip</dd>" in text
    assert verbs(q) == ["add", "edit"]


def test_a_schedule_rests_goes_on_and_fires_by_hand(page: TestClient, q: LocalQ) -> None:
    added(page)

    page.post(f"{AT}/pause")
    assert "paused" in page.get("/schedules").text
    assert q.schedules.get("tea/time").state == "paused"
    page.post(f"{AT}/resume")
    assert q.schedules.get("tea/time").state == "active"
    page.post(f"{AT}/trigger")

    text = page.get(AT).text
    assert "triggered by hand" in text
    assert q.schedules.ledger("tea/time")[0].job_id in text
    assert verbs(q) == ["add", "pause", "resume", "trigger"]


def test_what_did_not_fire_is_made_up_for_once(page: TestClient, q: LocalQ) -> None:
    added(page, rule="0 * * * *", zone="UTC")
    end = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    span = {"from": f"{end - timedelta(hours=3):%Y-%m-%dT%H:%M}", "to": f"{end:%Y-%m-%dT%H:%M}"}

    first = page.get(page.post(f"{AT}/backfill", data=span).headers["location"]).text
    again = page.get(page.post(f"{AT}/backfill", data=span).headers["location"]).text

    assert "4 instants have fired." in first
    assert "No instant of that time is left to fire." in again
    assert page.post(f"{AT}/backfill", data={"from": "x", "to": ""}).status_code == 409
    assert verbs(q) == ["add", "backfill"]


def test_a_schedule_is_removed(page: TestClient, q: LocalQ) -> None:
    added(page)

    assert page.post(f"{AT}/remove").headers["location"].startswith("/schedules?")
    assert page.get(AT).status_code == 404
    assert page.post(f"{AT}/pause").status_code == 409
    with pytest.raises(ScheduleError):
        q.schedules.get("tea/time")


def test_a_configured_schedule_says_why_it_is_not_changed_here(page: TestClient, q: LocalQ) -> None:
    q.conf.beat_schedule = {"nightly": {"task": "shop.mail", "schedule": 3600.0, "args": ("ann",)}}
    q.schedules.sync(q.store, q.clock.now())

    text = page.get("/schedules/nightly").text

    assert "the configuration of shop" in text
    assert "It cannot be changed here" in text
    assert 'action="/schedules/nightly/edit"' not in text
    assert 'action="/schedules/nightly/remove"' not in text
    assert "belongs to the configuration" in page.post("/schedules/nightly/edit", data={"rule": "5"}).text
    assert page.post("/schedules/nightly/remove").status_code == 409


def test_skipped_instants_are_shown_with_their_reason(page: TestClient, q: LocalQ) -> None:
    added(page, rule="1")
    q.schedules.pause("tea/time")
    row = q.store.schedules.find(["tea/time"])[0]
    assert row.next_at is not None
    q.clock = type("Later", (), {"now": lambda self: row.next_at + 5_500_000, "steady": lambda self: 0.0})()
    q.schedules.resume("tea/time")

    text = page.get(AT).text

    assert "skipped" in text
    assert "paused" in text


def test_schedules_are_found_by_a_part_of_their_name_or_task(page: TestClient) -> None:
    added(page)
    page.post("/schedules", data={**NEW, "name": "other", "task": "shop.pack", "args": "[1]"})

    text = page.get("/schedules?q=PACK").text

    assert "/schedules/other" in text
    assert AT not in text
    assert "No schedule is like that." in page.get("/schedules?q=nothing").text


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("30 7 * * mon", "星期一 07:30"),
        ("*/15 9-17 * * mon-fri", "星期一至星期五 9 至 17 时 每 15 分钟"),
        ("0 3 1,15 * *", "1 日和15 日 03:00"),
        ("5 * * * *", "每小时第 5 分"),
        ("0 0 * 1 mon#2", "1 月 当月第 2 个星期一 00:00"),
        ("every 30 seconds", "每 30 秒"),
        ("every hour", "每 小时"),
    ],
)
def test_a_rule_is_told_in_the_language_of_the_page(page: TestClient, q: LocalQ, rule: str, words: str) -> None:
    q.schedules.add("tea", rule, "shop.mail", ("ann",))

    for path in ("/schedules", "/schedules/tea"):
        assert words in page.get(path, headers={"Accept-Language": "zh"}).text
        assert q.schedules.get("tea").words in page.get(path).text
