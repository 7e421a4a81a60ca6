"""Kill things for a while and count what is lost: `python -m tests.crash.run --minutes 10 [--seed N] [--store KIND]`.

Round after round a laboratory gets workers, clients and jobs of every good kind; meanwhile processes are killed at
random moments from outside, and at random points from within. Each round ends with everything drained and the
journal joined with the database. Where the store is on a server that is killed, too. Exits with 1 if anything was lost,
stuck, wrong or repeated without a reason.
"""

from __future__ import annotations

import argparse
import random
import signal
import sys
import time
from collections import Counter
from dataclasses import dataclass, field

from tests.crash.checker import Verdict, check, check_clean
from tests.crash.chords import send_chord, wrong_bodies
from tests.crash.lab import Lab, Program
from tests.crash.places import FORGETFUL, KINDS, Blows, place

SLOT = ["run.before", "run.after", "report.half", "report.after", "slot.ready"]
WORKER = [
    "worker.registered", "claim.inside", "claim.after", "hand.after", "outcome.received", "finish.inside",
    "finish.after", "beat.inside", "rescue.inside", "rescue.buried", "release.before", "store.pinned",
    "store.checkpoint",
]  # fmt: skip
CLIENT = ["enqueue.before", "enqueue.inside", "enqueue.after"]
FULL = ["claim.inside", "finish.inside", "beat.inside"]
#: What is done from outside, and how often in proportion.
FROM_OUTSIDE = {"slot": 6, "worker": 2, "client": 2, "forkserver": 2, "freeze": 1, "everything": 1, "term": 1}
_WORKERS, _CLIENTS = 3, 2


@dataclass
class Totals:
    """What all rounds came to."""

    rounds: int = 0
    jobs: int = 0
    runs: int = 0
    kills: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    def add(self, verdict: Verdict, clean: list[str], lab: Lab) -> None:
        """Count a round."""
        self.rounds += 1
        self.jobs += verdict.jobs
        self.runs += verdict.runs
        self.reasons.update(verdict.reasons)
        self.kills.update(f"{point} ({action})" for _, point, action in lab.faults())
        for name in ("lost", "stuck", "unexplained", "wrong"):
            self.counts[name] += len(getattr(verdict, name))
        self.counts["left behind"] += len(clean)
        self.faults += verdict.faults() + clean


