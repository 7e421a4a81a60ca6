"""A LocalQ program as an application of Celery's, run by Celery's own worker on the brokers there are."""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import pickle
import signal
import sqlite3
import subprocess
import sys
import time
import uuid
import warnings
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import celery
import pytest
from celery.contrib.testing.worker import start_worker
from celery.schedules import schedule as celery_schedule

import localq.schedules
from localq import LocalQ, chain, chord, current, group
from localq.contrib.celery.bridge.lacks import CALL_OPTIONS, IN_GENERAL, TASK_OPTIONS, TERMS, CeleryLacksWarning
from localq.contrib.celery.bridge.schedules import BeatRule
from localq.exceptions import ImproperlyConfigured
from tests.celery.carried import Carried, Colour, program
from tests.celery.rabbit_server import rabbit_server
from tests.celery.rabbit_server import reason as rabbit_reason
from tests.store.redis_server import reason as redis_reason
from tests.store.redis_server import redis_server

_REPOSITORY = Path(__file__).parents[2]
#: Seconds that a result may take.
_PATIENCE_S = 60
_WORDS = ("-l", "INFO", "-c", "2", "-Q", "celery,aside")


class Running(NamedTuple):
    """A program whose worker runs, and what its tasks wrote down."""

    program: Carried
    log: Path

    def run(self, name: str, *args: Any, **options: Any) -> Any:
        """Call a task through LocalQ, and return what it came to on Celery."""
        result = self.program.q.tasks[f"carried.{name}"].apply_async(args, **options)
        assert isinstance(result, celery.result.AsyncResult)
        return result.get(timeout=_PATIENCE_S)

    def sig(self, name: str, *args: Any) -> Any:
        return self.program.q.tasks[f"carried.{name}"].s(*args)

    def told(self, name: str) -> list[Any]:
        lines = [json.loads(line) for line in self.log.read_text().splitlines()] if self.log.exists() else []
        return [rest for task, *rest in lines if task == f"carried.{name}"]


def place(kind: str, folder: Path) -> dict[str, Any]:
    """Return the settings of a broker and a result back end of a kind, used by nobody else."""
    if kind == "redis":
        url = f"redis://127.0.0.1:{redis_server().port}/0"
        # A server for all tests: what each has there begins with a name of its own.
        own = {"global_keyprefix": uuid.uuid4().hex}
        transport = {"broker_transport_options": own, "result_backend_transport_options": own}
        return {"broker": url, "backend": url, **transport}
    (folder / "queue").mkdir()
    there = str(folder / "queue")
    # Celery's back end in files is read while it is written.
    found = {"backend": f"db+sqlite:///{folder}/results.db"}
    if kind == "rabbitmq":
        return {**found, "broker": rabbit_server().url}
    options = {"data_folder_in": there, "data_folder_out": there, "control_folder": f"{folder}/control"}
    return {**found, "broker": "filesystem://", "broker_transport_options": options}


KINDS = [
    "filesystem",
    pytest.param("redis", marks=pytest.mark.skipif(redis_reason() is not None, reason=str(redis_reason()))),
    pytest.param("rabbitmq", marks=pytest.mark.skipif(rabbit_reason() is not None, reason=str(rabbit_reason()))),
]


