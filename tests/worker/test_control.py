"""Workers under control: what they answer, and what they do when told."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from localq import AsyncResult, LocalQ, chain
from localq.exceptions import ImproperlyConfigured, NoEffectWarning
from localq.host.bells import Ringer
from localq.settings import Settings
from localq.worker.control import Panel, State, control_command, inspect_command
from localq.worker.embedded import Embedded
from tests.worker.waiting import DEADLINE_S, hold, shows, until

POOLS = ["processes", "threads"]


@pytest.fixture
def busy(q: LocalQ, tmp_path: Path) -> Iterator[Callable[[], Any]]:
    """Return a function that enqueues a job which runs until the test is over."""
    gate = tmp_path / "gate"

    @q.task(name="busy", bind=True)
    def busy(self: Any, word: str) -> str:
        self.update_state(state="ON")
        hold(gate)
        return word

    yield lambda: busy.delay("word")
    gate.touch()


@pytest.fixture
def panel() -> Iterator[None]:
    """Forget the commands that a test registers."""
    before = dict(Panel.commands)
    yield
    Panel.commands.clear()
    Panel.commands.update(before)


@pytest.fixture
def two(q: LocalQ) -> Iterator[tuple[str, str]]:
    """Run two workers, and return their names."""
    workers = [Embedded(q, concurrency=1, pool="threads", name=name) for name in ("anna@h", "bert@h")]
    for one in workers:
        one.start()
    yield "anna@h", "bert@h"
    for one in workers:
        one.stop(timeout=0.1)


# Who answers


def test_every_worker_answers_under_its_name(q: LocalQ, two: tuple[str, str]) -> None:
    assert q.control.inspect().ping() == {name: {"ok": "pong"} for name in two}
    assert sorted(map(str, q.control.ping())) == [f"{{'{name}': {{'ok': 'pong'}}}}" for name in two]


def test_only_the_workers_meant_answer(q: LocalQ, two: tuple[str, str]) -> None:
    anna, bert = two

    assert q.control.inspect([bert]).ping() == {bert: {"ok": "pong"}}
    assert q.control.inspect(anna).ping() == {"ok": "pong"}
    assert q.control.inspect(pattern="b*").ping() == {bert: {"ok": "pong"}}
    assert q.control.inspect(pattern="^a.*h$", matcher="pcre").ping() == {anna: {"ok": "pong"}}


@pytest.mark.parametrize(("own", "other"), [("localq@h", "celery@h"), ("celery@h", "localq@h")])
def test_a_worker_is_found_and_answers_under_its_other_name(q: LocalQ, own: str, other: str) -> None:
    with q.running(concurrency=1, pool="threads", name=own):
        pong = {"ok": "pong"}

        assert q.control.inspect([other]).ping() == {other: pong}
        assert q.control.inspect(other).ping() == pong
        assert q.control.ping([own, other]) == [{own: pong}]
        assert q.control.inspect(pattern=f"{other[:6]}@*").ping() == {own: pong}
        assert q.control.inspect().ping() == {own: pong}
        assert q.control.inspect(["celery@other"], timeout=3600).ping() is None


def test_of_two_workers_each_is_found_by_its_own_name(q: LocalQ) -> None:
    workers = [Embedded(q, concurrency=1, pool="threads", name=name) for name in ("localq@h", "celery@h")]
    for one in workers:
        one.start()

    answers = [q.control.inspect([name]).ping() for name in ("localq@h", "celery@h")]

    for one in workers:
        one.stop()
    assert answers == [{"localq@h": {"ok": "pong"}}, {"celery@h": {"ok": "pong"}}]


def test_nobody_is_waited_for_where_nobody_is(q: LocalQ) -> None:
    assert q.control.inspect(timeout=3600).ping() is None
    assert q.control.ping(timeout=3600) == []


def test_a_worker_that_does_not_exist_is_not_waited_for(q: LocalQ, two: tuple[str, str]) -> None:
    assert q.control.inspect(["carl@h"], timeout=3600).ping() is None


def test_a_worker_that_does_not_answer_is_waited_for_no_longer_than_the_timeout(q: LocalQ) -> None:
    with q.running(concurrency=1, pool="threads", name="anna@h"):
        answers = q.control.broadcast("ping", reply=True, limit=2, timeout=0.2)

    assert answers == [{"anna@h": {"ok": "pong"}}]


def test_each_answer_is_told_to_a_callback(q: LocalQ, two: tuple[str, str]) -> None:
    told: list[dict[str, Any]] = []

    q.control.broadcast("ping", reply=True, callback=told.append)

    assert sorted(name for one in told for name in one) == list(two)


def test_a_command_that_does_not_exist_is_answered_with_the_nearest(q: LocalQ) -> None:
    with q.running(concurrency=1, pool="threads", name="anna@h"):
        (answer,) = q.control.broadcast("pong", reply=True) or []

    assert answer == {"anna@h": {"error": "No such control command: 'pong'. Did you mean 'ping'?"}}


def test_arguments_that_do_not_fit_are_answered_as_an_error(q: LocalQ) -> None:
    with q.running(concurrency=1, pool="threads", name="anna@h"):
        (answer,) = q.control.broadcast("add_consumer", reply=True) or []
        assert q.control.inspect().ping()

    assert answer["anna@h"]["error"].startswith("TypeError: add_consumer() missing")


def test_arguments_that_no_json_can_say_are_the_callers_error(q: LocalQ) -> None:
    with pytest.raises(TypeError, match="'ping' cannot be written as JSON"):
        q.control.broadcast("ping", {"x": object()})


def test_a_command_that_was_sent_before_a_worker_started_is_not_for_it(q: LocalQ) -> None:
    q.control.shutdown()

    with q.running(concurrency=1, pool="threads"):
        assert q.control.inspect().ping()


# What is asked


@pytest.mark.parametrize("pool", POOLS)
def test_a_busy_worker_tells_what_runs_and_what_waits(q: LocalQ, busy: Any, pool: str) -> None:
    q.start(concurrency=1, pool=pool, name="anna@h")
    job = busy()
    shows(job, "ON")
    inspect = q.control.inspect("anna@h")
    (one,) = inspect.active()
    asked = inspect.query_task(job.id, "unknown")

    assert (one["id"], one["name"], one["type"], one["args"]) == (job.id, "busy", "busy", ["word"])
    assert (one["hostname"], one["kwargs"], one["acknowledged"]) == ("anna@h", {}, False)
    assert one["delivery_info"]["routing_key"] == "celery"
    assert abs(one["time_start"] - q.clock.now() / 1e6) < DEADLINE_S
    assert (one["worker_pid"] == os.getpid()) == (pool == "threads")
    assert [asked[job.id][0], list(asked)] == ["active", [job.id]]


def test_jobs_no_worker_has_are_told_of_by_those_that_serve_their_queue(q: LocalQ) -> None:
    echo = q.task(str, name="echo")
    later = echo.apply_async(("later",), countdown=3600)
    other = echo.apply_async(("other",), queue="other")
    behind = chain(echo.s("x").set(countdown=3600), echo.si("y")).delay()
    q.control.pause("celery")

    with q.running(concurrency=1, pool="threads", name="anna@h", queues=["celery"]):
        ready = echo.delay("ready")
        asked = q.control.inspect("anna@h").query_task(later.id, other.id, behind.id, ready.id, "unknown")

    assert {job: state for job, (state, _) in asked.items()} == {later.id: "scheduled", ready.id: "ready"}
    assert [asked[later.id][1][key] for key in ("id", "args", "hostname")] == [later.id, ["later"], "anna@h"]


def test_jobs_claimed_and_not_started_are_reserved(q: LocalQ, busy: Any) -> None:
    q.start(concurrency=1, pool="threads", name="anna@h")
    shows(busy(), "ON")
    worker = q._embedded._worker
    worker.pool.room = lambda: 1
    waits = busy()
    until(lambda: waits.id in worker_jobs(q))
    (one,) = q.control.inspect("anna@h").reserved()
    del worker.pool.room

    assert (one["id"], one["time_start"]) == (waits.id, None)


def worker_jobs(q: LocalQ) -> set[str]:
    return {one["id"] for one in q.control.inspect("anna@h").reserved()}


def test_arguments_are_shown_as_the_call_said(q: LocalQ, busy: Any) -> None:
    q.start(concurrency=1, pool="threads", name="anna@h")
    job = q.tasks["busy"].apply_async(("secret",), argsrepr="('***',)")
    shows(job, "ON")
    (one,) = q.control.inspect("anna@h").active()

    assert (one["args"], one["kwargs"]) == ("('***',)", "{}")


def test_scheduled_jobs_are_those_that_wait_in_the_store(q: LocalQ, busy: Any) -> None:
    with q.running(concurrency=1, pool="threads", name="anna@h"):
        later = q.tasks["busy"].apply_async(("x",), countdown=3600, priority=3)
        (one,) = q.control.inspect("anna@h").scheduled()

    assert (one["request"]["id"], one["priority"]) == (later.id, 3)
    assert one["eta"] > q.clock.now() / 1e6 + 3000


def test_revoked_jobs_are_told_by_their_ids(q: LocalQ, busy: Any) -> None:
    with q.running(concurrency=1, pool="threads", name="anna@h"):
        later = q.tasks["busy"].apply_async(("x",), countdown=3600)
        q.control.revoke(later.id)

        assert q.control.inspect("anna@h").revoked() == [later.id]


def test_registered_tasks_come_with_what_is_asked_of_them(q: LocalQ) -> None:
    q.task(rate_limit="10/s", name="mail")(lambda: None)
    q.task(name="pack")(lambda: None)
    with q.running(concurrency=1, pool="threads", name="anna@h"):
        inspect = q.control.inspect("anna@h")

        assert inspect.registered() == ["mail", "pack"]
        assert inspect.registered("rate_limit", "max_retries") == [
            "mail [rate_limit=10/s max_retries=3]",
            "pack [max_retries=3]",
        ]


def test_stats_count_the_jobs_received(q: LocalQ) -> None:
    add = q.task(name="add")(max)
    with q.running(concurrency=2, pool="threads", name="anna@h"):
        for one in q.enqueue_many([add.s(1, n) for n in range(5)]):
            one.get(timeout=DEADLINE_S)
        stats = q.control.inspect("anna@h").stats()

    assert (stats["total"], stats["pid"]) == ({"add": 5}, os.getpid())
    assert (stats["pool"]["max-concurrency"], stats["pool"]["implementation"]) == (2, "threads")
    assert stats["rusage"]["maxrss"] > 0


def test_secrets_among_the_settings_are_masked(q: LocalQ, monkeypatch: pytest.MonkeyPatch) -> None:
    given = {"security_key": "x", "timezone": "UTC", "my_password": ""}
    monkeypatch.setattr(Settings, "given", lambda conf: given)
    with q.running(concurrency=1, pool="threads", name="anna@h"):
        assert q.control.inspect("anna@h").conf() == {"security_key": "********", "timezone": "UTC", "my_password": ""}


def test_memory_samples_are_kept_for_the_dump(q: LocalQ) -> None:
    with q.running(concurrency=1, pool="threads", name="anna@h"):
        inspect = q.control.inspect("anna@h")
        samples = [inspect.memsample() for _ in range(3)]

        assert inspect.memdump(2) == {"ok": samples[1:]}
        assert float(samples[0].removesuffix("MB")) > 1


def test_what_is_not_offered_says_what_to_do_instead(q: LocalQ) -> None:
    with q.running(concurrency=1, pool="threads", name="anna@h"):
        assert "py-spy" in q.control.inspect("anna@h").objgraph()["error"]
        ((answer,),) = [one.values() for one in q.control.election("1", "t", reply=True) or []]

    assert "elect nobody" in answer["error"]


def test_the_other_questions_are_answered(q: LocalQ) -> None:
    with q.running(concurrency=1, pool="threads", name="anna@h", queues=["a", "b"]):
        inspect = q.control.inspect("anna@h")
        assert [one["name"] for one in inspect.active_queues()] == ["a", "b"]
        assert inspect.clock()["clock"] <= q.clock.now()
        assert inspect.report()["ok"].startswith("software  -> localq:")
        assert q.control.heartbeat(reply=True) == [{"anna@h": {"ok": "heartbeat"}}]


# Commands of programs


def test_a_program_adds_commands_of_its_own(q: LocalQ, panel: None) -> None:
    threads = []

    @inspect_command(name="rows", alias="lines", args=[("table", str)])
    def rows_of(state: State, table: str) -> dict[str, Any]:
        threads.append(threading.current_thread())
        return {"table": table, "worker": state.hostname, "app": state.app.main}

    with q.running(concurrency=1, pool="threads", name="anna@h"):
        for name in ("rows", "lines"):
            assert q.control.inspect("anna@h").ask(name, table="t") == {
                "table": "t", "worker": "anna@h", "app": "tests"
            }  # fmt: skip
    assert all(one.name.startswith("LocalQ-control-") for one in threads)


def test_a_command_that_hangs_or_fails_keeps_nobody_waiting(q: LocalQ, panel: None) -> None:
    gate = threading.Event()
    hangs = control_command(name="hangs")(lambda state: gate.wait(DEADLINE_S))

    @control_command
    def fails(state: State) -> None:
        raise SystemExit("no")

    @control_command
    def odd(state: State) -> Any:
        return {1: State}

    with q.running(concurrency=1, pool="threads", name="anna@h"):
        assert q.control.broadcast("hangs", reply=True, timeout=0) == []
        assert q.control.broadcast("fails", reply=True) == [{"anna@h": {"error": "SystemExit: no"}}]
        assert q.control.broadcast("odd", reply=True) == [{"anna@h": {"1": repr(State)}}]
        assert q.task(max).delay(1, 2).get(timeout=DEADLINE_S) == 2
        gate.set()
    assert hangs is not None


# Queues


def test_a_worker_told_to_serve_another_queue_does(q: LocalQ) -> None:
    one = q.task(name="one")(lambda: 1)
    with q.running(concurrency=1, pool="threads", name="anna@h", queues=["a"]):
        waits = one.apply_async(queue="b")
        assert q.control.add_consumer("b", reply=True) == [{"anna@h": {"ok": "add consumer 'b'"}}]

        assert waits.get(timeout=DEADLINE_S) == 1
        assert q.control.add_consumer("b", reply=True) == [{"anna@h": {"ok": "already consuming from 'b'"}}]
        assert q.store.workers.all()[-1].card.queues == ("a", "b")


@pytest.mark.parametrize("queues", [None, ["celery", "b"]])
def test_a_worker_told_to_leave_a_queue_takes_nothing_from_it(q: LocalQ, queues: list[str] | None) -> None:
    one = q.task(name="one")(lambda: 1)
    with q.running(concurrency=1, pool="threads", name="anna@h", queues=queues):
        q.control.cancel_consumer("b", reply=True)
        left = one.apply_async(queue="b")

        assert one.delay().get(timeout=DEADLINE_S) == 1
        assert left.state == "PENDING"
        q.control.add_consumer("b", reply=True)
        assert left.get(timeout=DEADLINE_S) == 1


def test_a_paused_queue_waits_for_all_workers_and_over_restarts(q: LocalQ) -> None:
    one = q.task(name="one")(lambda: 1)
    assert (q.control.pause("a"), q.control.pause("a", "b")) == (["a"], ["b"])
    waits = one.apply_async(queue="a")
    for _ in range(2):
        with q.running(concurrency=1, pool="threads", name="anna@h"):
            assert one.delay().get(timeout=DEADLINE_S) == 1
            assert "a" in [row["name"] for row in q.control.inspect("anna@h").active_queues() if row["paused"]]
    assert waits.state == "PENDING"

    with q.running(concurrency=1, pool="threads"):
        assert q.control.resume("a", "c") == ["a"]
        assert waits.get(timeout=DEADLINE_S) == 1


# Limits


def test_a_rate_limit_set_at_run_time_holds_over_restarts(q: LocalQ) -> None:
    one = q.task(name="one")(lambda: 1)
    other = q.task(name="other")(lambda: 2)
    q.control.rate_limit("one", "1/h")
    jobs = q.enqueue_many([one.s() for _ in range(3)])
    for _ in range(2):
        with q.running(concurrency=2, pool="threads"):
            assert other.delay().get(timeout=DEADLINE_S) == 2
        assert sum(job.state == "SUCCESS" for job in jobs) == 1

    with q.running(concurrency=2, pool="threads", name="anna@h"):
        assert q.control.rate_limit("one", 0, reply=True) == [{"anna@h": {"ok": "rate limit disabled successfully"}}]
        assert [job.get(timeout=DEADLINE_S) for job in jobs] == [1, 1, 1]


def test_a_tasks_own_rate_limit_holds_over_all_workers(q: LocalQ, two: tuple[str, str]) -> None:
    slow = q.task(name="slow", rate_limit="1/h")(lambda: 1)
    other = q.task(name="other")(lambda: 2)

    jobs = q.enqueue_many([slow.s() for _ in range(12)])

    assert [job.get(timeout=DEADLINE_S) for job in q.enqueue_many([other.s() for _ in range(12)])] == [2] * 12
    assert sum(job.state == "SUCCESS" for job in jobs) == 1


def test_limits_can_be_switched_off_for_a_worker(q: LocalQ) -> None:
    q.conf.worker_disable_rate_limits = True
    one = q.task(name="one", rate_limit="1/h")(lambda: 1)
    with q.running(concurrency=2, pool="threads"):
        assert [job.get(timeout=DEADLINE_S) for job in q.enqueue_many([one.s() for _ in range(4)])] == [1] * 4


def test_the_default_rate_limit_is_for_tasks_without_one(q: LocalQ) -> None:
    q.conf.task_default_rate_limit = "1/h"
    free = q.task(name="free", rate_limit=0)(lambda: 1)
    slow = q.task(name="slow")(lambda: 1)
    with q.running(concurrency=2, pool="threads"):
        held = q.enqueue_many([slow.s() for _ in range(3)])
        assert [job.get(timeout=DEADLINE_S) for job in q.enqueue_many([free.s() for _ in range(3)])] == [1] * 3

    assert sum(job.state == "SUCCESS" for job in held) == 1


@pytest.mark.parametrize("pool", POOLS)
def test_an_ordered_time_limit_holds_where_calls_are_signed(q: LocalQ, pool: str) -> None:
    q.conf.update(message_signing="require", message_keys=["text:one:a key of thirty-two bytes, or so"])

    @q.task(name="told", bind=True)
    def told(self: Any) -> Any:
        return self.request.timelimit

    q.control.time_limit("told", soft=30, hard=60)
    with q.running(concurrency=1, pool=pool):
        assert told.delay().get(timeout=DEADLINE_S) == (60, 30)
        assert told.apply_async(time_limit=50).get(timeout=DEADLINE_S) == (50, 30)


def test_limits_of_tasks_nobody_knows_are_answered_as_errors(q: LocalQ) -> None:
    q.task(name="one")(lambda: 1)
    with q.running(concurrency=1, pool="threads", name="anna@h"):
        rate = q.control.rate_limit("ome", "1/s", reply=True)
        time = q.control.time_limit("ome", 1, 2, reply=True)

    assert rate == time == [{"anna@h": {"error": "unknown task 'ome'. Did you mean 'one'?"}}]


def test_what_is_no_rate_is_refused_in_the_caller(q: LocalQ) -> None:
    with pytest.raises(ValueError, match="rate limit 'fast'"):
        q.control.rate_limit("one", "fast")
    with pytest.warns(NoEffectWarning, match="Task one: rate limit 'fast'"):
        one = q.task(name="one", rate_limit="fast")(lambda: 1)
    with pytest.raises(ValueError, match="rate limit 'fast'"):
        one.delay()


@pytest.mark.parametrize("pool", POOLS)
def test_time_limits_set_at_run_time_hold_over_restarts(q: LocalQ, pool: str) -> None:
    limits = q.task(name="limits", bind=True)(lambda self: list(self.request.timelimit))
    with q.running(concurrency=1, pool=pool, name="anna@h"):
        answer = q.control.time_limit("limits", soft=30, hard=60, reply=True)
        assert answer == [{"anna@h": {"ok": "time limits set successfully"}}]
        first = limits.delay().get(timeout=DEADLINE_S)
        own = limits.apply_async(time_limit=99).get(timeout=DEADLINE_S)
    with q.running(concurrency=1, pool=pool):
        again = limits.delay().get(timeout=DEADLINE_S)
        q.control.time_limit("limits")
        until(lambda: limits.delay().get(timeout=DEADLINE_S) == [None, None])

    assert (first, own, again) == ([60, 30], [99, 30], [60, 30])


# Jobs


@pytest.mark.parametrize("pool", POOLS)
def test_a_running_job_is_terminated_by_whoever_runs_it(q: LocalQ, busy: Any, pool: str) -> None:
    with q.running(concurrency=1, pool=pool, name="anna@h"):
        job = busy()
        shows(job, "ON")
        assert q.control.terminate(job.id, reply=True) == [{"anna@h": {"ok": f"terminate: {job.id}"}}]

        until(lambda: job.state == "REVOKED")


def test_words_that_bells_lose_cost_a_busy_worker_nothing(
    q: LocalQ, busy: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Ringer, "say", lambda ringer, kind, words: ringer.ring(kind))
    q.conf.worker_heartbeat = 3600
    q.start(concurrency=1, pool="threads", name="anna@h")
    job = busy()
    shows(job, "ON")

    assert q.control.ping(timeout=DEADLINE_S)
    job.revoke(terminate=True)

    until(lambda: job.state == "REVOKED")


def test_a_full_worker_sleeps_though_a_job_is_due(q: LocalQ, busy: Any) -> None:
    q.start(concurrency=1, pool="threads", name="anna@h")
    due = q.tasks["busy"].apply_async(("later",), countdown=0.2)
    until(lambda: q._embedded._worker._next_claim.next_at is not None)
    shows(busy(), "ON")
    until(lambda: q.clock.now() > q._embedded._worker._next_claim.next_at)

    until(lambda: q._embedded._worker._patience() > 0)

    assert due.state == "PENDING"


def test_a_job_revoked_before_any_worker_is_there_never_runs(q: LocalQ, busy: Any) -> None:
    job = busy()

    assert q.control.revoke([job.id]) is None

    with q.running(concurrency=1, pool="threads", name="anna@h"):
        assert q.control.revoke(job.id, reply=True) == [{"anna@h": {"ok": f"tasks {job.id} flagged as revoked"}}]
    assert job.state == "REVOKED"


def test_jobs_are_revoked_by_a_header_they_carry(q: LocalQ, busy: Any) -> None:
    task = q.tasks["busy"]
    mine = task.apply_async(("x",), countdown=3600, headers={"order": "17"})
    stamped = task.apply_async(("x",), countdown=3600, headers={"stamps": {"order": ["17", "18"]}})
    other = task.apply_async(("x",), countdown=3600, headers={"order": "1"})

    q.control.revoke_by_stamped_headers({"order": ["17"]})

    assert [job.state for job in (mine, stamped, other)] == ["REVOKED", "REVOKED", "PENDING"]


def test_jobs_are_revoked_by_a_stamp_whoever_asks_and_though_they_wait_for_others(q: LocalQ, busy: Any) -> None:
    task = q.tasks["busy"]
    for ask in (q.control.revoke_by_stamped_headers, AsyncResult("any", q).revoke_by_stamped_headers):
        mine = task.s("x").stamp(order=17).apply_async(countdown=3600)
        waits = chain(task.s("x").set(countdown=3600), task.si("y").stamp(order=17)).apply_async()
        other = task.s("x").stamp(order=1).apply_async(countdown=3600)

        ask({"order": ["17"]})

        assert [job.state for job in (mine, waits, waits.parent, other)] == ["REVOKED", "REVOKED", "PENDING", "PENDING"]


def test_a_worker_asked_to_revoke_by_header_says_how_many(q: LocalQ, busy: Any) -> None:
    job = q.tasks["busy"].apply_async(("x",), countdown=3600, headers={"order": "17"})
    with q.running(concurrency=1, pool="threads", name="anna@h"):
        answer = q.control.broadcast("revoke_by_stamped_headers", {"headers": ["order=17"]}, reply=True)

    assert answer == [{"anna@h": {"ok": "headers {'order': '17'} flagged as revoked: 1 tasks"}}]
    assert job.state == "REVOKED"


# The pool


@pytest.mark.parametrize("pool", POOLS)
def test_a_pool_grows_and_shrinks(q: LocalQ, busy: Any, pool: str) -> None:
    q.start(concurrency=1, pool=pool, name="anna@h")
    inspect = q.control.inspect("anna@h")
    assert q.control.pool_grow(2, reply=True) == [{"anna@h": {"ok": "pool will grow"}}]
    jobs = [busy() for _ in range(3)]
    for job in jobs:
        shows(job, "ON")
    assert (len(inspect.active()), q.store.workers.all()[-1].card.concurrency) == (3, 3)

    assert q.control.pool_shrink(2, reply=True) == [{"anna@h": {"ok": "pool will shrink"}}]
    assert inspect.stats()["pool"]["max-concurrency"] == 1
    ((refused,),) = [one.values() for one in q.control.pool_shrink(1, reply=True) or []]
    assert refused["error"].startswith("The pool cannot have 0 slots: from 1 to ")


@pytest.mark.parametrize("pool", POOLS)
def test_a_pool_scales_to_the_demand_at_once(q: LocalQ, busy: Any, pool: str) -> None:
    q.start(concurrency=1, pool=pool, name="anna@h")
    assert q.control.autoscale(4, 1, reply=True) == [{"anna@h": {"ok": "autoscale now max=4 min=1"}}]
    for _ in range(6):
        busy()

    until(lambda: len(q.control.inspect("anna@h").active()) == 4)

    assert q.control.inspect("anna@h").stats()["autoscaler"] == {"max": 4, "min": 1, "current": 4}


def test_a_worker_in_a_program_starts_with_the_fewest_slots(q: LocalQ, busy: Any) -> None:
    q.start(pool="threads", name="anna@h", autoscale=(3, 2))

    assert q.control.inspect("anna@h").stats()["autoscaler"] == {"max": 3, "min": 2, "current": 2}
    q.stop()
    with pytest.raises(ImproperlyConfigured, match="autoscale=1,2 must be MAX,MIN"):
        q.start(pool="threads", autoscale=(1, 2))


def test_bounds_that_cannot_be_are_refused(q: LocalQ) -> None:
    with q.running(concurrency=1, pool="threads", name="anna@h"):
        ((wrong,),) = [one.values() for one in q.control.autoscale(2, 3, reply=True) or []]
    with q.running(pool="solo", name="anna@h"):
        ((solo,),) = [one.values() for one in q.control.autoscale(2, 1, reply=True) or []]

    assert wrong == {"error": "min=3 must not be over max=2"}
    assert "one job at a time" in solo["error"]


def test_a_restarted_pool_has_new_processes(q: LocalQ) -> None:
    pid = q.task(name="pid")(os.getpid)
    with q.running(concurrency=1, name="anna@h"):
        before = pid.delay().get(timeout=DEADLINE_S)
        ((refused,),) = [one.values() for one in q.control.pool_restart(reply=True) or []]
        q.conf.worker_pool_restarts = True
        assert q.control.pool_restart(reply=True) == [{"anna@h": {"ok": "reload started"}}]

        until(lambda: pid.delay().get(timeout=DEADLINE_S) != before)
    assert "worker_pool_restarts" in refused["error"]


# The worker


def test_a_worker_is_shut_down_after_its_jobs(q: LocalQ, busy: Any, tmp_path: Path) -> None:
    q.start(concurrency=1, pool="threads", name="anna@h")
    job = busy()
    shows(job, "ON")

    assert q.control.shutdown(reply=True) == [{"anna@h": {"ok": "shutting down"}}]
    (tmp_path / "gate").touch()

    until(lambda: not q._embedded.runs())
    assert job.get(timeout=DEADLINE_S) == "word"


def test_events_are_switched_on_and_off(q: LocalQ) -> None:
    q.conf.worker_send_task_events = False
    with q.running(concurrency=1, pool="threads", name="anna@h"):
        said = [q.control.enable_events(reply=True), q.control.enable_events(reply=True)]
        on = q.conf.worker_send_task_events
        said.append(q.control.disable_events(reply=True))

    words = [answer["ok"] for one in said for found in one or [] for answer in found.values()]
    assert words == ["task events enabled", "task events already enabled", "task events disabled"]
    assert (on, q.conf.worker_send_task_events) == (True, False)