class Round:
    """One laboratory, tormented for some seconds."""

    def __init__(self, lab: Lab, dice: random.Random, totals: Totals, blows: Blows) -> None:
        self.lab, self.dice, self.totals, self.blows = lab, dice, totals, blows
        self.number = 0
        self.workers = 0
        self.chords: dict[str, int] = {}

    def torment(self, seconds: float) -> None:
        """Keep workers and clients there and kill them."""
        size = self.dice.choice([100, 1000, 10_000])
        self.chords[send_chord(self.lab, size)] = size
        until_then = time.monotonic() + seconds
        while time.monotonic() < until_then:
            self._fill_up()
            self._pause(self.dice.uniform(0.02, 0.6))
            self._strike()

    def _alive(self, kind: str) -> list[Program]:
        return [one for one in self.lab.programs if one.kind == kind and one.alive()]

    def _fill_up(self) -> None:
        if len(self._alive("worker")) < _WORKERS:
            self.workers += 1
            self.lab.worker(f"w{self.workers}", self.dice.choice([1, 2, 3]), **self._worker_fault())
        if len(self._alive("client")) < _CLIENTS and self.lab.unfinished() < 1500:
            task = self.dice.choice(["work", "work", "work", "once", "twice", "parent"])
            count = self.dice.choice([20, 100, 300])
            seconds = [self.dice.choice([0, 0, 0.001, 0.02])] if task in ("work", "once") else []
            faults = {}
            if self.dice.random() < 0.3:
                faults["fault"] = f"{self.dice.choice(CLIENT)}#{self.dice.randint(1, 20)}=kill"
            self.lab.client(task, self.number, count, self.dice.choice([1, 1, 10, 100]), *seconds, **faults)
            self.number += count

    def _worker_fault(self) -> dict[str, object]:
        drawn = self.dice.random()
        if drawn < 0.4:
            point = self.dice.choice(SLOT)
            return {"fault": f"{point}#{self.dice.randint(1, 1 if point == 'slot.ready' else 30)}=kill", "budget": 2}
        if drawn < 0.7:
            return {"fault": f"{self.dice.choice(WORKER)}#{self.dice.randint(1, 8)}=kill"}
        if drawn < 0.8:
            return {"fault": f"{self.dice.choice(FULL)}#{self.dice.randint(1, 20)}=enospc"}
        if drawn < 0.85:
            return {"fault": "forkserver.orphaned=sleep:1.5"}
        return {}

    def _strike(self) -> None:
        ways = FROM_OUTSIDE | dict.fromkeys(self.blows, 1)
        how = self.dice.choices(list(ways), list(ways.values()))[0]
        workers, clients = self._alive("worker"), self._alive("client")
        if how in self.blows:
            self.blows[how]()
            self.lab.forgot |= how in FORGETFUL
        elif how == "everything" and self.dice.random() < 0.5:
            self.lab.kill_everything()
        elif how == "client" and clients:
            self.dice.choice(clients).kill()
        elif workers:
            worker = self.dice.choice(workers)
            if how == "worker":
                worker.kill()
            elif how == "term":
                worker.signal(signal.SIGTERM)
            elif how == "freeze":
                self._freeze(worker)
            elif not self._strike_below(worker, how):
                return
        else:
            return
        self.totals.kills[f"{how} (from outside)"] += 1

    def _strike_below(self, worker: Program, how: str) -> bool:
        forkserver = worker.forkserver_now()
        slots = worker.slots_now()
        if how == "forkserver" and forkserver:
            self.lab.kill(forkserver, "forkserver")
        elif how == "slot" and slots:
            self.lab.kill(self.dice.choice(slots), "slot")
        else:
            return False
        return True

    def _freeze(self, worker: Program) -> None:
        worker.signal(signal.SIGSTOP)
        self._pause(self.lab.settings["worker_lease"] * self.dice.uniform(0.2, 3))
        if worker.alive():
            worker.signal(signal.SIGCONT)

    def _pause(self, seconds: float) -> None:
        """Let the others work for a while: the moment of the next blow is what is random here."""
        time.sleep(seconds)

    def settle(self) -> None:
        """Let it all come to an end, and look at it."""
        for client in self._alive("client"):
            client.wait()
        self.lab.worker("last", 2, wait=True)
        try:
            self.lab.drained(90)
        except AssertionError as error:
            self.totals.faults.append(str(error)[:3000])
        try:
            self.lab.stop_all()
        except AssertionError as error:
            self.totals.faults.append(str(error)[:3000])
        wrong = wrong_bodies(self.lab, self.chords)
        self.totals.counts["wrong"] += len(wrong)
        self.totals.faults += wrong
        self.totals.add(check(self.lab), check_clean(self.lab), self.lab)


def table(totals: Totals, seconds: float) -> str:
    """Return the table."""
    lines = ["", f"{'killed at':<44}{'times':>8}", "-" * 52]
    lines += [f"{name:<44}{count:>8}" for name, count in sorted(totals.kills.items())]
    lines += ["", f"{'repeated runs, and why':<44}{'times':>8}", "-" * 52]
    lines += [f"{name:<44}{count:>8}" for name, count in sorted(totals.reasons.items())]
    lines += ["", f"{'in ' + format(seconds, '.0f') + ' s, ' + str(totals.rounds) + ' rounds':<44}{'':>8}", "-" * 52]
    lines += [f"{'kills':<44}{totals.kills.total():>8}", f"{'jobs':<44}{totals.jobs:>8}"]
    lines += [f"{'runs':<44}{totals.runs:>8}", f"{'repeated with a reason':<44}{totals.reasons.total():>8}"]
    names = {"lost": "lost", "stuck": "stuck", "unexplained": "repeated without a reason", "wrong": "wrong"}
    names["left behind"] = "rounds that left something behind"
    lines += [f"{text:<44}{totals.counts[name]:>8}" for name, text in names.items()]
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=2.0)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--store", choices=KINDS, default="file")
    given = parser.parse_args()
    seed = given.seed if given.seed is not None else random.randrange(1 << 32)
    print(f"seed {seed}", flush=True)
    dice = random.Random(seed)
    totals = Totals()
    began = time.monotonic()
    while time.monotonic() - began < given.minutes * 60:
        before = len(totals.faults)
        with place(given.store) as (url, blows), Lab(url=url, task_max_crashes=1000) as lab:
            one = Round(lab, dice, totals, blows)
            one.torment(min(15.0, given.minutes * 30))
            one.settle()
            found = totals.faults[before:]
        print(f"round {totals.rounds}: {totals.jobs} jobs, {totals.kills.total()} kills so far", flush=True)
        for fault in found:
            print(f"  {fault}", flush=True)
    print(table(totals, time.monotonic() - began))
    return 1 if totals.faults else 0


if __name__ == "__main__":
    sys.exit(main())
