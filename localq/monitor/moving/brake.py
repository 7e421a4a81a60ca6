"""What keeps two stores still while one is moved into the other, and says so in both.

All of it lies in the stores, as orders and states of schedules, so that it outlives whoever moves: a move that was
killed goes on, or is given up, by what stands there.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from localq.model.clock import Clock
from localq.model.orders import MOVE, PAUSE, Order
from localq.model.schedule import Schedule, ScheduleState
from localq.store.protocol import Store

__all__ = ["FROM", "TO", "Brake", "Mark", "every_schedule", "is_held", "note_left"]

#: Names of the order that tells of a move: in the store that is moved, and in the one that gets it.
TO, FROM = "to", "from"
#: What a pause says that was made for a move; those of people say nothing.
_HELD = "move"
#: What the note of a schedule begins with that rests for a move.
_NOTE = "stopped while its store is moved. "


class Mark(NamedTuple):
    """What a store says of its move.

    `token` is the move's own, the same in both stores; `other` is what the other is called. `place` is that of the
    last job that was moved; `done`: all there was.
    """

    token: str
    other: str
    place: str | None = None
    done: bool = False


def every_schedule(store: Store) -> Iterator[Schedule]:
    """Yield every schedule of a store, by name."""
    after: str | None = None
    while page := store.schedules.find(after=after):
        yield from page
        after = page[-1].name


def is_held(row: Schedule) -> bool:
    """Whether a schedule rests for a move, and was active before."""
    return row.state == ScheduleState.PAUSED and (row.note or "").startswith(_NOTE)


def note_left(row: Schedule) -> str | None:
    """Return a schedule's note without what the move has written."""
    return (row.note or "").removeprefix(_NOTE) or None


class Brake:
    """Keeps one store still, and lets it go."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock

    # What it says of the move

    def mark(self, name: str) -> Mark | None:
        """Return what the store says of a move to, or from, another."""
        for one in self._store.mail.orders():
            if (one.kind, one.name) == (MOVE, name) and one.value is not None:
                return Mark(**json.loads(one.value))
        return None

    def say(self, name: str, mark: Mark | None) -> None:
        """Write that down; None: there is none any more."""
        value = None if mark is None else json.dumps(mark._asdict())
        self._store.mail.order([Order(MOVE, name, value)], self._clock.now())

    # Holding

    def hold_queues(self, queues: Iterable[str]) -> bool:
        """Let nobody take jobs from queues; return whether any was open. Those that people paused stay theirs."""
        paused = {one.name for one in self._store.mail.orders() if one.kind == PAUSE}
        still_open = sorted(set(queues) - paused)
        if still_open:
            self._store.mail.order([Order(PAUSE, name, _HELD) for name in still_open], self._clock.now())
        return bool(still_open)

    def hold_all(self) -> bool:
        """Let nobody take jobs from any queue that has some or that a worker serves; return whether any was open."""
        served = {name for row in self._store.workers.all() for name in row.card.queues or ()}
        return self.hold_queues(served | {queue for queue, _ in self._store.read.stats().counts})

    def hold_schedules(self) -> None:
        """Let no schedule fire; what was computed before is not accepted after."""
        for row in every_schedule(self._store):
            if row.state == ScheduleState.ACTIVE:
                self.hold_schedule(row)

    def hold_schedule(self, row: Schedule) -> None:
        """Let a schedule rest, with its times as they are."""
        note = _NOTE + (row.note or "")
        paused = ScheduleState.PAUSED
        self._store.schedules.set_state(row.name, paused, self._clock.now(), row.next_at, row.due_at, note)

    # Letting go

    def release(self) -> None:
        """Let everything go on that was stopped for a move, and say nothing of it any more."""
        now = self._clock.now()
        for row in every_schedule(self._store):
            if is_held(row):
                active = ScheduleState.ACTIVE
                self._store.schedules.set_state(row.name, active, now, row.next_at, row.due_at, note_left(row))
        held = [one for one in self._store.mail.orders() if one.kind == PAUSE and one.value == _HELD]
        marks = [one for one in self._store.mail.orders() if one.kind == MOVE]
        self._store.mail.order([one._replace(value=None) for one in (*held, *marks)], now)

    @staticmethod
    def is_own(order: Order) -> bool:
        """Whether an order was given for a move, and is not a person's."""
        return order.kind == MOVE or (order.kind == PAUSE and order.value == _HELD)
