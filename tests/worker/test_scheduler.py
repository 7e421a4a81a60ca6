"""The scheduler and an app's schedules on a real store: what fires, what is kept, what a change does."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest

from localq import LocalQ, chain, chord, current, group
from localq.exceptions import ScheduleError, StoreBusy
from localq.model import events
from localq.model.job import JobState
from localq.schedules import BaseSchedule, crontab
from localq.schedules.scheduler import Scheduler, beside
from localq.store.protocol import Filter
from localq.store.sqlite.store import SqliteStore
from localq.testing import FakeClock
from tests.worker.waiting import DEADLINE_S, until

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Beat:
    """An app on a file, and a scheduler of it that is ticked by hand; a restart makes new ones."""

    def __init__(self, path: Path) -> None:
        self.path, self.clock = path, FakeClock(NOON)
        self.said: list[tuple[str, dict[str, Any]]] = []
        self._open: list[Any] = []
        self.start()

    def start(self, main: str = "shop", **settings: Any) -> LocalQ:
        """Start the program anew, with this configuration."""
        self.q = LocalQ(main, path=self.path, durability="normal", **settings)
        self.q.clock = self.clock
        self.q.task(lambda: None, name="work")  # type: ignore[call-overload]
        self._open.append(self.q)
        return self.q

    def scheduler(self) -> Scheduler:
        made = beside(self.q)
        self._open.append(made)
        return made

    def restart(self, main: str = "shop", **settings: Any) -> Scheduler:
        self.start(main, **settings)
        return self.scheduler()

    def tick(self, scheduler: Scheduler) -> None:
        scheduler.tick(self.clock.now())

    def after(self, scheduler: Scheduler, **parts: float) -> None:
        """Let time pass and tick once."""
        self.clock.forward(**parts)
        self.tick(scheduler)

    def jobs(self) -> list[str]:
        return [one.task for one in self.q.store.read.find(Filter(), 1000).jobs]

    def fired(self, name: str) -> list[str]:
        return [f"{one.instant:%d %H:%M:%S}" for one in self.q.schedules.ledger(name) if one.outcome == "fired"][::-1]

    def finish(self) -> None:
        """End every job that waits."""
        self.q.cancel([one.id for one in self.q.store.read.find(Filter(), 1000).jobs])

    def close(self) -> None:
        for one in reversed(self._open):
            one.close()


@pytest.fixture
def beat(tmp_path: Path) -> Iterator[Beat]:
    made = Beat(tmp_path / "jobs.db")
    told = ["schedule.fired", "schedule.failed", "schedule.retired"]
    with events.subscribe(lambda name, fields: made.said.append((name, fields)), told):
        yield made
    made.close()
    current.set_app(None)


def entry(schedule: Any = 60, **parts: Any) -> dict[str, Any]:
    return {"task": "work", "schedule": schedule, **parts}


# After a restart


def test_an_interval_seen_for_the_first_time_runs_at_once(beat: Beat) -> None:
    scheduler = beat.restart(beat_schedule={"x": entry()})

    beat.tick(scheduler)

    assert beat.fired("x") == ["01 12:00:00"]
    assert beat.jobs() == ["work"]


def test_new_entries_wait_one_interval_where_the_settings_say_so(beat: Beat) -> None:
    scheduler = beat.restart(beat_schedule={"x": entry()}, beat_run_new_entries=False)

    beat.tick(scheduler)
    assert beat.fired("x") == []
    beat.after(scheduler, seconds=60)

    assert beat.fired("x") == ["01 12:01:00"]


def test_a_known_schedule_goes_on_from_its_last_run(beat: Beat) -> None:
    beat.tick(beat.restart(beat_schedule={"x": entry()}))
    beat.clock.forward(seconds=20)

    scheduler = beat.restart(beat_schedule={"x": entry()})
    beat.tick(scheduler)
    beat.after(scheduler, seconds=39)
    assert beat.fired("x") == ["01 12:00:00"]
    beat.after(scheduler, seconds=1)

    assert beat.fired("x") == ["01 12:00:00", "01 12:01:00"]


def test_what_has_an_end_in_the_past_does_not_run(beat: Beat) -> None:
    scheduler = beat.restart(beat_schedule={"over": entry(end="2026-03-01T11:59")})

    beat.tick(scheduler)

    assert beat.fired("over") == []
    assert beat.q.schedules.get("over").state == "ended"
    with pytest.raises(ScheduleError, match="no instant after now: every minute, until 2026-03-01 11:59:00 UTC"):
        beat.q.schedules.add("late", 60, "work", end="2026-03-01T11:59")


def test_an_overdue_schedule_runs_at_once(beat: Beat) -> None:
    beat.tick(beat.restart(beat_schedule={"x": entry(), "c": entry("30 12 * * *")}))
    beat.clock.forward(hours=2, seconds=5)

    beat.tick(beat.restart(beat_schedule={"x": entry(), "c": entry("30 12 * * *")}))

    assert beat.fired("x") == ["01 12:00:00", "01 14:00:00"]
    assert beat.fired("c") == ["01 12:30:00"]
    assert beat.q.schedules.get("x").missed == 119


def test_a_rule_of_the_calendar_waits_for_its_time(beat: Beat) -> None:
    scheduler = beat.restart(beat_schedule={"x": entry(crontab(minute=30))})

    beat.tick(scheduler)

    assert beat.fired("x") == []
    assert beat.q.schedules.get("x").next == NOON + timedelta(minutes=30)


# Changes of the configuration


def test_a_changed_call_keeps_the_times(beat: Beat) -> None:
    beat.tick(beat.restart(beat_schedule={"x": entry()}))
    beat.clock.forward(seconds=20)

    beat.restart(beat_schedule={"x": entry(options={"queue": "other"})})
    scheduler = beat.scheduler()
    beat.after(scheduler, seconds=40)

    assert beat.fired("x") == ["01 12:00:00", "01 12:01:00"]
    assert {one.queue for one in beat.q.store.read.find(Filter(), 10).jobs} == {"celery", "other"}


def test_a_changed_interval_counts_from_the_last_run_and_keeps_the_history(beat: Beat) -> None:
    beat.tick(beat.restart(beat_schedule={"x": entry(60)}))
    beat.clock.forward(seconds=20)

    scheduler = beat.restart(beat_schedule={"x": entry(30)})
    beat.after(scheduler, seconds=10)

    assert beat.fired("x") == ["01 12:00:00", "01 12:00:30"]
    assert beat.q.schedules.get("x").runs == 2


def test_a_changed_cron_expression_is_due_next_from_now(beat: Beat) -> None:
    beat.tick(beat.restart(beat_schedule={"x": entry("0 * * * *")}))
    beat.clock.forward(minutes=40)

    beat.restart(beat_schedule={"x": entry("30 * * * *")})

    assert beat.q.schedules.get("x").next == NOON + timedelta(minutes=90)


def test_a_changed_zone_is_a_changed_rule(beat: Beat) -> None:
    beat.restart(beat_schedule={"x": entry("0 20 * * *")})

    beat.restart(beat_schedule={"x": entry("0 20 * * *", zone="Asia/Tokyo")})

    assert beat.q.schedules.get("x").next == datetime(2026, 3, 2, 11, tzinfo=UTC)


def test_an_entry_taken_out_is_retired_and_comes_back_with_its_history(beat: Beat) -> None:
    beat.tick(beat.restart(beat_schedule={"x": entry(), "y": entry(3600)}))

    scheduler = beat.restart(beat_schedule={"y": entry(3600)})
    beat.after(scheduler, minutes=5)
    assert beat.q.schedules.get("x").state == "retired"
    assert beat.fired("x") == ["01 12:00:00"]
    assert beat.said[-1] == ("schedule.retired", {"schedule": "x", "source": "config:shop"})

    scheduler = beat.restart(beat_schedule={"x": entry(), "y": entry(3600)})
    beat.tick(scheduler)

    assert beat.q.schedules.get("x").state == "active"
    assert beat.fired("x")[0] == "01 12:00:00"


def test_a_configuration_leaves_the_schedules_of_others_alone(beat: Beat) -> None:
    beat.restart(beat_schedule={"x": entry()})
    beat.q.schedules.add("mine", 60, "work")
    beat.restart("other", beat_schedule={"z": entry()})

    assert {one.name: one.state for one in beat.q.schedules.list()} == {"mine": "active", "x": "active", "z": "active"}


def test_a_name_that_another_program_holds_is_told_and_left(beat: Beat) -> None:
    beat.restart(beat_schedule={"x": entry(60)})

    beat.restart("other", beat_schedule={"x": entry(5)})

    (failed,) = [fields for name, fields in beat.said if name == "schedule.failed"]
    assert failed["schedule"] == "x"
    assert "config:shop" in failed["error"]
    assert beat.q.schedules.get("x").words == "every minute"


def test_what_is_declared_while_a_scheduler_runs_is_taken_up(beat: Beat) -> None:
    scheduler = beat.restart()

    beat.q.add_periodic_task(60, beat.q.tasks["work"], name="late")
    scheduler.follow()
    beat.tick(scheduler)

    assert beat.fired("late") == ["01 12:00:00"]


# At run time


def test_a_schedule_is_added_changed_and_removed_while_the_program_runs(beat: Beat) -> None:
    scheduler = beat.restart()
    schedules = beat.q.schedules

    added = schedules.add("x", "*/5 * * * *", "work", queue="slow", zone="Europe/Berlin")
    assert (added.words, added.zone, added.source, added.next) == (
        "every 5 minutes",
        "Europe/Berlin",
        "run-time",
        NOON + timedelta(minutes=5),
    )
    changed = schedules.update("x", schedule="0 * * * *")
    assert (changed.words, changed.zone) == ("every hour, on the hour", "Europe/Berlin")
    beat.after(scheduler, hours=1)
    assert [one.queue for one in beat.q.store.read.find(Filter(), 10).jobs] == ["slow"]

    assert schedules.remove("x")
    assert not schedules.remove("x")
    with pytest.raises(ScheduleError, match="There is no schedule 'x'"):
        schedules.get("x")


def test_a_change_of_one_part_keeps_the_others(beat: Beat) -> None:
    beat.restart()

    @beat.q.task(name="sum")
    def add(x: int, y: int) -> int:
        return x + y

    beat.q.schedules.add("x", 60, add.s(1, 2), queue="slow", expires=30, jitter=2, max_runs=5, headers={"a": "b"})
    beat.q.schedules.update("x", args=(3, 4), priority=5)

    scheduler = beat.scheduler()
    beat.after(scheduler, seconds=10)
    (job,) = beat.q.store.read.find(Filter(), 10).jobs
    full = beat.q.store.read.get([job.id], args=True)[job.id]
    assert full is not None
    assert (full.args, full.queue, full.priority) == (b"[[3,4],{}]", "slow", 5)
    assert full.expires_at is not None
    assert '"a":"b"' in (full.options or "")


def test_a_name_is_taken_only_once(beat: Beat) -> None:
    beat.restart(beat_schedule={"configured": entry()})
    schedules = beat.q.schedules
    schedules.add("x", 60, "work")

    with pytest.raises(ScheduleError, match=r"There is a schedule 'x' already"):
        schedules.add("x", 30, "work")
    with pytest.raises(ScheduleError, match="belongs to the configuration of shop: change it there"):
        schedules.add("configured", 30, "work", replace=True)
    with pytest.raises(ScheduleError, match="belongs to the configuration of shop: change it there"):
        schedules.update("configured", schedule=30)
    with pytest.raises(ScheduleError, match=r"take it out there, or pause it\. If that program is no more, remove it"):
        schedules.remove("configured")

    assert schedules.add("x", 30, "work", replace=True).words == "every 30 seconds"


def test_a_name_that_a_program_had_which_is_no_more_can_be_taken_from_it(beat: Beat) -> None:
    beat.tick(beat.restart("old", beat_schedule={"x": entry()}))
    scheduler = beat.restart("new", beat_schedule={"x": entry()})
    beat.after(scheduler, seconds=60)
    assert beat.fired("x") == ["01 12:00:00"]
    assert ("schedule.failed", "x") in [(name, fields["schedule"]) for name, fields in beat.said]

    assert beat.q.schedules.remove("x", force=True)
    beat.after(beat.restart("new", beat_schedule={"x": entry()}), seconds=60)

    assert beat.fired("x") == ["01 12:02:00"]


def test_what_is_added_is_checked(beat: Beat) -> None:
    beat.restart()

    for wrong, words in (
        ({"schedule": "x"}, r"schedules.add\('x'\), schedule: "),
        ({"task": "wrok"}, r"schedules.add\('x'\), task: there is no task 'wrok'. Did you mean 'work'"),
        ({"zone": "x"}, r"schedules.add\('x'\), zone: "),
        ({"queu": "x"}, r"schedules.add\('x'\), queu: there is no such option. Did you mean 'queue'\?"),
        ({"schedule": datetime(2020, 1, 1, tzinfo=UTC)}, "has no instant after now"),
        (
            {"schedule": datetime(2026, 3, 1, 12, 30), "zone": "Europe/Berlin"},
            "after now: once, at 2026-03-01 12:30:00; in Europe/Berlin it is 2026-03-01 13:00:00",
        ),
    ):
        with pytest.raises(ScheduleError, match=words):
            beat.q.schedules.add("x", **{"schedule": 60, "task": "work", **wrong})
    assert beat.q.schedules.list() == []


def test_a_task_that_this_process_does_not_know_fires_all_the_same(beat: Beat) -> None:
    beat.restart()
    beat.q.schedules.add("x", 60, "work", queue="slow", time_limit=5)

    stranger = LocalQ("stranger", path=beat.path)
    stranger.clock = beat.clock
    scheduler = beside(stranger)
    beat.tick(scheduler)
    scheduler.close()
    stranger.close()

    (job,) = beat.q.store.read.find(Filter(), 10).jobs
    assert (job.task, job.queue) == ("work", "slow")
    assert '"time_limit":5' in (job.options or "")


def test_schedules_of_apps_without_a_name_were_everybodys_once_and_go_on(beat: Beat) -> None:
    beat.tick(beat.restart("", beat_schedule={"x": entry(), "gone": entry()}))
    connection = sqlite3.connect(beat.path)
    connection.execute("UPDATE schedule SET source = 'config:'")
    connection.commit()
    connection.close()

    beat.after(beat.restart("", beat_schedule={"x": entry()}), seconds=60)

    assert beat.fired("x") == ["01 12:00:00", "01 12:01:00"]
    assert beat.q.schedules.get("gone").state == "retired"


def test_a_paused_schedule_rests_and_its_pause_is_told(beat: Beat) -> None:
    scheduler = beat.restart(beat_schedule={"x": entry()})
    beat.tick(scheduler)

    assert beat.q.schedules.pause("x").state == "paused"
    beat.after(scheduler, seconds=150)
    assert beat.fired("x") == ["01 12:00:00"]
    assert beat.q.schedules.resume("x").next == NOON + timedelta(seconds=180)
    beat.after(scheduler, seconds=30)

    assert beat.fired("x") == ["01 12:00:00", "01 12:03:00"]
    skipped = [one for one in beat.q.schedules.ledger("x") if one.outcome == "skipped"]
    assert {one.reason for one in skipped} == {"paused"}
    assert len(skipped) == 2


def test_a_pause_outlives_a_restart(beat: Beat) -> None:
    beat.restart(beat_schedule={"x": entry()})
    beat.q.schedules.pause("x")

    beat.tick(beat.restart(beat_schedule={"x": entry(30)}))

    assert beat.q.schedules.get("x").state == "paused"
    assert beat.jobs() == []


def test_what_is_over_or_retired_cannot_be_paused(beat: Beat) -> None:
    scheduler = beat.restart(beat_schedule={"x": entry()})
    beat.q.schedules.add("once", NOON + timedelta(minutes=1), "work")
    beat.after(scheduler, minutes=2)
    beat.restart()
    beat.scheduler()

    with pytest.raises(ScheduleError, match="is over"):
        beat.q.schedules.pause("once")
    with pytest.raises(ScheduleError, match="is retired: it was taken out of the configuration of shop"):
        beat.q.schedules.resume("x")
    assert beat.q.schedules.remove("x")


def test_a_trigger_fires_now_and_moves_nothing(beat: Beat) -> None:
    beat.restart(beat_schedule={"x": entry("0 0 * * *")})

    first, second = beat.q.schedules.trigger("x"), beat.q.schedules.trigger("x")

    assert first.id != second.id
    assert len(beat.jobs()) == 2
    assert beat.q.schedules.get("x").next == datetime(2026, 3, 2, tzinfo=UTC)
    assert beat.q.schedules.ledger("x")[0].reason == "triggered by hand"


def test_a_backfill_fires_each_instant_once(beat: Beat) -> None:
    scheduler = beat.restart(beat_schedule={"x": entry("0 * * * *")})
    beat.after(scheduler, hours=2)

    fired = beat.q.schedules.backfill("x", "2026-03-01T09:00", "2026-03-01T14:00")
    again = beat.q.schedules.backfill("x", "2026-03-01T09:00", "2026-03-01T14:00")

    assert len(fired) == 5
    assert again == []
    assert beat.fired("x") == [f"01 {hour:02}:00:00" for hour in range(9, 15)]
    assert len(beat.jobs()) == 6


def test_a_backfill_of_an_interval_reaches_back_before_its_schedule(beat: Beat) -> None:
    beat.restart(beat_schedule={"x": entry(3600)})

    assert len(beat.q.schedules.backfill("x", "2026-03-01T09:00", "2026-03-01T11:30")) == 3
    assert beat.fired("x") == ["01 09:00:00", "01 10:00:00", "01 11:00:00"]


def test_a_backfill_leaves_what_is_to_come_to_its_time(beat: Beat) -> None:
    beat.restart(beat_schedule={"x": entry("0 0 * * *")})

    assert len(beat.q.schedules.backfill("x", "2026-02-27", "9999-12-31")) == 3
    assert beat.q.schedules.backfill("x", "0001-01-01", "0001-01-02") == []


def test_a_backfill_has_bounds(beat: Beat) -> None:
    beat.restart(beat_schedule={"x": entry(1)})

    with pytest.raises(ScheduleError, match="more than 10,000 instants"):
        beat.q.schedules.backfill("x", "2026-03-01", "2026-03-02")
    with pytest.raises(ScheduleError, match="is before the start"):
        beat.q.schedules.backfill("x", "2026-03-02", "2026-03-01")
    with pytest.raises(ScheduleError, match="start='today'"):
        beat.q.schedules.backfill("x", "today", "2026-03-01")


def test_what_comes_next_is_told_in_the_zone_of_the_schedule(beat: Beat) -> None:
    beat.restart(beat_schedule={"x": entry("30 2 * * *", zone="Europe/Berlin", max_runs=2)})

    assert [one.isoformat() for one in beat.q.schedules.upcoming("x")] == [
        "2026-03-02T02:30:00+01:00",
        "2026-03-03T02:30:00+01:00",
    ]


# Firing


def test_two_schedulers_fire_each_instant_once(beat: Beat) -> None:
    one = beat.restart(beat_schedule={f"s{n}": entry() for n in range(20)})
    two = beat.scheduler()
    gate = threading.Barrier(2)

    def run(scheduler: Scheduler) -> None:
        for _ in range(10):
            gate.wait(DEADLINE_S)
            scheduler.tick(now[0])

    now = [beat.clock.now()]
    threads = [threading.Thread(target=run, args=(scheduler,)) for scheduler in (one, two)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE_S)

    assert len(beat.jobs()) == 20
    assert all(beat.fired(f"s{n}") == ["01 12:00:00"] for n in range(20))


def test_more_schedules_than_fit_into_one_transaction_all_fire(beat: Beat) -> None:
    scheduler = beat.restart(beat_schedule={f"s{n}": entry() for n in range(450)})

    due = scheduler.tick(beat.clock.now())

    assert len(beat.jobs()) == 450
    assert due == beat.clock.now() + 60_000_000


def test_a_look_tells_when_what_it_fired_is_due_again(beat: Beat) -> None:
    scheduler = beat.restart(beat_schedule={"slow": entry(60), "fast": entry(0.1)})

    due = scheduler.tick(beat.clock.now())

    assert due == beat.clock.now() + 100_000
    for _ in range(3):
        beat.after(scheduler, milliseconds=100)
    assert len(beat.fired("fast")) == 4
    assert beat.q.schedules.get("fast").missed == 0


def test_a_definition_that_cannot_be_read_stops_no_other(beat: Beat) -> None:
    scheduler = beat.restart()
    for name in ("bad", "good"):
        beat.q.schedules.add(name, 60, "work")
    damage(beat, 'UPDATE schedule SET spec = \'{"rule":{"kind":"new"}}\' WHERE name = \'bad\'')

    beat.tick(scheduler)

    assert beat.fired("good") == ["01 12:00:00"]
    assert "'kind': 'new'" in (beat.q.schedules.get("bad").note or "")
    assert [fields["schedule"] for name, fields in beat.said if name == "schedule.failed"] == ["bad"]
    beat.after(scheduler, seconds=100)
    assert len([name for name, _ in beat.said if name == "schedule.failed"]) == 1
    beat.q.schedules.update("good", schedule=30)


def test_a_firing_that_cannot_be_written_stops_no_other(beat: Beat) -> None:
    scheduler = beat.restart()
    for name in ("bad", "good"):
        beat.q.schedules.add(name, 60, "work")
    spec = f"""replace(spec, '{{"job":', '{{"delay":{10**30},"job":')"""
    damage(beat, f"UPDATE schedule SET spec = {spec} WHERE name = 'bad'")

    beat.tick(scheduler)
    beat.after(scheduler, minutes=1)

    assert beat.fired("good") == ["01 12:00:00", "01 12:01:00"]
    assert beat.fired("bad") == []
    assert "too large" in (beat.q.schedules.get("bad").note or "")
    assert [fields["schedule"] for name, fields in beat.said if name == "schedule.failed"] == ["bad"]


def damage(beat: Beat, statement: str) -> None:
    """Change the file behind the back of everybody."""
    store = beat.q.store
    assert isinstance(store, SqliteStore)
    with store.database.lock, store.database.writing as cursor:
        cursor.execute(statement)


def test_a_run_that_waits_starts_when_the_previous_has_ended(beat: Beat) -> None:
    scheduler = beat.restart(beat_schedule={"x": entry(60, overlap="queue")})
    beat.tick(scheduler)
    beat.after(scheduler, seconds=60)
    assert beat.q.schedules.get("x").waiting == NOON + timedelta(seconds=60)
    assert len(beat.jobs()) == 1

    beat.finish()
    beat.after(scheduler, seconds=1)

    assert beat.fired("x") == ["01 12:00:00", "01 12:01:00"]
    assert beat.q.schedules.get("x").waiting is None


def test_a_run_that_must_not_overlap_is_skipped_or_replaces_the_previous(beat: Beat) -> None:
    scheduler = beat.restart(beat_schedule={"s": entry(60, overlap="skip"), "c": entry(60, overlap="cancel")})
    beat.tick(scheduler)
    beat.after(scheduler, seconds=60)

    assert beat.fired("s") == ["01 12:00:00"]
    assert beat.fired("c") == ["01 12:00:00", "01 12:01:00"]
    states = [JobState(one.state).name for one in beat.q.store.read.find(Filter(), 10).jobs]
    assert sorted(states) == ["CANCELLED", "READY", "READY"]


def test_a_clock_put_back_fires_nothing_twice_and_one_put_forward_is_an_outage(beat: Beat) -> None:
    scheduler = beat.restart(beat_schedule={"x": entry()})
    beat.tick(scheduler)
    beat.after(scheduler, seconds=60)

    beat.clock.step(timedelta(minutes=-30))
    beat.tick(scheduler)
    assert len(beat.jobs()) == 2
    beat.clock.step(timedelta(hours=1))
    beat.tick(scheduler)

    assert beat.fired("x") == ["01 12:00:00", "01 12:01:00", "01 12:31:00"]


def test_a_firing_is_told_as_an_event(beat: Beat) -> None:
    scheduler = beat.restart(beat_schedule={"x": entry()})
    beat.clock.forward(seconds=1.5)

    beat.tick(scheduler)

    (fields,) = [fields for name, fields in beat.said if name == "schedule.fired"]
    assert (fields["schedule"], fields["task"], fields["late_s"]) == ("x", "work", 1.5)


# Running


def test_a_running_scheduler_takes_up_what_another_process_adds(q: LocalQ) -> None:
    q.task(lambda: None, name="work")  # type: ignore[call-overload]
    scheduler = beside(q)
    scheduler.start()

    q.schedules.add("x", 3600, "work")

    until(lambda: q.schedules.get("x").runs == 1)
    scheduler.stop()
    scheduler.join(DEADLINE_S)


@pytest.mark.parametrize("error", [StoreBusy("locked"), RuntimeError("a mistake")], ids=["busy", "mistake"])
def test_what_fails_is_tried_again(q: LocalQ, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    q.task(lambda: None, name="work")  # type: ignore[call-overload]
    q.schedules.add("x", 3600, "work")
    scheduler = beside(q)
    asked = []

    def busy(now: int, limit: int, sources: Any) -> Any:
        asked.append(now)
        monkeypatch.undo()
        raise error

    monkeypatch.setattr(scheduler.store.schedules, "due", busy)
    scheduler.start()

    until(lambda: q.schedules.get("x").runs == 1)
    assert len(asked) == 1
    scheduler.stop()
    scheduler.join(DEADLINE_S)


def test_an_embedded_worker_fires_the_schedules_of_its_program(q: LocalQ, tmp_path: Path) -> None:
    @q.task
    def touch(path: str) -> None:
        Path(path).touch()

    q.add_periodic_task(3600, touch.s(str(tmp_path / "done")))

    with q.running(1, pool="threads"):
        until((tmp_path / "done").exists)


@pytest.mark.parametrize("kind", ["chain", "group", "chord", "chunks"])
def test_a_schedule_fires_a_workflow_of_any_kind(q: LocalQ, kind: str) -> None:
    @q.task
    def add(x: int, y: int) -> int:
        return x + y

    @q.task
    def total(numbers: list[int]) -> int:
        return sum(numbers)

    workflows: dict[str, tuple[Any, Any]] = {
        "chain": (chain(add.s(1, 2), add.s(4)), 7),
        "group": (group(add.s(1, 2), add.s(3, 4)), [3, 7]),
        "chord": (chord([add.s(1, 2), add.s(3, 4)], total.s()), 10),
        "chunks": (add.chunks([(1, 2), (3, 4), (5, 6)], 2), [[3, 7], [11]]),
    }
    workflow, result = workflows[kind]
    q.add_periodic_task(3600, workflow, name="flow")

    with q.running(1, pool="threads"):
        until(lambda: q.schedules.get("flow").runs == 1)
        job_id = q.schedules.get("flow").last_job
        assert job_id is not None
        assert q.AsyncResult(job_id).get(timeout=DEADLINE_S) == result


def test_an_embedded_worker_fires_the_first_schedule_that_another_program_adds(q: LocalQ, tmp_path: Path) -> None:
    @q.task
    def touch(path: str) -> None:
        Path(path).touch()

    other = LocalQ("another", path=q.location)
    with q.running(1, pool="threads"):
        other.schedules.add("late", 3600, touch.name, (str(tmp_path / "done"),))
        until((tmp_path / "done").exists)
    other.close()


@pytest.mark.parametrize(
    ("has", "beat", "fires"),
    [
        ("nothing", None, True),
        ("nothing", True, True),
        ("nothing", False, False),
        ("added", None, True),
        ("added", False, False),
        ("configured", None, True),
        ("configured", False, False),
    ],
)
def test_an_embedded_worker_fires_unless_it_is_told_not_to(q: LocalQ, has: str, beat: bool | None, fires: bool) -> None:
    q.task(lambda: None, name="work")  # type: ignore[call-overload]
    if has == "added":
        q.schedules.add("x", 3600, "work")
    elif has == "configured":
        q.add_periodic_task(3600, q.tasks["work"])

    with q.running(1, pool="threads", beat=beat):
        names = {thread.name for thread in threading.enumerate()}

    assert ("LocalQ-scheduler" in names) == fires
    assert "LocalQ-scheduler" not in {thread.name for thread in threading.enumerate()}


def test_an_embedded_worker_does_not_start_with_a_bad_configuration(q: LocalQ) -> None:
    q.conf.beat_schedule = {"x": {"task": "missing", "schedule": 10}}
    q.task(lambda: None, name="work")  # type: ignore[call-overload]

    with pytest.raises(ScheduleError, match="there is no task 'missing'"):
        q.start(1, pool="threads")

    assert "LocalQ-worker" not in {thread.name for thread in threading.enumerate()}


def test_schedules_fire_in_a_store_in_memory(tmp_path: Path) -> None:
    q = LocalQ("tests", path=":memory:")
    q.conf.worker_pool = "threads"

    @q.task
    def touch(path: str) -> None:
        Path(path).touch()

    q.add_periodic_task(3600, touch.s(str(tmp_path / "done")))
    with q.running(1):
        until((tmp_path / "done").exists)
    q.close()
    current.set_app(None)


def test_in_eager_mode_a_trigger_runs_the_task_in_the_caller() -> None:
    q = LocalQ("tests", eager=True)
    ran = []

    @q.task
    def note(word: str) -> None:
        ran.append(word)

    q.schedules.add("x", 60, note, ("a",))
    result = q.schedules.trigger("x")

    assert ran == ["a"]
    assert result.id
    q.close()
    current.set_app(None)


# Rules of a class of one's own


class EveryTen:
    """A trigger as APScheduler's are: all that is asked of it is the next time."""

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime | None:
        return now.replace(second=0, microsecond=0) + timedelta(minutes=10 - now.minute % 10)

    def __repr__(self) -> str:
        return "<EveryTen>"


