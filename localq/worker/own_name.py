"""A name of its own for each live worker: by it workers are asked, answer, and are shown."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from itertools import count

from localq.exceptions import DuplicateNodenameWarning, StoreBusy
from localq.model.clock import Clock
from localq.model.warning import warn
from localq.model.worker import WorkerCard, WorkerRow, WorkerState
from localq.store.protocol import Workers

__all__ = ["enter_by_own_name", "numbered", "warn_of_namesake"]


def numbered(name: str, number: int) -> str:
    """Return the name of the n-th worker that is called so: localq-2@host."""
    local, at, host = name.partition("@")
    return name if number < 2 else f"{local}-{number}{at}{host}"


def enter_by_own_name(workers: Workers, card: WorkerCard, clock: Clock, lease_us: int) -> str:
    """Enter a worker whose name nobody chose; return the one it has: that of its card, or that with a number.

    Of several that enter at once each sees the others in the store, and the one that is there longest keeps the name.
    Where the file is locked for long the name stays as it is.
    """
    name = card.name
    with contextlib.suppress(StoreBusy):
        for number in count(1):
            name = numbered(card.name, number)
            if _taken(workers.all(), name, card.uuid):
                continue
            key = workers.enter(card._replace(name=name), clock.now(), lease_us)
            if not _taken(workers.all(), name, card.uuid, before=key):
                break
    return name


def warn_of_namesake(workers: Workers, name: str, uuid: str) -> None:
    """Warn where a live worker has a name that was chosen for another."""
    if _taken(workers.all(), name, uuid):
        warn(
            f"Another live worker is called {name} too: what is asked of that name is answered by either. Give each "
            "its own: -n mail@%h.",
            DuplicateNodenameWarning,
        )


def _taken(rows: Sequence[WorkerRow], name: str, uuid: str, *, before: int | None = None) -> bool:
    """Whether a live worker but this one has a name; with `before` only those that were there before a key count."""
    others = (row for row in rows if row.card.name == name and row.card.uuid != uuid and row.state == WorkerState.ALIVE)
    return any(before is None or row.key < before for row in others)
