"""What keeps pages quick on many jobs: answers that all browsers share."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from localq import LocalQ
from localq.web.ask.held import Held


class Worked:
    """Two clocks that stand still until told otherwise: of time, and of work."""

    def __init__(self) -> None:
        self.now = self.worked = 100.0

    def take(self, seconds: float) -> int:
        """Work for a while, and return how long in all."""
        self.worked += seconds
        return int(self.worked)


@pytest.mark.parametrize(("took", "held_s"), [(0.001, 0.0), (0.03, 0.3), (0.1, 1.0), (9.0, 1.5)])
def test_an_answer_holds_the_longer_the_more_work_it_was(took: float, held_s: float) -> None:
    clocks = Worked()
    held = Held(lambda: clocks.now, lambda: clocks.worked)
    found: list[int] = []

    def find() -> int:
        clocks.take(took)
        found.append(1)
        return len(found)

    held.get(find)
    clocks.now += max(0.0, held_s - 0.01)
    early = held.get(find)
    clocks.now += 0.02
    held.get(find)

    assert early == (1 if held_s else 2)
    assert len(found) == (2 if held_s else 3)


def test_who_asks_while_an_answer_is_being_found_gets_that_one() -> None:
    clocks = Worked()
    held = Held(lambda: clocks.now, lambda: clocks.worked)
    begun, go_on = threading.Event(), threading.Event()
    found: list[str] = []

    def find() -> str:
        begun.set()
        assert go_on.wait(60)
        clocks.take(1.0)
        found.append("one")
        return "one"

    threads = [threading.Thread(target=held.get, args=(find,)) for _ in range(5)]
    threads[0].start()
    assert begun.wait(60)
    for thread in threads[1:]:
        thread.start()
    go_on.set()
    for thread in threads:
        thread.join(60)

    assert found == ["one"]


def test_small_counts_are_never_old(page: Any, q: LocalQ) -> None:
    for number in range(3):
        q.send_task("shop.mail", (number,))

        assert f">{number + 1}<" in page.get("/queues").text.replace(" ", "").replace("\n", "")
