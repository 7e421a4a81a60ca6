"""Where the processor time of a job goes: what its worker and its slot take, against the least that either must do."""

from __future__ import annotations

import json
import marshal
import os
import socket
import struct
import time
from pathlib import Path
from typing import Any

import multiprocess

from localq.model.ids import new_id
from tests.bench import raw
from tests.bench.beside import tasks, worker

_HEAD = struct.Struct("=HBI")
_DONE = struct.Struct("=iqqi?I")
#: Jobs handed over at once, as a busy worker does.
_BATCH = 95


def drain_cpu(folder: Path, count: int = 30_000) -> dict[str, float]:
    """Drain no-op jobs with results through 2 slots; return microseconds a job of the worker and of both slots."""
    module = tasks(folder, "normal")
    last = module.q.enqueue_many([module.noop.s() for _ in range(count)])[-1]
    with worker(module.q.location) as process:
        while (begun := _ended(module)) < count // 10:
            time.sleep(0.002)
        before = {pid: _used(pid) for pid in _family(process.pid)}
        while (ended := _ended(module)) < count * 9 // 10:
            time.sleep(0.002)
        used = {pid: (_used(pid) - before[pid]) / (ended - begun) for pid in before}
        module.q.AsyncResult(last.id).get(timeout=60)
    module.q.close()
    pipe_worker, pipe_slot = hand_over(count)
    spent = time.process_time()
    raw.claim_and_finish(folder, count, batch=2 * _BATCH)
    return {
        "worker_us": used.pop(process.pid),
        "slots_us": sum(used.values()),
        "bare_sql_us": (time.process_time() - spent) / count * 1e6,
        "bare_pipe_worker_us": pipe_worker,
        "bare_pipe_slot_us": pipe_slot,
    }


def _ended(module: Any) -> int:
    counts = module.q.store.read.stats().counts
    return sum(count for (_, state), count in counts.items() if state.final)


def _family(pid: int) -> list[int]:
    """Return a process and all that it started; Linux alone says so."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(one for child in children for one in _family(int(child)))]


def _used(pid: int) -> float:
    """Return the processor time of a process, in microseconds."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e3


def hand_over(count: int) -> tuple[float, float]:
    """Hand jobs to a process and take back results, as a slot does it; return microseconds a job of either.

    The least of it: jobs in batches, each begun by a token of its own, its end told at once, and calling nothing.
    """
    here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    tokens, reports = os.pipe(), os.pipe()
    child = multiprocess.get_context("fork").Process(target=_slot, args=(there, tokens[0], reports[1], count))
    child.start()
    there.close()
    job = (1, "", "noop", "celery", 0, 2, 1_790_000_000_000_000, None, 1, 1, 1, 0, 0, 0, None, 0, None, raw.ARGS)
    spent, rest = time.process_time(), b""
    for _ in range(0, count, _BATCH):
        os.write(tokens[1], b"+" * _BATCH)
        here.send(marshal.dumps([(*job, new_id()) for _ in range(_BATCH)]))
        ended = 0
        while ended < _BATCH:
            data, at = rest + os.read(reports[0], 262_144), 0
            while len(data) - at >= _HEAD.size:
                _, _, length = _HEAD.unpack_from(data, at)
                if len(data) - at - _HEAD.size < length:
                    break
                _DONE.unpack_from(data, at + _HEAD.size)
                at += _HEAD.size + length
                ended += 1
            rest = data[at:]
    spent = time.process_time() - spent
    slot = json.loads(here.recv(100))
    child.join()
    here.close()
    for end in (*tokens, *reports):
        os.close(end)
    return spent / count * 1e6, slot / count * 1e6


def _slot(jobs: socket.socket, tokens: int, reports: int, count: int) -> None:
    spent = time.process_time()
    for _ in range(0, count, _BATCH):
        for job in marshal.loads(jobs.recv(1 << 17)):
            os.read(tokens, 1)
            name = job[-1].encode()
            body = _DONE.pack(1, time.time_ns(), time.time_ns(), 0, True, len(name)) + name + b"null"
            os.write(reports, _HEAD.pack(0, 1, len(body)) + body)
    jobs.send(json.dumps(time.process_time() - spent).encode())
