"""What `start` and `running` say to options that cannot be."""

from __future__ import annotations

import errno
import logging
import os
from pathlib import Path
from typing import Any

import pytest

from localq import LocalQ
from localq.exceptions import ImproperlyConfigured, StoreFull
from tests.worker.waiting import DEADLINE_S


@pytest.fixture
def q(tmp_path: Path) -> Any:
    app = LocalQ("starting", path=tmp_path / "jobs.db", durability="normal")
    yield app
    app.close()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"concurency": 2}, "got an unknown option 'concurency'. Did you mean 'concurrency'?"),
        ({"quues": ["mail"]}, "got an unknown option 'quues'. Did you mean 'queues'?"),
        ({"queues": "mail"}, "takes a list of names as queues, such as ['mail'], not 'mail'"),
        ({"excluded": None}, "takes a list of names as excluded, such as ['mail'], not None"),
        ({"queues": [1]}, "takes a list of names as queues, such as ['mail'], not [1]"),
        ({"pool": 3}, "takes a text as pool, not 3"),
        ({"name": b"w"}, "takes a text as name, not b'w'"),
    ],
)
def test_an_option_that_cannot_be_is_refused_by_the_function_that_was_called(
    q: LocalQ, options: dict[str, Any], said: str
) -> None:
    with pytest.raises(TypeError) as of_start:
        q.start(**options)
    with pytest.raises(TypeError) as of_running, q.running(**options):
        pass

    assert str(of_start.value) == f"start() {said}"
    assert str(of_running.value) == f"running() {said}"


def test_a_name_that_cannot_be_is_refused_and_the_app_can_start_under_another(q: LocalQ) -> None:
    with pytest.raises(ImproperlyConfigured, match="A worker cannot be called 'my worker'"):
        q.start(pool="solo", name="my worker")

    with q.running(pool="solo", name="mine@here") as running:
        assert [row.card.name for row in running.store.workers.all()] == ["mine@here"]


def test_a_timeout_that_cannot_be_leaves_the_worker_running(q: LocalQ) -> None:
    q.start(pool="solo")

    with pytest.raises(TypeError, match="timeout='soon' must be a number of seconds"):
        q.stop(timeout="soon")  # type: ignore[arg-type]

    assert q._embedded.runs()
    q.stop()


def test_the_solo_pool_says_that_it_has_one_slot(q: LocalQ, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "localq"):
        with q.running(concurrency=3, pool="solo"):
            (row,) = q.store.workers.all()
        with q.running(pool="solo"), q.running(concurrency=1, pool="solo"):
            pass

    assert row.card.concurrency == 1
    said = "The solo pool has one slot; concurrency 3 has no effect. Use another pool for more."
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == [said]


def test_a_solo_pool_refuses_a_concurrency_that_is_none(q: LocalQ) -> None:
    with pytest.raises(ImproperlyConfigured, match="concurrency=0 must be a whole number from 1"):
        q.start(concurrency=0, pool="solo")


def test_a_slot_of_its_own_knows_one_exception_class_that_stands_alone(q: LocalQ) -> None:
    def flaky(self: Any) -> int:
        if self.request.retries == 0:
            raise KeyError("once")
        return int(self.request.retries)

    before = q.task(name="before", bind=True, autoretry_for=KeyError, default_retry_delay=0)(flaky)
    with q.running(concurrency=1):
        assert before.delay().get(timeout=DEADLINE_S) == 1
        # Defined after the fork, it travels to the slot.
        after = q.task(name="after", bind=True, autoretry_for=KeyError, default_retry_delay=0)(flaky)
        assert after.delay().get(timeout=DEADLINE_S) == 1


def test_a_full_disk_refuses_a_worker_instead_of_ending_the_program(
    q: LocalQ, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int, offset: int, length: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(os, "posix_fallocate", full)
        with pytest.raises(StoreFull, match=r"No space left for .*jobs\.db"):
            q.start(1)
    left = [path.name for path in (tmp_path / "jobs.db.d").iterdir() if path.suffix in {".lock", ".slots", ".new"}]

    assert left == []
    with q.running(concurrency=1):
        (row,) = q.store.workers.all()
    assert row.card.concurrency == 1


def test_the_memory_slots_mark_their_jobs_in_lies_on_the_disk_already(q: LocalQ, tmp_path: Path) -> None:
    with q.running(concurrency=2):
        (file,) = (tmp_path / "jobs.db.d").glob("*.slots")
        kept = file.stat()

    assert kept.st_blocks * 512 >= kept.st_size > 0
