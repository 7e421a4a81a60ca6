"""Chords of the laboratory: squares in the header, and a body that writes down what it got."""

from __future__ import annotations

from collections.abc import Mapping

from localq import chord, signature
from localq.model.job import JobState
from tests.crash import journal
from tests.crash.lab import Lab

__all__ = ["send_chord", "wrong_bodies"]

_TASKS = "tests.crash.tasks"


def send_chord(lab: Lab, size: int) -> str:
    """Add a chord; return its body's id."""
    header = [signature(f"{_TASKS}.work", (number,)) for number in range(size)]
    return str(chord(header, signature(f"{_TASKS}.gather"), app=lab.app).apply_async().id)


def wrong_bodies(lab: Lab, sizes: Mapping[str, int]) -> list[str]:
    """Say of each body that was not called well: once, and always with every result in the header's order."""
    wrong = []
    called = journal.read(lab.folder / "bodies")
    for body, size in sizes.items():
        squares = [number * number for number in range(size)]
        given = [results for job_id, results in called if job_id == body]
        done = [one.number for one in lab.store.read.attempts(body) if one.ending == "SUCCESS"]
        state = JobState(lab.store.read.get([body])[body].state)
        if len(done) != 1 or state != JobState.SUCCEEDED:
            wrong.append(f"the body {body} of a chord of {size} is {state.name}, and succeeded in attempts {done}")
        if not given or any(results != squares for results in given):
            wrong.append(f"the body {body} of a chord of {size} got {[len(results) for results in given]} results")
    return wrong
