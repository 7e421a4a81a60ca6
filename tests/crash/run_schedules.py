"""Kill schedulers for a while and look for instants: `python -m tests.crash.run_schedules --minutes 5 [--store redis]`.

Round after round a laboratory gets a worker and some schedulers, which are killed at random moments from outside and
at random points from within, and replaced. Exits with 1 if an instant fired twice, or is missing.
"""

from __future__ import annotations

import argparse
import random
import sys
import time

from tests.crash.instants import INTERVALS, POINTS, check, go_on, witnessed
from tests.crash.lab import Lab, Program
from tests.crash.places import KINDS, place

_SECONDS = 15.0


def torment(lab: Lab, dice: random.Random) -> int:
    """Run schedulers and kill them for some seconds; return how many died."""
    lab.worker("one", 2)
    count, deaths = dice.randint(1, 4), 0
    beats: list[Program] = []
    until = time.monotonic() + _SECONDS
    while time.monotonic() < until:
        deaths += sum(not one.alive() for one in beats)
        beats = [one for one in beats if one.alive()]
        while len(beats) < count:
            fault = dice.choice([None, *(f"{point}#{dice.randint(1, 12)}=kill" for point in POINTS)])
            beats.append(lab.beat(INTERVALS, fault=fault))
        time.sleep(dice.uniform(0.1, 1.5))
        if dice.random() < 0.4:
            dice.choice(beats).kill()
    for one in beats:
        one.kill()
    return deaths


def main() -> int:
    """Torment, round after round; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=1)
    parser.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000)
    parser.add_argument("--store", choices=KINDS, default="file")
    given = parser.parse_args()
    print(f"seed {given.seed}", flush=True)
    dice = random.Random(given.seed)
    until = time.monotonic() + given.minutes * 60
    rounds = deaths = instants = 0
    while time.monotonic() < until:
        with place(given.store) as (url, _), Lab(url=url) as lab:
            deaths += torment(lab, dice)
            go_on(lab)
            check(lab)
            instants += sum(witnessed(lab).values())
            rounds += 1
        print(f"rounds {rounds}, schedulers dead {deaths}, instants {instants}: each once, none missing", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
