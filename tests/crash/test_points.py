"""Processes killed at the named points, each where it hurts; nothing may be lost, and no run be without a reason."""

from __future__ import annotations

import itertools
import signal

import pytest

from localq.model.failpoints import POINTS
from localq.model.job import JobState
from tests.crash import journal
from tests.crash.checker import check, check_clean
from tests.crash.lab import Lab, until
from tests.crash.settled import settled

SLOT = ["run.before", "run.after", "report.half", "report.after", "slot.ready"]
WORKER = [
    "worker.registered", "claim.inside", "claim.after", "hand.after", "outcome.received", "finish.inside",
    "finish.after", "beat.inside",
]  # fmt: skip
CLIENT = ["enqueue.before", "enqueue.inside", "enqueue.after"]
#: Points that tests below bring about in their own way.
OTHERS = [
    "release.before", "rescue.inside", "rescue.buried", "prune.inside", "store.pinned", "store.checkpoint",
    "store.create", "forkserver.orphaned",
]  # fmt: skip

#: Points of the store alone, where `tests.store.test_firing_processes` kills.
STORE = ["sync.inside", "fire.before", "fire.inside", "fire.after"]
#: Those of who moves a store into another, where `test_moving` kills.
MOVE = ["move.braked", "move.inside", "move.put", "move.schedules", "move.compared", "move.done"]


def test_every_named_point_is_tried_here() -> None:
    assert sorted(SLOT + WORKER + CLIENT + OTHERS + STORE + MOVE) == sorted(POINTS)


@pytest.mark.parametrize("point", SLOT)
def test_a_slot_killed_at_any_point_costs_one_more_run_of_one_job(point: str) -> None:
    with Lab() as lab:
        kills = 2 if point == "slot.ready" else 4
        lab.worker("one", 2, fault=f"{point}=kill" if point == "slot.ready" else f"{point}#3=kill", budget=kills)
        lab.enqueue("work", 0, 60, 20)
        lab.enqueue("twice", 60, 10)
        verdict = settled(lab)
        assert len(lab.faults()) == kills
        assert verdict.reasons.total() <= kills


@pytest.mark.parametrize("point", WORKER)
def test_a_worker_killed_at_any_point_has_its_jobs_run_by_a_peer(point: str) -> None:
    with Lab() as lab:
        lab.enqueue("work", 0, 40, 40)
        lab.worker("peer", 2)
        doomed = lab.worker("doomed", 2, fault=f"{point}#{1 if point == 'worker.registered' else 2}=kill")
        # Work comes in until the worker has met its point: the peer may be quick enough to take all there is.
        for first in itertools.count(40, 20):
            lab.enqueue("work", first, 10)
            lab.enqueue("once", first + 10, 10)
            until(lambda: lab.unfinished() < 10 or not doomed.alive(), lab.state)
            if not doomed.alive():
                break
        assert doomed.wait() == -signal.SIGKILL
        verdict = settled(lab)
        assert [name for _, name, _ in lab.faults()] == [point]
        # What its two slots had run ahead, and it had not saved, runs again as well.
        assert verdict.reasons.total() <= 2 * 64


@pytest.mark.parametrize("point", ["claim.after", "hand.after", "finish.inside", "finish.after"])
def test_a_worker_killed_at_any_point_goes_on_when_it_is_started_again(point: str) -> None:
    with Lab(task_max_crashes=10) as lab:
        # More than three workers write in two finishes each.
        lab.enqueue("work", 0, 1000, 1000)
        for _ in range(3):
            doomed = lab.worker("doomed", 2, fault=f"{point}#2=kill")
            assert doomed.wait() == -signal.SIGKILL
        lab.worker("again", 2)
        settled(lab)


@pytest.mark.parametrize("batch", [1, 10])
@pytest.mark.parametrize("point", CLIENT)
def test_a_client_killed_at_any_point_has_added_its_jobs_whole_or_not_at_all(point: str, batch: int) -> None:
    with Lab() as lab:
        for first in (0, 50):
            client = lab.client("work", first, 50, batch, fault=f"{point}#3=kill")
            assert client.wait() == -signal.SIGKILL
        committed = 2 * (3 if point == "enqueue.after" else 2) * batch
        assert len(journal.acked(lab.folder)) == 4 * batch
        assert lab.counts() == {JobState.READY: committed}
        lab.worker("one", 2)
        settled(lab)


