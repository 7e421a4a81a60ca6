"""A replica that takes over without the last writes costs these and nothing else, and how many is told."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack, closing

import pytest

from localq.model.job import JobState
from localq.model.orders import PAUSE, Order
from tests.crash import journal
from tests.crash.checker import check
from tests.crash.lab import Lab, until
from tests.store.redis_server import RedisServer, Sentinel, reason

pytestmark = pytest.mark.skipif(reason() is not None, reason=str(reason()))

#: Jobs that are added to the primary alone, each by a write of its own at least.
_LATE = 200


class Pair:
    """A primary, a replica of it that can be left behind, and a sentinel that says which of them is to be used."""

    def __init__(self, opened: ExitStack) -> None:
        self.primary = RedisServer("--repl-diskless-sync-delay", "0")
        opened.callback(self.primary.stop)
        self.replica = RedisServer("--replicaof", "127.0.0.1", str(self.primary.port))
        opened.callback(self.replica.stop)
        self._sentinel = opened.enter_context(closing(Sentinel(self.primary)))
        self.url = self._sentinel.url()

    @staticmethod
    def writes(server: RedisServer) -> int:
        """Return how many writes a server has."""
        return int(str(server.say("GET", "{lq}:v"), "ascii"))  # type: ignore[arg-type]

    def leave_behind(self) -> None:
        """Keep from the replica what comes from now on."""
        self.replicated()
        os.kill(self.replica.pid, signal.SIGSTOP)
        # What is on its way to a process that is stopped reaches it all the same, unless the connection is gone.
        self.primary.say("CLIENT", "KILL", "TYPE", "replica")

    def replicated(self) -> None:
        """Wait until the replica has what there is."""
        there = self.writes(self.primary)
        until(lambda: self.writes(self.replica) >= there, "replicated")

    def hold_still(self) -> int:
        """Let nobody write any more, and return how many writes there are."""
        self.primary.say("CLIENT", "PAUSE", 600_000, "WRITE")
        return self.writes(self.primary)

    def promote(self) -> int:
        """Kill the primary, let the replica take over, and return how many writes that has lost."""
        there = self.hold_still()
        self.primary.kill()
        os.kill(self.replica.pid, signal.SIGCONT)
        kept = self.writes(self.replica)
        self.replica.say("REPLICAOF", "NO", "ONE")
        self._sentinel.name(self.replica)
        return there - kept


@pytest.fixture
def pair() -> Iterator[Pair]:
    """Return two servers, of which the other may take over."""
    with ExitStack() as opened:
        yield Pair(opened)


@pytest.fixture
def lab(pair: Pair) -> Iterator[Lab]:
    """Return a laboratory on the two; no lease ends in a test, so that a failover is all there is."""
    with Lab(url=pair.url, worker_lease=300.0, task_max_crashes=1000) as made:
        yield made


def quiet(lab: Lab, *workers: str) -> None:
    """Wait until workers have seen what was written: they look twice a second, and beat somewhat more often."""
    for name in workers:
        before = lab.beats(name)
        until(lambda name=name, before=before: lab.beats(name) >= before + 4, lab.state)


def test_what_a_replica_had_not_is_told_and_costs_nothing_else(lab: Lab, pair: Pair) -> None:
    lab.worker("first", 4, wait=True)
    before = lab.enqueue("work", 0, 20)
    lab.drained()
    through, ended = lab.send("gated", "end"), lab.send("gated", "late")
    lab.begun(through)
    lab.begun(ended)
    pause(lab, "slow", "")
    begun = [lab.send("gated", "end", queue="slow") for _ in range(2)]

    pair.leave_behind()
    lab.open_gate("late")
    pause(lab, "slow", None)
    for name in begun:
        lab.begun(name)
    lab.worker("second", wait=True)
    late = lab.enqueue("work", 100, _LATE)
    until(lambda: len(journal.ended(lab.folder)) == len([*before, ended, *late]), lab.state)
    quiet(lab, "first@lab", "second@lab")
    lost = pair.promote()
    told = until(lambda: len(found := lab.events("store.rolled_back")) == 2 and found, lab.state)

    assert {one["worker"] for one in told} == {"first@lab", "second@lab"}
    # What was written since stands in the place of some.
    assert all(_LATE <= one["writes"] <= lost for one in told), (told, lost)
    # An order of that time is forgotten too, and what began by it waits again.
    pause(lab, "slow", None)
    lab.open_gate("end")
    (after,) = lab.enqueue("work", 1000, 1)
    lab.begun(after)
    lab.drained()
    assert set(lab.ids()) == {*before, through, ended, *begun, after}
    # The claim of these, or the end, was among what was lost; nothing else ran twice.
    times = {name: len(lab.starts(name)) for name in (*before, through, ended, *begun, after)}
    assert times == {**dict.fromkeys((*before, through, after), 1), ended: 2, **dict.fromkeys(begun, 2)}
    assert {one.state for one in lab.store.read.get(lab.ids()).values() if one} == {JobState.SUCCEEDED}
    assert [one["worker"] for one in lab.events("worker.rejoined")] == ["second@lab"]
    assert len(lab.events("store.rolled_back")) == 2
    assert set(lab.stop_all()) == {0}
    lab.forgot, lab.undone = True, frozenset(late)
    assert not check(lab).faults()
    assert lab.integrity() == "ok"


def test_a_job_that_its_worker_is_given_again_by_a_replica_without_its_claim_runs_on(lab: Lab, pair: Pair) -> None:
    first = lab.worker("first", 6, wait=True)
    first.signal(signal.SIGSTOP)
    names = [lab.send("gated", "end") for _ in range(3)]
    pair.leave_behind()
    first.signal(signal.SIGCONT)
    for name in names:
        lab.begun(name)
    quiet(lab, "first@lab")

    pair.promote()
    until(lambda: lab.events("store.rolled_back"), lab.state)
    lab.open_gate("end")
    lab.drained()

    # By its beat it may have been stopped before it was given again; two did not run beside each other.
    assert sorted(run.job_id for run in journal.ended(lab.folder)) == sorted(names)
    assert {one.state for one in lab.store.read.get(names).values() if one} == {JobState.SUCCEEDED}
    assert set(lab.stop_all()) == {0}
    lab.forgot = True
    assert not check(lab).faults()
    assert lab.integrity() == "ok"


def pause(lab: Lab, queue: str, value: str | None) -> None:
    lab.store.mail.order([Order(PAUSE, queue, value)], lab.app.clock.now())


def test_a_failover_to_a_replica_that_had_everything_is_told_by_nobody(lab: Lab, pair: Pair) -> None:
    lab.worker("first", wait=True)
    before = lab.enqueue("work", 0, 20)
    lab.drained()
    quiet(lab, "first@lab")

    pair.hold_still()
    pair.replicated()
    lost = pair.promote()
    after = lab.enqueue("work", 20, 20)
    lab.drained()
    lab.programs[-1].stop()

    assert lost == 0
    assert sorted(run.job_id for run in lab.starts()) == sorted([*before, *after])
    assert lab.events("store.rolled_back") == []
    assert not check(lab).faults()
