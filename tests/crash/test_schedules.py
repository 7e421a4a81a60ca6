"""Schedulers killed before, in and after a firing: every instant fires once, and none is missing.

The witness stands outside the database: each job writes down the instant it was fired for.
"""

from __future__ import annotations

import os
import signal
from collections import Counter

import pytest

from tests.crash.instants import INTERVALS, POINTS, check, go_on, witnessed
from tests.crash.lab import Lab, Program, until


def dead(programs: list[Program]) -> bool:
    return not any(one.alive() for one in programs)


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("point", POINTS)
def test_schedulers_killed_at_any_point_fire_every_instant_once(point: str, count: int) -> None:
    with Lab() as lab:
        lab.worker("one", 2)
        doomed = [lab.beat(INTERVALS, fault=f"{point}#{3 + number}=kill") for number in range(count)]

        until(lambda: dead(doomed), lab.state)
        go_on(lab)

        assert [one.process.returncode for one in doomed] == [-signal.SIGKILL] * count
        assert Counter(name for _, name, _ in lab.faults()) == {point: count}
        check(lab)


@pytest.mark.slow
def test_twenty_schedulers_killed_at_all_points_fire_every_instant_once() -> None:
    with Lab() as lab:
        lab.worker("one", 2)
        doomed = [lab.beat(INTERVALS, fault=f"{POINTS[number % 3]}#{2 + number // 3}=kill") for number in range(20)]

        until(lambda: dead(doomed), lab.state)
        go_on(lab)

        assert Counter(name for _, name, _ in lab.faults()).total() == 20
        check(lab)


def test_schedulers_killed_from_outside_at_any_moment_fire_every_instant_once() -> None:
    with Lab() as lab:
        lab.worker("one", 2)
        beats = [lab.beat(INTERVALS), lab.beat(INTERVALS)]

        for _ in range(5):
            before = sum(witnessed(lab).values())
            until(lambda: sum(witnessed(lab).values()) > before + 5, lab.state)  # noqa: B023
            beats.pop(0).kill()
            beats.append(lab.beat(INTERVALS))
        for one in beats:
            one.kill()
        go_on(lab)

        check(lab)


def test_a_stopped_scheduler_that_goes_on_fires_nothing_twice() -> None:
    with Lab() as lab:
        lab.worker("one", 2)
        # It has planned what to fire, and is stopped before it writes.
        frozen = lab.beat(INTERVALS, fault="fire.before#3=stop")
        until(lab.faults, lab.state)

        go_on(lab)
        os.kill(frozen.pid, signal.SIGCONT)
        before = sum(witnessed(lab).values())
        until(lambda: sum(witnessed(lab).values()) > before + 5, lab.state)
        assert frozen.stop() == 0
        lab.drained()

        check(lab)


def test_a_scheduler_killed_while_it_takes_up_the_configuration_leaves_it_whole() -> None:
    with Lab() as lab:
        lab.worker("one", 2)
        doomed = lab.beat(INTERVALS, fault="sync.inside=kill")

        assert doomed.wait() == -signal.SIGKILL
        assert lab.store.schedules.find() == []
        go_on(lab)

        check(lab)