@contextlib.contextmanager
def worker(settings: dict[str, Any], log: Path, *words: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run Celery's own worker on the program until the block ends."""
    out = log.with_suffix(".out")
    own = {"CARRIED": json.dumps(settings), "CARRIED_LOG": str(log), "PYTHONPATH": str(_REPOSITORY)}
    environment = {**os.environ, **own}
    with out.open("wb") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "celery", "-A", "tests.celery.carried", "worker", *_WORDS, *words],
            cwd=_REPOSITORY,
            env=environment,
            stdout=said,
            stderr=said,
            start_new_session=True,
        )
    try:
        until = time.monotonic() + _PATIENCE_S
        while b" ready." not in out.read_bytes():
            assert process.poll() is None, out.read_text()
            assert time.monotonic() < until, out.read_text()
            time.sleep(0.05)
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(20)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.fixture(scope="module", params=KINDS)
def running(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Return the program on a broker, with a worker."""
    folder = tmp_path_factory.mktemp(request.param)
    settings = {**place(request.param, folder), "task_create_missing_queues": True}
    log = folder / "log"
    made = program(**settings)
    with worker(settings, log):
        yield Running(made, log)
    made.app.close()
    made.q.close()


def test_a_call_runs_on_celery_and_gives_celery_s_result(running: Running) -> None:
    assert running.run("add", 2, 3) == 5


@pytest.mark.parametrize(
    "value",
    [
        [1, "two", None, {"three": 3.5}],
        (1, (2, 3)),
        {1, 2},
        {(1, 2): "x"},
        datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC),
        datetime.timedelta(days=2),
        Decimal("1.10"),
        b"bytes",
        Colour.RED,
    ],
    ids=repr,
)
def test_arguments_and_results_arrive_as_they_do_in_localq(running: Running, value: Any) -> None:
    found = running.run("same", value)

    assert (type(found), found) == (type(value), value)


def test_a_task_s_own_serializer_is_kept(running: Running) -> None:
    assert running.run("picky", [1, 2]) == [1, 2]


def test_routes_are_kept(running: Running) -> None:
    assert running.run("aside") == "aside"


def test_a_task_that_retries_by_itself_goes_on_with_its_count_and_its_hooks(running: Running) -> None:
    assert running.run("again", 2) == 2

    until = time.monotonic() + _PATIENCE_S
    while ["success", 2] not in running.told("again"):
        assert time.monotonic() < until
        time.sleep(0.05)
    told = running.told("again")
    assert [line for line in told if line[0] == "retry"] == [["retry", "run 0"], ["retry", "run 1"]]
    assert told.count(["before", True, [2]]) == 3


def test_an_error_of_a_task_that_may_not_retry_any_more_is_its_own(running: Running) -> None:
    with pytest.raises(OSError, match="run 2"):
        running.run("again", 9)


def test_localq_s_error_for_no_retries_left_is_caught_by_its_name(running: Running) -> None:
    assert running.run("exhausted") == "no more"


def test_errors_retried_by_themselves_are(running: Running) -> None:
    assert running.run("auto") == 2


def test_a_failure_raises_its_own_error(running: Running) -> None:
    with pytest.raises(KeyError, match="gone"):
        running.run("broken")


def test_a_soft_limit_is_caught_by_localq_s_name(running: Running) -> None:
    assert running.run("slow") == "stopped"


def test_a_coroutine_runs_to_its_end(running: Running) -> None:
    assert running.run("later", 4) == 8


def test_what_a_task_shows_of_itself_is_seen(running: Running) -> None:
    assert running.run("shown") == {"done": 1, "total": 2, "message": None}


def test_workflows_of_localq_s_classes_run_by_celery_s_canvas(running: Running) -> None:
    sig = running.sig

    assert chain(sig("add", 1, 2), sig("add", 3))().get(timeout=_PATIENCE_S) == 6
    assert group(sig("add", n, n) for n in range(3))().get(timeout=_PATIENCE_S) == [0, 2, 4]
    assert chord([sig("add", n, n) for n in range(3)], sig("total"))().get(timeout=_PATIENCE_S) == 6
    assert sig("total").type.map([[1, 2], [3]]).apply_async().get(timeout=_PATIENCE_S) == [3, 3]
    assert sig("add").type.chunks([(1, 2), (3, 4)], 1)().get(timeout=_PATIENCE_S) == [[3], [7]]
    (one, two) = running.program.q.enqueue_many([sig("add", 1, 1), sig("add", 2, 2)])
    assert (one.get(timeout=_PATIENCE_S), two.get(timeout=_PATIENCE_S)) == (2, 4)


def test_a_callback_of_localq_s_is_called(running: Running) -> None:
    result = running.sig("add", 1, 1).apply_async(link=running.sig("add", 100))

    assert result.get(timeout=_PATIENCE_S) == 2
    until = time.monotonic() + _PATIENCE_S
    while not (result.children and result.children[0].ready()):
        assert time.monotonic() < until
        time.sleep(0.05)
    assert result.children[0].get() == 102


def test_what_a_task_sends_goes_to_celery_as_well(running: Running) -> None:
    plain, body = (running.program.q.AsyncResult(one) for one in running.run("caller"))

    assert (plain.get(timeout=_PATIENCE_S), body.get(timeout=_PATIENCE_S)) == (2, 6)


def test_a_task_puts_a_workflow_in_its_place(running: Running) -> None:
    assert running.run("instead", 10) == 23


def test_a_task_adds_to_the_chord_it_is_in_where_the_back_end_can(running: Running) -> None:
    if not running.program.app.conf.result_backend.startswith("redis"):
        pytest.skip("of Celery's back ends Redis alone can add to a chord")

    result = chord([running.sig("adds", 1), running.sig("same", 2)], running.sig("total"))()

    assert result.get(timeout=_PATIENCE_S) == 103


def test_a_call_that_waits_for_its_time_runs_then(running: Running) -> None:
    assert running.run("add", 1, 2, countdown=0.2) == 3


def test_a_call_is_revoked_through_the_app(running: Running) -> None:
    result = running.program.q.tasks["carried.add"].apply_async((1, 2), countdown=2)

    running.program.q.cancel([result.id])

    with pytest.raises(celery.exceptions.TaskRevokedError):
        result.get(timeout=_PATIENCE_S)


def test_receivers_of_localq_s_signals_hear_of_celery_s(running: Running) -> None:
    running.run("add", 400, 4)

    until = time.monotonic() + _PATIENCE_S
    while ["signal", 404] not in running.told("add"):
        assert time.monotonic() < until
        time.sleep(0.05)


def test_celery_s_own_signatures_and_names_call_the_same_tasks(running: Running) -> None:
    task = running.program.app.tasks["carried.add"]

    assert task.delay(1, 2).get(timeout=_PATIENCE_S) == 3
    assert (task.s(1, 2) | task.s(3)).apply_async().get(timeout=_PATIENCE_S) == 6
    assert running.program.app.send_task("carried.add", (3, 4), serializer="json").get(timeout=_PATIENCE_S) == 7


def test_beat_fires_the_configured_schedule(tmp_path: Path) -> None:
    settings = place("filesystem", tmp_path)

    with worker(settings, tmp_path / "log", "-B", "-s", str(tmp_path / "beat")):
        until = time.monotonic() + _PATIENCE_S
        while True:
            lines = (tmp_path / "log").read_text().splitlines() if (tmp_path / "log").exists() else []
            if sum(json.loads(line) == ["carried.add", "signal", 22] for line in lines) >= 2:
                break
            assert time.monotonic() < until, (tmp_path / "log.out").read_text()
            time.sleep(0.1)


# What needs no worker


@pytest.fixture
def q(tmp_path: Path) -> Iterator[LocalQ]:
    app = LocalQ("prog", path=tmp_path / "jobs.db")
    yield app
    app.close()
    current.set_app(None)


def as_celery(q: LocalQ, broker: str = "memory://", **settings: Any) -> celery.Celery:
    """Return the application, and whatever it lacks unsaid."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CeleryLacksWarning)
        made: celery.Celery = q.as_celery(broker=broker, backend="cache+memory://", **settings)
    return made


def lacks(q: LocalQ, broker: str = "memory://") -> str:
    """Return what the application says that it lacks."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        app = q.as_celery(broker=broker, backend="cache+memory://")
        app.finalize()
        app.tasks  # noqa: B018 - what is connected to the end of its making is called by now
    return " ".join(str(one.message) for one in told if one.category is CeleryLacksWarning)


def test_it_is_celery_s_own_application_with_the_same_tasks(q: LocalQ) -> None:
    @q.task
    def before() -> None: ...

    app = as_celery(q)

    @q.task(max_retries=7)
    def after() -> None: ...

    assert type(app) is celery.Celery
    names = {name for name in app.tasks if not name.startswith("celery.")}
    assert names == {before.name, after.name}
    assert app.tasks[after.name].max_retries == 7


def test_a_program_runs_on_a_broker_in_memory(q: LocalQ) -> None:
    @q.task
    def head(number: int) -> int:
        return number

    @q.task
    def total(numbers: list[int]) -> int:
        return sum(numbers)

    app = as_celery(q, broker_transport_options={"polling_interval": 0.001})

    with start_worker(app, pool="solo", perform_ping_check=False, loglevel="CRITICAL"):
        assert head.delay(5).get(timeout=_PATIENCE_S) == 5
        assert chord([head.s(1), head.s(2)], total.s())().get(timeout=_PATIENCE_S) == 3


def test_options_of_tasks_are_celery_s(q: LocalQ) -> None:
    @q.task(
        name="many", time_limit=9, soft_time_limit=5, rate_limit="3/m", queue="mail", ignore_result=True, priority=7,
        acks_late=False, autoretry_for=(OSError,), retry_backoff=2, default_retry_delay=4, throws=(KeyError,),
    )  # fmt: skip
    def many(a: int, b: int = 2) -> None:
        """Do much."""

    task = as_celery(q).tasks["many"]

    assert (task.time_limit, task.soft_time_limit, task.rate_limit) == (9, 5, "3/m")
    assert task.place == {"queue": "mail", "priority": 7}
    assert (task.ignore_result, task.acks_late, task.default_retry_delay) == (True, False, 4)
    assert (task.autoretry_for, task.retry_backoff, task.throws) == ((OSError,), 2, (KeyError,))
    assert task.__doc__ == "Do much."
    with pytest.raises(TypeError, match="missing 1 required"):
        task.delay()


def test_localq_s_promises_and_settings_hold_there(q: LocalQ) -> None:
    q.conf.update(task_default_queue="shop", result_expires=60, worker_pool="processes", timezone="Europe/Rome")

    conf = as_celery(q, task_track_started=False).conf

    assert (conf.task_acks_late, conf.task_reject_on_worker_lost, conf.result_extended) == (True, True, True)
    assert (conf.task_default_queue, conf.result_expires, conf.worker_pool) == ("shop", 60, "prefork")
    assert conf.timezone == "Europe/Rome"
    assert conf.task_track_started is False, "what is given comes last"
    assert {"json", conf.task_serializer} <= set(conf.accept_content)


@pytest.mark.parametrize(("broker", "there"), [("redis://", 2), ("amqp://", 7), ("memory://", 7)])
def test_priorities_are_said_as_the_broker_counts(q: LocalQ, broker: str, there: int) -> None:
    @q.task(name="ranked", priority=7)
    def ranked() -> None: ...

    app = as_celery(q, broker)

    assert app.tasks["ranked"].place == {"priority": there}
    assert app.conf.task_queue_max_priority == (10 if broker == "amqp://" else None)


def test_schedules_are_beat_s_with_every_rule_of_localq_s(q: LocalQ) -> None:
    @q.task(name="report")
    def report(kind: str) -> None: ...

    zone = datetime.UTC
    end = datetime.datetime(2030, 1, 1, tzinfo=zone)
    q.conf.beat_schedule = {"often": {"task": "report", "schedule": 30, "args": ("a",), "options": {"queue": "slow"}}}
    q.add_periodic_task(localq.schedules.crontab(minute=30, hour=2), report.s("b"), name="nightly")
    q.add_periodic_task("*/5 9-17 * * mon-fri", report.s("c"), name="office", end=end, zone="America/New_York")

    app = as_celery(q)
    app.finalize()
    app.tasks["report"]
    entries = app.conf.beat_schedule

    assert set(entries) == {"often", "nightly", "office"}
    assert entries["often"]["schedule"] == celery_schedule(30)
    assert entries["often"]["options"]["queue"] == "slow"
    assert {name: tuple(entry["args"]) for name, entry in entries.items()} == {
        "often": ("a",), "nightly": ("b",), "office": ("c",),
    }  # fmt: skip
    at = datetime.datetime(2026, 3, 2, 13, 58, tzinfo=zone)
    nightly = BeatRule(entries["nightly"]["schedule"].definition, nowfun=lambda: at)
    assert nightly.remaining_estimate(at) == datetime.timedelta(hours=12, minutes=32)
    assert nightly.is_due(at - datetime.timedelta(days=1)) == (True, 12.533333333333333 * 3600)
    office = pickle.loads(pickle.dumps(entries["office"]["schedule"]))
    office.nowfun = lambda: at
    assert office == entries["office"]["schedule"]
    assert office.is_due(at) == (False, 120.0), "nine o'clock in New York"
    office.nowfun = lambda: end
    assert office.is_due(end).is_due is False


def test_what_celery_cannot_do_is_said_by_name_in_one_warning(q: LocalQ) -> None:
    @q.task(name="limited", rate_limit="1/s", max_crashes=2, redact=("card",), priority=3)
    def limited(card: str) -> None: ...

    q.conf.durability = "normal"
    q.add_periodic_task(60, limited.s("x"), name="minutely", missed="all", overlap="skip")

    told = lacks(q)

    for what in ("rate_limit of task limited", "max_crashes of task limited", "redact of task limited", "priorities"):
        assert what in told
    assert "the setting durability" in told
    assert "missed of schedule minutely" in told
    assert "overlap of schedule minutely" in told


def test_a_program_that_uses_nothing_of_localq_s_own_is_warned_of_nothing(q: LocalQ) -> None:
    @q.task
    def plain() -> None: ...

    q.conf.beat_schedule = {"often": {"task": plain.name, "schedule": 30}}

    assert lacks(q) == ""


def test_an_option_of_a_call_that_celery_has_not_is_said(q: LocalQ) -> None:
    @q.task
    def plain() -> None: ...

    as_celery(q)

    with pytest.warns(CeleryLacksWarning, match="no max_retries"):
        plain.apply_async(max_retries=3)


def test_the_page_tells_of_all_that_celery_lacks() -> None:
    page = (_REPOSITORY / "docs" / "moving-on.md").read_text()

    assert [name for name in (*IN_GENERAL, *CALL_OPTIONS, *TASK_OPTIONS, *TERMS) if f"`{name}" not in page] == []


def test_calls_are_checked_as_localq_s_are(q: LocalQ) -> None:
    @q.task
    def plain(a: int) -> None: ...

    as_celery(q)

    with pytest.raises(TypeError, match="missing 1 required"):
        plain.delay()


def test_a_call_in_a_transaction_is_refused(q: LocalQ) -> None:
    as_celery(q)

    connection = sqlite3.connect(q.location)

    with (
        contextlib.closing(connection),
        pytest.raises(ImproperlyConfigured, match="go to Celery"),
        q.within(connection),
    ):
        raise AssertionError("unreachable: the block is not entered")


def test_a_call_for_each_of_many_items_is_refused(q: LocalQ) -> None:
    @q.task
    def plain(a: int) -> None: ...

    as_celery(q)

    with pytest.raises(ImproperlyConfigured, match="no map over items"):
        q.map(plain, [1, 2], key=str)


def test_a_schedule_added_while_the_program_runs_is_said_to_stay_in_the_store(q: LocalQ) -> None:
    @q.task
    def plain() -> None: ...

    as_celery(q)

    with pytest.warns(CeleryLacksWarning, match="'often' stays in the store"):
        q.schedules.add("often", 60, plain)


def test_calls_that_run_here_still_do(q: LocalQ) -> None:
    @q.task
    def plain(a: int) -> int:
        return a + 1

    as_celery(q)
    q.conf.task_always_eager = True

    assert plain.delay(1).get() == 2
    assert plain.apply((2,)).get() == 3


def test_without_celery_it_says_what_to_install(q: LocalQ, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("localq.contrib.celery.bridge")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "celery", None)

    with pytest.raises(ImproperlyConfigured, match=r"pip install 'localq\[celery\]'"):
        q.as_celery()
