"""The verbs about schedules and the ledger of what fired; see `localq.store.protocol.schedules`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import msgspec

from localq.model import failpoints
from localq.model.job import NewJob
from localq.model.schedule import (
    FIRED,
    LEDGER_KEPT,
    SKIPPED,
    Due,
    Entry,
    Firing,
    LedgerRow,
    NewSchedule,
    Schedule,
    ScheduleState,
    SyncOutcome,
    SyncResult,
)
from localq.store.protocol.bells import CANCEL
from localq.store.redis.packing import pack_jobs
from localq.store.redis.rows import pairs
from localq.store.redis.scripts import script
from localq.store.redis.server import RedisServer
from localq.store.schedule_sync import Kept, Step, check, defined, state_of, steps

__all__ = ["RedisSchedules"]

_DEFINE, _SET_STATE = script("schedules", "define"), script("schedules", "set_schedule_state")
_REMOVE, _PRUNE = script("schedules", "remove_schedule"), script("prune_ledgers")
_JOBS = ("wake", "jobs", "edges", "insert", "cancelling", "schedules", "ledger")
_FIRE, _RECORD = script(*_JOBS, "fire"), script(*_JOBS, "record")
_OF, _FIND, _DUE, _LEDGER = (
    script(name, reads=True) for name in ("schedules_of", "find_schedules", "due_schedules", "read_ledger")
)
_T = TypeVar("_T")
#: Schedules defined, and firings written, in one script.
_DEFINED_AT_ONCE, _FIRED_AT_ONCE = 500, 200
#: Looks at what a definition has left to do: more than one where another program has come between.
_ROUNDS = 4
#: Schedules whose ledgers one pruning looks at.
_LEDGERS_AT_ONCE = 200
_ALL = "*"
#: What a definition writes of a schedule, beside its revision and its key.
_WRITTEN = tuple(name for name in Schedule._fields if name not in ("key", "revision"))
_TEXTS = frozenset({"name", "source", "spec", "rule", "last_job", "note"})
_packed = msgspec.msgpack.encode
_OUTCOMES = {FIRED: "f", SKIPPED: "s"}
_NAMES = {letter.encode(): outcome for outcome, letter in _OUTCOMES.items()}


class RedisSchedules:
    """Schedules and their ledger."""

    def __init__(self, server: RedisServer) -> None:
        self._server = server
        #: The key of the schedule whose ledger was looked at last when pruning.
        self._pruned_to = b"-1"

    # Defining

    def sync(self, source: str, wanted: Sequence[NewSchedule], now: int) -> list[SyncResult]:
        """Make a source's schedules those wanted; see the protocol."""
        check(source, wanted)
        results: dict[str, SyncResult] = {}
        names = [new.name for new in wanted]
        for _ in range(_ROUNDS):
            done = steps(self._there(source, names), source, wanted, now)
            found = {step.result.name: step.result for step in done}
            results = found | results
            refused = self._define([step for step in done if step.writes], now)
            if not refused:
                break
            for step in refused:
                # Another program came between: what it left is looked at again.
                del results[step.result.name]
        else:
            results = found | results
        return list(results.values())

    def put(self, new: NewSchedule, now: int, *, replace: bool) -> bool:
        """Add or change one schedule; see the protocol."""
        for _ in range(_ROUNDS):
            kept = self._there("", [new.name]).get(new.name)
            if kept is not None and kept.row.state != ScheduleState.RETIRED and not replace:
                return False
            step = defined(kept, new, now)
            if not step.writes or not self._define([step], now):
                break
        return step.result.outcome != SyncOutcome.CONFLICT

    def _there(self, source: str, names: Iterable[str]) -> dict[str, Kept]:
        """Return, by name, the schedules of a source, and others of these names."""
        found = map(_kept, _told(self._server.run(_OF, source, *names)))
        return {kept.row.name: kept for kept in sorted(found, key=lambda kept: kept.row.name)}

    def _define(self, done: Sequence[Step], now: int) -> list[Step]:
        """Write what there is to do; return what was not written, since another program came between."""
        refused: list[Step] = []
        for part in _parts(done, _DEFINED_AT_ONCE):
            self._server.inside("sync.inside")
            written = self._server.run(_DEFINE, _packed([_definition(step, now) for step in part]))
            refused += [step for step, ok in zip(part, written, strict=True) if not ok]
        return refused

    def set_state(
        self,
        name: str,
        state: ScheduleState,
        now: int,
        next_at: int | None,
        due_at: int | None,
        note: str | None = None,
    ) -> bool:
        """Give a schedule a state and times; see the protocol."""
        said = {"state": int(state), "next_at": next_at, "due_at": due_at, "note": note, "changed_at": now}
        return bool(self._server.run(_SET_STATE, name, _packed(_fields(said))))

    def remove(self, name: str) -> bool:
        """Remove a schedule and its ledger; see the protocol."""
        return bool(self._server.run(_REMOVE, name))

    # Looking

    def find(
        self,
        names: Sequence[str] | None = None,
        states: Sequence[ScheduleState] | None = None,
        after: str | None = None,
        limit: int = 1000,
    ) -> list[Schedule]:
        """Return schedules by name; see the protocol."""
        if names is None:
            among = [_ALL] if states is None else ["", *map(int, states)]
            return [kept.row for kept in map(_kept, _told(self._server.run(_FIND, after or "", limit, *among)))]
        rows = [kept.row for kept in self._there("", names).values()]
        meant = [row for row in rows if (states is None or row.state in states) and (after is None or row.name > after)]
        return meant[:limit]

    def due(self, now: int, limit: int, sources: Sequence[str] | None = None) -> Due:
        """Return the schedules that need a look; see the protocol."""
        among = [_ALL] if sources is None else ["", *sources]
        next_due, told = self._server.run(_DUE, now, limit, *among)
        return Due([kept.row for kept in map(_kept, _told(told))], int(next_due) if next_due else None)

    # Firing

    def fire(self, firings: Sequence[Firing], now: int) -> list[bool]:
        """Write what the turns of schedules come to; see the protocol."""
        failpoints.point("fire.before")
        applied: list[bool] = []
        for part in _parts(firings, _FIRED_AT_ONCE):
            self._server.inside("fire.inside")
            words = [word for one in part for word in _firing(one)]
            applied += map(bool, self._server.run(_FIRE, now, CANCEL, len(part), *words))
        failpoints.point("fire.after")
        return applied

    def record(self, schedule: int, entries: Sequence[Entry], jobs: Sequence[NewJob], now: int) -> list[bool]:
        """Fire instants by hand; see the protocol."""
        self._server.inside("fire.inside")
        words = (*_entries(entries), *pack_jobs(jobs))
        return [bool(ok) for ok in self._server.run(_RECORD, now, schedule, *words)]

    # The ledger

    def ledger(self, name: str, limit: int, before: int | None = None) -> list[LedgerRow]:
        """Return what became of a schedule's instants; see the protocol."""
        until = "+inf" if before is None else f"({before}"
        return [_ledger_row(text) for text in self._server.run(_LEDGER, name, limit, until)]

    def prune(self, before: int, limit: int) -> int:
        """Remove old ledger rows; see the protocol."""
        told = self._server.run(_PRUNE, before, limit, LEDGER_KEPT, _LEDGERS_AT_ONCE, self._pruned_to)
        removed, self._pruned_to = told
        return int(removed)


