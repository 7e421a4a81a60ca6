"""The commands that change something: a worker's queues and pool, jobs, limits. They answer as Celery's do.

What concerns jobs and tasks holds for all workers and outlives them: it is written into the store, and it does not
matter which worker does it, or how many.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from localq.host.marks import MARK_SIZE, MOST_PLACES
from localq.model.hints import nearest
from localq.model.ids import ids_of
from localq.model.orders import LIMITS, RATE, Order
from localq.model.rates import read_rate
from localq.result import signal_number
from localq.result.stamped_jobs import stamped
from localq.worker.autoscale import Bounds
from localq.worker.control import Controlled, State, control_command, nok, ok

__all__ = ["most_slots"]


# Jobs


@control_command(
    quick=True, variadic="task_id", signature="[id1 [id2 [... [idN]]]]", help="Revoke tasks by id, durably."
)
def revoke(
    state: State, task_id: str | Sequence[str], terminate: bool = False, signal: str | int | None = None, **_: Any
) -> dict[str, Any]:
    """Revoke jobs; with `terminate` those that run get a signal."""
    ids = ids_of(task_id)
    _cancel(state, ids, signal_number(signal) if terminate else 0)
    return ok(f"terminate: {', '.join(ids)}" if terminate else f"tasks {', '.join(ids)} flagged as revoked")


@control_command(
    quick=True,
    args=[("signal", str)],
    variadic="task_id",
    signature="<signal> [id1 [id2 [... [idN]]]]",
    help="Send a signal to running tasks, and revoke them.",
)
def terminate(state: State, signal: str | int, task_id: str | Sequence[str], **_: Any) -> dict[str, Any]:
    """Revoke jobs and end those that run."""
    answer: dict[str, Any] = revoke(state, task_id, terminate=True, signal=signal)
    return answer


@control_command(
    variadic="headers", signature="[key1=value1 [key2=value2 [...]]]", help="Revoke tasks by their stamped headers."
)
def revoke_by_stamped_headers(
    state: State, headers: Any, terminate: bool = False, signal: str | int | None = None, **_: Any
) -> dict[str, Any]:
    """Revoke the jobs that have these headers now; those that are enqueued later are not looked at."""
    wanted = _read_headers(headers)
    number = signal_number(signal) if terminate else 0
    ids = [job.id for job in stamped(state.app.store.read, wanted)]
    _cancel(state, ids, number, aside=True)
    return ok(f"headers {wanted} flagged as revoked: {len(ids)} tasks")


def _read_headers(headers: Any) -> dict[str, Any]:
    if isinstance(headers, dict):
        return headers
    parts = [text.partition("=") for text in ([headers] if isinstance(headers, str) else headers)]
    return {name: value for name, _, value in parts}


def _cancel(state: State, ids: list[str], number: int, *, aside: bool = False) -> None:
    # In a thread another connection does it, so that the worker's own is never waited for.
    store = state.app.store if aside else state.worker.store
    store.jobs.cancel(ids, state.app.clock.now(), number)


# Limits


@control_command(
    quick=True,
    args=[("task_name", str), ("rate_limit", str)],
    signature="<task_name> <rate_limit (e.g., 5/s | 5/m | 5/h)>",
    help="Set the rate limit of a task, for all workers, until it is set anew.",
)
def rate_limit(state: State, task_name: str, rate_limit: Any, **_: Any) -> dict[str, Any]:
    """Order a rate limit; 0 lifts it, None leaves the task with its own."""
    if state.app.tasks.find(task_name) is None:
        return _unknown(state, task_name)
    read_rate(rate_limit)
    _order(state, Order(RATE, task_name, None if rate_limit is None else str(rate_limit)))
    if rate_limit is None:
        return ok("rate limit is the task's own again")
    return ok("new rate limit set successfully" if read_rate(rate_limit) else "rate limit disabled successfully")


@control_command(
    quick=True,
    args=[("task_name", str), ("soft", float), ("hard", float)],
    signature="<task_name> <soft_secs> [hard_secs]",
    help="Set the time limits of a task, for all workers, until they are set anew.",
)
def time_limit(
    state: State, task_name: str, hard: float | None = None, soft: float | None = None, **_: Any
) -> dict[str, Any]:
    """Order time limits; with neither of them the task's own hold again. What runs keeps those it has."""
    if state.app.tasks.find(task_name) is None:
        return _unknown(state, task_name)
    _order(state, Order(LIMITS, task_name, json.dumps([soft, hard]) if soft or hard else None))
    return ok("time limits set successfully")


def _unknown(state: State, name: str) -> dict[str, Any]:
    return nok(f"unknown task {name!r}.{nearest(name, list(state.app.tasks))}")


def _order(state: State, order: Order) -> None:
    store = state.worker.store
    # Others, and who asked, may have given it already: given again, a limit would begin anew.
    if order.value is None or order not in store.mail.orders():
        store.mail.order([order], state.app.clock.now())
    state.worker.orders.obey(store.mail.orders())


# Queues


@control_command(quick=True, args=[("queue", str)], signature="<queue>", help="Serve another queue.")
def add_consumer(state: State, queue: str, **_: Any) -> dict[str, Any]:
    """Serve a queue from now on; exchanges and routing keys that are given mean nothing here."""
    worker = state.worker
    plan = worker.plan
    excluded = tuple(name for name in plan.excluded if name != queue)
    queues = plan.queues if plan.queues is None or queue in plan.queues else (*plan.queues, queue)
    if (queues, excluded) == (plan.queues, plan.excluded):
        return ok(f"already consuming from {queue!r}")
    worker.serve(queues, excluded)
    return ok(f"add consumer {queue!r}")


