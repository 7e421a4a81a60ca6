"""A store behind a pooler in transaction mode: each transaction may be in another session, and bells are silent."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from localq import LocalQ, current
from localq.exceptions import StoreError
from localq.model.edges import Edge
from localq.model.job import JobState
from localq.store import examine, open_reader, open_store
from localq.store.protocol import Topic
from tests.store.given import LEASE, NOW, claimed, done, new, news, worker
from tests.store.pooler import KINDS, pooler
from tests.store.server import reason, server
from tests.store.together import DEADLINE_S

pytestmark = pytest.mark.skipif(reason() is not None, reason=str(reason()))


@pytest.fixture(params=KINDS)
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    """Return the URL of a schema through a pooler."""
    schema = server().schema()
    with pooler(request.param, server()) as through:
        yield f"{through}&schema={schema}"
    server().give_back(schema)


def test_many_stores_share_few_sessions_and_each_sees_its_own_schema(url: str) -> None:
    stores = [open_store(url) for _ in range(4)]
    elsewhere = open_store(url.partition("&schema=")[0] + "&schema=beside_it")
    elsewhere.jobs.add([new(f"other-{threading.get_ident()}")], NOW)
    keys = [worker(store, f"w{number}") for number, store in enumerate(stores)]
    stores[0].jobs.add(
        [*news(*(f"job-{i}" for i in range(40))), new("body", after=(Edge("job-0"), Edge("job-39")))], NOW
    )

    ended = 0
    while ended < 41:
        for store, key in zip(stores, keys, strict=True):
            jobs = claimed(store, key, 7)
            assert store.workers.beat(key, {job.id: job.run_token for job in jobs}, LEASE, NOW).held
            ended += sum(store.jobs.finish([done(job) for job in jobs], NOW).applied)

    counts = stores[1].read.stats().counts
    assert counts == {("default", JobState.SUCCEEDED): 41}
    assert stores[2].jobs.cancel(["body", "unknown"], NOW) == {"body": JobState.SUCCEEDED}
    for store in (*stores, elsewhere):
        store.close()


def test_a_reader_reads_and_cannot_write(url: str) -> None:
    store, reader = open_store(url), open_reader(url, deadline_s=30)
    store.jobs.add(news("job"), NOW)

    assert list(reader.read.get(["job"])) == ["job"]
    with pytest.raises(StoreError):
        reader.jobs.cancel(["job"], NOW)
    with pytest.raises(StoreError):
        reader.jobs.add(news("other"), NOW)
    # The sessions are as they were for who writes.
    assert store.jobs.add(news("third"), NOW) == [("third", True)]
    store.close()
    reader.close()


def test_who_waits_for_a_result_is_woken_though_nothing_is_heard(url: str) -> None:
    store, other = open_store(url), open_store(url)
    store.jobs.add(news("job"), NOW)
    (run,) = claimed(other, worker(other), 1)
    bell = store.bells.hang(Topic.RESULTS)
    bell.listen_for("job")
    assert bell.wait(DEADLINE_S)  # At first one looks.
    bell.drain()

    other.jobs.finish([done(run)], NOW)

    assert bell.wait(DEADLINE_S)
    assert store.read.seen(["job"])["job"].job.state == JobState.SUCCEEDED
    bell.close()
    store.close()
    other.close()


def test_calls_and_results_go_through_it(url: str) -> None:
    q = LocalQ(url=url)
    double = q.task(name="double")(lambda x: 2 * x)
    try:
        q.start(concurrency=1, pool="threads")
        assert [double.delay(n) for n in range(3)][-1].get(timeout=DEADLINE_S) == 4
    finally:
        q.stop()
        q.close()
        current.set_app(None)


def test_a_check_tells_of_it(url: str) -> None:
    store = open_store(url)
    store.open()
    store.close()

    found, reader = examine(url)

    assert reader is not None
    reader.close()
    (said,) = [one for one in found if one.check == "pooler"]
    assert "bells are silent" in said.what
