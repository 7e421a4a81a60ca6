"""Named points where tests make a process fail; in a program without the variable each costs one comparison.

`LOCALQ_FAULT="point=action"` (several parted by `;`, `point#3=` for the third pass only) with an action of
`kill` (SIGKILL to this process), `stop` (SIGSTOP), `sleep:SECONDS`, `exit:N`, `raise:TEXT` or `enospc`. With
`LOCALQ_FAULT_LOG=FILE` each fault is first written there, and synced: the witness outside the database. With
`LOCALQ_FAULT_BUDGET=FOLDER` each fault removes a file from that folder, and without one it does not happen: slots
inherit the variables, and a fault that hit every one of them for ever would prove nothing.
"""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import time

__all__ = ["POINTS", "armed", "point", "reload"]

#: Every named point and where it lies.
POINTS = {
    "enqueue.before": "client, before the transaction that adds",
    "enqueue.inside": "client, in that transaction",
    "enqueue.after": "client, committed, nobody rung yet",
    "claim.inside": "worker, in the claiming transaction",
    "claim.after": "worker, claimed, nothing handed out yet",
    "hand.after": "worker, handed to a slot",
    "worker.registered": "worker, entered in the store, no slot yet",
    "beat.inside": "worker, in the transaction that renews its lease",
    "forkserver.orphaned": "fork server, its worker is gone, its slots are not ended yet",
    "slot.ready": "slot, about to say that it is ready",
    "run.before": "slot, before the task's code",
    "run.after": "slot, after the task's code, nothing reported yet",
    "report.half": "slot, half of its report written",
    "report.after": "slot, after its report was written",
    "outcome.received": "worker, the report is read",
    "finish.inside": "worker, in the finishing transaction",
    "finish.after": "worker, committed, nobody rung yet",
    "release.before": "worker, about to put jobs back",
    "rescue.inside": "worker, about to settle a dead worker's jobs",
    "rescue.buried": "worker, another is declared dead, its jobs are not settled yet",
    "sync.inside": "scheduler, in the transaction that defines schedules",
    "fire.before": "scheduler, a firing is computed, its transaction not begun",
    "fire.inside": "scheduler, in the firing transaction",
    "fire.after": "scheduler, a firing is committed, nobody rung yet",
    "prune.inside": "worker, in the pruning transaction",
    "move.braked": "who moves a store, both are stopped, nothing is moved yet",
    "move.put": "who moves a store, a portion is written, its place is not",
    "move.schedules": "who moves a store, jobs and schedules are written, orders are not",
    "move.compared": "who moves a store, all is there, the one store does not say so yet",
    "move.done": "who moves a store, the one says so, the other is still stopped",
    "move.inside": "who moves a store, in the transaction that writes a portion",
    "store.pinned": "any process, about to write the log back while others write on",
    "store.checkpoint": "any process, holding the write lock to checkpoint",
    "store.create": "any process, in the transaction that makes the tables, or converts them",
}

_armed: dict[str, tuple[int, str]] = {}
_passes: dict[str, int] = {}


def reload() -> None:
    """Read the environment again."""
    _armed.clear()
    _passes.clear()
    for part in os.environ.get("LOCALQ_FAULT", "").split(";"):
        where, equals, action = part.strip().partition("=")
        if equals:
            name, _, count = where.partition("#")
            _armed[name] = (int(count or 0), action)


def armed(name: str | None = None) -> bool:
    """Whether a point, or any, may fail in this process."""
    return bool(_armed) and (name is None or name in _armed)


def point(name: str) -> None:
    """Fail here if a test asked for it."""
    if _armed and name in _armed:
        _fail(name)


def _fail(name: str) -> None:
    count, action = _armed[name]
    _passes[name] = passed = _passes.get(name, 0) + 1
    if (count and passed != count) or not _afforded():
        return
    log = os.environ.get("LOCALQ_FAULT_LOG")
    if log:
        descriptor = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.write(descriptor, f"{os.getpid()} {name} {action}\n".encode())
        os.fsync(descriptor)
        os.close(descriptor)
    verb, _, detail = action.partition(":")
    if verb == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif verb == "stop":
        os.kill(os.getpid(), signal.SIGSTOP)
    elif verb == "sleep":
        time.sleep(float(detail))
    elif verb == "exit":
        os._exit(int(detail or 1))
    elif verb == "raise":
        raise RuntimeError(detail or name)
    elif verb == "enospc":
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _afforded() -> bool:
    """Whether there is still a file to remove, for one of all processes that try."""
    folder = os.environ.get("LOCALQ_FAULT_BUDGET")
    if not folder:
        return True
    for name in os.listdir(folder):
        with contextlib.suppress(OSError):
            os.unlink(os.path.join(folder, name))
            return True
    return False


reload()
