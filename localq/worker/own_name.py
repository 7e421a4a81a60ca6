"""A name of its own for each live worker: by it workers are asked, answer, and are shown."""

from __future__ import annotations

import contextlib

from localq.exceptions import DuplicateNodenameWarning, StoreBusy
from localq.model.clock import Clock
from localq.model.warning import warn
from localq.model.worker import WorkerCard, WorkerState
from localq.store.protocol import Workers

__all__ = ["enter_by_own_name", "numbered", "warn_of_namesake"]


def numbered(name: str, number: int) -> str:
    """Return the name of the n-th worker that is called so: localq-2@host."""
    local, at, host = name.partition("@")
    return name if number < 2 else f"{local}-{number}{at}{host}"


def enter_by_own_name(workers: Workers, card: WorkerCard, clock: Clock, lease_us: int) -> str:
    """Enter a worker whose name nobody chose; return the one it has: that of its card, or that with a number.

    The store enters it under a name only while no other has that, so that several which enter at once get one each.
    Where the file is locked for long the name stays as it is.
    """
    number = 1
    with contextlib.suppress(StoreBusy):
        while True:
            name = numbered(card.name, number)
            named_so = [row for row in workers.all() if row.card.name == name and row.card.uuid != card.uuid]
            if any(row.state == WorkerState.ALIVE for row in named_so):
                number += 1
            elif workers.enter(card._replace(name=name), clock.now(), lease_us, [row.key for row in named_so]):
                return name
    return card.name


def warn_of_namesake(workers: Workers, name: str, uuid: str) -> None:
    """Warn where a live worker has a name that was chosen for another."""
    others = (row for row in workers.all() if row.card.name == name and row.card.uuid != uuid)
    if any(row.state == WorkerState.ALIVE for row in others):
        warn(
            f"Another live worker is called {name} too: what is asked of that name is answered by either. Give each "
            "its own: -n mail@%h.",
            DuplicateNodenameWarning,
        )
