"""The program's own code has a thread of its own in a worker: its errors end nothing, its slowness costs nothing."""

from __future__ import annotations

import contextlib
import io
import json
import logging
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from localq import LocalQ
from localq.model.events import subscribe
from localq.signals import task_received
from localq.worker.aside import Aside
from tests.worker.waiting import DEADLINE_S, until


@contextlib.contextmanager
def handled(name: str, handler: logging.Handler) -> Iterator[None]:
    """Let a handler of the program hear a logger within the block."""
    logger = logging.getLogger(name)
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)


class Raising(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        raise ConnectionError("the chat room cannot be reached")


class Waiting(logging.Handler):
    """Takes as long as the gate is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.gate, self.began = threading.Event(), threading.Event()

    def emit(self, record: logging.LogRecord) -> None:
        self.began.set()
        self.gate.wait(DEADLINE_S)


class Keeping(logging.Handler):
    def __init__(self, line: str = "%(message)s") -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []
        self.lines: list[str] = []
        self.setFormatter(logging.Formatter(line))

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)
        self.lines.append(self.format(record))


@pytest.fixture(params=["processes", "asyncio"])
def selling(q: LocalQ, request: pytest.FixtureRequest) -> Iterator[Any]:
    """Return a task that logs, with a worker at work whose slots are processes."""

    @q.task
    def sell(n: int) -> int:
        logging.getLogger("shop").warning("sold %s", n, extra={"order": n, "odd": {1, 2}})
        return n

    with q.running(concurrency=1, pool=request.param):
        yield sell


def test_a_handler_that_raises_ends_neither_worker_nor_job(selling: Any, capfd: pytest.CaptureFixture[str]) -> None:
    with handled("shop", Raising()):
        results = [selling.delay(n) for n in range(5)]
        assert [result.get(DEADLINE_S) for result in results] == list(range(5))
    assert selling.delay(7).get(DEADLINE_S) == 7
    assert "the chat room cannot be reached" in capfd.readouterr().err
    assert [len(result.attempts) for result in results] == [1] * 5


def test_a_filter_that_raises_ends_nothing_and_sees_the_arguments(selling: Any) -> None:
    kept = Keeping()
    kept.addFilter(lambda record: record.args[0] != 3)  # type: ignore[index]
    with handled("shop", kept):
        assert [selling.delay(n).get(DEADLINE_S) for n in range(5)] == list(range(5))
        until(lambda: len(kept.lines) == 4)

    assert kept.lines == ["sold 0", "sold 1", "sold 2", "sold 4"]


def test_a_handler_that_never_comes_back_costs_no_result_and_no_lease(
    q: LocalQ, selling: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = Waiting()
    monkeypatch.setattr("localq.worker.aside._AT_END_S", 0.1)
    with handled("shop", slow):
        selling.delay(0).get(DEADLINE_S)
        assert slow.began.wait(DEADLINE_S)
        before = q._embedded.worker._lease.beat_at  # type: ignore[union-attr]
        results = [selling.delay(n) for n in range(20)]
        assert [result.get(DEADLINE_S) for result in results] == list(range(20))
        q._embedded.worker.beat_soon()  # type: ignore[union-attr]
        q._embedded.worker.wake()  # type: ignore[union-attr]
        until(lambda: q._embedded.worker._lease.beat_at > before)  # type: ignore[union-attr]
        slow.gate.set()


def test_what_a_record_has_beside_its_text_arrives(q: LocalQ, selling: Any) -> None:
    kept = Keeping("%(order)s %(odd)s %(message)s %(task_name)s")
    with handled("shop", kept):
        selling.delay(7).get(DEADLINE_S)
        until(lambda: kept.lines)

    assert kept.lines == [f"7 {{1, 2}} sold 7 {selling.name}"]
    assert kept.records[0].args == (7,)


def test_a_record_whose_message_is_a_dict_or_has_a_stack_arrives_as_it_is(q: LocalQ) -> None:
    @q.task
    def tell() -> None:
        log = logging.getLogger("shop")
        log.warning({"event": "sold", "order": 7})
        log.warning("where", stack_info=True)
        log.warning("an object: %s", object)
        try:
            raise ValueError("no")
        except ValueError:
            log.exception("failed")

    kept = Keeping()
    with handled("shop", kept), q.running(concurrency=1):
        tell.delay().get(DEADLINE_S)
        until(lambda: len(kept.records) == 4)

    first, second, third, fourth = kept.records
    assert first.msg == {"event": "sold", "order": 7}
    assert "in tell" in str(second.stack_info)
    assert third.getMessage() == "an object: <class 'object'>"
    assert "ValueError: no" in kept.lines[3]
    assert fourth.threadName == "MainThread"


def test_a_receiver_that_never_comes_back_costs_no_result(q: LocalQ, monkeypatch: pytest.MonkeyPatch) -> None:
    gate, began = threading.Event(), threading.Event()
    monkeypatch.setattr("localq.worker.aside._AT_END_S", 0.1)

    def wait(**_: Any) -> None:
        began.set()
        gate.wait(DEADLINE_S)

    @q.task
    def add(x: int, y: int) -> int:
        return x + y

    task_received.connect(wait)
    try:
        with q.running(concurrency=1):
            assert [add.delay(n, 1).get(DEADLINE_S) for n in range(5)] == [1, 2, 3, 4, 5]
            assert began.is_set()
            gate.set()
    finally:
        task_received.disconnect(wait)


def test_a_stream_that_blocks_costs_no_result(q: LocalQ, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = threading.Event()
    monkeypatch.setattr("localq.worker.aside._AT_END_S", 0.1)

    class Blocked(io.StringIO):
        def write(self, text: str) -> int:
            gate.wait(DEADLINE_S)
            return len(text)

    @q.task
    def shout(n: int) -> int:
        print("loud")
        return n

    with q.running(concurrency=1):
        monkeypatch.setattr("sys.stdout", Blocked())
        assert [shout.delay(n).get(DEADLINE_S) for n in range(5)] == list(range(5))
        gate.set()


def test_a_jobs_prints_come_before_its_result(q: LocalQ, capsys: pytest.CaptureFixture[str]) -> None:
    @q.task
    def shout(n: int) -> int:
        print(f"job {n}")
        return n

    with q.running(concurrency=1):
        for n in range(20):
            print(f"result {shout.delay(n).get(DEADLINE_S)}")

    lines = [f"{what} {n}" for n in range(20) for what in ("job", "result")]
    assert capsys.readouterr().out.splitlines() == lines


def test_what_does_not_fit_is_dropped_counted_and_said() -> None:
    gate, began = threading.Event(), threading.Event()
    called: list[int] = []
    said: list[dict[str, Any]] = []

    def wait() -> None:
        began.set()
        gate.wait(DEADLINE_S)

    aside = Aside("w@h", most=10)
    aside.start()
    aside.put(wait)
    assert began.wait(DEADLINE_S)
    with subscribe(lambda event, fields: said.append(fields), ["notices.dropped"]):
        for n in range(25):
            aside.put(called.append, n)
        aside.settle()
        gate.set()
        aside.stop()

    assert called == list(range(10))
    assert said == [{"worker": "w@h", "count": 15}]
    aside.put(called.append, 99)
    assert called[-1] == 99


def test_what_is_left_when_a_worker_ends_is_counted_on_standard_error(capfd: pytest.CaptureFixture[str]) -> None:
    gate = threading.Event()
    aside = Aside("w@h")
    aside.start()
    aside.put(gate.wait, 60)
    for _ in range(3):
        aside.put(json.dumps, {})

    aside.stop(timeout=0.05)
    gate.set()

    assert "log records, prints or signals were not delivered" in capfd.readouterr().err


def test_the_command_goes_on_under_a_handler_that_raises(q: LocalQ, tmp_path: Path) -> None:
    with handled("localq", Raising()), q.running(concurrency=1):

        @q.task
        def fail() -> None:
            raise ValueError("no")

        results = [fail.delay() for _ in range(3)]
        for result in results:
            with pytest.raises(ValueError, match="no"):
                result.get(DEADLINE_S)
    assert [len(result.attempts) for result in results] == [1, 1, 1]


def test_what_is_put_as_the_thread_runs_out_of_calls_is_waited_for_before_a_result() -> None:
    gate, between = threading.Event(), threading.Event()
    aside = Aside("w@h")

    class Idle(threading.Event):
        def set(self) -> None:
            if not between.is_set():
                putting.start()
                between.set()
                # It has put its call by then, unless it has to wait for this to be over.
                putting.join(0.3)
            super().set()

    putting = threading.Thread(target=lambda: aside.put(gate.wait, 60))
    aside._idle = Idle()
    aside.start()
    try:
        assert between.wait(DEADLINE_S)
        putting.join(DEADLINE_S)
        assert not aside._idle.is_set()
    finally:
        gate.set()
        aside.stop()
