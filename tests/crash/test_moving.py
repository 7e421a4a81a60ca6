"""Moves of a store killed at every named point and at random: the next one goes on, and each job runs once."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from localq import LocalQ, chord
from localq.testing import drain
from tests.crash.test_points import MOVE
from tests.store.server import PLACES, place
from tests.worker.waiting import PROGRAM_S

_JOBS, _HEADS = 700, 20


class World(NamedTuple):
    """A program with jobs in one place, that is to go on in another; `ran` says what ran, by number."""

    q: LocalQ
    source: str
    target: str
    ran: Counter[str]

    def move(self, fault: str = "") -> subprocess.Popen[bytes]:
        """Start a move, which fails where it is told to."""
        return subprocess.Popen(
            [sys.executable, "-m", "localq", "migrate", self.source, self.target, "--json"],
            env={**os.environ, "LOCALQ_FAULT": fault},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    def moved(self, fault: str = "") -> tuple[int, dict[str, Any], str]:
        """Move, to the end or the fault; return how it ended, what it reported and what it said."""
        said, told = (moving := self.move(fault)).communicate(timeout=PROGRAM_S)
        return moving.returncode, json.loads(said) if said else {}, told.decode()

    def settled(self) -> None:
        """Run all that there is in the new place, and find that each job ran once, and none in the old one."""
        drain(self.q)
        assert self.ran == Counter(), "what was moved does not run where it was"
        self.q.relocate(url=self.target)
        drain(self.q)
        expected = {f"work {number}": 1 for number in range(_JOBS)} | {f"head {n}": 1 for n in range(_HEADS)}
        assert self.ran == Counter(expected | {f"body {sum(range(_HEADS))}": 1})


def at(kind: Any) -> str:
    """Return the kind of a place that is a parameter."""
    return str(getattr(kind, "values", [kind])[0])


def pairs(*kinds: Any) -> list[Any]:
    """Return every pair of places."""
    return [
        pytest.param((at(one), at(other)), id=f"{at(one)}-{at(other)}", marks=[*marks(one), *marks(other)])
        for one in kinds
        for other in kinds
    ]


def marks(kind: Any) -> tuple[Any, ...]:
    return tuple(getattr(kind, "marks", ()))


@pytest.fixture(params=pairs(*PLACES))
def pair(request: pytest.FixtureRequest) -> tuple[str, str]:
    """Return the kinds of the two places: of all there are, but for tests that say which."""
    one, other = request.param
    return one, other


@pytest.fixture
def world(pair: tuple[str, str], tmp_path: Path) -> Iterator[World]:
    with contextlib.ExitStack() as given:
        folders = [tmp_path / name for name in ("one", "other")]
        for folder in folders:
            folder.mkdir()
        source, target = (given.enter_context(place(kind, folder)) for kind, folder in zip(pair, folders, strict=True))
        world = filled(source, target)
        yield world
        world.q.close()


def filled(source: str, target: str) -> World:
    """Return a program that has jobs in a place."""
    q, ran = LocalQ("moved", url=source), Counter[str]()

    @q.task
    def work(number: int) -> None:
        ran[f"work {number}"] += 1

    @q.task
    def head(number: int) -> int:
        ran[f"head {number}"] += 1
        return number

    @q.task
    def body(numbers: list[int]) -> None:
        ran[f"body {sum(numbers)}"] += 1

    for _ in range(3):
        work.delay(-1)
    drain(q)
    assert ran.pop("work -1") == 3
    q.enqueue_many([work.s(number) for number in range(_JOBS)])
    chord([head.s(number) for number in range(_HEADS)], body.s()).delay()
    return World(q, source, target, ran)


def checked(report: dict[str, Any]) -> None:
    counts = report["counts"]
    assert report["complete"]
    assert all(one["from"] == one["to"] for one in counts.values()), counts
    assert counts["jobs SUCCESS"]["to"] == counts["attempts"]["to"] == 3
    assert (counts["jobs READY"]["to"], counts["edges"]["to"]) == (_JOBS + _HEADS, _HEADS)


#: Each point where files are moved, and the busiest between all places.
@pytest.mark.parametrize(
    ("pair", "point"),
    [
        *(pytest.param(("file", "file"), point, id=f"file-file-{point}") for point in MOVE if point != "move.inside"),
        *(
            pytest.param(*one.values, "move.inside", id=f"{one.id}-move.inside", marks=one.marks)
            for one in pairs(*PLACES)
        ),
    ],
    indirect=["pair"],
)
def test_a_move_killed_at_any_point_is_finished_by_the_next(world: World, point: str) -> None:
    pass_ = "#3" if point in ("move.put", "move.inside") else ""

    code, _, _ = world.moved(f"{point}{pass_}=kill")
    assert code == -signal.SIGKILL
    code, report, told = world.moved()

    assert code == 0, told
    if point != "move.done":
        checked(report)
    world.settled()


def test_a_move_killed_at_random_again_and_again_is_finished_at_last(world: World) -> None:
    chance = random.Random(7)
    kills = 0
    while kills < 5:
        moving = world.move(f"move.inside#{chance.randint(1, 3)}=sleep:0.05")
        with contextlib.suppress(subprocess.TimeoutExpired):
            moving.wait(chance.uniform(0.2, 1.5))
        ended = moving.poll() is not None
        if not ended:
            os.killpg(moving.pid, signal.SIGKILL)
            kills += 1
        _, told = moving.communicate()
        if ended:
            assert moving.returncode == 0, told.decode()
            break

    code, report, told = world.moved()

    assert code == 0, told
    assert report["complete"]
    world.settled()


@pytest.mark.parametrize("pair", [("file", "file")], indirect=True)
@pytest.mark.parametrize("point", ["move.braked", "move.inside", "move.schedules"])
def test_a_move_that_fails_says_how_to_go_on_and_to_give_up(world: World, point: str) -> None:
    code, _, told = world.moved(f"{point}=enospc")

    assert code != 0
    assert "stays stopped, and nothing is lost. The same command goes on." in told
    assert "localq migrate --release" in told
    assert world.moved()[0] == 0
    world.settled()
