from __future__ import annotations

from typing import Any

from localq.monitor.event_state import State


def event(kind: str, at: float, **fields: Any) -> dict[str, Any]:
    return {"type": kind, "hostname": "w@h", "timestamp": at, "uuid": "id", **fields}


def test_a_task_goes_through_its_states_and_keeps_its_fields() -> None:
    state = State()

    for one in (
        event("task-received", 1.0, name="add", args="(1,)"),
        event("task-started", 2.0, pid=7),
        event("task-retried", 3.0, exception="ValueError()"),
        event("task-started", 4.0),
        event("task-succeeded", 5.0, result="2", runtime=1.0),
    ):
        state.event(one)

    task = state.tasks["id"]
    assert (task.state, task.name, task.args, task.result) == ("SUCCESS", "add", "(1,)", "2")
    assert (task.received, task.retried, task.started, task.succeeded) == (1.0, 3.0, 4.0, 5.0)
    assert task.ready


def test_events_that_come_late_add_what_was_missing_and_change_no_state() -> None:
    state = State()

    state.event(event("task-succeeded", 5.0, result="2"))
    state.event(event("task-received", 1.0, name="add"))
    state.event(event("task-started", 2.0))

    task = state.tasks["id"]
    assert (task.state, task.name, task.timestamp, task.started) == ("SUCCESS", "add", 5.0, 2.0)


def test_who_sent_a_task_is_not_the_worker_that_runs_it() -> None:
    state = State()

    state.event({**event("task-sent", 1.0, name="add"), "hostname": "client"})
    state.event(event("task-received", 2.0))

    task = state.tasks["id"]
    assert task.client == "client"
    assert task.worker is state.workers["w@h"]
    assert list(state.workers) == ["w@h"]


def test_a_worker_is_alive_for_two_heartbeats_or_until_it_says_it_stops() -> None:
    state = State()
    state.event({**event("worker-heartbeat", 10.0, freq=2.0, active=1), "uuid": None})

    assert [worker.hostname for worker in state.alive_workers(13.9)] == ["w@h"]
    assert list(state.alive_workers(14.0)) == []

    state.event(event("worker-offline", 11.0))
    assert list(state.alive_workers(11.0)) == []


def test_the_oldest_tasks_are_forgotten_first_and_those_over_on_request() -> None:
    state = State(max_tasks_in_memory=2)
    for number in range(3):
        state.event({**event("task-received", float(number), name="add"), "uuid": f"id{number}"})
    state.event({**event("task-failed", 9.0), "uuid": "id2"})

    assert list(state.tasks) == ["id1", "id2"]
    assert [uuid for uuid, _ in state.tasks_by_timestamp()] == ["id2", "id1"]

    state.clear()
    assert list(state.tasks) == ["id1"]


def test_a_callback_hears_of_every_event_after_the_state_took_it() -> None:
    seen: list[str] = []
    state = State(callback=lambda state, event: seen.append(state.tasks["id"].state))

    state.event(event("task-received", 1.0))
    state.event(event("task-started", 2.0))

    assert seen == ["RECEIVED", "STARTED"]
