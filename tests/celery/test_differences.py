"""What docs/migrating-from-celery.md says is different on purpose: what Celery does, and what LocalQ does."""

from __future__ import annotations

import json
import logging
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import celery
import celery.beat
import celery.bin.graph
import celery.bin.list
import celery.concurrency
import celery.contrib.testing.worker
import celery.schedules
import celery.utils.log
import celery.utils.nodenames
import kombu
import pytest
from celery.exceptions import DuplicateTaskNameWarning

import localq.exceptions
import localq.log
from localq import LocalQ
from localq.cli import main
from localq.testing import start_worker as start_ours
from localq.worker.name import worker_name
from tests.cli import celery_commands
from tests.cli.runner import runner


@pytest.fixture
def theirs() -> Iterator[Any]:
    app = celery.Celery("theirs", broker="memory://", backend="cache+memory://", set_as_current=False)
    app.conf.broker_transport_options = {"polling_interval": 0.01}
    yield app
    with app.connection_for_write() as connection:
        connection.default_channel.queue_purge("celery")
    app.close()


@pytest.fixture
def ours() -> Iterator[LocalQ]:
    app = LocalQ("ours", broker="memory://", set_as_current=False)
    yield app
    app.close()


def worker_of_theirs(app: Any, **options: Any) -> Any:
    return celery.contrib.testing.worker.start_worker(app, perform_ping_check=False, shutdown_timeout=60, **options)


def define(app: Any, fun: Callable[..., Any], name: str = "run", **options: Any) -> Any:
    """Make a task of one app alone."""
    return app.task(name=name, shared=False, **options)(fun)


def nothing() -> None:
    pass


def ran() -> str:
    return "ran"


def same(value: Any) -> Any:
    return value


