"""Waiting: who is rung in vain again and again asks to be rung for its own job alone."""

from __future__ import annotations

from typing import Any

import pytest

from localq.result.waiting import wait
from localq.store.protocol import Topic


class Rings:
    """Bells of which the only one is rung as a script says, and tells what it was asked to listen for."""

    def __init__(self, *said: list[str]) -> None:
        self.said = list(said)
        self.asked: list[str | None] = []

    def hang(self, topic: Topic) -> Any:
        return self

    def mine(self) -> bool:
        return True

    def wait(self, timeout: float) -> bool:
        return bool(self.said)

    def drain(self) -> list[str]:
        return self.said.pop(0) if self.said else []

    def listen_for(self, word: str | None) -> None:
        self.asked.append(word)


def looks(rings: Rings, ids: tuple[str, ...]) -> int:
    """Wait until all rings were heard; return how often the job was looked at."""
    looked = []

    def done() -> bool:
        looked.append(len(rings.said))
        return not rings.said

    assert wait(rings, ids, done, 60)  # type: ignore[arg-type]
    return len(looked)


IN_VAIN = [["other"]] * 4


def test_a_waiter_that_is_rung_for_its_job_looks_at_it() -> None:
    rings = Rings([], ["other"], ["mine"])

    assert looks(rings, ("mine",)) == 2
    assert rings.asked == []


def test_a_waiter_that_is_rung_in_vain_again_and_again_listens_for_its_job_alone() -> None:
    rings = Rings([], *IN_VAIN, ["mine"])

    # At first, when its bell was renamed (what was said meanwhile may be lost), and at the end.
    assert looks(rings, ("mine",)) == 3
    assert rings.asked == ["mine", None]


def test_a_waiter_for_several_jobs_listens_to_all() -> None:
    rings = Rings([], *IN_VAIN, *IN_VAIN, ["yours"])

    assert looks(rings, ("mine", "yours")) == 2
    assert rings.asked == []


def test_a_waiter_whose_look_fails_leaves_the_bell_as_it_was() -> None:
    rings = Rings([], *IN_VAIN, *IN_VAIN)

    def done() -> bool:
        if rings.asked:
            raise KeyboardInterrupt
        return False

    with pytest.raises(KeyboardInterrupt):
        wait(rings, ("mine",), done, 60)  # type: ignore[arg-type]

    assert rings.asked == ["mine", None]
