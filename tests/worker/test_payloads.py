"""Packed and signed jobs on real workers, and what somebody without the key writes into the file."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from localq import LocalQ, chain, chord
from localq.exceptions import DecodeError, ImproperlyConfigured, SecurityError, WorkerLostError
from localq.model.worker import EVERY_QUEUE, WorkerCard
from localq.serialization.compression import PACKED, pack
from localq.store.protocol import Filter
from tests.worker.waiting import DEADLINE_S

_ANY = Filter()
KEY = "2025: a secret of the tests"
POOLS = ["processes", "threads"]


def write(app: LocalQ, sql: str, *values: Any) -> None:
    """Change the file as somebody else would."""
    app.close()
    file = sqlite3.connect(app.location)
    with file:
        assert file.execute(sql, values).rowcount == 1
    file.close()


@pytest.fixture
def ran(q: LocalQ, tmp_path: Path) -> Path:
    """Return a file where the task `mark` notes each run."""
    path = tmp_path / "ran"

    @q.task(name="mark")
    def mark(text: str) -> str:
        with path.open("a") as file:
            file.write(f"{text[:20]}\n")
        return text

    return path


@pytest.mark.parametrize("pool", [*POOLS, "solo", "asyncio", "gevent"])
def test_packed_and_signed_jobs_run_as_others_do(q: LocalQ, ran: Path, pool: str) -> None:
    q.conf.update(task_compression="zlib", result_compression="xz", message_signing="require", message_keys=KEY)
    text = "work and play " * 10_000

    with q.running(concurrency=1, pool=pool):
        result = q.tasks["mark"].apply_async((text,), link=q.tasks["mark"].s())
        assert result.get(timeout=DEADLINE_S) == text
        (after,) = [one for one in q.store.read.find(_ANY, 10).jobs if one.id != result.id]
        assert q.AsyncResult(after.id).get(timeout=DEADLINE_S) == text

    write(q, "UPDATE job SET args = CAST(args || 'x' AS BLOB) WHERE id = ?", result.id)
    with pytest.raises(SecurityError):
        _ = result.args


@pytest.mark.parametrize("pool", POOLS)
def test_a_row_changed_in_the_file_does_not_run(q: LocalQ, ran: Path, pool: str) -> None:
    q.conf.update(message_signing="require", message_keys=KEY)
    forged, copied, good = [q.tasks["mark"].delay(text) for text in ("forged", "copied", "good")]
    write(q, "UPDATE job SET args = ? WHERE id = ?", b'[["evil"],{}]', forged.id)
    write(q, "UPDATE job SET args = (SELECT args FROM job WHERE id = ?) WHERE id = ?", good.id, copied.id)

    with q.running(concurrency=1, pool=pool):
        assert good.get(timeout=DEADLINE_S) == "good"
        with pytest.raises(SecurityError, match=f"The arguments of job {forged.id} are not signed"):
            forged.get(timeout=DEADLINE_S)
        with pytest.raises(SecurityError, match=f"The arguments of job {copied.id} do not fit their signature"):
            copied.get(timeout=DEADLINE_S)

    assert ran.read_text() == "good\n"
    assert [len(one.attempts) for one in (forged, copied)] == [1, 1]


def test_results_and_errors_changed_in_the_file_are_refused(q: LocalQ, ran: Path) -> None:
    q.conf.update(message_signing="require", message_keys=KEY, worker_unknown_tasks="fail")
    good, bad = q.tasks["mark"].delay("good"), q.send_task("unknown")
    with q.running(concurrency=1):
        assert good.get(timeout=DEADLINE_S) == "good"
        assert "NotRegistered" in type(bad.get(timeout=DEADLINE_S, propagate=False)).__name__
    write(q, "UPDATE attempt SET result = ? WHERE result IS NOT NULL", b'"evil"')
    write(
        q, "UPDATE attempt SET failure = ? WHERE failure IS NOT NULL", b'{"type":"OSError","module":"x","message":""}'
    )

    with pytest.raises(SecurityError, match=f"the result of job {good.id} are not signed"):
        q.AsyncResult(good.id).get()
    with pytest.raises(SecurityError, match=f"the error of job {bad.id} are not signed"):
        q.AsyncResult(bad.id).get()


def test_a_job_whose_process_died_shows_a_signed_error(q: LocalQ) -> None:
    q.conf.update(message_signing="require", message_keys=KEY, task_max_crashes=1)

    @q.task
    def die() -> None:
        os._exit(3)

    with q.running(concurrency=1), pytest.raises(WorkerLostError, match="exited with code 3"):
        die.delay().get(timeout=DEADLINE_S)


@pytest.mark.parametrize("pool", POOLS)
def test_a_bomb_in_the_file_is_a_failure_of_its_job_alone(q: LocalQ, ran: Path, pool: str) -> None:
    q.conf.task_args_max_bytes = 1_000_000
    bombed, good = q.tasks["mark"].delay("bombed"), q.tasks["mark"].delay("good")
    bomb = pack(b'[["' + bytes(64 << 20) + b'"],{}]', "zlib", 0)
    assert bomb.startswith(PACKED)
    write(q, "UPDATE job SET args = ? WHERE id = ?", bomb, bombed.id)

    with q.running(concurrency=1, pool=pool):
        assert good.get(timeout=DEADLINE_S) == "good"
        with pytest.raises(DecodeError, match=r"more than the limit of 1,000,000 \(setting task_args_max_bytes\)"):
            bombed.get(timeout=DEADLINE_S)

    assert ran.read_text() == "good\n"
    assert bombed.attempts[0].peak_memory is not None
    assert good.attempts[0].worker == bombed.attempts[0].worker


def test_a_worker_whose_key_cannot_be_had_does_not_start(q: LocalQ) -> None:
    q.conf.update(message_signing="require", message_keys="env:LOCALQ_NO_SUCH_KEY")

    with pytest.raises(ImproperlyConfigured, match="LOCALQ_NO_SUCH_KEY, which is not set"):
        q.start(concurrency=1)


def test_error_callbacks_of_a_job_whose_worker_died_are_signed(q: LocalQ, ran: Path) -> None:
    q.conf.update(message_signing="require", message_keys=KEY, task_max_crashes=1)
    mark = q.tasks["mark"]
    lost, forged = [mark.apply_async((text,), link_error=mark.si("told")) for text in ("lost", "forged")]
    card = WorkerCard("u", "dead@h", "h", 1, "solo", 1, None, (), ())
    dead = q.store.workers.enter(card, q.clock.now(), 0)
    assert len(q.store.jobs.claim(dead, EVERY_QUEUE, 2, q.clock.now()).jobs) == 2
    write(q, "UPDATE job SET args = ? WHERE id = ?", b'[["evil"],{}]', forged.id)
    mark.acks_late = False

    with q.running(concurrency=1):
        for one in (lost, forged):
            with pytest.raises(WorkerLostError):
                one.get(timeout=DEADLINE_S)
        (after,) = [one for one in q.store.read.find(_ANY, 10).jobs if one.id not in (lost.id, forged.id)]
        assert q.AsyncResult(after.id).get(timeout=DEADLINE_S) == "told"

    assert ran.read_text() == "told\n"


def test_workers_show_the_arguments_of_packed_and_signed_jobs(q: LocalQ, tmp_path: Path) -> None:
    q.conf.update(task_compression="zlib", message_signing="require", message_keys=KEY)
    text, door = "work and play " * 300, tmp_path / "door"
    os.mkfifo(door)

    @q.task(name="wait")
    def wait(text: str, path: str) -> None:
        Path(path).read_text()

    with q.running(concurrency=1) as worker:
        held = wait.delay(text, str(door))
        with door.open("w"):
            # It opens for writing only when the task has opened it for reading.
            ((shown,),) = (q.control.inspect().active() or {}).values()
        held.get(timeout=DEADLINE_S)

    assert worker is not None
    assert shown["args"] == [text, str(door)]


def test_a_chord_on_a_worker_joins_signed_results_and_refuses_a_changed_one(q: LocalQ) -> None:
    q.conf.update(result_compression="zlib", message_signing="require", message_keys=KEY)

    @q.task(name="echo")
    def echo(*given: Any) -> Any:
        return list(given)

    long = "x" * 5_000
    parts = chord([echo.s(long), echo.s("b")], echo.s("body"))
    with q.running(concurrency=1):
        assert parts.apply_async().get(timeout=DEADLINE_S) == [[[long], ["b"]], "body"]
        forged = chain(echo.s("first").set(task_id="first"), echo.s("after").set(countdown=1_000)).apply_async()
        assert q.AsyncResult("first").get(timeout=DEADLINE_S) == ["first"]
    write(q, "UPDATE attempt SET result = ? WHERE key = (SELECT max(key) FROM attempt)", b'["evil"]')
    write(q, "UPDATE job SET run_at = 0 WHERE id = ?", forged.id)

    with q.running(concurrency=1):
        with pytest.raises(SecurityError, match="The bytes of the result of job first are not signed"):
            forged.get(timeout=DEADLINE_S)
        assert echo.delay("good").get(timeout=DEADLINE_S) == ["good"]
