"""The API below /api/v1: each answer is as its document says, and each change as the pages make it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from jsonschema import Draft202012Validator
from starlette.testclient import TestClient

from localq import LocalQ, group
from localq.testing import drain
from localq.web.api.endpoints import ENDPOINTS
from localq.web.api.openapi import document
from tests.worker.waiting import DEADLINE_S, until

Open = Callable[..., TestClient]
PATIENT = {"concurrency": 1, "pool": "threads"}


def checked(client: TestClient, method: str, path: str, **more: Any) -> Any:
    """Ask, and return an answer that is as the document says."""
    answer = client.request(method, f"/api/v1{path}", **more)
    told = document()
    bare = path.partition("?")[0]
    fits = [one for one in told["paths"] if re.fullmatch(re.sub(r"{\w+}", "[^/]+", one), f"/api/v1{bare}")]
    operation = told["paths"][min(fits, key=lambda one: one.count("{"))][method.lower()]
    response = operation["responses"].get(str(answer.status_code))
    assert response is not None, (answer.status_code, answer.text)
    if "$ref" in response:
        response = told["components"]["responses"]["Problem"]
    kind = answer.headers["content-type"].partition(";")[0]
    schema = response["content"][kind]["schema"]
    Draft202012Validator({**schema, "components": told["components"]}).validate(answer.json())
    return answer.json()


@pytest.fixture
def busy(q: LocalQ) -> LocalQ:
    """Return the shop with jobs in many states, a paused queue, a schedule and a workflow."""
    q.send_task("shop.mail", ("ann",), {"password": "hunter2"}, task_id="done")
    q.send_task("shop.pack", (17,), task_id="failed")
    group(q.tasks["shop.mail"].si("bob"), q.tasks["shop.mail"].si("eve"))()
    drain(q)
    q.send_task("shop.mail", ("ann",), queue="slow", countdown=3600, expires=7200, task_id="later")
    q.send_task("shop.mail", ("ann",), task_id="ready")
    q.control.pause("slow")
    q.schedules.add("nightly", "0 3 * * *", "shop.mail", ("all",))
    return q


@pytest.mark.parametrize(
    "path",
    [
        "/overview",
        "/series",
        "/series?window=7d",
        "/audit",
        "/jobs",
        "/jobs?state=FAILURE&state=SUCCESS&task=shop.pack&within=1h&lines=5",
        "/jobs/done",
        "/jobs/failed",
        "/jobs/later",
        "/jobs/ready/why",
        "/tasks",
        "/tasks/shop.pack",
        "/tasks/shop.pack?window=7d",
        "/tasks/unknown",
        "/queues",
        "/queues/slow",
        "/workers",
        "/schedules",
        "/schedules?text=night",
        "/schedules/nightly",
        "/schedules/nightly/ledger",
        "/jobs/unknown",
        "/queues/unknown",
        "/schedules/unknown",
        "/bulks/unknown",
        "/jobs?lines=1000",
        "/jobs?nonsense=1",
        "/jobs?state=NONSENSE",
        "/series?window=1y",
        "/audit?before=-1",
        "/audit?before=null",
    ],
)
def test_each_answer_is_as_the_document_says(page: TestClient, busy: LocalQ, path: str) -> None:
    with busy.running(**PATIENT):
        checked(page, "GET", path)


def test_the_document_names_every_endpoint_and_is_served(page: TestClient) -> None:
    told = page.get("/api/v1/openapi.json").json()

    assert told["openapi"] == "3.1.0"
    names = [one["operationId"] for path in told["paths"].values() for one in path.values()]
    assert len(set(names)) == len(names) == len(ENDPOINTS)
    assert all(one["summary"] for path in told["paths"].values() for one in path.values())


def test_null_is_no_cursor(page: TestClient) -> None:
    assert page.get("/api/v1/audit?before=null").status_code == 400
    assert page.get("/api/v1/jobs?text=null").status_code == 200


def test_a_job_is_told_without_its_secrets(page: TestClient, busy: LocalQ) -> None:
    done, failed = checked(page, "GET", "/jobs/done"), checked(page, "GET", "/jobs/failed")

    assert (done["state"], done["result"], done["exact"]) == ("SUCCESS", "sent to ann", False)
    assert "hunter2" not in page.get("/api/v1/jobs/done").text
    assert failed["runs"][0]["error"] == "ValueError: order 17 is lost"
    assert checked(page, "GET", "/jobs/later/why")["text"]


def test_pages_of_jobs_follow_each_other(page: TestClient, q: LocalQ) -> None:
    ids = [q.send_task("shop.mail", (str(number),)).id for number in range(7)]
    found: list[str] = []
    cursor = ""

    while cursor is not None:
        answer = checked(page, "GET", f"/jobs?lines=3{cursor and f'&before={cursor}'}")
        found += [one["id"] for one in answer["jobs"]]
        cursor = answer["cursor"]

    assert found == ids[::-1]


def test_jobs_run_again_are_cancelled_and_deleted(page: TestClient, busy: LocalQ) -> None:
    assert checked(page, "POST", "/jobs/failed/retry") == {"changed": 1, "message": "1 job runs again."}
    assert checked(page, "POST", "/jobs/ready/cancel")["changed"] == 1
    assert checked(page, "POST", "/jobs/ready/cancel")["changed"] == 0
    assert checked(page, "POST", "/jobs/failed/terminate")["changed"] == 1
    assert checked(page, "DELETE", "/jobs/done")["changed"] == 1
    assert checked(page, "GET", "/jobs/done")["status"] == 404
    assert checked(page, "POST", "/jobs/unknown/retry")["status"] == 404
    verbs = [one["verb"] for one in checked(page, "GET", "/audit")["entries"]]
    assert verbs == ["delete", "terminate", "cancel", "retry"]


def test_many_jobs_are_counted_and_then_changed(page: TestClient, busy: LocalQ) -> None:
    counted = checked(page, "POST", "/bulks", json={"verb": "delete", "task": ["shop.mail"], "state": ["SUCCESS"]})

    assert (counted["phase"], counted["counted"], counted["changed"]) == ("counted", 3, 0)
    checked(page, "POST", f"/bulks/{counted['id']}/begin")
    while (told := checked(page, "GET", f"/bulks/{counted['id']}"))["phase"] == "running":
        pass
    assert (told["phase"], told["changed"]) == ("done", 3)
    assert checked(page, "POST", "/bulks", json={"verb": "explode"})["status"] == 400


def test_a_task_is_called_and_a_call_that_cannot_be_is_refused(page: TestClient, busy: LocalQ) -> None:
    path = "/tasks/shop.mail/call"

    made = checked(page, "POST", path, json={"args": ["ann"], "queue": "slow", "eta": "2999-01-01T00:00:00Z"})

    assert checked(page, "GET", f"/jobs/{made['id']}")["queue"] == "slow"
    assert checked(page, "POST", path, json={"args": ["a", "b", "c"]})["status"] == 400
    assert checked(page, "POST", path, json={"args": "ann"})["status"] == 400
    assert checked(page, "POST", path, json={"colour": "red"})["status"] == 400
    assert checked(page, "POST", path, content=b"{nope")["status"] == 400
    assert checked(page, "POST", path, json={"args": ["ann"], "task_id": "x", "priority": 10**20})["status"] == 400


def test_queues_are_paused_resumed_and_emptied(page: TestClient, busy: LocalQ) -> None:
    assert checked(page, "GET", "/queues/slow")["paused"]
    assert checked(page, "POST", "/queues/slow/resume")["changed"] == 1
    assert checked(page, "POST", "/queues/slow/pause")["changed"] == 1
    checked(page, "POST", "/queues/slow/purge", json={"most": 0})
    assert busy.AsyncResult("later").exists()
    assert checked(page, "POST", "/queues/slow/purge", json={"most": 1})["changed"] == 1
    assert not busy.AsyncResult("later").exists()


def test_workers_are_steered(page: TestClient, busy: LocalQ) -> None:
    with busy.running(**PATIENT):
        name = quote(checked(page, "GET", "/workers")["workers"][0]["name"])
        assert checked(page, "POST", f"/workers/{name}/grow")["changed"] == 1
        assert checked(page, "POST", f"/workers/{name}/shrink")["changed"] == 1
        assert checked(page, "POST", f"/workers/{name}/leave", json={"queue": "slow"})["changed"] == 1
        assert checked(page, "POST", f"/workers/{name}/serve", json={"queue": "slow"})["changed"] == 1
    assert checked(page, "POST", "/workers/nobody/shutdown")["status"] == 404


def test_a_task_is_told_with_its_errors_in_groups(page: TestClient, busy: LocalQ) -> None:
    busy.send_task("shop.pack", (18,))
    drain(busy)

    told = checked(page, "GET", "/tasks/shop.pack?window=1h")

    assert [(one["text"], one["jobs"]) for one in told["errors"]] == [("ValueError: order … is lost", 2)]
    assert (told["during"]["finished"], told["during"]["failed"], told["waiting"]) == (2, 2, 0)
    assert sum(one["jobs"] for one in told["runs"]) == 2
    assert told["parameters"] == [{"name": "order", "kind": "one", "required": True, "hint": "int"}]


def test_a_job_is_run_with_other_arguments_by_a_new_one(page: TestClient, busy: LocalQ) -> None:
    new = checked(page, "POST", "/jobs/failed/edit", json={"args": [18]})["id"]

    assert checked(page, "GET", f"/jobs/{new}")["args"] == [18]
    assert checked(page, "GET", "/jobs/failed")["args"] == [17]
    assert checked(page, "POST", "/jobs/failed/edit", json={"args": [1, 2]})["status"] == 400
    assert checked(page, "POST", "/jobs/done/edit", json={"args": ["bob"]})["status"] == 400, "it has a secret"
    assert checked(page, "POST", "/jobs/unknown/edit")["status"] == 404
    assert checked(page, "GET", "/audit")["entries"][0]["verb"] == "retry edited"


def test_a_body_may_be_left_out_where_nothing_in_it_is_needed(page: TestClient, busy: LocalQ) -> None:
    again = checked(page, "POST", "/jobs/failed/edit")["id"]

    assert checked(page, "GET", f"/jobs/{again}")["args"] == [17]
    assert checked(page, "POST", "/queues/slow/purge")["status"] == 400


def test_schedules_are_added_changed_backfilled_and_removed(page: TestClient, busy: LocalQ) -> None:
    said = {"name": "hourly", "schedule": "0 * * * *", "task": "shop.mail", "args": ["all"], "missed": "skip"}
    assert checked(page, "POST", "/schedules", json=said)["changed"] == 1
    assert checked(page, "POST", "/schedules", json=said)["status"] == 400, "there is one already"
    assert checked(page, "PATCH", "/schedules/hourly", json={"schedule": 60, "queue": "slow"})["changed"] == 1
    told = checked(page, "GET", "/schedules/hourly")["schedule"]
    assert (told["words"], told["task"]) == ("every minute", "shop.mail")
    checked(page, "PATCH", "/schedules/hourly", json={"schedule": "0 * * * *"})

    day = {"start": "2020-01-01T00:00:00Z", "end": "2020-01-01T05:30:00Z"}
    assert checked(page, "POST", "/schedules/hourly/backfill", json=day)["changed"] == 6
    assert checked(page, "DELETE", "/schedules/hourly")["changed"] == 1
    assert checked(page, "GET", "/schedules/hourly")["status"] == 404
    verbs = [one["verb"] for one in checked(page, "GET", "/audit")["entries"] if one["target"] == "schedule hourly"]
    assert verbs == ["remove", "backfill", "edit", "edit", "add"]


@pytest.mark.parametrize(
    "said",
    [
        {"name": "bad", "schedule": "61 * * * *", "task": "shop.mail"},
        {"name": "bad", "schedule": "*/1" * 500, "task": "shop.mail"},
        {"name": "bad", "schedule": 60, "task": "shop.none", "args": ["x", "y"], "colour": "red"},
        {"name": "bad", "schedule": 60},
        {"name": "", "schedule": 60, "task": "shop.mail"},
        {"name": "bad", "schedule": 60, "task": "shop.mail", "overlap": "nonsense"},
        {"name": "bad", "schedule": 60, "task": "shop.mail", "args": ["a", "b", "c", "d"]},
    ],
)
def test_a_schedule_that_cannot_be_is_refused(page: TestClient, q: LocalQ, said: dict[str, Any]) -> None:
    assert checked(page, "POST", "/schedules", json=said)["status"] == 400
    assert q.schedules.list() == []


def test_a_configured_schedule_is_not_changed_here(page_of: Open, q: LocalQ) -> None:
    q.conf.beat_schedule = {"fixed": {"task": "shop.mail", "schedule": 3600.0, "args": ("all",)}}
    page = page_of()
    with q.running(**PATIENT):
        until(lambda: bool(q.store.schedules.find(["fixed"])), DEADLINE_S)

    assert checked(page, "PATCH", "/schedules/fixed", json={"schedule": 60})["status"] == 400
    assert checked(page, "DELETE", "/schedules/fixed")["status"] == 400


def test_schedules_rest_go_on_and_fire(page: TestClient, busy: LocalQ) -> None:
    assert checked(page, "POST", "/schedules/nightly/pause")["changed"] == 1
    assert checked(page, "GET", "/schedules/nightly")["schedule"]["state"] == "paused"
    assert checked(page, "POST", "/schedules/nightly/resume")["changed"] == 1
    assert checked(page, "POST", "/schedules/nightly/trigger")["changed"] == 1
    assert checked(page, "GET", "/schedules/nightly/ledger")["entries"][0]["outcome"] == "fired"
    assert checked(page, "POST", "/schedules/unknown/pause")["status"] == 404


def test_who_is_refused_gets_a_problem(page_of: Open) -> None:
    stranger, reader = page_of(None), page_of(read_only=True)

    assert checked(stranger, "GET", "/jobs")["status"] == 401
    assert checked(reader, "POST", "/jobs/done/retry")["status"] == 403
    refused = reader.put("/api/v1/jobs/done")
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.headers["allow"] == "DELETE, GET, HEAD"
    assert reader.get("/api/v1/nothing").json()["status"] == 404
