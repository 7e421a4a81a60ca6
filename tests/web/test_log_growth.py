"""Open pages keep no log from being written back: no question stays in a transaction."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from localq import LocalQ
from localq.store.sqlite.database import CHECKPOINT_BYTES

PAGES = ["/", "/jobs", "/jobs?text=nowhere", "/tasks", "/queues", "/workers", "/api/v1/series?window=24h"]


@pytest.fixture
def url(tmp_path: Path) -> str:
    """Return a file: other stores have no such log."""
    return f"sqlite:///{tmp_path}/jobs.db"


def test_the_log_does_not_grow_while_pages_are_read(page: TestClient, q: LocalQ, tmp_path: Path) -> None:
    log, over = tmp_path / "jobs.db-wal", threading.Event()
    sizes: list[int] = []

    def read() -> None:
        while not over.is_set():
            for path in PAGES:
                assert page.get(path, headers={"X-Live": "1"}).status_code == 200

    reader = threading.Thread(target=read)
    reader.start()
    try:
        # Ten times what makes a log long, and the worker's housekeeping in between.
        for _ in range(100):
            q.enqueue_many([q.signature("shop.mail", ("x" * 10_000,)) for _ in range(CHECKPOINT_BYTES // 100_000)])
            q.store.tend(q.clock.now())
            sizes.append(log.stat().st_size)
    finally:
        over.set()
        reader.join()

    assert (tmp_path / "jobs.db").stat().st_size > 8 * CHECKPOINT_BYTES
    assert max(sizes) < 4 * CHECKPOINT_BYTES


def test_no_page_leaves_a_transaction_open(page: TestClient, q: LocalQ) -> None:
    q.enqueue_many([q.signature("shop.mail", (number,)) for number in range(1000)])
    for path in PAGES:
        page.get(path)

    # Where nobody reads, all of the log is written back, and its end is given up.
    busy, in_log, written_back = q.store.database.inspect("wal_checkpoint(TRUNCATE)")[0]

    assert (busy, in_log, written_back) == (0, 0, 0)