@control_command(quick=True, args=[("queue", str)], signature="<queue>", help="Serve a queue no more.")
def cancel_consumer(state: State, queue: str, **_: Any) -> dict[str, Any]:
    """Take no more jobs from a queue, in this worker until it ends; to stop all of them, pause the queue."""
    worker = state.worker
    plan = worker.plan
    if plan.queues is None:
        worker.serve(None, (*(name for name in plan.excluded if name != queue), queue))
    else:
        worker.serve(tuple(name for name in plan.queues if name != queue), plan.excluded)
    return ok(f"no longer consuming from {queue!r}")


# The pool


@control_command(quick=True, args=[("n", int)], signature="[N=1]", help="Add slots to the pool.")
def pool_grow(state: State, n: int = 1, **_: Any) -> dict[str, Any]:
    """Add slots; where the pool scales itself, its bounds move."""
    return _by(state, int(n), "pool will grow")


@control_command(quick=True, args=[("n", int)], signature="[N=1]", help="Take slots from the pool.")
def pool_shrink(state: State, n: int = 1, **_: Any) -> dict[str, Any]:
    """Take slots away, each after its job; where the pool scales itself, its bounds move."""
    return _by(state, -int(n), "pool will shrink")


def _by(state: State, more: int, said: str) -> dict[str, Any]:
    pool_size, size = state.worker.pool_size, state.worker.pool.size + more
    problem = _refused(state, size)
    if problem:
        return nok(problem)
    if pool_size.autoscaler is not None:
        bounds = pool_size.autoscaler.bounds
        pool_size.autoscale(Bounds(max(bounds.most, size) if more > 0 else size, min(bounds.fewest, size)))
    pool_size.resize(size)
    return ok(said)


def _refused(state: State, size: int) -> str | None:
    """Return why the pool cannot have this size, or None."""
    if state.worker.plan.pool_kind == "solo":
        return "The solo pool runs one job at a time. Use -P threads or -P processes."
    most = most_slots(state.worker)
    if not 1 <= size <= most:
        return f"The pool cannot have {size} slots: from 1 to {most}. To have more, start it with a higher -c."
    return None


def most_slots(worker: Controlled) -> int:
    """Return the number of slots a worker can have: those whose jobs can be marked in its file."""
    marks = None if worker.presence is None else worker.presence.marks
    return MOST_PLACES if marks is None or worker.plan.pool_kind != "processes" else len(marks) // MARK_SIZE


@control_command(
    quick=True,
    args=[("max", int), ("min", int)],
    signature="[max [min]]",
    help="Let the pool's size follow the demand, within bounds.",
)
def autoscale(state: State, max: int, min: int = 1, **_: Any) -> dict[str, Any]:
    """Set the most and the fewest slots."""
    bounds = Bounds(int(max), int(min))
    problem = _refused(state, bounds.most) or _refused(state, bounds.fewest)
    if problem is None and bounds.fewest > bounds.most:
        problem = f"min={bounds.fewest} must not be over max={bounds.most}"
    if problem is not None:
        return nok(problem)
    state.worker.pool_size.autoscale(bounds)
    return ok(f"autoscale now max={bounds.most} min={bounds.fewest}")


@control_command(
    quick=True,
    help="Replace the pool's processes (needs worker_pool_restarts).",
)
def pool_restart(state: State, modules: Any = None, reload: bool = False, **_: Any) -> dict[str, Any]:
    """Replace every slot, each after its job. New code is read by a worker that starts anew (HUP)."""
    if not state.app.conf.worker_pool_restarts:
        return nok("Pool restarts not enabled. Set worker_pool_restarts=True.")
    if modules or reload:
        return nok("A pool's slots know the modules its worker has imported. Send the worker HUP to read new code.")
    if state.worker.plan.pool_kind != "processes":
        return nok(f"The pool is {state.worker.plan.pool_kind}: only processes can be replaced.")
    state.worker.pool.restart()
    return ok("reload started")


# The worker


@control_command(quick=True, help="Stop the worker, when its running jobs have finished.")
def shutdown(state: State, msg: str = "Got shutdown from remote", **_: Any) -> dict[str, Any]:
    """Stop in order, as at the first TERM."""
    state.worker.stop()
    return ok("shutting down")


@control_command(quick=True, help="Renew the worker's lease now.")
def heartbeat(state: State, **_: Any) -> dict[str, Any]:
    """Make the worker say that it lives."""
    state.worker.beat_soon()
    return ok("heartbeat")


@control_command(quick=True, help="Let the worker tell of tasks.")
def enable_events(state: State, **_: Any) -> dict[str, Any]:
    """Set worker_send_task_events in the worker."""
    return _events(state, True)


@control_command(quick=True, help="Let the worker tell nothing of tasks.")
def disable_events(state: State, **_: Any) -> dict[str, Any]:
    """Unset worker_send_task_events in the worker."""
    return _events(state, False)


def _events(state: State, wanted: bool) -> dict[str, Any]:
    word = "enabled" if wanted else "disabled"
    if state.app.conf.worker_send_task_events == wanted:
        return ok(f"task events already {word}")
    state.app.conf.worker_send_task_events = wanted
    return ok(f"task events {word}")


@control_command(quick=True, help="Not needed: what may happen once is decided by the store.")
def election(state: State, id: str = "", topic: str = "", action: Any = None, **_: Any) -> dict[str, Any]:
    """Refuse: there is no gossip between workers that could elect one."""
    return nok("Workers of LocalQ elect nobody: what must happen once is one transaction in the store. Enqueue a job.")
