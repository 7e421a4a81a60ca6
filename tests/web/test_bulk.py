"""Many jobs are changed at once: exactly those that were counted, and what came of it is written down."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Sequence

import pytest
from starlette.testclient import TestClient

from localq import LocalQ
from localq.exceptions import StoreError
from localq.store.protocol import Store
from localq.testing import drain
from localq.web.act import bulk as one_bulk
from localq.web.act.bulk import Bulk, Phase
from localq.web.act.bulks import Bulks
from localq.web.act.change import Denied, Hand
from localq.web.ask.listing import Asked
from localq.web.desk import Desk
from localq.web.gate.actor import EVERYTHING, Actor, Right
from tests.worker.waiting import DEADLINE_S

EVIL = "<script>alert(1)</script>\"'>/%"
ANN = Hand(Actor("ann", EVERYTHING), "here")


def failed(q: LocalQ, count: int) -> list[str]:
    ids = [q.send_task("shop.pack", (number,)).id for number in range(count)]
    drain(q)
    return ids


def asks(page: TestClient, **fields: str | list[str]) -> str:
    """Ask for a change, and return the address of the page that asks whether it is meant."""
    answer = page.post("/bulk", data=fields)
    assert answer.status_code == 303
    return str(answer.headers["location"])


def until(page: TestClient, address: str, said: str) -> str:
    """Load a page again, as a browser without scripts does, until it says something."""
    for _ in range(2000):
        text = page.get(address).text
        if said in text:
            return text
    raise AssertionError(f"{said!r} is never said")


def written(q: LocalQ) -> list[tuple[str, str, int, str]]:
    rows = [row.change for row in q.store.history.changes(50)]
    return [(one.verb, one.target, one.count, one.note) for one in rows]


def test_all_that_a_filter_finds_runs_again_once_somebody_says_that_it_is_meant(page: TestClient, q: LocalQ) -> None:
    ids = failed(q, 3)
    mail = q.send_task("shop.mail", ("ann",))

    address = asks(page, verb="retry", state="FAILURE", task="shop.pack", within="24h")
    text = page.get(address).text

    assert "Run 3 jobs again?" in text
    assert "<code>shop.pack</code>" in text
    assert {q.AsyncResult(one).state for one in ids} == {"FAILURE"}
    page.post(f"{address}/go")
    until(page, address, "3 jobs run again.")
    assert {q.AsyncResult(one).state for one in [*ids, mail.id]} == {"PENDING"}
    words = "state=FAILURE task=shop.pack within=24h"
    assert written(q) == [("retry", words, 3, "done: 3 of 3"), ("retry", words, 3, "begun")]


def test_what_comes_after_the_count_stays_as_it_is(page: TestClient, q: LocalQ) -> None:
    early = failed(q, 2)
    later = q.send_task("shop.pack", (7,), countdown=3600)

    address = asks(page, verb="retry", state="FAILURE")
    late = failed(q, 1)
    q.requeue(early[:1])
    page.post(f"{address}/go")

    text = until(page, address, "1 job runs again.")
    assert "The others had changed meanwhile" in text
    assert q.AsyncResult(late[0]).state == "FAILURE"
    assert later.state == "PENDING"


def test_jobs_that_were_picked_are_changed_and_no_others(page: TestClient, q: LocalQ) -> None:
    ids = failed(q, 4)

    address = asks(page, verb="delete", id=[ids[0], ids[2], "none-such"], task="shop.pack")
    assert "Delete 2 jobs for good?" in page.get(address).text
    page.post(f"{address}/go")

    until(page, address, "2 jobs are deleted.")
    assert set(q.store.read.get(ids)) == {ids[1], ids[3]}
    assert {one[:2] for one in written(q)} == {("delete", ids[0]), ("delete", ids[2])}


def test_what_waits_is_cancelled_and_what_is_over_is_not_counted(page: TestClient, q: LocalQ) -> None:
    failed(q, 1)
    waiting = q.send_task("shop.mail", ("ann",))

    address = asks(page, verb="cancel")
    assert "Cancel 1 job?" in page.get(address).text
    page.post(f"{address}/go")

    until(page, address, "1 job is cancelled.")
    assert waiting.state == "REVOKED"


def test_a_change_is_made_once_however_often_it_is_asked_for(page: TestClient, q: LocalQ) -> None:
    ids = failed(q, 2)
    address = asks(page, verb="retry", state="FAILURE")

    page.post(f"{address}/go")
    until(page, address, "2 jobs run again.")
    drain(q)
    page.post(f"{address}/go")

    assert [one.state for one in map(q.AsyncResult, ids)] == ["FAILURE", "FAILURE"]
    assert len(written(q)) == 2


def test_nothing_is_changed_where_there_is_nothing(page: TestClient) -> None:
    text = page.get(asks(page, verb="retry", task="shop.none")).text

    assert "No job is like that." in text
    assert "/go" not in text


@pytest.mark.parametrize("fields", [{"verb": "drop"}, {}, {"verb": "retry", "state": "NONSENSE"}])
def test_a_change_that_cannot_be_meant_is_refused_in_words(page: TestClient, fields: dict[str, str]) -> None:
    assert page.post("/bulk", data=fields).status_code == 400


def test_a_change_that_is_not_known_is_not_there(page: TestClient) -> None:
    assert page.get("/bulk/none").status_code == 404
    assert page.post("/bulk/none/go").status_code == 404
    assert page.post("/bulk/none/stop").status_code == 404


def test_who_may_only_read_changes_nothing_by_any_way(q: LocalQ, page: TestClient) -> None:
    reader = Hand(Actor("eve", frozenset({Right.READ})), "there")
    failed(q, 1)
    bulk = counted(q, Bulk(ANN, "retry", Asked(), (), q.clock.now()))

    with pytest.raises(Denied):
        Bulk(reader, "retry", Asked(), (), 0)
    with pytest.raises(Denied):
        bulk.begin(q, reader)
    with pytest.raises(Denied):
        Bulks(Desk(q)).stop(bulk, reader)
    assert bulk.phase == Phase.COUNTED


def test_names_and_texts_stay_in_their_place(page: TestClient, q: LocalQ) -> None:
    q.send_task(f"evil.{EVIL}", (EVIL,), queue="q/%<i>")

    listed = page.get("/jobs", params={"task": f"evil.{EVIL}", "text": "alert(1)"}).text
    text = page.get(asks(page, verb="cancel", task=f"evil.{EVIL}", queue="q/%<i>", text="alert(1)")).text

    assert "<code>evil.&lt;script&gt;" in text
    assert "<script>alert" not in text + listed
    assert re.search(r'<input type="checkbox" name="id" value="[^"]+" form="many"', listed)


def counted(q: LocalQ, bulk: Bulk) -> Bulk:
    while bulk.phase == Phase.COUNTING:
        bulk.count_on(q, q.store)
    return bulk


def test_a_change_goes_on_over_many_batches(q: LocalQ, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(one_bulk, "BATCH", 2)
    ids = failed(q, 7)
    bulk = counted(q, Bulk(ANN, "retry", Asked(states=("FAILURE",)), (), q.clock.now()))

    bulk.begin(q, ANN)
    batches = []
    while bulk.ongoing:
        batches.append(bulk.batch(q, q.store))
        bulk.apply(q, batches[-1])

    assert [one for batch in batches for one in batch] == ids[::-1]
    assert max(map(len, batches)) == 2
    assert (bulk.counted, bulk.passed, bulk.changed, bulk.phase) == (7, 7, 7, Phase.DONE)


def test_a_change_that_is_stopped_says_how_far_it_came(q: LocalQ, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(one_bulk, "BATCH", 2)
    ids = failed(q, 7)

    async def stopped() -> Bulk:
        bulks = Bulks(Desk(q))
        bulk = Bulk(ANN, "retry", Asked(), (), q.clock.now())
        monkeypatch.setattr(one_bulk, "change", then(one_bulk.change, lambda: bulks.stop(bulk, ANN)))
        await bulks.count(bulk)
        await bulks.begin(bulk, ANN)
        await bulks._going[bulk.id]
        return bulk

    bulk = asyncio.run(stopped())

    assert (bulk.phase, bulk.changed) == (Phase.STOPPED, 2)
    assert sorted(one.state for one in map(q.AsyncResult, ids)) == ["FAILURE"] * 5 + ["PENDING"] * 2
    assert written(q)[0][3] == "stopped by ann: 2 of 7"


def test_a_change_is_spread_evenly_over_the_time_that_was_said(q: LocalQ) -> None:
    """Ten jobs over twenty seconds: one each two seconds, from the first second on."""
    failed(q, 10)
    bulk = counted(q, Bulk(ANN, "retry", Asked(states=("FAILURE",)), (), q.clock.now()))
    begun = q.clock.now()

    bulk.begin(q, ANN, 20)
    rests = []
    while bulk.ongoing:
        bulk.apply(q, bulk.batch(q, q.store))
        rests.append(round(bulk.rests_s(bulk.begun_at + 500_000), 3))

    assert begun <= bulk.begun_at <= q.clock.now()
    assert rests == [1.5, 3.5, 5.5, 7.5, 9.5, 11.5, 13.5, 15.5, 17.5, 0.0], (
        "after the last there is nothing to wait for"
    )
    assert (bulk.changed, bulk.phase) == (10, Phase.DONE)
    assert [note for _, _, _, note in written(q)] == ["done: 10 of 10", "begun, spread over 20 s"]


def test_jobs_that_were_picked_are_spread_too(q: LocalQ) -> None:
    ids = failed(q, 4)
    bulk = counted(q, Bulk(ANN, "retry", Asked(), ids, q.clock.now()))

    bulk.begin(q, ANN, 2)
    assert bulk.batch(q, q.store) == ids[:2]
    assert bulk.rests_s(bulk.begun_at) == 1.0
    bulk.apply(q, ids[:2])
    assert bulk.batch(q, q.store) == ids[2:]


def test_a_change_that_rests_is_stopped_at_once(page: TestClient, q: LocalQ) -> None:
    ids = failed(q, 3)
    address = asks(page, verb="retry", state="FAILURE")

    assert "Spread over" in page.get(address).text
    page.post(f"{address}/go", data={"spread": "86400"})
    text = until(page, address, "1 of 3 jobs done")
    assert "Spread over 24 h: one batch after the other. The next is due in 8 h." in text
    page.post(f"{address}/stop")

    text = until(page, address, "Stopped: 1 of 3 jobs was changed")
    assert "The others had changed meanwhile" not in text
    assert sorted(q.AsyncResult(one).state for one in ids) == ["FAILURE", "FAILURE", "PENDING"]


@pytest.mark.parametrize("spread", ["-1", "nan", "inf", "1e9", "soon"])
def test_a_time_that_nothing_can_be_spread_over_is_refused(page: TestClient, q: LocalQ, spread: str) -> None:
    failed(q, 1)
    address = asks(page, verb="retry", state="FAILURE")

    assert page.post(f"{address}/go", data={"spread": spread}).status_code == 400
    assert "Run 1 job again?" in page.get(address).text


def then(first: object, second: object) -> object:
    def both(app: LocalQ, verb: str, ids: Sequence[str]) -> list[str]:
        changed = first(app, verb, ids)  # type: ignore[operator]
        second()  # type: ignore[operator]
        return list(changed)

    return both


def test_a_change_that_fails_says_why_and_what_it_had_done(page: TestClient, q: LocalQ, monkeypatch: object) -> None:
    failed(q, 2)
    address = asks(page, verb="retry", state="FAILURE")

    def full(*_: object) -> list[str]:
        raise StoreError("the disk is full")

    monkeypatch.setattr(one_bulk, "change", full)  # type: ignore[attr-defined]
    page.post(f"{address}/go")

    text = until(page, address, "It failed: 0 of 2 jobs were changed")
    assert "the disk is full" in text
    assert written(q)[0][3] == "failed: 0 of 2 (the disk is full)"


def test_while_it_goes_on_a_page_without_scripts_loads_again_by_itself(
    page: TestClient, q: LocalQ, monkeypatch: pytest.MonkeyPatch
) -> None:
    go, count_on = threading.Event(), Bulk.count_on

    def held(bulk: Bulk, app: LocalQ, store: Store) -> None:
        go.wait(DEADLINE_S)
        count_on(bulk, app, store)

    monkeypatch.setattr(Bulk, "count_on", held)
    monkeypatch.setattr("localq.web.act.bulks._SOON_S", 0)
    failed(q, 1)
    address = asks(page, verb="retry")

    text = page.get(address).text
    go.set()

    assert '<noscript><meta http-equiv="refresh" content="1"></noscript>' in text
    assert "Counting: 0 jobs so far" in text
    assert f'action="{address}/stop"' in text
    assert "refresh" not in until(page, address, "Run 1 job again?")


def test_the_end_of_the_dashboard_stops_what_goes_on_and_writes_it_down(q: LocalQ) -> None:
    failed(q, 2)

    async def ended() -> None:
        bulks = Bulks(Desk(q))
        bulk = Bulk(ANN, "retry", Asked(), (), q.clock.now())
        await bulks.count(bulk)
        await bulks.begin(bulk, ANN)
        await bulks.close()

    asyncio.run(ended())

    assert written(q)[0][3] == "stopped by the end of the dashboard: 0 of 2"


def test_a_job_is_deleted_from_its_page(page: TestClient, q: LocalQ) -> None:
    job = failed(q, 1)[0]
    waiting = q.send_task("shop.mail", ("ann",))

    assert f'action="/jobs/{job}/delete"' in page.get(f"/jobs/{job}").text
    assert page.post(f"/jobs/{job}/delete").headers["location"].startswith("/jobs?said=")
    assert page.post(f"/jobs/{waiting.id}/delete").headers["location"].startswith(f"/jobs/{waiting.id}?said=")
    assert q.store.read.get([job]) == {}
    assert page.get(f"/jobs/{job}").status_code == 404


def test_the_page_that_asks_says_all_that_was_asked_for_in_the_readers_language(page: TestClient) -> None:
    asked = {"state": "FAILURE", "task": "t", "queue": "q", "worker": "w", "text": "x", "within": "1h"}
    times = {"since": "2026-11-30T14:02", "until": "2026-11-30T15:02"}

    text = page.get(asks(page, verb="retry", **asked, **times), headers={"Accept-Language": "zh"}).text

    assert all(f"<code>{value}</code>" in text for value in (asked | times).values())
    assert "<dt>队列</dt>" in text
