"""A replica takes over while workers work: by a sentinel's own choice, and in a cluster."""

from __future__ import annotations

from contextlib import ExitStack, closing

import pytest

from localq.model.job import JobState
from tests.crash.checker import check
from tests.crash.lab import Lab, until
from tests.store.redis_server import Cluster, RedisServer, Sentinel, reason

pytestmark = pytest.mark.skipif(reason() is not None, reason=str(reason()))


def stopped_and_replicated(primary: RedisServer, replica: RedisServer) -> None:
    """Let nobody write any more, and wait until the replica has what there is: then kill the primary."""
    primary.say("CLIENT", "PAUSE", 600_000, "WRITE")
    there = written(primary)
    until(lambda: written(replica) >= there, "replicated")
    primary.kill()


def written(server: RedisServer) -> int:
    """Return how many writes a server has; of a replica too, which in a cluster answers nobody else."""
    found = server.say_plainly("READONLY", "\r\nGET", "{lq}:v").split(b"\r\n")
    return int(next((line for line in found if line.isdigit()), b"0"))


def all_ran(lab: Lab, names: list[str]) -> None:
    """Check that all jobs ended, and nothing is lost or ran without a reason."""
    lab.drained()
    assert {one.state for one in lab.store.read.get(names).values() if one} == {JobState.SUCCEEDED}
    assert set(lab.ids()) == set(names)
    assert lab.events("store.rolled_back") == []
    assert set(lab.stop_all()) == {0}
    assert not check(lab).faults()
    assert lab.integrity() == "ok"


def test_a_sentinel_promotes_the_replica_while_workers_work() -> None:
    with ExitStack() as opened:
        primary = RedisServer("--repl-diskless-sync-delay", "0")
        opened.callback(primary.stop)
        replica = RedisServer("--replicaof", "127.0.0.1", str(primary.port))
        opened.callback(replica.stop)
        sentinel = opened.enter_context(closing(Sentinel(primary, quick=True)))
        until(lambda: sentinel.say("SENTINEL", "REPLICAS", "shop"), "the sentinel knows the replica")
        lab = opened.enter_context(Lab(url=sentinel.url(), worker_lease=300.0, task_max_crashes=1000))
        lab.worker("first", 2, wait=True)
        lab.worker("second", 2, wait=True)
        before = [*lab.enqueue("work", 0, 50), lab.send("gated", "end")]
        lab.begun(before[-1])

        stopped_and_replicated(primary, replica)
        until(lambda: b"role:master" in replica.say_plainly("INFO", "replication"), "promoted")
        # Within the seconds for which a verb is tried again; or else it was an outage of a moment.
        lab.open_gate("end")
        all_ran(lab, [*before, *lab.enqueue("work", 50, 50)])


def test_a_replica_takes_over_in_a_cluster_while_workers_work() -> None:
    with closing(Cluster()) as cluster:
        other = next(node for node in cluster.owners if node is not cluster.owner)
        with Lab(url=f"redis://127.0.0.1:{other.port}/0", worker_lease=300.0, task_max_crashes=1000) as lab:
            lab.worker("first", 2, wait=True)
            before = [*lab.enqueue("work", 0, 50), lab.send("gated", "end")]
            lab.begun(before[-1])

            stopped_and_replicated(cluster.owner, cluster.replica)
            until(lambda: lab.events("store.failed"), lab.state)
            cluster.promote()
            lab.open_gate("end")
            until(lambda: lab.events("store.recovered"), lab.state)
            all_ran(lab, [*before, *lab.enqueue("work", 50, 50)])
