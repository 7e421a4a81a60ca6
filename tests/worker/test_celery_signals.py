from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from localq import LocalQ, signals
from localq.exceptions import Reject
from localq.log import set_up
from localq.signals import Signal
from tests.worker.waiting import DEADLINE_S, PROGRAM_S, until


@pytest.fixture
def heard() -> Any:
    """Return what connects a list to signals for one test."""
    kept: list[tuple[Signal, Any]] = []

    def connect(*names: str) -> list[tuple[str, dict[str, Any]]]:
        calls: list[tuple[str, dict[str, Any]]] = []
        for name in names:

            def receiver(_of: str = name, **fields: Any) -> None:
                calls.append((_of, fields))

            signal: Signal = getattr(signals, name)
            signal.connect(receiver, weak=False)
            kept.append((signal, receiver))
        return calls

    yield connect
    for signal, receiver in kept:
        signal.disconnect(receiver)


def test_a_call_is_announced_with_what_celery_says_and_receivers_may_add_headers(q: LocalQ) -> None:
    @q.task(bind=True, name="app.show")
    def show(self: Any, number: int) -> Any:
        return self.request.trace, self.request.headers

    said: list[tuple[Any, ...]] = []

    @signals.before_task_publish.connect(sender="app.show")
    def before(sender: Any, headers: Any, body: Any, routing_key: str, **kwargs: Any) -> None:
        headers["trace"] = "t1"
        said.append(("before", sender, headers["id"], body[0], routing_key))

    @signals.after_task_publish.connect(sender=show)
    def after(sender: Any, headers: Any, body: Any, **kwargs: Any) -> None:
        said.append(("after", sender, headers["id"], body[0], headers["trace"]))

    with q.running(pool="threads", concurrency=1):
        result = show.delay(3)
        assert result.get(timeout=DEADLINE_S) == ("t1", {"trace": "t1"})

    assert said == [
        ("before", "app.show", result.id, (3,), "celery"),
        ("after", "app.show", result.id, (3,), "t1"),
    ]


def test_the_signal_of_old_is_sent_for_a_call_too(q: LocalQ, heard: Any) -> None:
    calls = heard("task_sent")

    result = q.send_task("app.old", (1,), {"y": 2})

    fields = calls[0][1]
    assert (fields["sender"], fields["task_id"], fields["args"], fields["kwargs"]) == (
        "app.old",
        result.id,
        (1,),
        {"y": 2},
    )


def test_a_run_is_told_of_from_prerun_to_postrun(q: LocalQ, heard: Any) -> None:
    q.conf.task_always_eager = True

    @q.task
    def add(x: int, y: int) -> int:
        return x + y

    calls = heard("task_prerun", "task_success", "task_failure", "task_postrun")

    result = add.delay(1, 2)

    assert [name for name, _ in calls] == ["task_prerun", "task_success", "task_postrun"]
    assert calls[0][1]["args"] == (1, 2)
    assert calls[1][1]["result"] == 3
    assert calls[2][1] | {"signal": None} == {
        "signal": None,
        "sender": add,
        "task_id": result.id,
        "task": add,
        "args": (1, 2),
        "kwargs": {},
        "retval": 3,
        "state": "SUCCESS",
    }


def test_a_failure_and_a_retry_are_told_of_with_their_error(q: LocalQ, heard: Any) -> None:
    q.conf.task_always_eager = True

    @q.task(bind=True, max_retries=1)
    def fail(self: Any) -> None:
        try:
            raise KeyError("k")
        except KeyError as error:
            raise self.retry(exc=error, countdown=0) from error

    calls = heard("task_retry", "task_failure", "task_postrun")

    fail.delay()

    assert [name for name, _ in calls] == ["task_retry", "task_postrun", "task_failure", "task_postrun"]
    assert calls[0][1]["request"].retries == 0
    assert isinstance(calls[2][1]["exception"], KeyError)
    assert "KeyError" in str(calls[2][1]["einfo"])
    assert [call["state"] for name, call in calls if name == "task_postrun"] == ["RETRY", "FAILURE"]


def test_a_job_that_cannot_be_read_is_an_internal_error(q: LocalQ, heard: Any) -> None:
    q.conf.task_always_eager = True

    @q.task(serializer="pickle")
    def add() -> None: ...

    calls = heard("task_internal_error")

    add.delay()

    assert calls[0][1]["task_id"]
    assert calls[0][1]["exception"].__class__.__name__ == "SecurityError"