@pytest.mark.parametrize("point", ["rescue.inside", "rescue.buried", "finish.inside"])
def test_a_rescuer_killed_while_it_rescues_is_rescued_itself(point: str) -> None:
    with Lab() as lab:
        lab.enqueue("work", 0, 40, 40, 0.02)
        doomed = lab.worker("doomed", 2, fault="hand.after#2=kill")
        assert doomed.wait() == -signal.SIGKILL
        rescuer = lab.worker("rescuer", 1, fault=f"{point}=kill")
        assert rescuer.wait() == -signal.SIGKILL
        lab.worker("last", 2)
        settled(lab)


def test_a_worker_killed_while_it_stops_leaves_its_jobs_to_the_next() -> None:
    with Lab() as lab:
        lab.enqueue("work", 0, 60, 60, 0.02)
        doomed = lab.worker("doomed", 2, fault="release.before=kill")
        until(lab.starts, "a run")
        assert doomed.stop() == -signal.SIGKILL
        lab.worker("next", 2)
        settled(lab)


@pytest.mark.parametrize("point", ["store.pinned", "store.checkpoint"])
@pytest.mark.parametrize("who", ["client", "worker"])
def test_a_process_killed_in_a_checkpoint_leaves_the_file_whole(who: str, point: str) -> None:
    with Lab() as lab:
        # Each row added by itself writes some pages: this fills the log beyond what a checkpoint waits for.
        fault = {"fault": f"{point}=kill"}
        client = lab.client("work", 0, 6000, 2, **(fault if who == "client" else {}))
        if who == "worker":
            doomed = lab.worker("doomed", 1, **fault)
            assert doomed.wait() == -signal.SIGKILL
            client.kill()
        else:
            assert client.wait() == -signal.SIGKILL
        assert [name for _, name, _ in lab.faults()] == [point]
        lab.worker("next", 2)
        settled(lab)


def test_a_process_killed_while_it_prunes_has_pruned_all_of_it_or_nothing() -> None:
    with Lab() as lab:
        worker = lab.worker("one", 2)
        ids = lab.enqueue("work", 0, 20, 20)
        lab.drained()
        assert worker.stop() == 0
        doomed = lab.verb("prune", fault="prune.inside=kill")
        assert doomed.wait() == -signal.SIGKILL
        assert set(lab.store.read.get(ids)) == set(ids)
        assert check(lab).faults() == []
        assert lab.verb("prune").wait() == 0
        assert lab.store.read.get(ids) == {}
        assert check_clean(lab) == []


def test_a_process_killed_while_it_makes_the_file_leaves_it_to_the_next() -> None:
    with Lab(create=False) as lab:
        for _ in range(2):
            doomed = lab.client("work", 0, 1, fault="store.create=kill")
            assert doomed.wait() == -signal.SIGKILL
        assert journal.acked(lab.folder) == []
        lab.enqueue("work", 0, 5)
        lab.worker("one", 1)
        settled(lab)


def test_a_job_left_running_by_an_orphaned_slot_is_not_run_beside_it() -> None:
    """The rescuer waits until the dead worker's slots are dead too: what they still start would run twice."""
    with Lab(worker_lease=30) as lab:
        doomed = lab.worker("doomed", 1, fault="forkserver.orphaned=sleep:2.5")
        # After these the pool takes the task for a short one, and gives many of the next to its slot at once.
        lab.enqueue("once", 0, 100, 100)
        lab.drained()
        lab.worker("peer", 1, wait=True)
        lab.enqueue("once", 100, 60, 60, 0.1)
        until(lambda: any(run.parent == doomed.forkserver() for run in lab.starts()[100:]), "a long run")
        doomed.kill()
        settled(lab)


@pytest.mark.parametrize("point", ["claim.inside", "finish.inside", "beat.inside", "enqueue.inside"])
def test_a_full_disk_at_any_point_loses_and_repeats_nothing(point: str) -> None:
    with Lab() as lab:
        fault = {"fault": f"{point}#2=enospc", "budget": 1}
        lab.worker("one", 2, **({} if point.startswith("enqueue") else fault))
        client = lab.client("work", 0, 30, 1, **(fault if point.startswith("enqueue") else {}))
        code = client.wait()
        if point == "enqueue.inside":
            assert code == 1
            assert "StoreFull: No space left" in client.told()
            client.log.write_text("")
            assert len(journal.acked(lab.folder)) == 1
        lab.drained()
        if point != "enqueue.inside":
            until(lambda: lab.events("store.recovered"), "recovered")
        assert lab.stop_all() == [0]
        verdict = check(lab)
        assert verdict.faults() == []
        assert verdict.reasons.total() == 0
        assert check_clean(lab) == []
        if point != "enqueue.inside":
            assert len(lab.events("store.failed")) == len(lab.events("store.recovered")) == 1
