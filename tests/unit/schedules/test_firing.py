from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localq.model.clock import from_datetime, to_datetime
from localq.model.job import NewJob
from localq.model.schedule import FIRED, SKIPPED, Entry, Firing, Schedule, ScheduleState
from localq.schedules import as_rule, crontab
from localq.schedules.definition import Definition
from localq.schedules.firing import due_time, plan

SECOND = 1_000_000
NOON = from_datetime(datetime(2026, 3, 1, 12, tzinfo=UTC))


def at(text: str) -> int:
    return from_datetime(datetime.fromisoformat(f"2026-03-01T{text}+00:00"))


@dataclass
class World:
    """A schedule and its row, and what a scheduler would do with them."""

    definition: Definition
    row: Schedule
    ledger: list[Entry] = field(default_factory=list)

    def turn(self, now: int, *, busy: bool = False) -> Firing | None:
        """Plan a turn, and bring the row up to date as a store does."""
        done = plan(self.row, self.definition, now, busy=busy)
        if done is not None:
            fired = [entry for entry in done.entries if entry.outcome == FIRED]
            self.ledger += done.entries
            self.row = self.row._replace(
                next_at=done.next_at,
                due_at=done.due_at,
                held_at=done.held_at,
                state=int(done.state),
                runs=self.row.runs + done.runs,
                missed=self.row.missed + done.missed,
                revision=self.row.revision + 1,
                last_job=fired[-1].job_id if fired else self.row.last_job,
            )
        return done

    def fired(self) -> list[str]:
        return [f"{to_datetime(one.nominal):%H:%M:%S}" for one in self.ledger if one.outcome == FIRED]

    def skipped(self) -> dict[str, str]:
        return {f"{to_datetime(e.nominal):%H:%M:%S}": e.reason or "" for e in self.ledger if e.outcome == SKIPPED}


def world(rule: object, first: int = NOON, **terms: Any) -> World:
    definition = Definition("s", as_rule(rule), "UTC", NewJob("", "t", "q", b"[[],{}]"), **terms)
    row = Schedule(
        1, "s", "run-time", "", "", 0, 1, first, first, due_time(definition, first),
        None, None, 0, 0, None, first - SECOND, first, None,
    )  # fmt: skip
    return World(definition, row)


def test_nothing_is_written_for_what_is_not_due() -> None:
    one = world(60)

    assert one.turn(NOON - 1) is None


def test_an_instant_that_is_due_fires_and_the_next_follows_on_the_grid() -> None:
    one = world(60)

    done = one.turn(NOON + 5 * SECOND)

    assert done is not None
    assert one.fired() == ["12:00:00"]
    assert (done.next_at, done.due_at, done.runs, done.missed) == (NOON + 60 * SECOND, NOON + 60 * SECOND, 1, 0)
    assert [job.id for job in done.jobs] == [entry.job_id for entry in done.entries]


def test_one_run_makes_up_for_an_outage_and_each_missed_instant_is_told() -> None:
    one = world(60)

    one.turn(at("12:03:30"))

    assert one.fired() == ["12:03:00"]
    assert list(one.skipped()) == ["12:00:00", "12:01:00", "12:02:00"]
    assert all(reason.startswith("missed") for reason in one.skipped().values())
    assert one.row.missed == 3


def test_a_long_outage_is_one_row_with_a_count() -> None:
    one = world(60)

    one.turn(at("12:00:00") + 500 * 60 * SECOND)

    skipped = [entry for entry in one.ledger if entry.outcome == SKIPPED]
    assert [(entry.nominal, entry.until, entry.count) for entry in skipped] == [(NOON, NOON + 499 * 60 * SECOND, 500)]
    assert one.row.missed == 500


def test_years_of_missed_seconds_are_not_walked_through() -> None:
    one = world(1)

    one.turn(NOON + 3 * 366 * 86_400 * SECOND)

    skipped = next(entry for entry in one.ledger if entry.outcome == SKIPPED)
    assert skipped.until == NOON + (3 * 366 * 86_400 - 1) * SECOND
    assert "or more" in (skipped.reason or "")


def test_a_policy_of_skipping_runs_what_is_seen_in_time_only() -> None:
    one = world("0 * * * *", missed="skip")

    one.turn(at("12:00:50"))
    one.turn(at("15:30:00"))
    one.turn(at("16:00:01"))

    assert one.fired() == ["12:00:00", "16:00:00"]
    assert list(one.skipped()) == ["13:00:00", "14:00:00", "15:00:00"]


def test_a_policy_of_all_makes_up_for_each_within_its_bounds() -> None:
    one = world(60, missed="all", most=3, window=600 * SECOND)
    two = world(60, missed="all", most=100, window=120 * SECOND)

    one.turn(at("12:05:00"))
    two.turn(at("12:05:00"))

    assert one.fired() == ["12:03:00", "12:04:00", "12:05:00"]
    assert list(one.skipped()) == ["12:00:00", "12:01:00", "12:02:00"]
    assert two.fired() == ["12:03:00", "12:04:00", "12:05:00"]


