"""Firing: a schedule's turn is written whole and once, whoever else computed it; and the ledger of it."""

from __future__ import annotations

from typing import Any

import pytest

from localq.model.job import JobState
from localq.model.schedule import FIRED, LEDGER_KEPT, SKIPPED, Entry, LedgerRow, ScheduleState
from tests.store.given import HOUR, NOW, SECOND, call, claimed, job, job_in, new, worker
from tests.store.given import state as job_state
from tests.store.timed import CONFIG, MINUTE, defined, fired, job_of, row, skipped, state, there, timetable, turn

pytestmark = pytest.mark.facets("jobs", "read", "workers", "schedules")

ACTIVE, PAUSED, ENDED, RETIRED = ScheduleState
LATER = NOW + SECOND
JOB = f"mail@{NOW}"


# What a firing writes


def test_a_firing_writes_ledger_job_and_times_together(store: Any) -> None:
    (one,) = there(store, defined())

    assert store.schedules.fire([turn(one, due_at=NOW + MINUTE + 7)], LATER) == [True]

    assert row(store) == one._replace(
        revision=2, next_at=NOW + MINUTE, due_at=NOW + MINUTE + 7, last_at=NOW, last_job=JOB, runs=1
    )
    assert store.schedules.ledger("mail", 10) == [LedgerRow(NOW, FIRED, None, JOB, None, 1, LATER)]
    assert job(store, JOB).created_at == LATER
    assert claimed(store, worker(store))[0].args == job_of("mail", NOW).args


def test_a_firing_of_several_instants_adds_a_job_for_each(store: Any) -> None:
    (one,) = there(store, defined())

    store.schedules.fire([turn(one, NOW, NOW + 1, NOW + 2, missed=2)], LATER)

    assert [kept.nominal for kept in store.schedules.ledger("mail", 10)] == [NOW + 2, NOW + 1, NOW]
    assert (row(store).last_at, row(store).last_job) == (NOW + 2, f"mail@{NOW + 2}")
    assert (row(store).runs, row(store).missed) == (3, 2)
    assert len(store.read.get([f"mail@{NOW + i}" for i in range(3)])) == 3


def test_a_skip_is_recorded_with_its_reason_and_is_no_run(store: Any) -> None:
    (one,) = there(store, defined())
    over = skipped(NOW, "the previous job still runs", until=NOW + 5, count=6)

    assert store.schedules.fire([turn(one, entries=(over,), jobs=(), runs=0, missed=6)], LATER) == [True]

    assert store.schedules.ledger("mail", 10) == [LedgerRow(*over, LATER)]
    assert (row(store).last_at, row(store).last_job, row(store).runs, row(store).missed) == (None, None, 0, 6)
    assert store.read.stats().counts == {}


def test_a_firing_may_end_its_schedule_with_a_note(store: Any) -> None:
    (one,) = there(store, defined())

    store.schedules.fire([turn(one, state=ENDED, next_at=None, note="ran 1 time, as many as it may")], LATER)

    assert (state(store), row(store).due_at, row(store).note) == (ENDED, None, "ran 1 time, as many as it may")
    assert store.schedules.due(NOW + HOUR, 10) == ([], None)


def test_a_firing_without_a_note_leaves_the_note(store: Any) -> None:
    (one,) = there(store, defined())
    store.schedules.fire([turn(one, note="careful")], LATER)

    store.schedules.fire([turn(row(store))], LATER)

    assert row(store).note == "careful"


def test_a_held_instant_is_kept_and_let_go(store: Any) -> None:
    (one,) = there(store, defined())

    store.schedules.fire([turn(one, entries=(), jobs=(), runs=0, held_at=NOW)], LATER)
    assert row(store).held_at == NOW

    store.schedules.fire([turn(row(store), NOW)], LATER)
    assert row(store).held_at is None


def test_a_job_with_a_large_argument_is_added_whole(store: Any) -> None:
    (one,) = there(store, defined())
    large = new(JOB, args=b"x" * 100_000)

    store.schedules.fire([turn(one, jobs=(large,))], LATER)

    assert call(store, JOB).args == large.args


def test_a_job_may_wait_for_a_later_time(store: Any) -> None:
    (one,) = there(store, defined())

    store.schedules.fire([turn(one, jobs=(new(JOB, run_at=NOW + HOUR),))], LATER)

    assert job_state(store, JOB) == JobState.SCHEDULED


@pytest.mark.parametrize("signal", [0, 15])
def test_a_firing_cancels_the_jobs_it_names(store: Any, signal: int) -> None:
    (one,) = there(store, defined())
    job_in(store, JobState.READY, "waits")
    job_in(store, JobState.RUNNING, "runs")

    store.schedules.fire([turn(one, cancel=("waits", "runs", "unknown"), signal=signal)], LATER)

    assert job_state(store, "waits") == JobState.CANCELLED
    assert (job_state(store, "runs"), job(store, "runs").cancel) == (JobState.RUNNING, 1 + signal)
    assert job_state(store, JOB) == JobState.READY


