"""Where clocks are an hour off the server's nothing is lost: leases are the server's, what is due is the host's own."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from localq.model.job import JobState
from localq.model.worker import WorkerState
from tests.crash.lab import Lab, until
from tests.crash.places import place
from tests.crash.settled import settled
from tests.store.redis_server import reason as redis_reason
from tests.store.server import reason

_HOUR_S = 3600
_AHEAD, _BEHIND = str(_HOUR_S), str(-_HOUR_S)


@pytest.fixture(
    params=[
        pytest.param("postgres", marks=pytest.mark.skipif(reason() is not None, reason=str(reason()))),
        pytest.param("redis", marks=pytest.mark.skipif(redis_reason() is not None, reason=str(redis_reason()))),
    ]
)
def lab(request: pytest.FixtureRequest) -> Iterator[Lab]:
    """Return a laboratory on a server, whose clock is that of this computer."""
    with place(request.param) as (url, _), Lab(url=url, task_max_crashes=1000) as made:
        yield made


def beaten(lab: Lab, name: str, times: int) -> None:
    """Wait until a worker has beaten so often once more."""
    before = lab.beats(name)
    until(lambda: lab.beats(name) >= before + times, lab.state)


def test_leases_end_by_the_servers_clock_alone(lab: Lab) -> None:
    lab.worker("ahead", 1, wait=True, LOCALQ_LAB_CLOCK_S=_AHEAD)
    behind = lab.worker("behind", 1, wait=True, LOCALQ_LAB_CLOCK_S=_BEHIND)
    names = [lab.send("gated", "gate") for _ in range(2)]
    until(lambda: len({run.parent for run in lab.starts()}) == 2, lab.state)

    # Longer than a lease, and the time after it that one has to come back.
    for name in ("ahead@lab", "behind@lab"):
        beaten(lab, name, 12)

    states = {row.card.name: row.state for row in lab.store.workers.all()}
    assert states == {"ahead@lab": WorkerState.ALIVE, "behind@lab": WorkerState.ALIVE}
    assert (lab.events("jobs.rescued"), lab.events("worker.rejoined")) == ([], [])
    assert sorted(run.job_id for run in lab.starts()) == sorted(names)
    # Who is silent for that long is taken for dead, by whatever clock.
    behind.signal(signal.SIGSTOP)
    until(lambda: lab.events("jobs.rescued"), lab.state)
    behind.signal(signal.SIGCONT)
    lab.open_gate("gate")
    settled(lab)


def test_what_names_no_time_runs_at_once_and_the_rest_by_the_clock_of_the_host_that_asks(lab: Lab) -> None:
    lab.worker("behind", wait=True, LOCALQ_LAB_CLOCK_S=_BEHIND)
    client = lab.client("work", 0, 5, LOCALQ_LAB_CLOCK_S=_AHEAD)
    assert client.wait() == 0, client.told()
    lab.drained()
    soon, late = (lab.send("work", hours, countdown=hours * _HOUR_S / 2) for hours in (1, 3))
    beaten(lab, "behind@lab", 4)
    assert lab.starts(soon) == []
    lab.programs[0].stop()
    stale = lab.send("work", 8, expires=_HOUR_S / 2)

    lab.worker("ahead", wait=True, LOCALQ_LAB_CLOCK_S=_AHEAD)
    lab.begun(soon)
    until(lambda: lab.counts().get(JobState.CANCELLED), lab.state)

    states = {name: one.state for name, one in lab.store.read.get([late, stale]).items() if one}
    assert states == {late: JobState.SCHEDULED, stale: JobState.CANCELLED}
    assert lab.starts(late) == lab.starts(stale) == []
    lab.app.control.revoke(late)
    settled(lab, {late: JobState.CANCELLED, stale: JobState.CANCELLED})
