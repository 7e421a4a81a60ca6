"""Names that no store could keep are refused where they are given, and nothing is stored."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from localq import LocalQ, chain, chord, current, group
from localq.exceptions import LocalQError
from localq.result import GroupResult

#: What a name is not: empty, with NUL, no Unicode, and longer than 255 bytes though not than 255 characters.
BAD = {"empty": "", "nul": "a\0b", "surrogate": "\ud800", "long": "ä" * 128}


@pytest.fixture
def q() -> Iterator[LocalQ]:
    app = LocalQ(path=":memory:")
    app.task(name="shop.add")(add)
    yield app
    app.close()
    current.set_app(None)


def add(x: int, y: int) -> int:
    return x + y


def called(q: LocalQ, **options: Any) -> Any:
    return q.tasks["shop.add"].apply_async((1, 2), **options)


#: Every door through which a name comes that is stored.
DOORS: dict[str, Callable[[LocalQ, str], Any]] = {
    "the id of a job": lambda q, name: called(q, task_id=name),
    "its queue": lambda q, name: called(q, queue=name),
    "a callback's task": lambda q, name: called(q, link={"task": name, "args": (), "kwargs": {}, "options": {}}),
    "a task sent by its name": lambda q, name: q.send_task(name, (1, 2)),
    "a signature's task": lambda q, name: q.signature(name, (1, 2)).delay(),
    "a task of many": lambda q, name: q.enqueue_many([q.signature(name, (1, 2))]),
    "a step's task": lambda q, name: chain(q.signature("shop.add", (1, 2)), q.signature(name, (1,)))(),
    "a body's task": lambda q, name: chord([q.signature("shop.add", (1, 2))] * 2, q.signature(name))(),
    "a group's id": lambda q, name: group(q.signature("shop.add", (1, 2))).apply_async(task_id=name),
    "a group that is saved": lambda q, name: GroupResult(name, [], app=q).save(),
    "a task's own queue": lambda q, name: q.task(name="shop.pack", queue=name)(lambda: 1).delay(),
    "a schedule": lambda q, name: q.schedules.add(name, 60, "shop.add", (1, 2)),
    "a schedule's task, where no tasks are known": lambda q, name: LocalQ(path=":memory:").schedules.add("s", 60, name),
    "a queue that pauses": lambda q, name: q.control.pause(name),
    "a task with a rate": lambda q, name: q.control.rate_limit(name, "1/s"),
    "a task with limits": lambda q, name: q.control.time_limit(name, 1),
    "a queue to be served": lambda q, name: q.control.add_consumer(name),
    "a worker that is written to": lambda q, name: q.control.broadcast("ping", destination=[name]),
    "the usual queue": lambda q, name: LocalQ(path=":memory:", task_default_queue=name).conf.task_default_queue,
    "a worker's queue": lambda q, name: q.start(queues=[name]),
}


@pytest.mark.filterwarnings("ignore::localq.exceptions.NoEffectWarning")
@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("bad", BAD)
def test_what_cannot_be_a_name_is_refused_before_anything_is_stored(q: LocalQ, door: str, bad: str) -> None:
    with pytest.raises((ValueError, TypeError, LocalQError)) as refused:
        DOORS[door](q, BAD[bad])

    assert not isinstance(refused.value, UnicodeError)
    store = q.store
    assert (store.read.stats().counts, store.mail.orders(), store.schedules.find()) == ({}, [], [])
    assert store.mail.take("anna", 0, q.clock.now()).letters == []


@pytest.mark.parametrize("bad", ["nul", "surrogate", "long"])
def test_a_task_cannot_be_called_so(q: LocalQ, bad: str) -> None:
    with pytest.raises(LocalQError, match=r"A task's name must be 1 to 255 bytes of printable characters"):
        q.task(name=BAD[bad])(lambda: 1).delay()


def test_the_longest_names_there_may_be_are_kept(q: LocalQ) -> None:
    longest = "ä" * 127

    q.send_task(longest, (1, 2), queue=longest, task_id=longest)

    kept = q.store.read.get([longest])[longest]
    assert (kept.id, kept.task, kept.queue) == (longest,) * 3