def test_nothing_to_fire_writes_nothing(store: Any) -> None:
    assert store.schedules.fire([], NOW) == []


# Once


def test_a_firing_computed_twice_is_applied_once(store: Any) -> None:
    (one,) = there(store, defined())
    assert store.schedules.fire([turn(one)], NOW) == [True]
    before = timetable(store), store.read.stats().counts

    assert store.schedules.fire([turn(one)], LATER) == [False]

    assert (timetable(store), store.read.stats().counts) == before


def test_one_that_is_not_applied_disturbs_no_other(store: Any) -> None:
    mail, pack = there(store, defined(), defined("pack"))
    job_in(store, JobState.READY, "waits")
    stale = turn(mail, revision=7, cancel=("waits",))

    assert store.schedules.fire([stale, turn(pack), turn(mail, schedule=99)], NOW) == [False, True, False]

    assert store.schedules.ledger("mail", 10) == []
    assert row(store) == mail
    assert store.read.get([JOB]) == {}
    assert job_state(store, "waits") == JobState.READY
    assert row(store, "pack").runs == 1


def test_of_two_firings_of_one_revision_the_first_counts(store: Any) -> None:
    (one,) = there(store, defined())

    assert store.schedules.fire([turn(one), turn(one, NOW + 1)], NOW) == [True, False]

    assert [kept.nominal for kept in store.schedules.ledger("mail", 10)] == [NOW]


@pytest.mark.parametrize("was", [PAUSED, ENDED, RETIRED])
def test_only_an_active_schedule_fires(store: Any, was: ScheduleState) -> None:
    there(store, defined())
    store.schedules.set_state("mail", was, NOW, NOW, NOW)

    assert store.schedules.fire([turn(row(store))], NOW) == [False]

    assert store.schedules.ledger("mail", 10) == []


def test_a_change_meanwhile_makes_a_firing_void(store: Any) -> None:
    (one,) = there(store, defined())
    store.schedules.sync(CONFIG, [defined(spec="{}")], NOW)

    assert store.schedules.fire([turn(one)], NOW) == [False]
    assert store.schedules.fire([turn(row(store))], NOW) == [True]


def test_an_instant_that_fired_before_gets_no_second_job_and_is_not_counted(store: Any) -> None:
    (one,) = there(store, defined(next_at=NOW + 1))
    store.schedules.record(one.key, [Entry(NOW + 1, FIRED, "by hand", "by-hand")], [new("by-hand")], NOW)

    assert store.schedules.fire([turn(row(store), NOW, NOW + 1)], LATER) == [True]

    assert set(store.read.get([JOB, f"mail@{NOW + 1}", "by-hand"])) == {JOB, "by-hand"}
    assert store.schedules.ledger("mail", 1) == [LedgerRow(NOW + 1, FIRED, "by hand", "by-hand", None, 1, NOW)]
    assert (row(store).runs, row(store).last_at, row(store).last_job) == (1, NOW + 1, "by-hand")
    assert row(store).next_at == NOW + 1 + MINUTE


def test_a_job_that_is_there_already_is_left_as_it_is(store: Any) -> None:
    (one,) = there(store, defined())
    store.jobs.add([new(JOB, args=b"old")], NOW)

    assert store.schedules.fire([turn(one)], LATER) == [True]

    assert call(store, JOB).args == b"old"


# By hand


def test_an_instant_fired_by_hand_moves_no_time_and_no_count(store: Any) -> None:
    (one,) = there(store, defined())

    assert store.schedules.record(one.key, [fired("mail", NOW - HOUR)], [job_of("mail", NOW - HOUR)], NOW) == [True]

    assert row(store) == one._replace(revision=2, last_at=NOW - HOUR, last_job=f"mail@{NOW - HOUR}")
    assert job_state(store, f"mail@{NOW - HOUR}") == JobState.READY
    assert store.schedules.fire([turn(one)], NOW) == [False]


def test_an_instant_fires_by_hand_once(store: Any) -> None:
    (one,) = there(store, defined())
    store.schedules.record(one.key, [fired("mail", NOW)], [job_of("mail", NOW)], NOW)
    before = timetable(store)

    assert store.schedules.record(one.key, [Entry(NOW, FIRED, None, "other")], [new("other")], LATER) == [False]

    assert timetable(store) == before
    assert store.read.get(["other"]) == {}


def test_of_a_range_only_what_did_not_fire_is_fired(store: Any) -> None:
    (one,) = there(store, defined())
    store.schedules.fire([turn(one)], NOW)
    instants = [NOW - MINUTE, NOW, NOW + MINUTE]

    written = store.schedules.record(
        one.key, [fired("mail", at) for at in instants], [job_of("mail", at) for at in instants], LATER
    )

    assert written == [True, False, True]
    assert [kept.fired_at for kept in store.schedules.ledger("mail", 10)] == [LATER, NOW, LATER]
    assert row(store).last_at == NOW + MINUTE


