"""Processes killed, stopped, starved of disk or locked out, at times no point names; nothing is lost."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import sqlite3
import time

import pytest

from localq.model.job import JobState
from localq.serialization import failure
from tests.crash import journal
from tests.crash.checker import check, check_clean
from tests.crash.lab import PATIENCE_S, Lab, until
from tests.crash.settled import settled


def test_everything_killed_at_once_and_started_again_loses_nothing() -> None:
    with Lab(task_max_crashes=50) as lab:
        for turn in range(4):
            lab.worker("one", 2)
            lab.worker("two", 1)
            before = len(lab.starts())
            lab.client("work", turn * 1000, 500, 1, 0.002)
            lab.client("work", turn * 1000 + 500, 500, 25, 0.002)
            until(lambda: len(lab.starts()) >= before + 30, lab.state)  # noqa: B023 - called here and now
            lab.kill_everything()
            assert lab.integrity() == "ok"
        assert lab.unfinished()
        lab.worker("last", 2)
        settled(lab)


def test_a_fork_server_killed_under_load_is_replaced_and_costs_one_more_run_a_slot() -> None:
    with Lab(task_max_crashes=50) as lab:
        worker = lab.worker("one", 2)
        lab.enqueue("work", 0, 150, 150, 0.01)
        for kill in range(3):
            until(lambda: len(lab.starts()) >= 30 * (kill + 1), lab.state)  # noqa: B023 - called here and now
            lab.kill(worker.forkserver(), "forkserver")
        verdict = settled(lab)
        assert verdict.reasons.total() <= 3 * 2


def test_a_fork_server_killed_at_the_start_is_replaced() -> None:
    """It has many slots to fork, none of which is ready: that is one bad start, not as many as there are slots."""
    with Lab() as lab:
        worker = lab.worker("one", 8)
        killed = worker.forkserver()
        lab.kill(killed, "forkserver")
        # Until then a slot of the killed one may still be there to take a job and die with it.
        until(lambda: worker.forkserver_now() not in (None, killed) and worker.slots_now(), "another fork server")
        lab.enqueue("work", 0, 20)
        settled(lab)


def test_slots_killed_at_any_moment_cost_one_more_run_each() -> None:
    with Lab(task_max_crashes=50) as lab:
        worker = lab.worker("one", 2)
        lab.enqueue("work", 0, 200, 200, 0.003)
        for kill in range(8):
            until(lambda: len(lab.starts()) >= 10 * (kill + 1), lab.state)  # noqa: B023 - called here and now
            lab.kill(worker.slots()[kill % 2 - 1], "slot")
        verdict = settled(lab)
        assert verdict.reasons.total() <= 8


def test_a_worker_stopped_past_its_lease_loses_its_jobs_to_a_peer_and_comes_back() -> None:
    with Lab() as lab:
        frozen = lab.worker("frozen", 2)
        held = lab.send("gated", "gate")
        lab.begun(held)
        frozen.freeze()
        lab.worker("peer", 2)
        # The peer takes the job over, and both runs come to their end: the first one's word is late.
        lab.begun(held, 2)
        lab.open_gate("gate")
        lab.drained()
        until(lambda: len(journal.ended(lab.folder)) == 2, "both runs ended")
        frozen.signal(signal.SIGCONT)
        until(lambda: lab.events("worker.rejoined"), "rejoined")
        attempts = lab.store.read.attempts(held)
        assert [one.ending for one in attempts] == ["LOST", "SUCCESS"]
        assert [one.worker for one in attempts] == ["frozen@lab", "peer@lab"]
        settled(lab)


def test_a_worker_stopped_past_its_lease_starts_nothing_of_what_it_had_just_claimed() -> None:
    with Lab() as lab:
        jobs = lab.enqueue("work", 0, 4, 4)
        frozen = lab.worker("frozen", 2, fault="claim.after=stop", budget=1)
        until(lab.faults, "the worker stops")
        lab.note_kill(frozen.pid, "worker frozen stopped")
        lab.worker("peer", 2)
        lab.drained()
        frozen.signal(signal.SIGCONT)
        until(lambda: lab.events("worker.rejoined"), "rejoined")
        settled(lab)
        assert [len(lab.starts(job_id)) for job_id in jobs] == [1, 1, 1, 1]


def test_a_worker_that_came_back_runs_new_jobs() -> None:
    with Lab() as lab:
        frozen = lab.worker("frozen", 2)
        lab.enqueue("work", 0, 60, 60, 0.02)
        until(lab.starts, "a run")
        frozen.freeze()
        peer = lab.worker("peer", 2)
        lab.drained()
        frozen.signal(signal.SIGCONT)
        until(lambda: lab.events("worker.rejoined"), "rejoined")
        assert peer.stop() == 0
        lab.enqueue("work", 100, 20)
        settled(lab)


def test_a_stopped_slot_that_was_given_a_job_does_not_keep_it() -> None:
    with Lab() as lab:
        worker = lab.worker("one", 1, wait=True)
        lab.enqueue("work", 0, 5)
        lab.drained()
        [slot] = worker.slots()
        os.kill(slot, signal.SIGSTOP)
        lab.enqueue("work", 10, 5)
        verdict = settled(lab)
        assert verdict.reasons.total() == 0


def test_a_disk_that_fills_up_under_a_worker_only_delays_it() -> None:
    with Lab() as lab:
        worker = lab.worker("one", 2)
        held = [lab.send("gated", "gate") for _ in range(2)]
        for one in held:
            lab.begun(one)
        lab.enqueue("work", 0, 30)
        size = os.path.getsize(f"{lab.path}-wal")
        resource.prlimit(worker.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
        lab.open_gate("gate")
        until(lambda: len(journal.ended(lab.folder)) == 2, "both runs ended")
        until(lambda: lab.events("store.failed"), "told")
        lab.enqueue("work", 100, 10)
        assert worker.alive()
        assert lab.events("store.recovered") == []
        resource.prlimit(worker.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        until(lambda: lab.events("store.recovered"), "recovered")
        verdict = settled(lab)
        assert verdict.reasons.total() == 0
        assert {len(lab.store.read.attempts(one)) for one in held} == {1}


def test_a_file_locked_by_others_only_delays_the_workers() -> None:
    """Every lease is over by the time the lock is gone; nobody may be taken for dead because of that."""
    with Lab(worker_lease=1.0) as lab:
        lab.worker("one", 2)
        lab.worker("two", 2)
        held = [lab.send("gated", "gate") for _ in range(4)]
        for one in held:
            lab.begun(one)
        with contextlib.closing(sqlite3.connect(lab.path, isolation_level=None)) as foreign:
            foreign.execute("BEGIN EXCLUSIVE")
            until(lambda: len(lab.events("store.failed")) >= 2, "both waited in vain")
            lab.open_gate("gate")
            until(lambda: len(journal.ended(lab.folder)) == 4, "all runs ended")
            foreign.execute("ROLLBACK")
        lab.enqueue("work", 0, 20)
        verdict = settled(lab)
        assert verdict.reasons.total() == 0
        assert lab.events("worker.rejoined") == []


def test_a_worker_that_starts_while_the_file_is_locked_waits_for_it() -> None:
    with Lab() as lab:
        lab.enqueue("work", 0, 5)
        # The worker stops within its transaction, and keeps the file locked for longer than one try lasts.
        keeper = lab.worker("keeper", 1, fault="beat.inside=stop")
        until(lab.faults, "a stopped worker")
        late = lab.worker("late", 1)
        waiting = time.monotonic()
        until(lambda: time.monotonic() > waiting + 3.5 or not late.alive(), "tried twice")
        assert late.alive(), late.told()
        os.kill(keeper.pid, signal.SIGCONT)
        settled(lab)


def test_a_client_waits_for_a_file_that_is_locked_by_others() -> None:
    with Lab() as lab:
        with contextlib.closing(sqlite3.connect(lab.path, isolation_level=None)) as foreign:
            foreign.execute("BEGIN EXCLUSIVE")
            client = lab.client("work", 0, 5, fault="enqueue.before=sleep:0", budget=1)
            until(lab.faults, "the client at its first job")
            foreign.execute("ROLLBACK")
        assert client.wait() == 0
        assert len(journal.acked(lab.folder)) == 5


def test_fifty_processes_open_a_new_file_at_once() -> None:
    with Lab(create=False) as lab:
        opened = lab.crowd(50)
        assert opened.wait() == 0, opened.told()
        assert len(journal.acked(lab.folder)) == 50
        lab.worker("one", 2)
        verdict = settled(lab)
        assert verdict.jobs == 50


def test_a_graceful_stop_under_load_loses_and_repeats_nothing() -> None:
    with Lab() as lab:
        lab.enqueue("work", 0, 300, 300, 0.003)
        lab.enqueue("once", 300, 50, 50)
        lab.enqueue("twice", 350, 50, 50)
        for turn in range(4):
            worker = lab.worker(f"turn{turn}", 2)
            before = len(lab.starts())
            until(lambda: len(lab.starts()) > before + 20, lab.state)  # noqa: B023 - called here and now
            assert worker.stop() == 0
            assert lab.counts().get(JobState.RUNNING, 0) == 0
        lab.worker("last", 2)
        verdict = settled(lab)
        assert verdict.reasons.total() == 0
        assert verdict.runs == 300 + 50 + 2 * 50


def test_a_worker_told_to_stop_twice_interrupts_what_runs_and_charges_nothing() -> None:
    with Lab() as lab:
        worker = lab.worker("one", 1)
        held = lab.send("gated", "gate")
        lab.begun(held)
        worker.signal(signal.SIGTERM)
        until(lambda: lab.events("worker.stopping"), "stopping")
        worker.signal(signal.SIGTERM)
        assert worker.wait() == 0
        job = lab.store.read.get([held])[held]
        assert (job.state, job.attempts, job.crashes) == (JobState.READY, 1, 0)
        lab.open_gate("gate")
        lab.worker("next", 1)
        lab.drained()
        assert lab.stop_all() == [0]
        assert check_clean(lab) == []


@pytest.mark.parametrize("killed", ["slot", "worker", "forkserver"])
def test_a_task_that_may_run_once_is_a_failure_when_its_process_dies(killed: str) -> None:
    with Lab() as lab:
        worker = lab.worker("doomed", 1)
        job_id = lab.send("once", 3, 1000)
        others = [lab.send("once", number) for number in range(5)]
        run = lab.begun(job_id)
        lab.kill({"slot": run.pid, "worker": worker.pid, "forkserver": run.parent}[killed], killed)
        lab.worker("next", 1)
        verdict = settled(lab, {job_id: JobState.FAILED})
        assert verdict.runs == 6
        [attempt] = lab.store.read.attempts(job_id)
        assert attempt.failure is not None
        told = failure.load(attempt.failure)
        assert told.type == "WorkerLostError"
        assert "(attempt 1, at most once)" in told.message
        assert {lab.store.read.get([one])[one].state for one in others} == {JobState.SUCCEEDED}


def test_a_running_job_that_is_revoked_with_terminate_is_really_killed() -> None:
    with Lab() as lab:
        lab.worker("one", 2)
        held, other = lab.send("gated", "gate"), lab.send("gated", "other")
        run, beside = lab.begun(held), lab.begun(other)
        lab.app.AsyncResult(held).revoke(terminate=True, wait=True, timeout=PATIENCE_S)
        assert lab.store.read.get([held])[held].state == JobState.CANCELLED
        until(lambda: not os.path.exists(f"/proc/{run.pid}"), "dead")
        assert os.path.exists(f"/proc/{beside.pid}")
        lab.open_gate("other")
        verdict = settled(lab, {held: JobState.CANCELLED})
        assert verdict.runs == 2
        assert [one.attempt for one in journal.ended(lab.folder)] == [1]


def test_jobs_cancelled_while_workers_claim_them_end_in_one_way_only() -> None:
    with Lab() as lab:
        ids = lab.enqueue("work", 0, 400, 400, 0.001)
        lab.worker("one", 2)
        until(lab.starts, "a run")
        # From the far end to the near one, so that the workers are met on the way.
        flagged: dict[str, JobState] = {}
        for at in range(len(ids), 0, -10):
            flagged.update(lab.app.cancel(ids[at - 10 : at]))
        lab.drained()
        states = {one: JobState(job.state) for one, job in lab.store.read.get(ids).items()}
        waited = {one for one, before in flagged.items() if before == JobState.READY}
        assert {states[one] for one in waited} <= {JobState.CANCELLED}
        assert not waited & {run.job_id for run in lab.starts()}
        expected = {one: JobState.CANCELLED for one, state in states.items() if state == JobState.CANCELLED}
        verdict = settled(lab, expected)
        assert verdict.reasons.total() == 0


def test_running_jobs_terminated_in_a_row_take_no_neighbour_with_them() -> None:
    """Short jobs lie several deep in a slot: the signal must hit the one that was meant, or nobody."""
    with Lab() as lab:
        lab.worker("one", 2, wait=True)
        lab.enqueue("work", 0, 100, 100)
        lab.drained()
        ids = lab.enqueue("once", 100, 400, 400, 0.002)
        until(lambda: len(lab.starts()) > 120, lab.state)
        for job_id in ids[20::4]:
            lab.app.cancel([job_id], signal=signal.SIGTERM)
        lab.drained()
        states = {one: JobState(job.state) for one, job in lab.store.read.get(ids).items()}
        cancelled = {one: state for one, state in states.items() if state == JobState.CANCELLED}
        assert set(cancelled) <= set(ids[20::4])
        verdict = settled(lab, cancelled)
        assert verdict.reasons.total() == 0


def test_notes_of_running_tasks_are_kept_and_bring_no_work_twice() -> None:
    with Lab() as lab:
        lab.worker("one", 2)
        ids = [lab.send("noted", number) for number in range(50)]
        lab.drained()
        assert {len(lab.store.read.attempts(one)) for one in ids} == {1}
        settled(lab)


def test_a_slow_job_does_not_make_the_worker_claim_and_release_others_for_ever() -> None:
    with Lab() as lab:
        lab.worker("one", 1, wait=True)
        lab.enqueue("work", 0, 200, 200)
        lab.drained()
        held = lab.send("gated", "gate")
        lab.begun(held)
        ids = lab.enqueue("work", 1000, 20, 20)
        version = lab.commits()
        # Six heartbeats: with them, and a look for the dead each second, a quiet worker makes few commits.
        beats = lab.beats("one@lab")
        until(lambda: lab.beats("one@lab") >= beats + 6, "six heartbeats")
        assert lab.commits() - version < 40
        lab.open_gate("gate")
        settled(lab)
        assert {lab.store.read.get([one])[one].run_token for one in ids} <= set(range(1, 8))


def test_the_checker_finds_what_is_lost_stuck_repeated_or_wrong() -> None:
    with Lab() as lab:
        lab.worker("one", 1)
        good, wrong, twice, gone, undone = lab.enqueue("work", 1, 5)
        lab.drained()
        assert lab.stop_all() == [0]
        assert check(lab).faults() == []
        with lab.store.database.lock, lab.store.database.writing as cursor:
            cursor.execute("DELETE FROM job WHERE id = ?", (gone,))
            cursor.execute("UPDATE job SET state = 2 WHERE id = ?", (undone,))
            key = cursor.execute("SELECT key FROM job WHERE id = ?", (wrong,)).fetchone()[0]
            cursor.execute("UPDATE attempt SET result = ? WHERE key >> 20 = ?", (b"5", key))
        journal.append(lab.folder / "starts", journal.Run(twice, 1, 1, 1))
        verdict = check(lab)
        assert [len(found) for found in (verdict.lost, verdict.stuck, verdict.unexplained)] == [1, 1, 1]
        assert [gone in one for one in verdict.lost] == [True]
        assert [undone in one for one in verdict.stuck] == [True]
        assert [twice in one for one in verdict.unexplained] == [True]
        assert sum(wrong in one for one in verdict.wrong) == 1
        assert not any(good in one for one in verdict.faults())
