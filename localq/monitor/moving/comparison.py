"""What two stores hold of the same jobs, edges, groups and schedules, compared field by field."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from localq.model.job import JobState
from localq.monitor.moving.brake import every_schedule
from localq.monitor.moving.jobs import portions
from localq.monitor.moving.schedules import is_whole, ledger_of
from localq.monitor.queues import STATE_NAMES
from localq.store.protocol import Held, Portion, Store, WholeJob

__all__ = ["Comparison"]

#: Portions of the other store that are kept, to find in them what is compared.
_KEPT = 8


class _Window:
    """What a store holds, in its order, from which things are taken that are asked for in about that order."""

    def __init__(self, store: Store, held: Held) -> None:
        self._portions = portions(store, held, None)
        self._kept: list[dict[str, Any]] = []

    def find(self, ids: Sequence[str]) -> dict[str, Any]:
        """Return those of these ids, all of which are there, or not all, where the end is reached for them."""
        found = self._taken(ids)
        while len(found) < len(ids) and (portion := next(self._portions, None)) is not None:
            self._kept = [*self._kept[1 - _KEPT :], dict(_items(portion))]
            found |= self._taken([one for one in ids if one not in found])
        return found

    def _taken(self, ids: Sequence[str]) -> dict[str, Any]:
        return {one: some.pop(one) for one in ids for some in self._kept if one in some}


class Comparison:
    """What one store has, and what of that the other has as well.

    Attributes:
        source: Counts, by what a person calls the things.
        target: Counts of those that are in the other store, and alike.
        missing: Ids of jobs, names of schedules and groups that are not there.
        different: Those that are there otherwise.
        cancelled: Jobs that are cancelled in the one store, and wait in the other.
    """

    def __init__(self, source: Store, target: Store) -> None:
        self._source, self._target = source, target
        self.source: Counter[str] = Counter()
        self.target: Counter[str] = Counter()
        self.missing: list[str] = []
        self.different: list[str] = []
        self.cancelled: list[str] = []

    def look(self, after: str | None, told: Callable[[int], None]) -> None:
        """Compare every job behind a place, with all it holds, and all edges and groups where that is the first."""
        for held in Held if after is None else (Held.JOBS,):
            window = _Window(self._target, held)
            for portion in portions(self._source, held, after):
                ids = [name for name, _ in _items(portion)]
                # What is not there at all is not looked for to the end.
                known = ids if held == Held.GROUPS else list(self._target.read.get(ids))
                there = window.find(known)
                for name, one in _items(portion):
                    self._add(name, one, there.get(name))
                told(len(portion.jobs))

    def _add(self, name: str, one: Any, there: Any) -> None:
        counts = Counter(dict(_counts(one)))
        self.source += counts
        if there is None:
            self.missing.append(name)
        elif there == one:
            self.target += counts
        elif isinstance(one, WholeJob) and _was_cancelled(one, there):
            self.cancelled.append(name)
            self.target += counts
        else:
            self.different.append(name)

    def look_at_schedules(self) -> None:
        """Compare every schedule, with its ledger."""
        there = {one.name: one for one in every_schedule(self._target)}
        for row in every_schedule(self._source):
            ledger = ledger_of(self._source, row.name)
            counts = Counter({"schedules": 1, "instants in ledgers": len(ledger)})
            self.source += counts
            if row.name not in there:
                self.missing.append(row.name)
            elif is_whole(there[row.name], row) and _has(ledger_of(self._target, row.name), ledger):
                self.target += counts
            else:
                self.different.append(row.name)


def _has(there: Sequence[Any], ledger: Sequence[Any]) -> bool:
    """Whether a ledger has all rows of another."""
    return set(ledger) <= set(there)


def _items(portion: Portion) -> Iterator[tuple[str, Any]]:
    """Yield what a portion is of, by id, without what each store says in its own way."""
    for one in portion.jobs:
        yield one.job.id, one._replace(job=one.job._replace(key=0, owner=None))
    for tied in portion.ties:
        yield tied.id, tied
    for group in portion.groups:
        yield group.id, group


def _counts(one: Any) -> Iterator[tuple[str, int]]:
    if isinstance(one, WholeJob):
        yield f"jobs {STATE_NAMES[JobState(one.job.state)]}", 1
        yield "attempts", len(one.attempts)
    elif hasattr(one, "ties"):
        yield "edges", len(one.ties)
    else:
        yield "groups", 1


def _was_cancelled(one: WholeJob, there: WholeJob) -> bool:
    return one.job.state == JobState.CANCELLED and there.job.state < JobState.RUNNING
