"""How much a store holds, counted without looking at each job."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from localq.model.job import JobState
from localq.model.schedule import ScheduleState
from localq.monitor.moving.brake import Brake, every_schedule, is_held
from localq.monitor.moving.schedules import ledger_of
from localq.monitor.queues import STATE_NAMES
from localq.store.protocol import Store

__all__ = ["held"]


def held(store: Store) -> dict[str, int]:
    """Return how much a store holds, by what a person calls it; of jobs without looking at each."""
    jobs: Counter[JobState] = Counter()
    for (_, state), count in store.read.stats().counts.items():
        jobs[state] += count
    schedules = list(every_schedule(store))
    return {
        **{f"jobs {name}": jobs[state] for state, name in STATE_NAMES.items()},
        **dict(_of_schedules(store, [(one.name, is_held(one), one.state) for one in schedules])),
        "orders": sum(not Brake.is_own(one) for one in store.mail.orders()),
    }


def _of_schedules(store: Store, schedules: list[tuple[str, bool, int]]) -> Iterator[tuple[str, int]]:
    states = Counter(ScheduleState.ACTIVE if held else ScheduleState(state) for _, held, state in schedules)
    for state in ScheduleState:
        yield f"schedules {state.name}", states[state]
    yield "instants in ledgers", sum(len(ledger_of(store, name)) for name, *_ in schedules)