def until(true: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not true() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert true()


class Gate:
    """A task's function that begins, and goes on when the test says so."""

    def __init__(self) -> None:
        self.begun, self.on = threading.Event(), threading.Event()

        def run() -> None:
            self.begun.set()
            assert self.on.wait(60)

        self.run = run


def test_a_message_is_gone_when_a_worker_takes_it_and_a_job_is_there_until_it_ends(theirs: Any, ours: LocalQ) -> None:
    gate = Gate()
    run = define(theirs, gate.run)
    with worker_of_theirs(theirs) as worker:
        run.delay()
        assert gate.begun.wait(60)
        qos = worker.consumer.task_consumer.channel.qos
        until(lambda: not qos._delivered.keys() - qos._dirty)
        gate.on.set()

    other = Gate()
    mine = define(ours, other.run)
    with start_ours(ours):
        result = mine.delay()
        assert other.begun.wait(60)
        assert result.exists()
        assert list(ours.store.read.get([result.id])) == [result.id]
        other.on.set()
        result.get(timeout=60)


def test_an_unknown_id_is_pending_in_both_and_here_it_can_be_told(theirs: Any, ours: LocalQ) -> None:
    assert theirs.AsyncResult("nobody").state == "PENDING"
    assert (ours.AsyncResult("nobody").state, ours.AsyncResult("nobody").exists()) == ("PENDING", False)


def test_a_running_job_is_pending_in_celery_and_started_here(theirs: Any, ours: LocalQ) -> None:
    for app, start, state in ((theirs, worker_of_theirs, "PENDING"), (ours, start_ours, "STARTED")):
        gate = Gate()
        run = define(app, gate.run)
        with start(app):
            result = run.delay()
            assert gate.begun.wait(60)
            assert result.state == state
            gate.on.set()
            result.get(timeout=60)

    gate = Gate()
    run = define(theirs, gate.run, "tracked", track_started=True)
    with worker_of_theirs(theirs):
        result = run.delay()
        assert gate.begun.wait(60)
        assert sorted(result.info) == ["hostname", "pid"]
        gate.on.set()
        result.get(timeout=60)


def test_jobs_for_later_wait_in_celery_s_workers_and_in_our_store(theirs: Any, ours: LocalQ) -> None:
    run = define(theirs, nothing)
    with worker_of_theirs(theirs) as worker:
        run.apply_async(countdown=3600)
        until(lambda: [one for one in worker.timer.schedule._queue if one.entry.fun != worker.timer])
        until(lambda: worker.consumer.task_consumer.channel.qos._delivered)

    later = define(ours, nothing).apply_async(countdown=3600)
    assert later.exists()
    assert ours.store.read.get([later.id])[later.id].run_at > ours.clock.now()


def test_a_revoke_is_lost_without_a_worker_in_celery_and_is_the_job_s_state_here(theirs: Any, ours: LocalQ) -> None:
    for app in (theirs, ours):
        define(app, ran)
    told, mine = theirs.tasks["run"].delay(), ours.tasks["run"].delay()
    told.revoke()
    mine.revoke()
    assert (told.state, mine.state) == ("PENDING", "REVOKED")

    with worker_of_theirs(theirs), start_ours(ours):
        assert told.get(timeout=60) == "ran"
        with pytest.raises(localq.exceptions.TaskRevokedError):
            mine.get(timeout=60)


def test_higher_priorities_run_first_here_whatever_the_broker_s_order_was(ours: LocalQ) -> None:
    begun: list[int] = []
    run = define(ours, begun.append)
    for priority in (0, 9, 5):
        run.apply_async((priority,), priority=priority)
    with start_ours(ours):
        until(lambda: len(begun) == 3)

    assert begun == [9, 5, 0]


def test_without_queues_a_worker_of_celery_serves_those_of_its_settings_and_ours_serves_all(
    theirs: Any, ours: LocalQ
) -> None:
    for app in (theirs, ours):
        define(app, ran)
    elsewhere, usual = theirs.tasks["run"].apply_async(queue="other"), theirs.tasks["run"].delay()
    with worker_of_theirs(theirs):
        assert usual.get(timeout=60) == "ran"
        assert elsewhere.state == "PENDING"

    with start_ours(ours):
        assert ours.tasks["run"].apply_async(queue="other").get(timeout=60) == "ran"


def test_what_leads_to_no_queue_is_lost_in_celery_and_refused_here(theirs: Any, ours: LocalQ) -> None:
    mails = kombu.Exchange("mails", type="topic")
    theirs.conf.task_queues = [kombu.Queue("mails", mails, routing_key="mail.#")]
    assert define(theirs, nothing).apply_async(exchange="mails", routing_key="other").state == "PENDING"

    ours.conf.task_queues = [localq.Queue("mails", localq.Exchange("mails", type="topic"), routing_key="mail.#")]
    run = define(ours, nothing)
    with pytest.raises(localq.exceptions.QueueNotFound):
        run.apply_async(exchange="mails", routing_key="other")


def test_a_task_that_nobody_knows_is_dropped_in_celery_and_waits_here(theirs: Any, ours: LocalQ) -> None:
    for app in (theirs, ours):
        define(app, ran)
    with worker_of_theirs(theirs):
        unknown = theirs.send_task("unknown")
        theirs.tasks["run"].delay().get(timeout=60)
    assert unknown.state == "FAILURE"

    with start_ours(ours):
        waiting = ours.send_task("unknown")
        ours.tasks["run"].delay().get(timeout=60)
    assert (waiting.state, waiting.exists()) == ("PENDING", True)


def test_an_app_s_second_argument_is_a_loader_in_celery_and_an_error_here() -> None:
    assert celery.Celery("x", "celery.loaders.app:AppLoader", set_as_current=False).loader_cls
    with pytest.raises(TypeError, match="positional"):
        LocalQ("x", "celery.loaders.app:AppLoader")  # type: ignore[misc]


def test_start_is_the_command_in_celery_and_a_worker_in_the_program_here(
    theirs: Any, ours: LocalQ, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["program.py"])
    theirs.start(["--version"])
    assert "5.7" in capsys.readouterr().out

    mine = define(ours, lambda: threading.current_thread().name)
    ours.start(1, pool="threads")
    assert mine.delay().get(timeout=60) != threading.current_thread().name
    ours.stop()


def test_tasks_are_made_when_celery_s_app_is_finalized_and_by_the_decorator_here(theirs: Any, ours: LocalQ) -> None:
    define(theirs, nothing)
    define(ours, nothing)

    assert "run" not in theirs._tasks
    assert "run" in theirs.tasks
    assert "run" in ours.tasks
    assert "late" not in LocalQ("x", autofinalize=False, set_as_current=False)._tasks


def test_slips_among_options_are_passed_on_in_celery_and_told_here(theirs: Any, ours: LocalQ) -> None:
    define(theirs, nothing, max_retrys=3).apply_async(qeue="mail")

    with pytest.warns(localq.exceptions.NoEffectWarning, match="max_retries"):
        run = define(ours, nothing, max_retrys=3)
    assert run.max_retrys == 3
    with pytest.raises(TypeError, match="queue"):
        run.apply_async(qeue="mail")
    assert run.apply_async(tenant="a").state == "PENDING"


def test_an_option_that_cannot_be_is_told_here_where_the_task_is_defined(theirs: Any, ours: LocalQ) -> None:
    define(theirs, nothing, max_retries="many").delay()

    with pytest.warns(UserWarning, match="max_retries"):
        run = define(ours, nothing, max_retries="many")
    with pytest.raises((TypeError, ValueError), match="max_retries"):
        run.delay()


def test_the_same_function_again_is_left_out_in_celery_and_takes_its_place_here(theirs: Any, ours: LocalQ) -> None:
    def made(app: Any, answer: int) -> Any:
        names: dict[str, Any] = {"__name__": "shop"}
        exec(f"def run():\n    return {answer}\n", names)
        return define(app, names["run"])

    made(theirs, 1)()
    with pytest.warns(DuplicateTaskNameWarning):
        made(theirs, 2)()
    made(ours, 1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        made(ours, 2)

    assert theirs.tasks["run"]() == 1
    assert ours.tasks["run"]() == 2


def test_json_turns_tuples_into_lists_in_celery_and_leaves_values_as_they_are_here(theirs: Any, ours: LocalQ) -> None:
    for app in (theirs, ours):
        define(app, same)
    with worker_of_theirs(theirs), start_ours(ours):
        assert theirs.tasks["run"].delay([(1, 2), {3: 4}]).get(timeout=60) == [[1, 2], {"3": 4}]
        assert ours.tasks["run"].delay([(1, 2), {3: 4}, {5}]).get(timeout=60) == [(1, 2), {3: 4}, {5}]


def test_a_new_interval_waits_first_in_celery_and_runs_at_once_here(theirs: Any, ours: LocalQ) -> None:
    entry = celery.beat.ScheduleEntry(name="a", task="run", schedule=celery.schedules.schedule(3600), app=theirs)
    assert not entry.is_due().is_due

    fired = threading.Event()
    define(ours, fired.set)
    ours.conf.beat_schedule = {"a": {"task": "run", "schedule": timedelta(hours=1)}}
    with start_ours(ours, beat=True):
        assert fired.wait(60)


def test_loggers_of_tasks_stand_below_celery_s_in_both() -> None:
    for module in (celery.utils.log, localq.log):
        name = f"shop.{module.__name__}"
        logger = module.get_task_logger(name)
        above = logger
        while above.name != "celery.task":
            assert above.parent is not None
            above = above.parent
        assert logger.name == name


def test_query_task_tells_of_what_a_worker_of_celery_s_has_and_of_what_ours_would_run(
    theirs: Any, ours: LocalQ
) -> None:
    for app in (theirs, ours):
        define(app, ran)
    there = theirs.tasks["run"].apply_async(queue="other")
    with worker_of_theirs(theirs):
        theirs.tasks["run"].delay().get(timeout=60)
        (found,) = theirs.control.inspect(timeout=20, limit=1).query_task(there.id).values()
    assert found == {}

    here = ours.tasks["run"].apply_async(queue="other", countdown=3600)
    with start_ours(ours):
        (found,) = ours.control.inspect(timeout=20).query_task(here.id).values()
    assert list(found) == [here.id]


def test_workers_log_to_loggers_of_celery_s_and_to_ours_below_those_here() -> None:
    theirs, ours = celery.utils.log.get_task_logger("theirs"), localq.log.get_task_logger("ours")

    assert (theirs.name, ours.name) == ("theirs", "ours")
    assert theirs.parent is logging.getLogger("celery.task")
    for name, above in (("task", "task"), ("worker", "worker"), ("execution", "app.trace"), ("schedules", "beat")):
        assert logging.getLogger(f"localq.{name}").parent is logging.getLogger(f"celery.{above}")
    assert ours.parent is logging.getLogger("localq.task")


def test_workers_without_a_name_are_called_after_the_class_of_their_app_here() -> None:
    for given in (None, "w1", "w1@h", "light@%n", "w.%h", "@h"):
        theirs = celery.utils.nodenames.host_format(celery.utils.nodenames.default_nodename(given))
        assert worker_name(given, localq.Celery.node_name) == theirs
        assert worker_name(given, LocalQ.node_name) == theirs.replace("celery@", "localq@")


def test_every_command_of_celery_s_takes_the_options_that_the_list_of_them_has() -> None:
    listed = Path(celery_commands.__file__).parent / "data" / "celery-5.7.json"

    assert celery_commands.commands() == json.loads(listed.read_text())


def test_versions_are_each_one_s_own() -> None:
    assert celery.__version__ == localq.CELERY_VERSION
    assert localq.__version__ != celery.__version__


def test_headers_have_a_size_here(theirs: Any, ours: LocalQ) -> None:
    large = {"a": "x" * (2 << 20)}
    define(theirs, nothing).apply_async(headers=large)

    with pytest.raises(localq.exceptions.EncodeError, match="task_headers_max_bytes"):
        define(ours, nothing).apply_async(headers=large)


def test_results_are_removed_by_a_task_of_beat_s_in_celery_and_by_the_workers_here(
    ours: LocalQ, tmp_path: Path
) -> None:
    theirs = celery.Celery("kept", backend=f"db+sqlite:///{tmp_path}/results.db", set_as_current=False)
    scheduler = celery.beat.PersistentScheduler(app=theirs, schedule_filename=str(tmp_path / "beat"))
    assert scheduler.schedule["celery.backend_cleanup"].task == "celery.backend_cleanup"

    ours.conf.result_expires = timedelta(microseconds=1)
    result = define(ours, ran).delay()
    with start_ours(ours, beat=True):
        until(lambda: not result.exists())
    assert ours.schedules.list() == []


def test_each_beat_of_celery_s_fires_an_entry_and_all_schedulers_here_make_one_job_of_an_instant(
    theirs: Any, tmp_path: Path
) -> None:
    define(theirs, nothing)
    theirs.conf.beat_schedule = {"a": {"task": "run", "schedule": 0.001}}
    for name in ("one", "two"):
        scheduler = celery.beat.PersistentScheduler(app=theirs, schedule_filename=str(tmp_path / name))
        until(lambda beat=scheduler: beat.tick() is not None and beat.schedule["a"].total_run_count)
        scheduler.close()
    with theirs.connection_for_write() as connection:
        assert connection.default_channel._size("celery") >= 2

    fired: list[int] = []
    apps = [LocalQ("ours", path=tmp_path / "jobs.db", set_as_current=False) for _ in range(2)]
    for app in apps:
        define(app, lambda: fired.append(1))
        define(app, ran, "last")
        app.conf.beat_schedule = {"a": {"task": "run", "schedule": timedelta(hours=1)}}
    with start_ours(apps[0], beat=True), start_ours(apps[1], beat=True):
        until(lambda: fired)
        assert apps[0].tasks["last"].delay().get(timeout=60) == "ran"
    assert fired == [1]


def test_eventlet_is_a_pool_of_celery_s_and_refused_here(ours: LocalQ) -> None:
    assert "eventlet" in celery.concurrency.ALIASES
    with pytest.raises(localq.exceptions.ImproperlyConfigured, match="gevent"), start_ours(ours, pool="eventlet"):
        pass


def test_bindings_and_bootsteps_are_shown_by_celery_and_are_not_there_here() -> None:
    assert "bindings" in celery.bin.list.list_.commands
    assert "bootsteps" in celery.bin.graph.graph.commands

    for words in (["list", "bindings"], ["graph", "bootsteps"]):
        assert runner().invoke(main, words).exit_code == 2