def test_a_trigger_of_ones_own_fires_where_it_is_configured(beat: Beat) -> None:
    scheduler = beat.restart(beat_schedule={"x": entry(EveryTen())})

    beat.after(scheduler, minutes=10)
    beat.after(beat.restart(beat_schedule={"x": entry(EveryTen())}), minutes=10)

    assert beat.fired("x") == ["01 12:10:00", "01 12:20:00"]
    assert [one.isoformat() for one in beat.q.schedules.upcoming("x", 1)] == ["2026-03-01T12:30:00+00:00"]


def test_a_trigger_of_another_program_is_left_to_it(beat: Beat) -> None:
    ours = beat.restart(beat_schedule={"x": entry(EveryTen())})
    theirs = beat.restart("other", beat_schedule={"y": entry(600)})

    beat.after(theirs, minutes=10)
    assert (beat.fired("x"), beat.fired("y")) == ([], ["01 12:10:00"])
    assert beat.q.schedules.get("x").words.startswith("<EveryTen>")
    beat.tick(ours)

    assert beat.fired("x") == ["01 12:10:00"]
    assert beat.said[-1][0] == "schedule.fired"


def test_a_trigger_of_ones_own_cannot_be_added_at_run_time(beat: Beat) -> None:
    beat.restart()

    with pytest.raises(ScheduleError, match="cannot be written down"):
        beat.q.schedules.add("x", EveryTen(), "work")


