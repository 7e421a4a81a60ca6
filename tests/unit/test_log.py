"""What is logged: events as lines, loggers of tasks, and the set-up of a worker's log."""

from __future__ import annotations

import io
import logging
import unittest
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from localq import LocalQ
from localq.log import follow_events, get_task_logger, level_number, set_up
from localq.model.events import EVENTS, emit, listened, subscribe
from localq.settings import Settings

JOB = {"worker": "w@h", "task": "tasks.add", "job_id": "1", "queue": "celery", "attempt": 1}
FAILED = {**JOB, "duration_s": 0.5, "error": "ValueError: bad", "traceback": "Traceback:\n  here\n"}


class Kept(logging.Handler):
    """Keeps records, and the text a worker would show of them."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)

    @property
    def lines(self) -> list[str]:
        return [record.getMessage() for record in self.records]


@pytest.fixture
def loggers() -> Iterator[logging.Logger]:
    """Give back the loggers as they were; return the root logger without handlers."""
    names = ("", "localq", "localq.task")
    before = [(one, list(one.handlers), one.level) for one in map(logging.getLogger, names)]
    logging.getLogger().handlers = []
    yield logging.getLogger()
    logging.captureWarnings(False)
    for logger, handlers, level in before:
        logger.handlers = handlers
        logger.setLevel(level)


@pytest.fixture
def kept(loggers: logging.Logger) -> Kept:
    """Keep what is logged, from DEBUG on."""
    handler = Kept()
    loggers.addHandler(handler)
    loggers.setLevel(logging.DEBUG)
    return handler


@pytest.fixture
def own(loggers: logging.Logger) -> Iterator[Callable[[str], Kept]]:
    """Return a function that gives a logger a handler of its own."""
    made: list[tuple[logging.Logger, Kept]] = []

    def add(name: str) -> Kept:
        made.append((logging.getLogger(name), Kept()))
        made[-1][0].addHandler(made[-1][1])
        return made[-1][1]

    yield add
    for logger, handler in made:
        logger.removeHandler(handler)


def text_of(record: logging.LogRecord, **settings: Any) -> str:
    """Return a record as a worker with these settings shows it."""
    stream = io.StringIO()
    conf = Settings({"worker_log_format": "%(message)s", **settings})
    before, logging.getLogger().handlers = logging.getLogger().handlers, []
    set_up(conf, level=logging.DEBUG)
    handler = logging.getLogger().handlers[0]
    logging.getLogger().handlers = before
    assert isinstance(handler, logging.StreamHandler)
    handler.setStream(stream)
    handler.emit(record)
    return stream.getvalue()


# Events


def test_a_job_that_succeeds_is_a_line_with_its_fields_as_attributes(kept: Kept) -> None:
    with follow_events(Settings()):
        emit("job.succeeded", **JOB, duration_s=0.0123)

    (record,) = kept.records
    assert record.getMessage() == "Task tasks.add[1] succeeded in 0.012s"
    assert (record.name, record.levelname) == ("localq.execution", "INFO")
    given = record.__dict__
    keys = ("event", "job_id", "task", "queue", "attempt", "worker", "duration_s")
    assert [given[key] for key in keys] == ["job.succeeded", "1", "tasks.add", "celery", 1, "w@h", 0.0123]
    assert (given["task_id"], given["task_name"]) == ("1", "tasks.add")


def test_an_unexpected_failure_is_an_error_with_its_traceback(kept: Kept) -> None:
    with follow_events(Settings()):
        emit("job.failed", **FAILED, expected=False)

    (record,) = kept.records
    assert record.levelname == "ERROR"
    assert text_of(record) == "Task tasks.add[1] raised unexpected: ValueError: bad\nTraceback:\n  here\n"


def test_an_expected_failure_is_told_without_alarm(kept: Kept) -> None:
    with follow_events(Settings()):
        emit("job.failed", **FAILED, expected=True)

    (record,) = kept.records
    assert record.levelname == "INFO"
    assert text_of(record) == "Task tasks.add[1] raised expected: ValueError: bad\n"


@pytest.mark.parametrize(("again", "level"), [(True, "WARNING"), (False, "ERROR")])
def test_a_lost_job_is_a_warning_until_it_is_given_up(kept: Kept, again: bool, level: str) -> None:
    with follow_events(Settings()):
        emit("job.lost", **JOB, error="killed by SIGKILL", again=again)

    assert [record.levelname for record in kept.records] == [level]


def test_what_a_server_has_lost_is_an_error_with_its_number(kept: Kept) -> None:
    with follow_events(Settings()):
        emit("store.rolled_back", worker="w@h", writes=389)

    (record,) = kept.records
    assert record.levelname == "ERROR"
    assert "389 writes at least" in record.getMessage()


def test_every_event_that_is_logged_has_the_fields_its_line_needs(kept: Kept) -> None:
    values = {"duration_s": 1.0, "run_in_s": 2.0, "after_s": 3.0, "expected": False, "again": False}

    with follow_events(Settings()):
        for event, fields in EVENTS.items():
            emit(event, **{name: values.get(name, name) for name in fields.split()})

    untold = {"job.started"}
    assert {record.__dict__["event"] for record in kept.records} == EVENTS.keys() - untold


@pytest.mark.parametrize(("run_in_s", "said"), [(0.25, "0.25s"), (2.0, "2s"), (99.96, "100s"), (3600.4, "3600s")])
def test_the_delay_of_a_retry_is_told_in_seconds(kept: Kept, run_in_s: float, said: str) -> None:
    values = dict.fromkeys(EVENTS["job.retried"].split(), "x") | {"run_in_s": run_in_s}

    with follow_events(Settings()):
        emit("job.retried", **values)

    (record,) = kept.records
    assert f"retry in {said}: " in record.getMessage()


def test_what_would_not_be_logged_is_not_listened_to(loggers: logging.Logger) -> None:
    loggers.setLevel(logging.WARNING)

    with follow_events(Settings()):
        heard = {event for event in EVENTS if listened(event)}

    assert not heard & {"job.received", "job.succeeded", "worker.started"}
    assert heard >= {"job.failed", "job.lost", "job.retried", "job.printed"}


def test_an_expected_failure_stays_unsaid_at_the_level_of_warnings(kept: Kept) -> None:
    logging.getLogger().setLevel(logging.WARNING)

    with follow_events(Settings()):
        emit("job.failed", **FAILED, expected=True)

    assert kept.records == []


def test_nobody_listens_after_the_block() -> None:
    with follow_events(Settings()):
        pass

    assert not any(map(listened, EVENTS))


def test_names_and_errors_stay_in_their_line_and_send_nothing_to_a_terminal(kept: Kept) -> None:
    with follow_events(Settings()):
        emit("job.lost", **{**JOB, "task": "a\nb"}, error="\x1b[2Jcleared\r\n", again=True)

    assert kept.lines == [r"Task a\nb[1] lost, runs again: \x1b[2Jcleared\x0d\n"]


def test_a_very_long_error_is_cut_in_the_line(kept: Kept) -> None:
    with follow_events(Settings()):
        emit("job.lost", **JOB, error="x" * 100_000, again=True)

    assert len(kept.lines[0]) < 2_100
    assert kept.lines[0].endswith("xxx...")


def test_each_line_that_a_task_prints_and_is_not_blank_is_a_record_in_the_format_of_tasks(kept: Kept) -> None:
    conf = Settings({"worker_redirect_stdouts_level": "error"})

    with follow_events(conf):
        emit("job.printed", worker="w", task="tasks.add", job_id="1", text="one\r\n\n\x1b[31mtwo\n")

    assert {record.levelname for record in kept.records} == {"ERROR"}
    task_format = "%(task_name)s[%(task_id)s]: %(message)s"
    texts = [text_of(record, worker_task_log_format=task_format) for record in kept.records]
    assert texts == ["tasks.add[1]: one\n", "tasks.add[1]: \\x1b[31mtwo\n"]


def test_a_subscriber_of_an_event_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match=r"job\.succeded"), subscribe(lambda *_: None, ["job.succeded"]):
        pass


def test_a_subscriber_hears_only_what_it_asked_for_and_its_errors_stay_its_own() -> None:
    heard = []

    def keep(event: str, fields: dict[str, Any]) -> None:
        heard.append(event)
        raise RuntimeError

    with subscribe(keep, ["worker.stopped"]), subscribe(keep, ["worker.stopped", "jobs.pruned"]):
        emit("worker.stopped", worker="w")
        emit("worker.rejoined", worker="w", reason="")

    assert heard == ["worker.stopped", "worker.stopped"]


# Loggers of tasks


def test_a_task_logger_says_which_job_is_running(kept: Kept, eager: LocalQ) -> None:
    logger = get_task_logger("shop.mail")

    @eager.task(name="shop.mail.send")
    def send() -> None:
        logger.warning("sent to %s", "all")

    job = send.delay()

    (record,) = kept.records
    assert record.name == "shop.mail"
    task_format = "%(task_name)s[%(task_id)s] %(message)s"
    shown = text_of(record, worker_task_log_format=task_format)
    assert shown == f"shop.mail.send[{job.id}] sent to all\n"


def test_a_task_logger_outside_a_task_writes_as_any_other(kept: Kept) -> None:
    get_task_logger("shop.mail").warning("starting")

    (record,) = kept.records
    assert text_of(record) == "starting\n"
    assert record.__dict__["task_id"] is None


def test_records_of_slots_keep_the_job_they_arrived_with(kept: Kept) -> None:
    said = {"name": "x", "levelno": 30, "levelname": "WARNING", "msg": "m", "task_id": "9"}
    get_task_logger("x").handle(logging.makeLogRecord({**said, "task_name": "t"}))

    (record,) = kept.records
    assert text_of(record, worker_task_log_format="%(task_name)s[%(task_id)s]") == "t[9]\n"


def test_the_same_name_is_the_same_task_logger() -> None:
    assert get_task_logger("localq.task") is logging.getLogger("localq.task")
    assert get_task_logger("a") is get_task_logger("a") is logging.getLogger("a")


@pytest.mark.parametrize("name", ["", "root", "localq", "celery", "celery.task"])
def test_a_logger_above_those_of_tasks_is_none(name: str) -> None:
    with pytest.raises(RuntimeError, match=f"Logger name '{name}' is reserved"):
        get_task_logger(name)


def test_a_level_and_assert_logs_are_of_the_name_the_program_gave(kept: Kept) -> None:
    logger = get_task_logger("shop.leveled")
    logging.getLogger("shop.leveled").setLevel(logging.ERROR)

    logger.warning("not said")
    with unittest.TestCase().assertLogs("shop.leveled", "ERROR") as heard:
        logger.error("said")

    assert heard.output == ["ERROR:shop.leveled:said"]
    assert kept.lines == []


@pytest.mark.parametrize("above", ["localq.task", "celery.task", "celery", "localq"])
def test_what_tasks_log_reaches_celerys_loggers_and_ours(kept: Kept, own: Callable[[str], Kept], above: str) -> None:
    there = own(above)

    get_task_logger("shop.heard").info("here")

    assert (there.lines, kept.lines) == (["here"], ["here"])


@pytest.mark.parametrize(
    ("above", "lines"),
    [
        ("celery.worker", ["Task t[9] received"]),
        ("celery.app.trace", ["Task t[9] succeeded in 0.500s"]),
        ("celery.beat", ["Schedule s fired task t[9]"]),
        ("celery.task", []),
        ("celery", ["Task t[9] received", "Task t[9] succeeded in 0.500s", "Schedule s fired task t[9]"]),
        ("localq", ["Task t[9] received", "Task t[9] succeeded in 0.500s", "Schedule s fired task t[9]"]),
    ],
)
@pytest.mark.parametrize("disabled", [False, True])
def test_events_reach_the_loggers_that_celery_has_for_them(
    kept: Kept, own: Callable[[str], Kept], above: str, lines: list[str], disabled: bool
) -> None:
    there = own(above)
    ours = [logging.getLogger(f"localq.{name}") for name in ("worker", "execution", "schedules")]
    for one in ours:
        # As dictConfig does with what a project's LOGGING does not name.
        one.disabled = disabled

    with follow_events(Settings()):
        emit("job.received", task="t", job_id="9", queue="q")
        emit("job.succeeded", task="t", job_id="9", duration_s=0.5)
        emit("schedule.fired", schedule="s", task="t", job_id="9", nominal="now", late_s=0.0)
    for one in ours:
        one.disabled = False

    assert there.lines == lines


# Setting up


def test_a_worker_replaces_the_handlers_of_the_root_logger(loggers: logging.Logger, tmp_path: Path) -> None:
    loggers.addHandler(Kept())

    set_up(Settings(), level=logging.INFO, logfile=str(tmp_path / "worker.log"))
    logging.getLogger("anything").info("said")
    loggers.handlers[0].close()

    assert len(loggers.handlers) == 1
    assert (tmp_path / "worker.log").read_text().endswith("INFO/MainProcess] said\n")


def test_a_program_that_wants_its_own_logging_keeps_it(kept: Kept, loggers: logging.Logger) -> None:
    loggers.setLevel(logging.ERROR)
    loggers.handlers = [kept]

    set_up(Settings({"worker_hijack_root_logger": False}), level=logging.INFO)
    logging.getLogger("localq").info("ready")
    logging.getLogger("anything").info("not said")

    assert loggers.handlers == [kept]
    assert kept.lines == ["ready"]


def test_without_handlers_a_worker_sets_up_its_own_in_any_case(loggers: logging.Logger) -> None:
    loggers.handlers = []

    set_up(Settings({"worker_hijack_root_logger": False}), level=logging.INFO)

    assert len(loggers.handlers) == 1


@pytest.mark.parametrize(("wanted", "coloured"), [(None, False), (False, False), (True, True)])
def test_colour_is_for_terminals_or_by_wish(loggers: logging.Logger, wanted: bool | None, coloured: bool) -> None:
    record = logging.makeLogRecord({"msg": "bad", "levelno": logging.ERROR, "levelname": "ERROR"})

    shown = text_of(record, **({} if wanted is None else {"worker_log_color": wanted}))

    assert shown == ("\x1b[31mbad\x1b[0m\n" if coloured else "bad\n")


def test_what_cannot_be_seen_is_shown_and_lines_stay_lines(loggers: logging.Logger) -> None:
    record = logging.makeLogRecord({"msg": "a\nb\tc\x07\u2028\u202e", "levelno": 20, "levelname": "INFO"})

    assert text_of(record) == "a\nb\tc\\x07\\u2028\\u202e\n"


@pytest.mark.parametrize(("text", "number"), [("info", 20), ("WARN", 30), ("15", 15)])
def test_a_level_is_a_name_in_any_case_or_a_number(text: str, number: int) -> None:
    assert level_number(text) == number


def test_an_unknown_level_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="'loud' is no log level: use DEBUG, INFO"):
        level_number("loud")
