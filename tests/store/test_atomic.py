"""Each writing verb is one step: whatever fails inside it, all of it is there or none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from localq.exceptions import StoreFull
from localq.model import failpoints
from localq.model.job import JobState
from tests.store.given import HOUR, NOW, claimed, done, job_in, new, newly, news, worker
from tests.store.timed import CONFIG, defined, everything, fired, job_of, there, turn


def add_one(store: Any) -> None:
    store.jobs.add([new("fresh")], NOW)


def add_many(store: Any) -> None:
    store.jobs.add([*news("fresh", "also"), new("large", args=b"x" * 5000), new("ready")], NOW)


def claim(store: Any) -> None:
    claimed(store, store.workers.all()[0].key, now=NOW + 2 * HOUR)


def finish_one(store: Any) -> None:
    store.jobs.finish(
        [done(store.read.get(["running"])["running"], args=b"new" * 1000, follow_ups=(new("fresh"),))], NOW
    )


def finish_many(store: Any) -> None:
    running = store.read.get(["running"])["running"]
    store.jobs.finish([done(running, JobState.READY, follow_ups=(new("fresh"),)), done(running, run_token=9)], NOW)


def prune(store: Any) -> None:
    store.jobs.prune(NOW + HOUR, 100)


def fire(store: Any) -> None:
    mail, pack = store.schedules.find(["mail", "pack"])
    store.schedules.fire([turn(mail), turn(pack, revision=9), turn(pack, cancel=("running", "ready"))], NOW)


def fire_by_hand(store: Any) -> None:
    (mail,) = store.schedules.find(["mail"])
    store.schedules.record(mail.key, [fired("mail", NOW)], [job_of("mail", NOW)], NOW)


def sync(store: Any) -> None:
    store.schedules.sync(CONFIG, [defined(rule="another"), defined("fresh")], NOW)


def put(store: Any) -> None:
    store.schedules.put(defined("fresh"), NOW, replace=False)


INSIDE = [
    ("enqueue.inside", add_one),
    ("enqueue.inside", add_many),
    ("claim.inside", claim),
    ("finish.inside", finish_one),
    ("finish.inside", finish_many),
    ("prune.inside", prune),
    ("fire.inside", fire),
    ("fire.inside", fire_by_hand),
    ("sync.inside", sync),
    ("sync.inside", put),
]


@pytest.fixture
def filled(store: Any) -> Any:
    """Return a store with a job in every state, and two schedules."""
    worker(store)
    for was in JobState:
        job_in(store, was, was.name.lower())
    there(store, defined("mail"), defined("pack"))
    return store


@pytest.mark.parametrize(("point", "act"), INSIDE)
@pytest.mark.parametrize(("action", "error"), [("raise:broken", RuntimeError), ("enospc", StoreFull)])
def test_a_verb_that_fails_inside_changes_nothing_and_works_again(
    filled: Any, arm: Callable[[str], None], point: str, act: Callable[[Any], None], action: str, error: type
) -> None:
    before = everything(filled)
    arm(f"{point}={action}")

    with pytest.raises(error):
        act(filled)

    assert everything(filled) == before
    arm("")
    act(filled)
    assert everything(filled) != before


def test_a_fault_may_wait_for_a_later_pass(filled: Any, arm: Callable[[str], None]) -> None:
    arm("enqueue.inside#2=raise:second")

    filled.jobs.add([new("first")], NOW)
    with pytest.raises(RuntimeError, match="second"):
        filled.jobs.add([new("second")], NOW)
    filled.jobs.add([new("third")], NOW)

    assert set(filled.read.get(["first", "second", "third"])) == {"first", "third"}


def test_an_interrupt_inside_a_verb_leaves_the_store_usable(filled: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(name: str) -> None:
        raise KeyboardInterrupt

    before = everything(filled)
    monkeypatch.setattr(failpoints, "point", interrupted)
    # What is one statement has no inside.
    monkeypatch.setattr(failpoints, "armed", lambda: True)

    with pytest.raises(KeyboardInterrupt):
        filled.jobs.add(news("fresh", "also"), NOW)

    monkeypatch.undo()
    assert everything(filled) == before
    assert newly(filled, news("fresh", "also"), NOW) == [True, True]