def test_a_run_that_replaces_the_previous_stops_its_process(q: LocalQ, tmp_path: Path) -> None:
    @q.task
    def wait(folder: str) -> None:
        (Path(folder) / f"{time.monotonic_ns()}").touch()
        threading.Event().wait()

    q.conf.beat_schedule = {
        "x": {"task": f"{wait.name}", "schedule": 0.4, "args": (str(tmp_path),), "overlap": "cancel", "max_runs": 2}
    }

    with q.running(1):
        first, second = until(lambda: (ids := fired_jobs(q, "x")) and len(ids) == 2 and ids)
        until(lambda: q.AsyncResult(first).state == "REVOKED")
        until(lambda: q.AsyncResult(second).state == "STARTED")
        q.cancel([second], signal=9)


def fired_jobs(q: LocalQ, name: str) -> list[str]:
    return [one.job_id for one in q.schedules.ledger(name)[::-1] if one.job_id] if q.schedules.list() else []


# Classes that say by themselves whether they are due


class WhenDirty(BaseSchedule):
    """As many programs have it: due when something has to be done, looked at twice a minute."""

    dirty = False
    asked: ClassVar[list[str]] = []

    def remaining_estimate(self, last_run_at: datetime) -> timedelta:
        return timedelta(seconds=30)

    def is_due(self, last_run_at: datetime) -> tuple[bool, float]:  # type: ignore[override] # as in Celery's docs
        self.asked.append(f"{last_run_at:%H:%M:%S %Z}")
        due, WhenDirty.dirty = WhenDirty.dirty, False
        return due, 30


