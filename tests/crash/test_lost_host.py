"""A host whose network is cut off costs its leases and nothing else, and changes nothing when it is back."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from localq.model.job import JobState
from tests.crash import journal
from tests.crash.checker import check
from tests.crash.lab import PATIENCE_S, QUICK, Lab, until
from tests.store.redis_server import RedisServer
from tests.store.redis_server import reason as redis_reason
from tests.store.server import Server, reason

#: Beats of a worker in five seconds.
_BEATS = int(5 / QUICK["worker_heartbeat"]) + 1


def may_part_networks() -> bool:
    """Whether a network namespace can be made here."""
    name = f"localq-may-{os.getpid()}"
    try:
        made = subprocess.run(["ip", "netns", "add", name], capture_output=True, check=False).returncode == 0
        return made and subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


pytestmark = [
    pytest.mark.skipif(not may_part_networks(), reason="no network namespace may be made here"),
]


class Network:
    """Another host as far as the network goes: a namespace, and a wire to it that can be cut."""

    def __init__(self) -> None:
        number = os.getpid() % 60_000
        self.name, self._wire = f"localq-{number}", f"lq{number}"
        self.address = f"10.231.{number // 250 % 250}.1"
        self.through = ["ip", "netns", "exec", self.name]

    def make(self) -> None:
        far = self.address[:-1] + "2"
        ip("netns", "add", self.name)
        ip("link", "add", self._wire, "type", "veth", "peer", "name", "far", "netns", self.name)
        ip("addr", "add", f"{self.address}/30", "dev", self._wire)
        ip("link", "set", self._wire, "up")
        ip("-n", self.name, "addr", "add", f"{far}/30", "dev", "far")
        ip("-n", self.name, "link", "set", "far", "up")
        ip("-n", self.name, "link", "set", "lo", "up")

    def cut(self) -> None:
        ip("link", "set", self._wire, "down")

    def mend(self) -> None:
        ip("link", "set", self._wire, "up")

    def remove(self) -> None:
        subprocess.run(["ip", "link", "del", self._wire], capture_output=True, check=False)
        subprocess.run(["ip", "netns", "del", self.name], capture_output=True, check=False)


def ip(*words: str) -> None:
    done = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, (words, done.stderr)


@pytest.fixture
def network() -> Iterator[Network]:
    """Return a network to another host."""
    found = Network()
    try:
        found.make()
        yield found
    finally:
        found.remove()


def on_postgresql(address: str, opened: ExitStack) -> str:
    server = Server(f"listen_addresses={address}")
    opened.callback(server.stop)
    return f"postgresql://postgres@{address}/postgres?schema=lab"


def on_redis(address: str, opened: ExitStack) -> str:
    server = RedisServer("--bind", address, "--protected-mode", "no")
    opened.callback(server.stop)
    return f"redis://{address}:{server.port}/0"


@pytest.fixture(
    params=[
        pytest.param(on_postgresql, marks=pytest.mark.skipif(reason() is not None, reason=str(reason()))),
        pytest.param(on_redis, marks=pytest.mark.skipif(redis_reason() is not None, reason=str(redis_reason()))),
    ],
    ids=["postgresql", "redis"],
)
def lab(network: Network, request: pytest.FixtureRequest) -> Iterator[Lab]:
    """Return a laboratory whose store is on a server that both hosts reach."""
    with ExitStack() as opened:
        url = request.param(network.address, opened)
        yield opened.enter_context(Lab(url=url, task_max_crashes=1000))


@pytest.fixture
def far(lab: Lab, network: Network) -> Callable[[], None]:
    """Return a function that starts a worker on the other host, which has a folder for its locks of its own."""
    folder = lab.folder / "far"
    folder.mkdir()

    def start() -> None:
        lab.worker("far", wait=True, through=network.through, TMPDIR=str(folder))

    return start


def test_a_host_that_is_cut_off_costs_its_leases_and_changes_nothing_when_it_is_back(
    lab: Lab, network: Network, far: Callable[[], None]
) -> None:
    far()
    held = [lab.send("gated", "gate") for _ in range(2)]
    runs = [lab.begun(name) for name in held]
    waiting = lab.enqueue("work", 0, 20)
    lab.worker("near", wait=True)

    network.cut()
    again = [lab.begun(name, 2) for name in held]

    # They run beside each other now, here and there; what is told here is what counts.
    assert {run.parent for run in again}.isdisjoint(run.parent for run in runs)
    lab.open_gate("gate")
    lab.drained()
    before = {name: (lab.store.read.get([name]), lab.store.read.attempts(name)) for name in (*held, *waiting)}
    network.mend()
    until(lambda: lab.events("worker.rejoined"), lab.state)

    after = {name: (lab.store.read.get([name]), lab.store.read.attempts(name)) for name in (*held, *waiting)}
    assert after == before
    assert {found[name].state for name, (found, _) in after.items()} == {JobState.SUCCEEDED}
    # Nothing ran twice but what was under way over there, and that worker takes jobs again.
    begun = journal.started(lab.folder)
    assert sorted(run.job_id for run in begun) == sorted([*held, *held, *waiting])
    lab.programs[-1].stop()
    (last,) = lab.enqueue("work", 100, 1)
    lab.begun(last)
    lab.drained()
    lab.forgot = True
    assert not check(lab).faults()
    assert lab.integrity() == "ok"


def test_a_network_that_is_gone_for_seconds_costs_nothing(lab: Lab, network: Network, far: Callable[[], None]) -> None:
    lab.settings["worker_lease"] = 30.0
    far()
    held = lab.send("gated", "gate")
    run = lab.begun(held)
    lab.worker("near", wait=True)
    before = lab.beats("near@lab")

    network.cut()
    lab.open_gate("gate")
    until(lambda: journal.ended(lab.folder), lab.state)
    # Five seconds of it, by the beats of who is there.
    until(lambda: lab.beats("near@lab") >= before + _BEATS, lab.state, 3 * PATIENCE_S)
    network.mend()
    lab.drained()

    assert journal.started(lab.folder) == [run]
    assert lab.store.read.get([held])[held].state == JobState.SUCCEEDED
    assert (lab.events("jobs.rescued"), lab.events("worker.rejoined")) == ([], [])
    assert lab.integrity() == "ok"
