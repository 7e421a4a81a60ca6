"""The end of nearly every test here."""

from __future__ import annotations

from localq.model.job import JobState
from tests.crash.checker import Verdict, check, check_clean
from tests.crash.lab import Lab

__all__ = ["settled"]


def settled(lab: Lab, expected: dict[str, JobState] | None = None) -> Verdict:
    """Drain, stop, and find nothing wrong; return what was found."""
    lab.drained()
    codes = lab.stop_all()
    assert set(codes) <= {0}, (codes, [one.told() for one in lab.programs])
    verdict = check(lab, expected)
    wrong = verdict.faults() + check_clean(lab)
    assert not wrong, "\n".join(wrong)
    return verdict