class NotAtNight(crontab):
    """A crontab that is asked at each of its times, and may refuse."""

    def is_due(self, last_run_at: datetime) -> Any:
        due, after = super().is_due(last_run_at)
        return due and 6 <= self.now().hour < 22, after


def test_a_class_that_says_when_it_is_due_is_asked_and_the_ledger_has_what_it_said(beat: Beat) -> None:
    WhenDirty.asked.clear()
    scheduler = beat.restart(beat_schedule={"x": entry(WhenDirty())})

    beat.after(scheduler, seconds=30)
    WhenDirty.dirty = True
    beat.after(scheduler, seconds=10)
    assert beat.fired("x") == []
    beat.after(scheduler, seconds=25)
    beat.after(scheduler, seconds=31)

    assert beat.fired("x") == ["01 12:01:05"]
    assert WhenDirty.asked[-1] == "12:01:05 UTC"
    assert beat.q.schedules.get("x").words == f"when {__name__}.WhenDirty says so"


def test_after_an_outage_it_is_asked_once(beat: Beat) -> None:
    beat.tick(beat.restart(beat_schedule={"x": entry(WhenDirty())}))
    WhenDirty.asked.clear()
    WhenDirty.dirty = True

    beat.after(beat.restart(beat_schedule={"x": entry(WhenDirty())}), hours=9)

    assert beat.fired("x") == ["01 21:00:00"]
    assert len(WhenDirty.asked) == 1


def test_a_crontab_with_a_mind_of_its_own_is_asked_in_the_clock_of_its_app(beat: Beat) -> None:
    scheduler = beat.restart(beat_schedule={"x": entry(NotAtNight(minute=0))})

    for _ in range(150):
        beat.after(scheduler, minutes=5)

    fired = beat.fired("x")
    assert [one[:5] for one in fired] == [f"01 {hour}" for hour in range(13, 22)]


def test_an_answer_that_is_none_is_told_and_asked_again(beat: Beat) -> None:
    class Broken(BaseSchedule):
        def is_due(self, last_run_at: datetime) -> Any:
            return None

    scheduler = beat.restart(beat_schedule={"x": entry(Broken())})

    beat.tick(scheduler)

    assert any("is_due() returned None" in str(fields) for _, fields in beat.said)
