"""Schedules that are signed: what they fire is signed too, and what somebody without the key writes fires nothing."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from localq import LocalQ, current
from localq.exceptions import ImproperlyConfigured, ScheduleError, SecurityError
from localq.model import events
from localq.model.job import Job
from localq.schedules.scheduler import beside
from localq.serialization.sealing import open_call
from localq.serialization.signing import SIGNED
from localq.store.protocol import Filter
from localq.testing import FakeClock, drain, travel

KEY, NEXT = "one: a secret of the tests", "two: the secret that comes next"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def signed(tmp_path: Path) -> Iterator[LocalQ]:
    """Return an app that takes only what is signed, with a run-time schedule due each minute."""
    app = LocalQ("tests", path=tmp_path / "jobs.db", message_signing="require", message_keys=KEY)
    app.clock = FakeClock(NOON)

    @app.task(name="echo")
    def echo(text: str) -> str:
        return text

    app.schedules.add("good", 60, echo, ("good",))
    yield app
    app.close()
    current.set_app(None)


def jobs_of(app: LocalQ) -> list[Job]:
    found = [app.store.read.get([job.id], args=True)[job.id] for job in app.store.read.find(Filter(), 100).jobs]
    return [job for job in found if job is not None]


def write(app: LocalQ, sql: str, *values: Any) -> None:
    """Change the file as somebody else would."""
    app.close()
    with closing(sqlite3.connect(app.location)) as file, file:
        assert file.execute(sql, values).rowcount == 1


def tick(app: LocalQ) -> list[tuple[str, dict[str, Any]]]:
    """Fire what is due; return what was told."""
    told: list[tuple[str, dict[str, Any]]] = []
    scheduler = beside(app)
    with closing(scheduler), events.subscribe(lambda name, fields: told.append((name, fields)), ["schedule.failed"]):
        scheduler.tick(app.clock.now())
    return told


def spec_of(app: LocalQ, name: str) -> str:
    return app.store.schedules.find([name])[0].spec


def test_what_a_schedule_fires_is_signed_and_runs(signed: LocalQ) -> None:
    assert tick(signed) == []
    by_hand = signed.schedules.trigger("good")
    (filled,) = signed.schedules.backfill("good", "2026-03-01T11:59", "2026-03-01T11:59:59")

    jobs = jobs_of(signed)
    assert [job.args is not None and job.args.startswith(SIGNED) for job in jobs] == [True] * 3
    assert {open_call(job, signed.conf) for job in jobs} == {b'[["good"],{}]'}
    assert [one.get() for one in drain(signed)] == ["good"] * 3
    assert (by_hand.get(), filled.get()) == ("good", "good")


def test_a_call_is_packed_when_it_is_fired_as_its_task_says(signed: LocalQ) -> None:
    signed.task(lambda text: text, name="long", compression="xz")  # type: ignore[call-overload]
    signed.conf.message_signing = "off"
    signed.schedules.add("long", 60, "long", ("x" * 5000,), compression="xz")

    tick(signed)

    (long,) = [job for job in jobs_of(signed) if job.task == "long"]
    assert long.args is not None
    assert long.args.startswith(b"\1x")


def test_a_signed_definition_can_still_be_read_in_the_file(signed: LocalQ) -> None:
    mark, _, spec = spec_of(signed, "good").split(" ", 2)

    assert mark == "signed"
    assert json.loads(spec)["job"]["args"] == '[["good"],{}]'
    assert signed.schedules.get("good").task == "echo"


FORGED = {
    "unsigned": "UPDATE schedule SET spec = substr(spec, instr(spec, '{'))",
    "changed": "UPDATE schedule SET spec = replace(spec, '\\\"good\\\"', '\\\"evil\\\"')",
    "renamed": "UPDATE schedule SET name = 'other'",
    "garbled": "UPDATE schedule SET spec = 'signed !! ' || substr(spec, instr(spec, '{'))",
    "cut": "UPDATE schedule SET spec = 'signed'",
    "a blob": "UPDATE schedule SET spec = x'01'",
}


@pytest.mark.parametrize("sql", FORGED.values(), ids=FORGED)
def test_a_schedule_that_somebody_wrote_into_the_file_fires_nothing(signed: LocalQ, sql: str) -> None:
    write(signed, sql)

    ((_, told),) = tick(signed)

    assert jobs_of(signed) == []
    name = "other" if "other" in sql else "good"
    assert told["schedule"] == name
    reason = "where a text is due|are not signed|do not fit their signature|are signed with the key ''"
    with pytest.raises((SecurityError, ScheduleError), match=reason):
        signed.schedules.trigger(name)
    (shown,) = signed.schedules.list()
    assert shown.words == told["error"] == shown.note
    assert shown.task is None


def test_a_schedule_of_before_is_signed_by_an_update(signed: LocalQ) -> None:
    signed.conf.message_signing = "off"
    signed.schedules.add("before", 60, "echo", ("before",))
    signed.conf.message_signing = "accept"
    assert signed.schedules.get("before").task == "echo"

    signed.schedules.update("before")
    signed.conf.message_signing = "require"

    assert tick(signed) == []
    assert {open_call(job, signed.conf) for job in jobs_of(signed)} == {b'[["good"],{}]', b'[["before"],{}]'}


def test_a_configured_schedule_is_signed_with_the_first_key_when_a_scheduler_starts(signed: LocalQ) -> None:
    signed.add_periodic_task(60, signed.tasks["echo"].s("configured"), name="configured")
    tick(signed)
    before = spec_of(signed, "configured")
    signed.conf.message_keys = [NEXT, KEY]

    signed.clock.forward(minutes=1)  # type: ignore[attr-defined]
    assert tick(signed) == []

    assert spec_of(signed, "configured") != before
    assert len(signed.schedules.ledger("configured")) == 2
    signed.conf.message_keys = [NEXT]
    assert signed.schedules.get("configured").task == "echo"
    assert signed.schedules.get("good").task is None


def test_a_scheduler_whose_key_cannot_be_had_does_not_start(signed: LocalQ) -> None:
    signed.conf.message_keys = "env:LOCALQ_NO_SUCH_KEY"

    with pytest.raises(ImproperlyConfigured, match="LOCALQ_NO_SUCH_KEY, which is not set"):
        beside(signed)


def test_signed_schedules_fire_in_another_time(signed: LocalQ) -> None:
    signed.add_periodic_task(60, signed.tasks["echo"].s("there"), name="there")

    with travel(signed) as trip:
        ran = trip.forward(minutes=2)

    assert [(one.args, one.state) for one in ran] == [(("there",), "SUCCESS")] * 3