def test_making_up_takes_the_latest_of_very_many() -> None:
    one = world(1, missed="all", most=5, window=30 * 86_400 * SECOND)

    one.turn(NOON + 20 * 86_400 * SECOND)

    assert one.fired() == ["11:59:56", "11:59:57", "11:59:58", "11:59:59", "12:00:00"]


def test_a_deadline_skips_what_is_too_late() -> None:
    one = world("0 * * * *", deadline=300 * SECOND)

    one.turn(at("12:05:00"))
    one.turn(at("13:05:01"))

    assert one.fired() == ["12:00:00"]
    assert one.skipped() == {"13:00:00": "later than its deadline of 300 s"}


def test_jitter_puts_off_each_run_and_never_adds_up() -> None:
    one = world(60, jitter=30 * SECOND)
    due = [one.row.due_at or 0]
    for _ in range(20):
        assert one.turn((one.row.due_at or 0) - 1) is None
        one.turn(one.row.due_at or 0)
        due.append(one.row.due_at or 0)

    nominal = [NOON + n * 60 * SECOND for n in range(21)]
    offsets = [when - base for when, base in zip(due, nominal, strict=True)]
    assert all(0 <= offset <= 30 * SECOND for offset in offsets)
    assert len(set(offsets)) > 10
    assert one.skipped() == {}


def test_jitter_longer_than_the_interval_loses_no_instant() -> None:
    one = world(10, jitter=45 * SECOND, missed="all", most=100)
    now = NOON
    while now < NOON + 600 * SECOND:
        now += SECOND
        one.turn(now)

    assert one.skipped() == {}
    assert len(one.fired()) >= 55
    assert one.fired() == sorted(set(one.fired()))


@pytest.mark.parametrize(("busy", "fired", "skipped"), [(True, [], 1), (False, ["12:00:00"], 0)])
def test_overlap_skip_leaves_out_a_run_while_the_previous_is_not_finished(
    busy: bool, fired: list[str], skipped: int
) -> None:
    one = world(60, overlap="skip")
    one.row = one.row._replace(last_job="previous")

    one.turn(NOON, busy=busy)

    assert (one.fired(), len(one.skipped())) == (fired, skipped)
    assert all("previous" in reason for reason in one.skipped().values())


def test_overlap_queue_lets_one_wait_and_skips_the_others() -> None:
    one = world(60, overlap="queue")
    one.row = one.row._replace(last_job="previous")

    one.turn(at("12:00:00"), busy=True)
    one.turn(at("12:01:00"), busy=True)
    assert one.fired() == []
    assert one.row.held_at == NOON
    one.turn(at("12:01:20"), busy=False)

    assert one.fired() == ["12:00:00"]
    assert one.row.held_at is None
    assert list(one.skipped()) == ["12:01:00"]
    assert one.turn(at("12:01:30"), busy=True) is None


def test_a_run_that_waits_is_not_looked_at_again_while_the_previous_runs() -> None:
    one = world(60, overlap="queue")
    one.row = one.row._replace(last_job="previous")
    one.turn(NOON, busy=True)

    assert one.turn(NOON + SECOND, busy=True) is None


def test_overlap_cancel_ends_the_previous_and_runs() -> None:
    one = world(60, overlap="cancel")
    one.row = one.row._replace(last_job="previous")

    done = one.turn(NOON, busy=True)

    assert done is not None
    assert (done.cancel, done.signal) == (("previous",), 15)
    assert one.fired() == ["12:00:00"]


def test_of_many_to_make_up_for_only_one_runs_where_they_must_not_overlap() -> None:
    skip = world(60, overlap="skip", missed="all")
    queue = world(60, overlap="queue", missed="all")
    cancel = world(60, overlap="cancel", missed="all")
    for one in (skip, queue, cancel):
        one.turn(at("12:03:00"))

    assert skip.fired() == ["12:00:00"]
    assert (queue.fired(), queue.row.held_at) == (["12:00:00"], at("12:01:00"))
    assert cancel.fired() == ["12:03:00"]


def test_a_schedule_ends_with_its_last_run() -> None:
    one = world(60, max_runs=2)

    for minute in range(5):
        one.turn(NOON + minute * 60 * SECOND)

    assert one.fired() == ["12:00:00", "12:01:00"]
    assert (one.row.state, one.row.next_at) == (ScheduleState.ENDED, None)


def test_making_up_stops_at_the_number_of_runs() -> None:
    one = world(60, max_runs=2, missed="all")

    one.turn(at("12:04:00"))

    assert one.fired() == ["12:00:00", "12:01:00"]
    assert list(one.skipped()) == ["12:02:00", "12:03:00", "12:04:00"]
    assert one.row.state == ScheduleState.ENDED


