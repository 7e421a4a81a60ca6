"""Schedules in a store: defining, pausing, removing and listing them, and finding those that are due."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from localq.model.schedule import LedgerRow, NewSchedule, Schedule, ScheduleState, SyncOutcome, SyncResult
from localq.store.protocol import Topic
from tests.store.files import opened
from tests.store.given import HOUR, NOW, SECOND
from tests.store.timed import CONFIG, MINUTE, defined, row, state, there, timetable, turn
from tests.worker.waiting import DEADLINE_S

pytestmark = pytest.mark.facets("jobs", "read", "workers", "schedules")

ACTIVE, PAUSED, ENDED, RETIRED = ScheduleState
LATER = NOW + SECOND


def synced(store: Any, *wanted: NewSchedule, now: int = LATER, source: str = CONFIG) -> list[SyncResult]:
    found: list[SyncResult] = store.schedules.sync(source, wanted, now)
    return found


def outcomes(results: Sequence[SyncResult]) -> dict[str, SyncOutcome]:
    return {one.name: one.outcome for one in results}


# Defining by configuration


def test_a_new_schedule_is_kept_as_defined(store: Any) -> None:
    new = defined(anchor_at=NOW - 5, next_at=NOW + 10, due_at=NOW + 12)

    assert synced(store, new, now=NOW) == [SyncResult("mail", SyncOutcome.ADDED)]

    kept = row(store)
    assert kept == Schedule(
        kept.key, *new[:4], ACTIVE, 1, NOW - 5, NOW + 10, NOW + 12, None, None, 0, 0, None, NOW, NOW, None
    )


def test_a_new_schedule_without_an_instant_to_come_has_ended(store: Any) -> None:
    synced(store, defined(next_at=None))

    assert state(store) == ENDED
    assert store.schedules.due(NOW + HOUR, 10) == ([], None)


def test_what_does_not_differ_is_not_written(store: Any) -> None:
    synced(store, defined("a"), defined("b"), now=NOW)
    before = timetable(store)

    again = synced(store, defined("b"), defined("a", next_at=NOW + HOUR, anchor_at=LATER))

    assert again == [SyncResult("b", SyncOutcome.KEPT), SyncResult("a", SyncOutcome.KEPT)]
    assert timetable(store) == before


def test_a_synchronisation_without_a_difference_waits_for_no_writer(tmp_path: Path) -> None:
    store = opened(tmp_path / "jobs.db")
    synced(store, defined())
    other = sqlite3.connect(tmp_path / "jobs.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    assert outcomes(synced(store, defined())) == {"mail": SyncOutcome.KEPT}

    other.close()
    store.close()


def test_a_large_configuration_is_taken_up_in_parts_and_what_broke_off_is_done_the_next_time(
    store: Any, arm: Callable[[str], None]
) -> None:
    synced(store, defined("old"))
    wanted = [defined(f"s-{number:04}") for number in range(1200)]
    arm("sync.inside#2=raise:broken off")

    with pytest.raises(RuntimeError, match="broken off"):
        synced(store, *wanted)
    names = [one.name for one in store.schedules.find(limit=2000)]
    arm("")
    was = state(store, "old")
    found = outcomes(synced(store, *wanted))

    assert names == ["old", *(new.name for new in wanted[:500])]
    assert was == ACTIVE
    assert list(found.values()) == [SyncOutcome.KEPT] * 500 + [SyncOutcome.ADDED] * 700 + [SyncOutcome.RETIRED]
    assert state(store, "old") == RETIRED


def test_of_two_that_synchronise_at_once_one_has_its_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = (opened(tmp_path / "jobs.db") for _ in range(2))
    mine = [defined(f"mine-{number}") for number in range(600)]
    define = one.schedules._define_named

    def with_another_in_between(*given: Any) -> dict[str, SyncResult]:
        found = define(*given)
        monkeypatch.undo()
        synced(other, defined("theirs"))
        return found

    monkeypatch.setattr(one.schedules, "_define_named", with_another_in_between)
    synced(one, *mine)

    assert {found.name for found in one.schedules.find(states=[ACTIVE])} == {new.name for new in mine}
    assert state(one, "theirs") == RETIRED
    one.close()
    other.close()


def test_a_definition_that_keeps_its_rule_keeps_its_times_and_history(store: Any) -> None:
    (one,) = there(store, defined())
    store.schedules.fire([turn(one)], NOW)
    before = row(store)

    result = synced(store, defined(spec='{"task":"shop.pack"}', next_at=NOW + HOUR))

    assert outcomes(result) == {"mail": SyncOutcome.UPDATED}
    assert row(store) == before._replace(spec='{"task":"shop.pack"}', revision=before.revision + 1, changed_at=LATER)
    assert len(store.schedules.ledger("mail", 10)) == 1


def test_a_changed_rule_takes_new_times_and_keeps_its_history(store: Any) -> None:
    (one,) = there(store, defined())
    store.schedules.fire([turn(one)], NOW)
    before = row(store)

    result = synced(store, defined(rule="every hour", anchor_at=LATER, next_at=NOW + HOUR))

    assert outcomes(result) == {"mail": SyncOutcome.CHANGED}
    assert row(store) == before._replace(
        rule="every hour",
        revision=before.revision + 1,
        anchor_at=LATER,
        next_at=NOW + HOUR,
        due_at=NOW + HOUR,
        changed_at=LATER,
    )
    assert (before.runs, before.last_at, before.last_job) == (1, NOW, f"mail@{NOW}")


@pytest.mark.parametrize(
    ("was", "next_at", "becomes"),
    [
        (ACTIVE, NOW + HOUR, ACTIVE),
        (ACTIVE, None, ENDED),
        (ENDED, NOW + HOUR, ACTIVE),
        (ENDED, None, ENDED),
        (PAUSED, NOW + HOUR, PAUSED),
        (PAUSED, None, PAUSED),
    ],
)
def test_a_changed_rule_wakes_what_had_ended_but_nothing_paused(
    store: Any, was: ScheduleState, next_at: int | None, becomes: ScheduleState
) -> None:
    there(store, defined())
    store.schedules.set_state("mail", was, NOW, None, None)

    synced(store, defined(rule="another", next_at=next_at))

    assert state(store) == becomes


def test_what_is_not_wanted_any_more_is_retired_with_its_history(store: Any) -> None:
    one, _ = there(store, defined(), defined("pack"))
    store.schedules.fire([turn(one, held_at=NOW)], NOW)
    before = row(store)

    results = synced(store, defined("pack"))

    assert results == [SyncResult("pack", SyncOutcome.KEPT), SyncResult("mail", SyncOutcome.RETIRED)]
    assert row(store) == before._replace(
        state=RETIRED, revision=before.revision + 1, due_at=None, held_at=None, changed_at=LATER
    )
    assert [found.name for found in store.schedules.due(NOW + HOUR, 10).schedules] == ["pack"]
    assert len(store.schedules.ledger("mail", 10)) == 1
    assert outcomes(synced(store, defined("pack"))) == {"pack": SyncOutcome.KEPT}


@pytest.mark.parametrize("was", [ACTIVE, PAUSED, ENDED])
def test_a_retired_one_comes_back_in_the_state_it_had(store: Any, was: ScheduleState) -> None:
    there(store, defined(next_at=NOW + HOUR))
    store.schedules.set_state("mail", was, NOW, NOW + HOUR, NOW + HOUR)
    synced(store)

    result = synced(store, defined(next_at=NOW + 2 * HOUR))

    assert outcomes(result) == {"mail": SyncOutcome.RETURNED}
    assert state(store) == was
    assert (row(store).next_at, row(store).due_at) == (NOW + HOUR, NOW + HOUR)


def test_one_that_comes_back_to_the_same_instant_has_its_jitter_again(store: Any) -> None:
    there(store, defined(next_at=NOW + HOUR, due_at=NOW + HOUR + 7))
    synced(store)

    synced(store, defined(next_at=NOW + HOUR, due_at=NOW + HOUR + 7))

    assert row(store).due_at == NOW + HOUR + 7


@pytest.mark.parametrize("rule", ["every minute", "another"])
def test_one_that_comes_back_after_its_instant_takes_new_times(store: Any, rule: str) -> None:
    there(store, defined(next_at=NOW + SECOND))
    synced(store)

    synced(store, defined(rule=rule, anchor_at=NOW + 3, next_at=NOW + HOUR), now=NOW + 2 * SECOND)

    kept = row(store)
    assert (kept.state, kept.rule, kept.anchor_at, kept.next_at) == (ACTIVE, rule, NOW + 3, NOW + HOUR)


def test_one_that_had_ended_does_not_begin_anew_by_coming_back(store: Any) -> None:
    (one,) = there(store, defined())
    store.schedules.fire([turn(one, next_at=None, state=ENDED)], NOW)
    synced(store)

    synced(store, defined())

    assert (state(store), row(store).next_at, row(store).due_at) == (ENDED, None, None)


def test_a_name_of_another_source_is_refused_and_nothing_overwritten(store: Any) -> None:
    there(store, defined(source="run-time"))
    before = timetable(store)

    results = synced(store, defined(rule="another"), defined("pack"))

    assert results == [
        SyncResult("mail", SyncOutcome.CONFLICT, "run-time"),
        SyncResult("pack", SyncOutcome.ADDED),
    ]
    assert timetable(store)[0][0] == before[0][0]


def test_other_sources_are_left_alone(store: Any) -> None:
    there(store, defined("own", source="run-time"), defined("theirs", source="config:other"))
    before = timetable(store)

    assert synced(store) == []

    assert timetable(store) == before


def test_what_another_source_has_retired_may_be_taken_over(store: Any) -> None:
    there(store, defined())
    synced(store)

    result = synced(store, defined(source="config:other"), source="config:other")

    assert outcomes(result) == {"mail": SyncOutcome.RETURNED}
    assert (row(store).source, state(store)) == ("config:other", ACTIVE)
    assert outcomes(synced(store, defined())) == {"mail": SyncOutcome.CONFLICT}


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ([defined(), defined()], "'mail' is wanted twice"),
        ([defined(source="run-time")], "'mail' is of the source 'run-time'"),
    ],
)
def test_what_cannot_be_wanted_is_refused_before_anything_is_written(
    store: Any, wanted: list[NewSchedule], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        synced(store, defined("other"), *wanted)

    assert store.schedules.find() == []


# Defining at run time


def test_a_schedule_is_added_at_run_time_once(store: Any) -> None:
    new = defined(source="run-time")

    assert store.schedules.put(new, NOW, replace=False)
    before = row(store)

    assert not store.schedules.put(new._replace(rule="another"), LATER, replace=False)
    assert row(store) == before


def test_a_schedule_is_replaced_where_that_is_said(store: Any) -> None:
    there(store, defined(source="run-time"))

    assert store.schedules.put(defined(source="run-time", rule="another", next_at=NOW + HOUR), LATER, replace=True)

    assert (row(store).rule, row(store).next_at, row(store).revision) == ("another", NOW + HOUR, 2)


def test_what_is_replaced_by_itself_is_not_written(store: Any) -> None:
    (before,) = there(store, defined())

    assert store.schedules.put(defined(), LATER, replace=True)

    assert row(store) == before


def test_a_schedule_of_another_source_is_not_replaced(store: Any) -> None:
    (before,) = there(store, defined())

    assert not store.schedules.put(defined(source="run-time", rule="another"), LATER, replace=True)

    assert row(store) == before


def test_a_retired_name_may_be_added_at_run_time_and_keeps_its_history(store: Any) -> None:
    (one,) = there(store, defined())
    store.schedules.fire([turn(one)], NOW)
    synced(store)

    assert store.schedules.put(defined(source="run-time", rule="another"), LATER, replace=False)

    assert (row(store).source, state(store), row(store).runs) == ("run-time", ACTIVE, 1)


# Pausing and removing


def test_a_paused_schedule_is_not_due_until_it_is_resumed(store: Any) -> None:
    (one,) = there(store, defined())

    assert store.schedules.set_state("mail", PAUSED, LATER, None, None, "by anna")
    assert store.schedules.due(NOW + HOUR, 10) == ([], None)
    assert row(store) == one._replace(
        state=PAUSED, revision=2, next_at=None, due_at=None, changed_at=LATER, note="by anna"
    )

    assert store.schedules.set_state("mail", ACTIVE, LATER, NOW + MINUTE, NOW + MINUTE + 5)
    assert row(store) == one._replace(
        revision=3, next_at=NOW + MINUTE, due_at=NOW + MINUTE + 5, changed_at=LATER, note=None
    )


def test_an_unknown_schedule_has_no_state_to_change(store: Any) -> None:
    assert not store.schedules.set_state("nobody", PAUSED, NOW, None, None)
    assert store.schedules.find() == []


def test_a_removed_schedule_takes_its_ledger_along_but_not_its_jobs(store: Any) -> None:
    one, _ = there(store, defined(), defined("pack"))
    store.schedules.fire([turn(one)], NOW)

    assert store.schedules.remove("mail")

    assert [kept.name for kept in store.schedules.find()] == ["pack"]
    assert store.schedules.ledger("mail", 10) == []
    assert set(store.read.get([f"mail@{NOW}"])) == {f"mail@{NOW}"}
    assert not store.schedules.remove("mail")


def test_a_schedule_of_a_removed_ones_name_has_no_history_and_takes_none_of_its_firings(store: Any) -> None:
    (one,) = there(store, defined())
    store.schedules.fire([turn(one)], NOW)
    stale = turn(row(store))
    store.schedules.remove("mail")

    (again,) = there(store, defined())

    assert again.key != one.key
    assert store.schedules.fire([stale], LATER) == [False]
    assert (row(store), store.schedules.ledger("mail", 10)) == (again, [])


# Listing


def test_schedules_are_listed_by_name_and_in_pages(store: Any) -> None:
    there(store, *(defined(name) for name in ("c", "a", "d", "b")))

    assert [one.name for one in store.schedules.find(limit=2)] == ["a", "b"]
    assert [one.name for one in store.schedules.find(after="b", limit=2)] == ["c", "d"]
    assert store.schedules.find(after="d") == []


def test_schedules_are_listed_by_names_and_states(store: Any) -> None:
    there(store, *(defined(name) for name in ("a", "b", "c")))
    store.schedules.set_state("b", PAUSED, NOW, None, None)

    assert [one.name for one in store.schedules.find(["c", "b", "nobody"])] == ["b", "c"]
    assert [one.name for one in store.schedules.find(states=[PAUSED, ENDED])] == ["b"]
    assert [one.name for one in store.schedules.find(["a"], states=[PAUSED])] == []
    assert store.schedules.find([]) == []


def test_a_name_may_be_any_text(store: Any) -> None:
    names = ["", "it's", "ü/..\n", "%", "a" * 5000]

    assert set(outcomes(synced(store, *map(defined, names))).values()) == {SyncOutcome.ADDED}

    assert {one.name for one in store.schedules.find()} == set(names)
    assert all(store.schedules.remove(name) for name in names)


# Due


def test_schedules_are_due_at_their_time_the_longest_due_first(store: Any) -> None:
    there(store, defined("now"), defined("later", next_at=NOW + 5), defined("before", next_at=NOW - 5))

    found = store.schedules.due(NOW, 10)

    assert [one.name for one in found.schedules] == ["before", "now"]
    assert found.schedules == store.schedules.find(["before", "now"])
    assert found.next_due == NOW + 5
    assert store.schedules.due(NOW - 6, 10) == ([], NOW - 5)


def test_it_is_the_time_with_jitter_that_counts(store: Any) -> None:
    there(store, defined(next_at=NOW, due_at=NOW + 3))

    assert store.schedules.due(NOW + 2, 10) == ([], NOW + 3)
    assert [one.name for one in store.schedules.due(NOW + 3, 10).schedules] == ["mail"]


def test_more_that_are_due_than_asked_for_make_the_next_look_due_at_once(store: Any) -> None:
    there(store, *(defined(name, next_at=NOW - age) for age, name in enumerate("abc")))

    found = store.schedules.due(NOW, 2)

    assert [one.name for one in found.schedules] == ["c", "b"]
    assert found.next_due == NOW
    assert store.schedules.due(NOW, 0) == ([], NOW - 2)


def test_only_active_schedules_are_due(store: Any) -> None:
    there(store, *(defined(one.name) for one in ScheduleState))
    for one in ScheduleState:
        store.schedules.set_state(one.name, one, NOW, NOW, NOW)

    assert [one.name for one in store.schedules.due(NOW, 10).schedules] == ["ACTIVE"]


def test_those_that_hold_an_instant_need_a_look_too_each_once(store: Any) -> None:
    rows = there(store, *(defined(name) for name in ("a", "b", "c")))
    store.schedules.fire([turn(rows[0], held_at=NOW + 2), turn(rows[1], held_at=NOW + 1)], NOW)

    assert [one.name for one in store.schedules.due(NOW, 1).schedules] == ["c", "b", "a"]
    assert store.schedules.due(NOW, 1).next_due == NOW + MINUTE
    assert [one.name for one in store.schedules.due(NOW + MINUTE, 10).schedules] == ["c", "a", "b"]

    store.schedules.set_state("a", PAUSED, NOW, None, None)
    assert [one.name for one in store.schedules.due(NOW, 1).schedules] == ["c", "b"]


# Bells


@pytest.mark.facets("bells")
def test_schedulers_are_rung_and_nobody_else(store: Any) -> None:
    bell, worker, waiter = (
        store.bells.hang(Topic.SCHEDULES),
        store.bells.hang(Topic.WORK),
        store.bells.hang(Topic.RESULTS),
    )

    store.bells.ring(Topic.SCHEDULES)

    assert bell.wait(DEADLINE_S)
    assert not worker.wait(0)
    assert not waiter.wait(0)
    for one in (bell, worker, waiter):
        one.close()


def test_the_values_read_are_of_their_own_kinds(store: Any) -> None:
    (one,) = there(store, defined())
    store.schedules.fire([turn(one)], NOW)

    assert type(store.schedules.find()[0]) is Schedule
    assert type(store.schedules.ledger("mail", 1)[0]) is LedgerRow
