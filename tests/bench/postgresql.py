"""What is measured on a PostgreSQL server that keeps what it acknowledges, against bare statements on the same one."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import Any

import psycopg

from localq.model.ids import new_id
from localq.model.job import JobState, NewJob
from localq.model.outcome import Attempt, Completion
from localq.model.worker import EVERY_QUEUE, WorkerCard
from localq.store import open_store
from localq.store.postgresql.examine import schema_bytes
from tests.bench import raw
from tests.store.server import Server

__all__ = ["enqueue", "served", "store", "sweeping"]

Figures = dict[str, float]
_BATCH = 64


@contextlib.contextmanager
def served(*settings: str) -> Iterator[str]:
    """Run a server; return the URL of a new store on it."""
    server = Server(*settings)
    try:
        yield f"{server.url}&schema=bench"
    finally:
        server.stop()


def _bare(url: str) -> psycopg.Connection[Any]:
    connection = psycopg.connect(url.partition("&schema=")[0], autocommit=True, prepare_threshold=1)
    connection.execute("SET synchronous_commit TO off")
    return connection


def _bare_rate(url: str, count: int) -> float:
    """Return jobs a second claimed and ended by the least that does it, in batches of 64."""
    with _bare(url) as connection:
        connection.execute("DROP TABLE IF EXISTS bare")
        connection.execute("CREATE TABLE bare (key bigserial PRIMARY KEY, state int, owner bigint, result bytea)")
        connection.execute("CREATE INDEX ON bare (key) WHERE state = 1")
        connection.execute("INSERT INTO bare (state) SELECT 1 FROM generate_series(1, %s)", (count,))
        take = (
            "UPDATE bare SET state = 2, owner = 1 WHERE key = ANY(ARRAY(SELECT key FROM bare WHERE state = 1 "
            "ORDER BY key LIMIT %s FOR UPDATE SKIP LOCKED)) RETURNING key"
        )
        began = time.perf_counter()
        while found := connection.execute(take, (_BATCH,)).fetchall():
            keys = [key for (key,) in found]
            connection.execute("UPDATE bare SET state = 3, result = 'null' WHERE key = ANY(%s)", (keys,))
        return count / (time.perf_counter() - began)


def _worker(opened: Any, now: int) -> int:
    card = WorkerCard(new_id(), "bench", "here", 1, "none", 1, None, (), ())
    return int(opened.workers.enter(card, now, 3600 * 1_000_000))


def _done(job: Any, now: int) -> Completion:
    return Completion(
        job.id, job.run_token, job.owner, JobState.SUCCEEDED, job.run_at, 0, 0,
        attempt=Attempt(job.attempts, "bench", now, now, "SUCCESS", b"null", None, None, None),
    )  # fmt: skip


def _drained(opened: Any, worker: int, now: int) -> tuple[int, list[float]]:
    """Claim and end all there is; return how many, and how long each claim took (ms)."""
    count, spent = 0, []
    while True:
        began = time.perf_counter()
        jobs = opened.jobs.claim(worker, EVERY_QUEUE, _BATCH, now).jobs
        spent.append((time.perf_counter() - began) * 1e3)
        if not jobs:
            return count, sorted(spent)
        opened.jobs.finish([_done(job, now) for job in jobs], now)
        count += len(jobs)


def store(count: int = 20_000) -> Figures:
    """Claim and end jobs in the store, in batches of 64, as a worker's commits are."""
    now = time.time_ns() // 1000
    with served() as url:
        before = _bare_rate(url, count)
        opened = open_store(url, "normal")
        for _ in range(count // 1000):
            opened.jobs.add([NewJob(new_id(), "noop", "celery", raw.ARGS) for _ in range(1000)], now)
        worker = _worker(opened, now)
        began = time.perf_counter()
        done, claims = _drained(opened, worker, now)
        rate = done / (time.perf_counter() - began)
        opened.close()
        bare = (before + _bare_rate(url, count)) / 2
    return {
        "jobs_per_s": rate,
        "bare_per_s": bare,
        "ratio": rate / bare,
        "claim_p99_ms": claims[len(claims) * 99 // 100],
    }


def enqueue(count: int = 3000) -> Figures:
    """Add jobs one at a time, each on the server's disk, against bare rows."""
    now = time.time_ns() // 1000
    with served() as url:
        opened = open_store(url, "full")
        opened.jobs.add([NewJob(new_id(), "noop", "celery", raw.ARGS)], now)
        with _bare(url) as bare:
            bare.execute("SET synchronous_commit TO on")
            bare.execute("CREATE TABLE bare (key bigserial PRIMARY KEY, id text UNIQUE, args bytea)")
            spent = [0.0, 0.0]
            # In turns, for the disk of many a machine is now fast and now slow.
            for _ in range(count // 100):
                began = time.perf_counter()
                for _ in range(100):
                    opened.jobs.add([NewJob(new_id(), "noop", "celery", raw.ARGS)], now)
                between = time.perf_counter()
                for _ in range(100):
                    bare.execute("INSERT INTO bare (id, args) VALUES (%s, %s)", (new_id(), raw.ARGS))
                spent[0] += between - began
                spent[1] += time.perf_counter() - between
        opened.close()
    return {"jobs_per_s": count / spent[0], "raw_per_s": count / spent[1], "ratio": spent[1] / spent[0]}


def sweeping(days: int = 10, jobs: int = 8000) -> Figures:
    """Live through days in miniature: each day's jobs are added, run, and removed a day later; measure the tables."""
    day = 86_400 * 1_000_000
    now = time.time_ns() // 1000
    sizes = []
    with served("autovacuum_naptime=1s") as url:
        opened = open_store(url, "normal")
        worker = _worker(opened, now)
        began = time.perf_counter()
        for _ in range(days):
            for _ in range(jobs // 1000):
                opened.jobs.add([NewJob(new_id(), "noop", "celery", raw.ARGS) for _ in range(1000)], now)
                _drained(opened, worker, now)
            now += day
            while opened.jobs.prune(now - day // 2, 1000):
                pass
            sizes.append(schema_bytes(url) / 2**20)
        spent = time.perf_counter() - began
        opened.close()
    return {
        "first_day_mib": sizes[0],
        "last_day_mib": sizes[-1],
        "most_mib": max(sizes),
        "most_by_first": max(sizes) / sizes[0],
        "jobs_per_s": days * jobs / spent,
    }