def _parts(some: Sequence[_T], most: int) -> Iterator[Sequence[_T]]:
    for first in range(0, len(some), most):
        yield some[first : first + most]


def _told(told: Sequence[Any]) -> Iterator[tuple[bytes, Mapping[bytes, bytes]]]:
    """Yield keys and fields of schedules, as scripts tell them."""
    for key, fields in zip(told[::2], told[1::2], strict=True):
        yield key, pairs(fields)


def _kept(one: tuple[bytes, Mapping[bytes, bytes]]) -> Kept:
    key, held = one
    values: dict[str, Any] = {"key": int(key), "revision": int(held[b"revision"])}
    for name in _WRITTEN:
        value = held.get(name.encode())
        if value is None:
            values[name] = None
        else:
            values[name] = value.decode() if name in _TEXTS else int(value)
    before = held.get(b"state_before")
    return Kept(Schedule(**values), None if before is None else int(before))


def _fields(said: Mapping[str, Any]) -> list[Any]:
    """Return fields with their values as scripts read them: False for none."""
    return [word for name, value in said.items() for word in (name, False if value is None else str(value))]


def _definition(step: Step, now: int) -> list[Any]:
    if step.new is not None:
        new = step.new
        said = {**new._asdict(), "state": int(state_of(new)), "created_at": now, "changed_at": now, "runs": 0}
        return ["", "", new.name, new.source, _fields({**said, "missed": 0})]
    assert step.kept is not None
    row, before = step.kept
    said = {name: value for name, value in row._asdict().items() if name in _WRITTEN}
    return [str(row.key), str(row.revision), row.name, row.source, _fields({**said, "state_before": before})]


def _firing(one: Firing) -> Iterator[Any]:
    times = (one.next_at, one.due_at, one.held_at)
    yield from (one.schedule, one.revision, int(one.state))
    yield from ("" if at is None else at for at in times)
    yield from (one.runs, one.missed, 1 + one.signal, "" if one.note is None else f"+{one.note}")
    yield from _entries(one.entries)
    yield from pack_jobs(one.jobs)
    yield from (len(one.cancel), *one.cancel)


def _entries(entries: Sequence[Entry]) -> Iterator[Any]:
    yield len(entries)
    for one in entries:
        yield from (one.nominal, _OUTCOMES[one.outcome], one.count, "" if one.until is None else one.until)
        yield from (one.job_id or "", one.reason or "")


def _ledger_row(text: bytes) -> LedgerRow:
    nominal, _, rest = text.partition(b"=")
    outcome, fired_at, count, until, job, reason = rest.split(b"\0", 5)
    return LedgerRow(
        int(nominal),
        _NAMES[outcome],
        reason.decode() or None,
        job.decode() or None,
        int(until) if until else None,
        int(count),
        int(fired_at),
    )
