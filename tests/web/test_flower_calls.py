"""Every call that was recorded of Flower, asked of LocalQ: status and shape agree, but for what is listed here.

`flower_calls.json` says at its head how it was recorded. What differs is told to users in docs/dashboard-api.md.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from localq import LocalQ, chain, current
from localq.result import AsyncResult
from localq.web.application import build
from localq.web.gate.sessions import Sessions
from tests.web import flower_shop
from tests.worker.waiting import DEADLINE_S

CALLS = json.loads((Path(__file__).parent / "flower_calls.json").read_text())["calls"]
TOKEN = "the token"


def recorded(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012}"


#: What differs, by the number of the call: the status from LocalQ, and why.
NO_STATE = "what no worker has taken is PENDING: there is no RECEIVED"
LISTS = "lists of tasks come with each refresh that names a worker, and are not kept"
RECEIVED = "every task has been received, by the store, when it was called"
CHECKED = "numbers that cannot be are refused"
POOLS = "a slot leaves after its job, so that pools shrink while all are busy, and any may scale itself"
WRONG = "a call that cannot be made is refused, and no error of the server"
UNKNOWN = "what is not there cannot be changed"
GONE = "a worker that has left is not known any more"
CROSS = "no other site changes anything, and no other name is answered to"
DIFFERENCES: dict[int, tuple[int, str]] = {
    9: (200, LISTS),
    48: (200, NO_STATE),
    57: (200, RECEIVED),
    58: (200, RECEIVED),
    109: (200, "a job of a task that no worker knows waits for one that does"),
    119: (200, "HEAD is answered"),
    121: (405, "there is no CORS"),
    132: (400, CHECKED),
    133: (400, CHECKED),
    136: (200, POOLS),
    137: (200, POOLS),
    141: (200, POOLS),
    144: (400, CHECKED),
    152: (200, LISTS),
    184: (400, WRONG),
    186: (400, WRONG),
    191: (200, "times are read as ISO 8601 too"),
    198: (400, WRONG),
    202: (400, WRONG),
    209: (404, UNKNOWN),
    217: (404, UNKNOWN),
    220: (400, "a signal that does not exist is refused"),
    233: (401, "metrics are for who has a key"),
    246: (405, "there is no CORS"),
    257: (401, "metrics are for who has a key"),
    265: (200, "a prefix is the mounting program's"),
    266: (200, "a prefix is the mounting program's"),
    267: (403, CROSS),
    268: (421, CROSS),
    275: (200, GONE),
    276: (404, GONE),
    277: (404, GONE),
    278: (404, GONE),
    279: (404, GONE),
    280: (404, GONE),
    281: (404, GONE),
}
#: Calls before which a worker must have left, or a job must have ended, as they had in the recording.
LEFT = 275
ENDED = {208: 41, 214: 2, 215: 3, 216: 2}

#: Parts of a worker's entry that are a broker's, or of pipes that LocalQ does not have.
NOT_HERE = frozenset(
    {"writes", "insist", "ssl", "userid", "virtual_host", "port", "connect_timeout", "transport_options"}
    | {"login_method", "uri_prefix", "failover_strategy", "credential_provider", "no_declare"}
)
#: Parts whose keys are not Flower's but the program's.
OPEN = frozenset({"conf", "total", "rusage", "result"})


def unlike(theirs: Any, ours: Any, place: str = "") -> str | None:
    """Return where the shape of an answer differs from the recorded one, or None."""
    name = place.rpartition(".")[2]
    if theirs is None or ours is None or name in OPEN:
        return None
    if isinstance(theirs, dict) and isinstance(ours, dict):
        for key, value in theirs.items():
            if key in NOT_HERE or key.startswith("..."):
                continue
            if key not in ours:
                return f"{place}.{key} is missing"
            found = unlike(value, ours[key], f"{place}.{key}")
            if found:
                return found
        return None
    if isinstance(theirs, list) and isinstance(ours, list):
        pairs = [(one, other) for one, other in zip(theirs[:1], ours[:1], strict=False)]
        return next((found for one, other in pairs if (found := unlike(one, other, f"{place}[]"))), None)
    kinds = [int | float if isinstance(theirs, int | float) and not isinstance(theirs, bool) else type(theirs)]
    return None if isinstance(ours, kinds[0]) else f"{place} is {ours!r:.80}, not as {theirs!r:.80}"


def of_map(found: Any) -> Any:
    """Return a map by ids or names as what it maps to: the first of them."""
    return next(iter(found.values()), None)


def difference(number: int, call: dict[str, Any], answer: Any) -> str | None:
    """Return how an answer differs from the recorded one, or None."""
    if answer.status_code != call["status"]:
        return f"status {answer.status_code} {answer.text[:120]!r}, not {call['status']}"
    theirs = call["response"]
    if isinstance(theirs, str):
        kept = call["status"] in (400, 404) and call["headers"].get("Content-Type", "").startswith("text/plain")
        return f"{answer.text!r}, not {theirs!r}" if kept and answer.text != theirs else None
    if not isinstance(theirs, dict) or "html page" in theirs:
        return None
    ours = answer.json()
    if call["path"] in ("/api/tasks", "/api/workers") and "error" not in theirs:
        if theirs and not ours:
            return f"nothing, not {list(theirs)}"
        return unlike(of_map(theirs), of_map(ours))
    if "error" in theirs:
        return None if ours == theirs else f"{ours}, not {theirs}"
    return unlike(theirs, ours)


def until(fact: Callable[[], bool], what: str) -> None:
    """Wait for a fact of other processes."""
    end = time.monotonic() + DEADLINE_S
    while not fact():
        assert time.monotonic() < end, what
        time.sleep(0.02)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalQ]:
    """Return the shop with its two workers and the jobs of the recording."""
    path = tmp_path_factory.mktemp("flower") / "shop.db"
    q = flower_shop.q
    q.relocate(path=path)
    q.set_current()
    q.store.open()
    environment = {**os.environ, "FLOWER_SHOP": str(path)}
    base = [sys.executable, "-m", "localq", "-A", "tests.web.flower_shop", "worker"]
    log = path.with_name("log").open("w")
    workers = [
        subprocess.Popen([*base, *more], env=environment, stdout=log, stderr=log)
        for more in (
            ["-n", "w1@host", "-Q", "default,mail", "-c", "2"],
            ["-n", "w2@host", "-Q", "default", "--autoscale", "4,1"],
        )
    ]
    try:
        until(lambda: len(q.store.workers.all()) == 2, "the workers have not come")
        calls_of_the_recording(q)
        yield q
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()
        log.close()
        q.close()
        current.set_app(None)


def calls_of_the_recording(q: LocalQ) -> None:
    """Make the calls that the recording shows, and wait until they stand as they do there."""
    s = flower_shop
    s.add.apply_async((2, 3), task_id=recorded(24))
    s.add.apply_async(kwargs={"x": 40, "y": 2}, task_id=recorded(25))
    s.fail.apply_async(("no such order",), {"code": 404}, task_id=recorded(19))
    s.flaky.apply_async(task_id=recorded(13))
    s.give_up.apply_async(task_id=recorded(14))
    s.add.apply_async((1, 1), countdown=timedelta(days=1).total_seconds(), task_id=recorded(1))
    s.add.apply_async((1, 1), expires=0.001, countdown=1, task_id=recorded(12))
    for number in (20, 16, 17, 11, 6, 5):
        s.mail.apply_async(("ann@example.org",), {"subject": "Invoice"}, task_id=recorded(number))
    made = chain(s.add.si(1, 1).set(task_id=recorded(15)), s.add.s(1))()
    q.send_task("shop.gone", (1,), task_id=recorded(21))
    q.send_task("shop.add", (1, 1), queue="nobody", task_id=recorded(22))
    done = [recorded(number) for number in (24, 25, 19, 13, 14, 12, 15, 20)]
    until(lambda: all(q.AsyncResult(one).ready() for one in (*done, made.id)), "not all jobs have ended")
    for number in (2, 3):
        s.slow.apply_async((600,), task_id=recorded(number), queue="default")
    until(lambda: all(q.AsyncResult(recorded(number)).state == "STARTED" for number in (2, 3)), "none runs")
    s.odd.apply_async(("<b>&",), task_id=recorded(4), queue="default", countdown=3600)
    s.long.apply_async((3,), task_id=recorded(8), countdown=3600)


def client_of(q: LocalQ, phase: str) -> TestClient:
    options: dict[str, Any] = {"read_only": True} if phase == "read_only" else {}
    client = TestClient(build(q, Sessions(TOKEN), **options), base_url="http://localhost:5555", follow_redirects=False)
    if phase in ("open", "read_only"):
        client.headers["Authorization"] = f"Bearer {TOKEN}"
    return client


def asked(client: TestClient, call: dict[str, Any], ids: dict[str, str]) -> Any:
    """Ask what was recorded, with the ids that tasks have here."""
    path = call["path"]
    for theirs, ours in ids.items():
        path = path.replace(theirs, ours)
    body, headers = call["body"], dict(call.get("request_headers") or {})
    search = call["query"].get("search")
    query = {**call["query"], "search": "x" * 2049} if search == "x repeated 2049 times" else call["query"]
    if call["phase"] == "basic":
        path = path.removeprefix("/flower")
        if headers.get("Authorization") in ("Basic base64(ann:secret)", "Basic base64(bob:other)"):
            headers["Authorization"] = f"Bearer {TOKEN}"
    content = body if isinstance(body, str) else None if body is None else json.dumps(body)
    return client.request(call["method"], path, params=query, headers=headers, data=call.get("form"), content=content)


def past_its_steps(job: AsyncResult[Any]) -> bool:
    """Whether a job has told of the last step that it tells of, or of its end."""
    return job.state in ("ABORTED", "SUCCESS", "REVOKED") or (job.info or {}).get("current") == 4


@pytest.mark.slow
@pytest.mark.parametrize("phase", ["open", "closed", "basic", "read_only"])
def test_flowers_calls_are_answered_as_it_answers_them(phase: str, shop: LocalQ) -> None:
    wrong, ids = [], {}
    with client_of(shop, phase) as client:
        for number, call in enumerate(CALLS):
            if call["phase"] != phase or not call["path"].startswith(("/api", "/flower", "/health", "/metrics")):
                continue
            if number in ENDED:
                job = shop.AsyncResult(ids.get(recorded(ENDED[number]), recorded(ENDED[number])))
                until(job.ready, f"{job.id} has not ended")
            if call["path"].startswith("/api/task/abort/") and call["status"] == 200:
                # Its task tells of its first steps: what it says then would stand in the place of the order to stop.
                told = partial(past_its_steps, shop.AsyncResult(ids.get(recorded(41), recorded(41))))
                until(told, "it does not come past its first steps")
            if number == LEFT:
                until(lambda: "w2@host" not in client.get("/api/workers").json(), "w2 has not left")
            answer = asked(client, call, ids)
            if isinstance(call["response"], dict) and "task-id" in call["response"] and answer.status_code == 200:
                ids[call["response"]["task-id"]] = answer.json()["task-id"]
            if number in DIFFERENCES:
                if answer.status_code != DIFFERENCES[number][0]:
                    wrong.append(f"{number}: {answer.status_code}, not {DIFFERENCES[number]}: {answer.text[:200]}")
                continue
            found = difference(number, call, answer)
            if found:
                wrong.append(f"{number} {call['method']} {call['path']} {call['query']}: {found} ({call.get('note')})")

    assert wrong == [], "\n".join(wrong)
