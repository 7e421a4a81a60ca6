"""Events of workers, as listeners in other processes get them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from localq import LocalQ, chord
from localq.exceptions import TimeoutError
from localq.monitor.event_receiver import Receiver
from tests.worker.waiting import DEADLINE_S, hold, until


def gather(receiver: Receiver, *types: str) -> list[dict[str, Any]]:
    """Return the events that come until there was one of each type."""
    missing, events = set(types), []
    for event in receiver.itercapture(timeout=DEADLINE_S):
        events.append(event)
        missing.discard(event["type"])
        if not missing:
            break
    return events


def gather_until(receiver: Receiver, type: str, name: str) -> list[dict[str, Any]]:
    """Return the events that come until there was one of that type about a task."""
    events = []
    for event in receiver.itercapture(timeout=DEADLINE_S):
        events.append(event)
        if (event["type"], event.get("name")) == (type, name):
            break
    return events


def first(events: list[dict[str, Any]], type: str) -> dict[str, Any]:
    return next(event for event in events if event["type"] == type)


def test_a_job_is_told_of_from_its_arrival_to_its_result(q: LocalQ) -> None:
    add = q.task(name="add")(plus)

    with q.events.Receiver() as receiver, q.running(concurrency=1, name="w@h"):
        result = add.delay(1, y=2)
        events = gather(receiver, "worker-online", "task-succeeded")

    received, started, done = (first(events, f"task-{verb}") for verb in ("received", "started", "succeeded"))
    assert {event["uuid"] for event in (received, started, done)} == {result.id}
    assert (received["name"], received["args"], received["kwargs"]) == ("add", "(1,)", "{'y': 2}")
    assert received["root_id"] == result.id
    assert started["pid"] not in (0, None)
    assert done["result"] == "3"
    assert 0 <= done["runtime"] < DEADLINE_S
    assert received["timestamp"] <= done["timestamp"]
    assert {event["hostname"] for event in events} == {"w@h"}
    assert all(event.keys() >= {"type", "hostname", "timestamp", "clock", "pid", "utcoffset"} for event in events)


def test_the_body_of_a_chord_has_no_eta_it_was_not_given(q: LocalQ) -> None:
    add, total = q.task(name="add")(plus), q.task(name="total")(sum_of)

    with q.events.Receiver() as receiver, q.running(pool="threads", concurrency=1):
        chord([add.s(1, 2), add.s(3, 4)], total.s()).delay()
        events = gather_until(receiver, "task-received", "total")

    assert events[-1]["args"] == "([3, 7],)"
    assert events[-1]["eta"] is None


def plus(x: int, y: int) -> int:
    return x + y


def sum_of(numbers: list[int]) -> int:
    return sum(numbers)


def fail() -> None:
    raise KeyError("gone")


def test_failures_retries_and_revocations_are_told_of(q: LocalQ) -> None:
    @q.task(bind=True, max_retries=1, name="again")
    def again(self: Any) -> None:
        raise self.retry(exc=ValueError("no"), countdown=0)

    late = again.apply_async(expires=1e-6)

    with q.events.Receiver() as receiver, q.running(pool="threads", concurrency=1):
        again.delay()
        events = gather(receiver, "task-retried", "task-failed", "task-revoked")

    assert first(events, "task-retried")["exception"] == "ValueError('no')"
    assert "ValueError" in first(events, "task-failed")["traceback"]
    revoked = first(events, "task-revoked")
    assert (revoked["uuid"], revoked["expired"], revoked["terminated"]) == (late.id, True, False)


def test_who_begins_to_listen_hears_of_workers_at_once_and_of_jobs_that_run(q: LocalQ, tmp_path: Path) -> None:
    gate = tmp_path / "gate"

    add = q.task(plus)

    @q.task
    def wait(gate: str) -> None:
        hold(Path(gate))

    with q.running(concurrency=1):
        for done in [add.delay(1, 1), add.delay(2, 2)]:
            done.get(timeout=DEADLINE_S)
        result = wait.delay(str(gate))
        until(lambda: result.state == "STARTED")
        with q.events.Receiver() as receiver:
            events = gather(receiver, "worker-heartbeat", "task-started")
        gate.touch()
        result.get(timeout=DEADLINE_S)

    beat = first(events, "worker-heartbeat")
    assert (beat["active"], beat["processed"]) == (1, 2)
    assert beat["sw_ident"] == "localq"
    assert first(events, "task-started")["uuid"] == result.id


def test_handlers_are_called_by_type_and_the_star_for_the_rest(q: LocalQ) -> None:
    calls: list[tuple[str, str]] = []
    handlers = {
        "task-succeeded": lambda event: calls.append(("own", event["type"])),
        "*": lambda event: calls.append(("star", event["type"])),
    }
    add = q.task(plus)

    with q.events.Receiver(handlers=handlers) as receiver, q.running(pool="threads", concurrency=1):
        add.delay(1, 2)
        gather(receiver, "task-succeeded")

    assert ("own", "task-succeeded") in calls
    assert ("star", "worker-online") in calls
    assert ("star", "task-succeeded") not in calls


def test_capture_ends_after_the_limit_and_raises_when_nothing_comes(q: LocalQ) -> None:
    with q.connection() as connection, q.events.Receiver(connection) as receiver:
        q.events.send("job-moved", where="here")
        q.events.send("job-moved", where="there")
        receiver.capture(limit=1)
        with pytest.raises(TimeoutError, match="No event came within"):
            receiver.capture(timeout=0.01)


def test_a_state_shows_workers_and_tasks(q: LocalQ) -> None:
    state = q.events.State()
    add, broken = q.task(name="add")(plus), q.task(name="fail")(fail)

    with q.events.Receiver(handlers={"*": state.event}) as receiver, q.running(pool="threads", concurrency=1):
        done, failed = add.delay(1, 2), broken.delay()
        gather(receiver, "task-succeeded", "task-failed")
        now = q.clock.now() / 1e6
        alive = [worker.hostname for worker in state.alive_workers(now)]

    assert len(alive) == 1
    assert (state.tasks[done.id].state, state.tasks[done.id].result) == ("SUCCESS", "3")
    assert state.tasks[failed.id].info(("name", "state", "exception")) == {
        "name": "fail",
        "state": "FAILURE",
        "exception": "KeyError(\"'gone'\")",
    }
    assert state.task_types() == ["add", "fail"]
    assert [uuid for uuid, _ in state.tasks_by_worker(alive[0])] == [failed.id, done.id]


def test_nothing_is_sent_of_tasks_when_that_is_switched_off(q: LocalQ) -> None:
    q.conf.worker_send_task_events = False
    add = q.task(plus)

    with q.events.Receiver() as receiver:
        with q.running(pool="threads", concurrency=1):
            add.delay(1, 2).get(timeout=DEADLINE_S)
        events = gather(receiver, "worker-offline")

    assert {event["type"].partition("-")[0] for event in events} == {"worker"}


def test_a_client_tells_of_what_it_sends_where_that_is_switched_on(q: LocalQ) -> None:
    q.conf.task_send_sent_event = True
    add = q.task(plus)

    with q.events.Receiver() as receiver:
        result = add.delay(1, 2)
        sent = first(gather(receiver, "task-sent"), "task-sent")

    assert (sent["uuid"], sent["queue"], sent["pid"]) == (result.id, "celery", os.getpid())


def test_a_task_may_send_events_of_its_own(q: LocalQ) -> None:
    @q.task(bind=True)
    def move(self: Any) -> None:
        self.send_event("task-moved", to="there")

    with q.events.Receiver() as receiver, q.running(concurrency=1):
        result = move.delay()
        moved = first(gather(receiver, "task-moved"), "task-moved")

    assert (moved["uuid"], moved["to"]) == (result.id, "there")


def test_all_events_reach_a_listener_that_keeps_up(q: LocalQ) -> None:
    add = q.task(plus)

    with q.events.Receiver() as receiver, q.running(pool="threads", concurrency=1):
        results = q.enqueue_many([add.s(n, 1) for n in range(3_000)])
        done: set[str] = set()
        for event in receiver.itercapture(timeout=DEADLINE_S):
            if event["type"] == "task-succeeded":
                done.add(event["uuid"])
                if len(done) == len(results):
                    break

    assert done == {result.id for result in results}


def test_no_thread_runs_and_nothing_is_made_while_nobody_listens(q: LocalQ) -> None:
    add = q.task(plus)

    with q.running(pool="threads", concurrency=1):
        add.delay(1, 2).get(timeout=DEADLINE_S)
        worker = q._embedded._worker
        assert not worker.celery_events.listening
        assert worker.celery_events._sender is None


def test_events_of_tasks_may_be_switched_off_and_on_while_a_worker_runs(q: LocalQ) -> None:
    add = q.task(plus)

    with q.events.Receiver() as receiver, q.running(pool="threads", concurrency=1):
        gather(receiver, "worker-online")
        worker = q._embedded.worker

        q.conf.worker_send_task_events = False
        until(lambda: not worker.celery_events.enabled)
        silent = add.delay(1, 2)
        silent.get(timeout=DEADLINE_S)

        q.conf.worker_send_task_events = True
        until(lambda: worker.celery_events.enabled)
        loud = add.delay(1, 2)
        events = gather(receiver, "task-succeeded")

    assert {event["uuid"] for event in events if "uuid" in event} == {loud.id}