def test_a_schedule_ends_when_its_end_has_passed() -> None:
    one = world(60, end=at("12:01:30"))

    one.turn(NOON)
    one.turn(at("12:10:00"))

    assert one.fired() == ["12:00:00", "12:01:00"]
    assert one.row.state == ScheduleState.ENDED


def test_once_is_over_after_it_ran() -> None:
    one = world(datetime(2026, 3, 1, 12, tzinfo=UTC))

    one.turn(at("12:00:01"))

    assert (one.fired(), one.row.state) == (["12:00:00"], ScheduleState.ENDED)


def test_the_last_run_that_waits_still_comes() -> None:
    one = world(60, overlap="queue", end=NOON)
    one.row = one.row._replace(last_job="previous")

    one.turn(NOON, busy=True)
    assert one.row.state == ScheduleState.ACTIVE
    one.turn(at("12:09:00"))

    assert (one.fired(), one.row.state) == (["12:00:00"], ScheduleState.ENDED)


def test_a_clock_that_is_put_back_fires_nothing_twice() -> None:
    one = world(60)
    one.turn(at("12:00:00"))
    one.turn(at("12:01:00"))

    assert one.turn(at("11:30:00")) is None
    assert one.turn(at("12:01:59")) is None
    one.turn(at("12:02:00"))

    assert one.fired() == ["12:00:00", "12:01:00", "12:02:00"]


def test_the_same_instant_makes_the_same_job_wherever_it_is_planned() -> None:
    one, two = world(60), world(60)

    assert one.turn(NOON) == two.turn(NOON)
    later = one.turn(NOON + 60 * SECOND)
    assert later is not None
    assert later.jobs[0].id != two.ledger[0].job_id


def test_a_job_knows_its_schedule_and_instant() -> None:
    one = world(crontab(minute=0), delay=5 * SECOND, expires=60 * SECOND)

    done = one.turn(at("12:00:02"))

    assert done is not None
    job = done.jobs[0]
    assert (job.run_at, job.expires_at) == (at("12:00:07"), at("12:01:02"))
    assert '"celery_beat_task":true,"periodic_task_name":"s","scheduled_at":"2026-03-01T12:00:00+00:00"' in (
        job.options or ""
    )


def test_a_note_is_taken_back_by_the_next_firing() -> None:
    one = world(60)
    one.row = one.row._replace(note="could not be read")

    done = one.turn(NOON)

    assert done is not None
    assert done.note == ""


def test_a_missed_interval_continues_on_its_grid() -> None:
    one = world(timedelta(hours=1))

    one.turn(at("12:00:00"))
    one.turn(at("14:40:00"))
    one.turn(at("15:00:00"))

    assert one.fired() == ["12:00:00", "14:00:00", "15:00:00"]


# Whatever happens


def told(one: World) -> list[int]:
    """Return every instant the ledger speaks of, ranges taken apart."""
    found = []
    for entry in one.ledger:
        at: int | None = entry.nominal
        while at is not None and at <= (entry.until or entry.nominal):
            found.append(at)
            at = one.definition.next_after(at, one.row.anchor_at)
    return found


@settings(deadline=None, max_examples=60)
@given(
    rule=st.sampled_from([17, 60, "*/5 * * * *", crontab(minute="0,1,30"), "0 0 * * *"]),
    steps=st.lists(st.tuples(st.integers(-5_000, 20_000), st.booleans()), min_size=1, max_size=30),
    missed=st.sampled_from(["latest", "skip", "all"]),
    overlap=st.sampled_from(["allow", "skip", "queue", "cancel"]),
    jitter=st.sampled_from([0, 20, 400]),
    deadline=st.sampled_from([None, 100 * SECOND]),
    max_runs=st.sampled_from([None, 5]),
)
def test_every_instant_is_told_once_whatever_happens(
    rule: Any,
    steps: list[tuple[int, bool]],
    missed: str,
    overlap: str,
    jitter: int,
    deadline: int | None,
    max_runs: int | None,
) -> None:
    one = world(
        rule, missed=missed, overlap=overlap, jitter=jitter * SECOND, deadline=deadline, max_runs=max_runs, most=10
    )
    now = NOON
    for seconds, busy in steps:
        now += seconds * SECOND
        if one.row.state == ScheduleState.ACTIVE:
            one.turn(now, busy=busy)

    seen = [*told(one), *([one.row.held_at] if one.row.held_at is not None else [])]
    assert len(seen) == len(set(seen)), "an instant is told twice"
    expected, at = [], NOON if seen else None
    while at is not None and at <= max(seen):
        expected.append(at)
        at = one.definition.next_after(at, one.row.anchor_at)
    assert sorted(seen) == expected, "an instant is missing"
    assert sum(entry.outcome == FIRED for entry in one.ledger) == one.row.runs <= (max_runs or one.row.runs)
    assert one.row.next_at is None or not seen or one.row.next_at > max(seen)