def test_an_earlier_instant_does_not_become_the_last(store: Any) -> None:
    (one,) = there(store, defined())
    store.schedules.fire([turn(one)], NOW)

    store.schedules.record(one.key, [fired("mail", NOW - MINUTE)], [job_of("mail", NOW - MINUTE)], LATER)

    assert (row(store).last_at, row(store).last_job) == (NOW, JOB)


def test_a_skipped_instant_may_be_fired_later(store: Any) -> None:
    (one,) = there(store, defined())
    store.schedules.fire([turn(one, entries=(skipped(NOW, until=NOW + 2, count=3),), jobs=(), runs=0)], NOW)

    assert store.schedules.record(one.key, [fired("mail", NOW)], [job_of("mail", NOW)], LATER) == [True]

    assert store.schedules.ledger("mail", 10) == [LedgerRow(NOW, FIRED, None, JOB, NOW + 2, 3, LATER)]
    assert job_state(store, JOB) == JobState.READY


def test_what_fired_or_was_skipped_is_not_skipped_again(store: Any) -> None:
    (one,) = there(store, defined())
    store.schedules.fire([turn(one, entries=(fired("mail", NOW), skipped(NOW + 1)))], NOW)
    before = timetable(store)

    assert store.schedules.record(one.key, [skipped(NOW, "again"), skipped(NOW + 1, "again")], [], LATER) == [
        False,
        False,
    ]

    assert timetable(store) == before


@pytest.mark.parametrize("was", ScheduleState)
def test_a_schedule_in_any_state_may_be_fired_by_hand(store: Any, was: ScheduleState) -> None:
    there(store, defined())
    store.schedules.set_state("mail", was, NOW, None, None)

    assert store.schedules.record(row(store).key, [fired("mail", NOW)], [job_of("mail", NOW)], NOW) == [True]

    assert state(store) == was


def test_an_unknown_schedule_is_not_fired_by_hand(store: Any) -> None:
    assert store.schedules.record(99, [fired("mail", NOW)], [job_of("mail", NOW)], NOW) == [False]

    assert store.read.stats().counts == {}


# The ledger


def test_the_ledger_is_read_latest_first_and_in_pages(store: Any) -> None:
    one, other = there(store, defined(), defined("other"))
    store.schedules.fire([turn(one, *(NOW + i for i in (2, 0, 1))), turn(other)], NOW)

    assert [kept.nominal - NOW for kept in store.schedules.ledger("mail", 2)] == [2, 1]
    assert [kept.nominal - NOW for kept in store.schedules.ledger("mail", 2, before=NOW + 1)] == [0]
    assert store.schedules.ledger("nobody", 10) == []


def instants(store: Any, name: str = "mail") -> list[int]:
    return [kept.nominal - NOW for kept in store.schedules.ledger(name, 10_000)]


def recorded(store: Any, name: str, count: int) -> None:
    (one,) = there(store, defined(name))
    store.schedules.record(one.key, [Entry(NOW + i, SKIPPED, "late") for i in range(count)], [], NOW)


def test_pruning_keeps_the_latest_rows_of_each_schedule_and_all_that_are_young(store: Any) -> None:
    recorded(store, "mail", LEDGER_KEPT + 20)
    recorded(store, "pack", LEDGER_KEPT)

    assert store.schedules.prune(NOW + 5, 100) == 5
    assert instants(store) == list(range(LEDGER_KEPT + 19, 4, -1))

    assert store.schedules.prune(NOW + HOUR, 100) == 15
    assert instants(store) == list(range(LEDGER_KEPT + 19, 19, -1))
    assert len(instants(store, "pack")) == LEDGER_KEPT
    assert store.schedules.prune(NOW + HOUR, 100) == 0


def test_pruning_goes_on_where_its_limit_stopped_it_the_oldest_first(store: Any) -> None:
    recorded(store, "mail", LEDGER_KEPT + 10)
    recorded(store, "pack", LEDGER_KEPT + 10)

    assert [store.schedules.prune(NOW + HOUR, 8) for _ in range(4)] == [8, 8, 4, 0]

    assert len(instants(store)) == len(instants(store, "pack")) == LEDGER_KEPT
    assert min(instants(store)) == min(instants(store, "pack")) == 10


def test_pruning_comes_round_to_every_one_of_many_schedules(store: Any) -> None:
    store.schedules.sync(CONFIG, [defined(f"s-{i:03}") for i in range(300)], NOW)
    rows = store.schedules.find(limit=300)
    store.schedules.fire([turn(one) for one in rows], NOW)
    full = [one.name for one in rows[::299]]
    for name in full:
        more = [Entry(NOW + i, SKIPPED, "late") for i in range(1, LEDGER_KEPT + 3)]
        store.schedules.record(row(store, name).key, more, [], NOW)

    removed = sum(store.schedules.prune(NOW + HOUR, 100) for _ in range(4))

    assert removed == 3 * len(full)
    assert [len(instants(store, name)) for name in full] == [LEDGER_KEPT] * 2


def test_an_empty_ledger_is_pruned_to_nothing(store: Any) -> None:
    assert store.schedules.prune(NOW, 100) == 0
