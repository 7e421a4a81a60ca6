"""Schedules in the laboratory, and the judgement on what their schedulers did.

The witness stands outside the database: each job writes down the instant it was fired for.
"""

from __future__ import annotations

import itertools
from collections import Counter
from datetime import datetime, timedelta

from localq.model.schedule import LedgerRow
from tests.crash import journal
from tests.crash.lab import Lab, until

__all__ = ["INTERVALS", "POINTS", "check", "go_on", "witnessed"]

#: Seconds between the instants of each schedule.
INTERVALS = {"s0": 0.1, "s1": 0.15, "s2": 0.25}
POINTS = ["fire.before", "fire.inside", "fire.after"]


def witnessed(lab: Lab) -> Counter[tuple[str, datetime]]:
    """Return how often each instant of each schedule ran."""
    return Counter((name, datetime.fromisoformat(at)) for name, at in journal.read(lab.folder / "instants"))


def ledger(lab: Lab, name: str) -> list[LedgerRow]:
    return lab.store.schedules.ledger(name, 100_000)


def go_on(lab: Lab, more: int = 20) -> None:
    """Let a scheduler that nothing happens to fire some more; stop it in order."""
    survivor = lab.beat(INTERVALS)
    before = len(journal.read(lab.folder / "instants"))
    until(lambda: len(journal.read(lab.folder / "instants")) >= before + more, lab.state)
    assert survivor.stop() == 0
    lab.drained()


def check(lab: Lab) -> None:
    """Join the witness with the ledger, and both with the instants that there must be."""
    seen = witnessed(lab)
    assert set(seen.values()) == {1}
    for name, seconds in INTERVALS.items():
        ran = sorted(at for of, at in seen if of == name)
        steps = {later - earlier for earlier, later in itertools.pairwise(ran)}
        assert steps == {timedelta(seconds=seconds)}, f"{name}: an instant is missing"
        rows = ledger(lab, name)
        assert {row.outcome for row in rows} == {"fired"}
        assert len(rows) == len(ran)
        assert {row.job_id for row in rows} == {run.job_id for run in lab.starts()} & {row.job_id for row in rows}
        (row,) = lab.store.schedules.find([name])
        assert (row.runs, row.missed) == (len(ran), 0)