def test_a_worker_tells_of_its_life_and_of_the_jobs_it_gets(q: LocalQ, heard: Any) -> None:
    @q.task
    def reject() -> None:
        raise Reject("no", requeue=False)

    life = heard(
        "celeryd_init",
        "import_modules",
        "worker_init",
        "celeryd_after_setup",
        "worker_process_init",
        "worker_ready",
        "heartbeat_sent",
        "worker_shutting_down",
        "worker_shutdown",
        "worker_process_shutdown",
    )
    q.conf.worker_unknown_tasks = "fail"
    jobs = heard("task_received", "task_unknown", "task_rejected", "task_revoked")
    late = reject.apply_async(expires=1e-6)
    gone = q.send_task("app.gone")
    rejected = reject.delay()

    with q.running(pool="threads", concurrency=1, name="w@h"):
        until(lambda: {"task_rejected", "task_unknown", "task_revoked"} <= {name for name, _ in jobs})

    told = [name for name, _ in life if name != "heartbeat_sent"]
    of_the_pool = [name for name in told if name.startswith("worker_process_")]  # by a thread of its own
    assert of_the_pool == ["worker_process_init", "worker_process_shutdown"]
    assert [name for name in told if name not in of_the_pool] == [
        "celeryd_init",
        "import_modules",
        "worker_init",
        "celeryd_after_setup",
        "worker_ready",
        "worker_shutting_down",
        "worker_shutdown",
    ]
    assert life[0][1]["sender"] == "w@h"
    by_name = dict(jobs)
    assert by_name["task_unknown"]["id"] == gone.id
    assert by_name["task_rejected"]["message"].id == rejected.id
    assert by_name["task_revoked"]["request"].id == late.id
    assert by_name["task_revoked"]["expired"]
    assert by_name["task_received"]["sender"] == "w@h"


_LIFE = """
import os, pathlib, sys
from localq import LocalQ, signals

log = pathlib.Path(sys.argv[1])
q = LocalQ("life", path=log.with_name("life.db"), task_max_crashes=1)

@q.task
def die():
    os._exit(3)

def write(name):
    def receiver(sender=None, exception=None, **fields):
        with log.open("a") as file:
            file.write(f"{name} {os.getpid()} {getattr(sender, 'name', '')} {exception}\\n")
    return receiver

signals.worker_before_create_process.connect(write("before"))
signals.worker_process_init.connect(write("init"))
signals.task_failure.connect(write("failure"))
with q.running(concurrency=1):
    die.delay().get(30, propagate=False)
print(os.getpid())
"""


@pytest.mark.linux("a forked slot has the receivers of its script")
def test_processes_tell_of_their_start_and_end_and_the_worker_of_a_lost_job(tmp_path: Path) -> None:
    log, script = tmp_path / "log", tmp_path / "life.py"
    script.write_text(_LIFE)

    # A program of its own, of one thread: its slots are forked, and have its receivers.
    done = subprocess.run([sys.executable, script, log], capture_output=True, text=True, check=True, timeout=PROGRAM_S)

    lines = [line.split(maxsplit=3) for line in log.read_text().splitlines()]
    slots = [(name, pid) for name, pid, *_ in lines if name != "failure"]
    (failure,) = (line for line in lines if line[0] == "failure")
    assert [name for name, _ in slots][:3] == ["before", "init", "before"]
    assert done.stdout.strip() not in {pid for _, pid in slots}
    assert failure[1:3] == [done.stdout.strip(), "life.die"]
    assert "exited with code 3" in failure[3]


def test_a_receiver_of_setup_logging_does_it_instead(q: LocalQ, heard: Any, tmp_path: Path) -> None:
    calls = heard("setup_logging")

    set_up(q.conf, level=20, logfile=str(tmp_path / "log"))

    assert calls[0][1]["loglevel"] == 20
    assert not (tmp_path / "log").exists()


def test_in_a_program_with_threads_slots_have_the_receivers_of_the_included_modules(
    q: LocalQ, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "receivers_of_a_test.py").write_text(
        "from localq.signals import worker_process_init\n"
        "@worker_process_init.connect\n"
        f"def tell(**kwargs): open({str(tmp_path / 'told')!r}, 'w').close()\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    q.conf.include = ("receivers_of_a_test",)
    ended = threading.Event()
    thread = threading.Thread(target=ended.wait)
    thread.start()

    with q.running(concurrency=1):
        until((tmp_path / "told").exists)

    ended.set()
    thread.join()
    signals.worker_process_init.disconnect(sys.modules.pop("receivers_of_a_test").tell)


def test_a_scheduler_beside_a_worker_tells_of_its_start(q: LocalQ, heard: Any) -> None:
    calls = heard("beat_init", "beat_embedded_init")

    with q.running(pool="threads", concurrency=1, beat=True):
        until(lambda: len(calls) > 1)

    assert [name for name, _ in calls] == ["beat_init", "beat_embedded_init"]
    assert all(fields["sender"].app is q for _, fields in calls)
