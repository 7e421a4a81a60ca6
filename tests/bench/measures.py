"""What is measured: each function does one run and returns figures; ratios are taken within the run."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import multiprocess

from localq.canvas import chain, chord, group
from localq.model.ids import new_id
from localq.model.worker import EVERY_QUEUE
from tests.bench import postgresql, raw, scale
from tests.bench.beside import HERE, tasks, worker
from tests.bench.cpu import drain_cpu
from tests.bench.hops import bare_calls
from tests.bench.memory import of_worker, pss_kb
from tests.bench.schedules import ten_thousand

Figures = dict[str, float]


def drain(folder: Path) -> Figures:
    """Drain no-op jobs with results through 2 slots, against raw claim and finish in batches of 64."""
    count = 20_000
    before = raw.claim_and_finish(folder, count)
    rate = drained(tasks(folder, "normal"), count)
    limit = (before + raw.claim_and_finish(folder, count)) / 2
    return {"jobs_per_s": rate, "raw_per_s": limit, "ratio": rate / limit}


def drained(module: Any, count: int) -> float:
    """Return the jobs a second that a worker runs of so many added before."""
    results = module.q.enqueue_many([module.noop.s() for _ in range(count)])
    with worker(module.q.location):
        module.q.AsyncResult(results[0].id).get(timeout=60)
        first = time.perf_counter()
        done = _finished(module.q)
        _wait_until_drained(module.q, count, results[-1].id)
        rate = (count - done) / (time.perf_counter() - first)
    module.q.close()
    return rate


def _finished(q: Any) -> int:
    return sum(count for (_, state), count in q.store.read.stats().counts.items() if state.final)


def _wait_until_drained(q: Any, count: int, last_id: str) -> None:
    """Wait for the last job added, then for those that ran beside it."""
    q.AsyncResult(last_id).get(timeout=120)
    until = time.monotonic() + 120
    while _finished(q) < count:
        assert time.monotonic() < until, q.store.read.stats().counts


def end_to_end(folder: Path) -> Figures:
    """Enqueue one at a time while 2 slots work; durability normal."""
    count = 10_000
    module = tasks(folder, "normal")
    module.q.store.open()
    with worker(module.q.location):
        module.noop.delay().get(timeout=60)
        used = _cpu()
        started = time.perf_counter()
        for _ in range(count):
            last = module.noop.delay()
        _wait_until_drained(module.q, count + 1, last.id)
        spent = time.perf_counter() - started
        mine = _cpu() - used
    theirs = resource.getrusage(resource.RUSAGE_CHILDREN)
    module.q.close()
    return {
        "jobs_per_s": count / spent,
        "client_cpu_ms_per_job": mine / count * 1e3,
        "children_cpu_s_so_far": theirs.ru_utime + theirs.ru_stime,
    }


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def enqueue(folder: Path, durability: str) -> Figures:
    """Enqueue one at a time with nobody else there, against raw one-row commits at the same `synchronous`."""
    count = 2000 if durability == "full" else 6000
    module = tasks(folder, durability)
    module.noop.delay()
    before = raw.single_commits(folder, durability.upper(), count)
    started = time.perf_counter()
    for _ in range(count):
        module.noop.delay()
    rate = count / (time.perf_counter() - started)
    limit = (before + raw.single_commits(folder, durability.upper(), count)) / 2
    module.q.close()
    return {"jobs_per_s": rate, "raw_per_s": limit, "ratio": rate / limit}


def latency(folder: Path, durability: str = "full", pause_s: float = 0.002) -> Figures:
    """Call an idle worker in another process, again and again: to the task's start, and to the result.

    Args:
        pause_s: Seconds between two calls; 0: the next comes at once, and no processor has gone to sleep.
    """
    module = tasks(folder, durability)
    module.q.store.open()
    starts, results = [], []
    with worker(module.q.location):
        for turn in range(420):
            called = time.monotonic_ns()
            began = module.stamp.delay().get(timeout=60)
            if turn >= 20:
                results.append((time.monotonic_ns() - called) / 1e6)
                starts.append((began - called) / 1e6)
            if pause_s:
                time.sleep(pause_s)
    module.q.close()
    starts.sort(), results.sort()
    return {
        "to_start_p50_ms": statistics.median(starts),
        "to_start_p99_ms": starts[int(len(starts) * 0.99)],
        "to_result_p50_ms": statistics.median(results),
        "to_result_p99_ms": results[int(len(results) * 0.99)],
    }


def latency_beside_bare(folder: Path, durability: str) -> Figures:
    """Call an idle worker, call after call, against three processes that do it with `sqlite3` and sockets alone."""
    bare = bare_calls(folder, durability.upper(), 500)
    found = latency(folder, durability, 0)
    return {**found, "bare_p50_ms": bare, "ratio": found["to_result_p50_ms"] / bare}


def cpu_bound(folder: Path) -> Figures:
    """Run 5 ms of work a job on 2 slots, against two bare processes that share the same work."""
    count, seconds = 600, 0.005
    bare = _bare_pool(count, seconds)
    module = tasks(folder, "normal")
    results = module.q.enqueue_many([module.burn.s(seconds) for _ in range(count)])
    with worker(module.q.location):
        module.q.AsyncResult(results[0].id).get(timeout=60)
        done = _finished(module.q)
        started = time.perf_counter()
        _wait_until_drained(module.q, count, results[-1].id)
        rate = (count - done) / (time.perf_counter() - started)
    module.q.close()
    bare = (bare + _bare_pool(count, seconds)) / 2
    return {"jobs_per_s": rate, "bare_per_s": bare, "ratio": rate / bare}


def _bare_pool(count: int, seconds: float) -> float:
    context = multiprocess.get_context("fork")
    started = time.perf_counter()
    processes = [context.Process(target=_burn_many, args=(count // 2, seconds)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    return count / (time.perf_counter() - started)


def _burn_many(count: int, seconds: float) -> None:
    from tests.bench.benchtasks import spin

    for _ in range(count):
        spin(seconds)


def large(folder: Path) -> Figures:
    """Send 1 MB and get it back, several calls under way, against the bare writing and reading of as much."""
    module = tasks(folder, "full")
    text = "x" * 1_000_000
    count = 150
    before = raw.large_values(folder, text)
    with worker(module.q.location):
        module.echo.delay("warm").get(timeout=60)
        started = time.perf_counter()
        under_way = []
        for _ in range(count):
            under_way.append(module.echo.delay(text))
            if len(under_way) > 4:
                under_way.pop(0).get(timeout=60)
        for result in under_way:
            result.get(timeout=60)
        rate = count / (time.perf_counter() - started)
    module.q.close()
    limit = (before + raw.large_values(folder, text)) / 2
    return {"jobs_per_s": rate, "raw_per_s": limit, "ratio": rate / limit}


def workflows(folder: Path) -> Figures:
    """Call a chord of 1,000, a chain of 200 and a group of 1,000, each until its result is there."""
    module = tasks(folder, "full")
    add, total = module.add, module.total
    figures = {}
    with worker(module.q.location):
        chord([add.s(n, n) for n in range(20)], total.s())().get(timeout=60)
        for name, sig, expected in (
            ("chord_of_1000_s", group(add.s(n, 1) for n in range(1000)) | total.s(), 500_500),
            ("chain_of_200_s", chain(add.s(0, 1), *(add.s(1) for _ in range(199))), 200),
            ("group_of_1000_s", group(add.s(n, 0) for n in range(1000)), list(range(1000))),
        ):
            started = time.perf_counter()
            assert sig.apply_async().get(timeout=60) == expected
            figures[name] = time.perf_counter() - started
    module.q.close()
    return figures


def start_up(folder: Path) -> Figures:
    """Start `localq worker` with a job waiting; time until it is done. The first start only writes bytecode."""
    module = tasks(folder, "normal")
    for _ in range(2):
        result = module.noop.delay()
        started = time.perf_counter()
        with worker(module.q.location):
            result.get(timeout=60)
            spent = time.perf_counter() - started
    module.q.close()
    return {"to_first_job_s": spent}


def idle(folder: Path) -> Figures:
    """Leave `localq worker` with 2 slots alone for a minute: processor time, and memory by proportional share."""
    module = tasks(folder, "normal")
    seconds = 60.0
    with worker(module.q.location) as process:
        module.noop.delay().get(timeout=60)
        time.sleep(1)
        family = _family(process.pid)
        before = {pid: _ticks(pid) for pid in family}
        time.sleep(seconds)
        spent = {pid: _ticks(pid) - before[pid] for pid in family}
        memory = sum(pss_kb(pid) for pid in family)
    module.q.close()
    return {
        "worker_cpu_s_per_minute": spent[process.pid] * 60 / seconds,
        "all_cpu_s_per_minute": sum(spent.values()) * 60 / seconds,
        "pss_mib": memory / 1024,
    }


def _family(pid: int) -> list[int]:
    found = [pid]
    for one in found:
        children = Path(f"/proc/{one}/task/{one}/children").read_text().split()
        found.extend(int(child) for child in children)
    return found


def _ticks(pid: int) -> float:
    # Nanoseconds on the processor: clock ticks are too coarse for an idle process.
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


def imports(folder: Path) -> Figures:
    """Import localq in a fresh interpreter, again and again; the first time only writes bytecode."""
    code = "import time; t = time.perf_counter(); import localq; print(time.perf_counter() - t)"
    environment = {**os.environ, "PYTHONPATH": str(HERE)}
    spent = []
    for _ in range(6):
        done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, check=True)
        spent.append(float(done.stdout))
    return {"ms": statistics.median(spent[1:]) * 1e3}


def backlog(folder: Path, size: int) -> Figures:
    """Drain 10,000 jobs of a backlog of `size` ready, scheduled and finished ones each, against a small backlog."""
    small = _drain_some(folder, 0)
    big = _drain_some(folder, size)
    return {
        "small_per_s": small["per_s"],
        "big_per_s": big["per_s"],
        "ratio": big["per_s"] / small["per_s"],
        "claim_p99_ms": big["claim_p99_ms"],
    }


def _drain_some(folder: Path, size: int) -> Figures:
    from localq.model.job import JobState, NewJob
    from localq.model.outcome import Attempt, Completion
    from localq.model.worker import WorkerCard
    from localq.store import open_store

    store = open_store(folder / f"{new_id()}.db", "normal")
    now = 1_000_000_000
    card = WorkerCard("bench", "bench", "here", 1, "none", 1, None, (), ())
    worker = store.workers.enter(card, now, 2**60)

    def finish_all(jobs: list[Any]) -> None:
        done = [
            Completion(
                job.id,
                job.run_token,
                worker,
                JobState.SUCCEEDED,
                job.run_at,
                0,
                0,
                attempt=Attempt(job.attempts, "bench", now, now, "SUCCESS", b"null", None, 1, None),
            )
            for job in jobs
        ]
        store.jobs.finish(done, now)

    for state in ("finished", "scheduled", "ready"):
        for start in range(0, size, 2000):
            later = now + 10**12 if state == "scheduled" else None
            batch = [NewJob(new_id(), "noop", "celery", raw.ARGS, run_at=later) for _ in range(min(2000, size - start))]
            store.jobs.add(batch, now)
            if state == "finished":
                while jobs := store.jobs.claim(worker, EVERY_QUEUE, 2000, now).jobs:
                    finish_all(jobs)
        store.tend(now)
    if size == 0:
        store.jobs.add([NewJob(new_id(), "noop", "celery", raw.ARGS) for _ in range(10_000)], now)
    claims = []
    started = time.perf_counter()
    for _ in range(10_000 // 64):
        before = time.perf_counter()
        jobs = store.jobs.claim(worker, EVERY_QUEUE, 64, now).jobs
        claims.append((time.perf_counter() - before) * 1e3)
        finish_all(jobs)
    rate = len(claims) * 64 / (time.perf_counter() - started)
    store.close()
    claims.sort()
    return {"per_s": rate, "claim_p99_ms": claims[int(len(claims) * 0.99)]}


def control(folder: Path) -> Figures:
    """Ask a worker whether it is there, while it is idle and while it drains no-op jobs."""
    module = tasks(folder, "normal")
    with worker(module.q.location):
        module.noop.delay().get(timeout=60)
        idle_ms = _pings(module.q)
        last = module.q.enqueue_many([module.noop.s() for _ in range(60_000)])[-1]
        busy_ms = _pings(module.q)
        assert not last.ready(), "the worker had nothing left to do"
    module.q.close()
    return {
        "idle_p50_ms": statistics.median(idle_ms),
        "idle_max_ms": max(idle_ms),
        "busy_p50_ms": statistics.median(busy_ms),
        "busy_max_ms": max(busy_ms),
    }


def _pings(q: Any) -> list[float]:
    taken = []
    for _ in range(50):
        before = time.perf_counter()
        assert q.control.ping(), "no worker has answered"
        taken.append((time.perf_counter() - before) * 1e3)
    return taken


def drain_on_server(folder: Path) -> Figures:
    """Drain no-op jobs with results through 2 slots, from a PostgreSQL server."""
    with postgresql.served() as url:
        return {"jobs_per_s": drained(tasks(url, "normal"), 10_000)}


#: Every row: its name, what runs it, how many runs the median is taken of, and its targets.
ROWS: dict[str, tuple[Callable[[Path], Figures], int, dict[str, str]]] = {
    "drain": (drain, 5, {"ratio": "at least 0.25"}),
    "drain, by process": (drain_cpu, 3, {}),
    "end to end": (end_to_end, 3, {"jobs_per_s": "8,000"}),
    "enqueue, full": (lambda folder: enqueue(folder, "full"), 5, {"ratio": "at least 0.6"}),
    "enqueue, normal": (lambda folder: enqueue(folder, "normal"), 5, {"ratio": "at least 0.6"}),
    "call after call, full": (lambda folder: latency_beside_bare(folder, "full"), 3, {}),
    "call after call, normal": (
        lambda folder: latency_beside_bare(folder, "normal"),
        3,
        {"to_result_p50_ms": "0.4", "to_result_p99_ms": "1"},
    ),
    "idle latency": (latency, 3, {"to_start_p50_ms": "1", "to_result_p50_ms": "1.5", "to_result_p99_ms": "5"}),
    "5 ms CPU-bound": (cpu_bound, 3, {"ratio": "at least 0.97"}),
    "control": (control, 3, {"idle_max_ms": "50", "busy_max_ms": "50"}),
    "echo of 1 MB": (large, 3, {"jobs_per_s": "150"}),
    "workflows": (
        workflows,
        5,
        {"chord_of_1000_s": "0.2", "chain_of_200_s": "0.3", "group_of_1000_s": "0.15"},
    ),
    "start-up": (start_up, 5, {"to_first_job_s": "0.6"}),
    "idle cost": (idle, 1, {"worker_cpu_s_per_minute": "under 0.1", "pss_mib": "under 70"}),
    "10,000 schedules": (
        ten_thousand,
        1,
        {"ratio": "at least 0.8", "tick_0_of_10000_ms": "under 1", "idle_cpu_s_per_minute": "under 0.1"},
    ),
    "postgresql: store": (lambda _: postgresql.store(), 3, {"jobs_per_s": "12,000", "ratio": "at least 0.4"}),
    "postgresql: enqueue": (lambda _: postgresql.enqueue(), 3, {"jobs_per_s": "3,000", "ratio": "at least 0.6"}),
    "postgresql: drain": (drain_on_server, 3, {"jobs_per_s": "5,000"}),
    "postgresql: sweeping": (lambda _: postgresql.sweeping(), 1, {"most_by_first": "under 2"}),
    "import localq": (imports, 3, {"ms": "under 150"}),
    "sleeping on 1 to 16 slots": (scale.slots, 3, {f"share_{count}_slots": "at least 0.98" for count in scale.SLOTS}),
    "10,000 coroutines": (scale.coroutines, 1, {"at_once": "10,000"}),
    "50 clients, full": (
        lambda folder: scale.clients(folder, "full"),
        3,
        {"ratio": "at least 1", "slowest_by_fastest": "at least 0.5"},
    ),
    "50 clients, normal": (
        lambda folder: scale.clients(folder, "normal"),
        3,
        {"ratio": "at least 1", "slowest_by_fastest": "at least 0.5"},
    ),
    "backlog of 10^4": (lambda folder: backlog(folder, 10_000), 3, {"claim_p99_ms": "5"}),
    "backlog of 10^5": (lambda folder: backlog(folder, 100_000), 1, {"ratio": "at least 0.9", "claim_p99_ms": "5"}),
    "memory with 10^6": (of_worker, 1, {"waiting_ratio": "at most 1.1", "run_ratio": "at most 1.1"}),
    "backlog of 10^6": (
        lambda folder: backlog(folder, 1_000_000),
        1,
        {"ratio": "at least 0.9", "claim_p99_ms": "5"},
    ),
}
