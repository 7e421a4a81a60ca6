"""A worker is killed with jobs it has claimed and not begun: those cost nobody anything, in any pool."""

from __future__ import annotations

import signal

import pytest

from localq.model.job import JobState
from tests.crash.checker import check_clean
from tests.crash.lab import Lab, until

POOLS = ["processes", "threads", "solo", "asyncio", "gevent"]
ONE_PROCESS = ["asyncio", "gevent"]


def charged(lab: Lab, ids: list[str]) -> list[str]:
    """Return those of the jobs that a lost run was charged to."""
    return [job_id for job_id in ids if any(one.ending == "LOST" for one in lab.store.read.attempts(job_id))]


@pytest.mark.parametrize("pool", POOLS)
def test_what_a_killed_worker_had_only_claimed_is_not_charged(pool: str) -> None:
    with Lab(worker_pool=pool) as lab:
        ids = lab.enqueue("work", 0, 8, 8)
        doomed = lab.worker("doomed", 1 if pool == "solo" else 8, fault="claim.after=kill")
        assert doomed.wait() == -signal.SIGKILL
        assert lab.counts()[JobState.RUNNING] > 0
        assert lab.starts() == []

        lab.worker("next", 1 if pool == "solo" else 8)
        lab.drained()

        assert charged(lab, ids) == []
        assert sorted(run.job_id for run in lab.starts()) == sorted(ids)
        assert lab.stop_all() == [0]
        assert check_clean(lab) == []


@pytest.mark.parametrize("pool", ONE_PROCESS)
def test_what_waits_for_the_first_process_of_a_killed_worker_is_not_charged(pool: str) -> None:
    with Lab(worker_pool=pool) as lab:
        ids = lab.enqueue("work", 0, 8, 8)
        doomed = lab.worker("doomed", 8, fault="hand.after=kill")
        assert doomed.wait() == -signal.SIGKILL
        assert lab.starts() == []

        lab.worker("next", 8)
        lab.drained()

        assert charged(lab, ids) == []
        assert sorted(run.job_id for run in lab.starts()) == sorted(ids)


@pytest.mark.parametrize("pool", ["threads", "asyncio", "gevent"])
def test_of_the_jobs_of_a_killed_worker_those_are_charged_that_had_begun(pool: str) -> None:
    with Lab(worker_pool=pool) as lab:
        ids = [lab.send("gated", "gate") for _ in range(3)]
        doomed = lab.worker("doomed", 3)
        for job_id in ids:
            lab.begun(job_id)
        doomed.kill()
        lab.open_gate("gate")
        lab.worker("next", 3)
        lab.drained()

        assert charged(lab, ids) == ids
        assert sorted(run.job_id for run in lab.starts()) == sorted(ids * 2)


@pytest.mark.parametrize(("pool", "hog"), [("asyncio", "hog_awaited"), ("gevent", "hog")])
def test_jobs_behind_one_that_never_gives_way_are_not_charged_with_it(pool: str, hog: str) -> None:
    with Lab(worker_pool=pool) as lab:
        selfish, *behind = lab.enqueue(hog, 0, 1) + lab.enqueue("work", 1, 5, 5)
        doomed = lab.worker("doomed", 6)
        lab.begun(selfish)
        until(lambda: lab.counts().get(JobState.RUNNING) == 6, lab.state)
        doomed.kill()
        until(lambda: not lab.leftovers(), "the end of its process")
        lab.open_gate("gate")
        lab.worker("next", 6)
        lab.drained()

        assert charged(lab, [selfish, *behind]) == [selfish]
        runs = [run.job_id for run in lab.starts()]
        assert sorted(runs) == sorted([selfish, selfish, *behind])
