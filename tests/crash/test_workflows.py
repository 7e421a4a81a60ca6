"""Workflows under fire: whatever is killed, a body is called once, with everything, and no step is forgotten."""

from __future__ import annotations

import random
import signal

import pytest

from localq import chain, chord, signature
from localq.model.job import JobState
from tests.crash.chords import send_chord, wrong_bodies
from tests.crash.lab import Lab, until
from tests.crash.settled import settled

_TASKS = "tests.crash.tasks"


def test_a_chord_whose_slots_and_workers_are_killed_calls_its_body_once_with_every_result_in_order() -> None:
    dice = random.Random(7)
    with Lab(task_max_crashes=1000) as lab:
        workers = [lab.worker("one", 2, wait=True), lab.worker("two", 2, wait=True)]
        body = send_chord(lab, 500)
        for blow in range(8):
            before = len(lab.starts())
            until(lambda: len(lab.starts()) > before + 25 or lab.unfinished() < 50, lab.state)  # noqa: B023
            if blow % 4 == 3:
                workers.pop(0).kill()
                workers.append(lab.worker(f"more{blow}", 2, wait=True))
            elif slots := workers[-1].slots_now():
                lab.kill(dice.choice(slots), "slot")
        settled(lab)
        assert wrong_bodies(lab, {body: 500}) == []


@pytest.mark.parametrize("point", ["claim.inside", "claim.after", "finish.inside", "finish.after"])
def test_a_worker_killed_between_two_steps_forgets_none(point: str) -> None:
    with Lab() as lab:
        lab.worker("peer", 1, wait=True)
        doomed = lab.worker("doomed", 1, fault=f"{point}#2=kill", wait=True)
        sent = []
        while doomed.alive():
            steps = [signature(f"{_TASKS}.work", (2,))] + [
                signature(f"{_TASKS}.work", (n,), immutable=True) for n in (3, 4)
            ]
            sent.append(chain(*steps, app=lab.app).apply_async().id)
            until(lambda: lab.unfinished() < 6 or not doomed.alive(), lab.state)
        assert doomed.wait() == -signal.SIGKILL
        settled(lab)
        assert {lab.store.read.get([one])[one].state for one in sent} == {JobState.SUCCEEDED}


@pytest.mark.parametrize("point", ["claim.inside", "claim.after", "finish.inside", "finish.after"])
def test_a_worker_killed_while_it_says_what_is_behind_a_failure_leaves_it_to_a_peer(point: str) -> None:
    with Lab() as lab:
        bad = signature(f"{_TASKS}.refuse")
        doomed = lab.worker("doomed", 1, fault=f"{point}#2=kill", wait=True)
        body = chord([bad, signature(f"{_TASKS}.work", (2,))], signature(f"{_TASKS}.gather"), app=lab.app)
        line = chain(body, signature(f"{_TASKS}.work"), app=lab.app).apply_async()
        until(lambda: not doomed.alive() or not lab.unfinished(), lab.state)
        lab.worker("peer", 1)
        behind = [line.id, line.parent.id, line.parent.parent[0].id]
        settled(lab, dict.fromkeys(behind, JobState.FAILED))
        assert [one.ending for one in lab.store.read.attempts(line.id)] == ["BEHIND"]
        assert lab.starts(line.id) == lab.starts(line.parent.id) == []
