"""Flower's questions about workers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from localq.app import LocalQ
from localq.model.orders import RATE
from localq.model.secrets import masked
from localq.model.worker import WorkerRow, WorkerState, other_name
from localq.store.protocol import Store
from localq.web.flower.asked import parameters
from localq.web.forms import BadRequest
from localq.web.site import Site

__all__ = ["known_worker", "workers"]

#: Seconds that workers' answers are waited for.
_ANSWER_S = 1.0
_ASKED = ("stats", "active_queues", "registered", "conf")
#: What is asked of a worker that is named as well.
_ASKED_OF_ONE = ("scheduled", "active", "reserved", "revoked")
_NO_LIMITS = dict.fromkeys(
    ("queue_arguments", "binding_arguments", "consumer_arguments", "expires", "message_ttl", "max_length",
     "max_length_bytes", "max_priority", "no_declare")
)  # fmt: skip
_QUEUE: dict[str, Any] = {
    "durable": True,
    "exclusive": False,
    "auto_delete": False,
    "no_ack": False,
    "alias": None,
    "bindings": [],
}
_EXCHANGE = {"arguments": None, "passive": False, "auto_delete": False, "delivery_mode": None, "no_declare": False}


async def workers(site: Site, request: Request) -> Response:
    """List workers: what the store knows of them, and with `refresh` what they answer."""
    asked = await parameters(request)
    refresh, status, name = asked.flag("refresh"), asked.flag("status"), asked.text("workername")
    rows = _there(await site.desk.ask(lambda store: store.workers.all()))
    if status:
        return JSONResponse({one: row.state == WorkerState.ALIVE for one, row in rows.items()})
    if name is not None:
        rows = {name: _row(rows, name)}
    found = await site.desk.ask(lambda store: _entries(site.desk.app, store, rows))
    if refresh:
        answers = await site.desk.act(lambda app: _answers(app, name))
        for one, entry in found.items():
            entry.update(_shaped(answers.get(one, {}), entry))
    return JSONResponse(found)


async def known_worker(site: Site, name: str) -> str:
    """Return the name of a worker that may be alive, by it or by its other one.

    Raises:
        BadRequest: there is none, with 404.
    """
    return _row(_there(await site.desk.ask(lambda store: store.workers.all())), name).card.name


def _there(rows: Sequence[WorkerRow]) -> dict[str, WorkerRow]:
    """Return the workers that may be alive by their names; of two of one name that which is."""
    return {
        row.card.name: row
        for row in sorted(rows, key=lambda row: (row.card.name, row.state == WorkerState.ALIVE, row.key))
        if row.state != WorkerState.GONE
    }


def _row(rows: Mapping[str, WorkerRow], name: str) -> WorkerRow:
    found = rows.get(name) or rows.get(other_name(name))
    if found is None:
        raise BadRequest(f"Unknown worker '{name[:200]}'", 404)
    return found


def _entries(app: LocalQ, store: Store, rows: Mapping[str, WorkerRow]) -> dict[str, dict[str, Any]]:
    limits = {order.name: order.value for order in store.mail.orders() if order.kind == RATE}
    return {name: _entry(app, row, limits) for name, row in rows.items()}


def _entry(app: LocalQ, row: WorkerRow, limits: Mapping[str, str | None]) -> dict[str, Any]:
    card, now = row.card, app.clock.now()
    queues = card.queues if card.queues is not None else (app.conf.task_default_queue,)
    return {
        "registered": [_registered(app, name, limits) for name in sorted(card.tasks)],
        "timestamp": now / 1e6,
        "stats": {
            "total": {},
            "pid": card.pid,
            "clock": str(now),
            "uptime": max(0, now - row.started_at) // 1_000_000,
            "pool": {
                "implementation": card.pool,
                "max-concurrency": card.concurrency,
                "processes": [],
                "max-tasks-per-child": app.conf.worker_max_tasks_per_child or "N/A",
                "put-guarded-by-semaphore": False,
                "timeouts": [app.conf.task_soft_time_limit or 0, app.conf.task_time_limit or 0],
            },
            "broker": {"hostname": app.store.name, "transport": "localq", "heartbeat": 0.0},
            "prefetch_count": 0,
            "rusage": {},
        },
        "active_queues": [_queue({"name": name, "routing_key": name}) for name in queues if name not in card.excluded],
        "conf": {name: masked(name, value) for name, value in sorted(app.conf.given().items())},
    }


def _registered(app: LocalQ, name: str, limits: Mapping[str, str | None]) -> str:
    task = app.tasks.find(name)
    limit = limits.get(name) or (None if task is None else task.rate_limit)
    return f"{name} [rate_limit={limit}]" if limit else name


def _queue(told: Mapping[str, Any]) -> dict[str, Any]:
    usual: dict[str, Any] = {
        "durable": True,
        "exclusive": False,
        "auto_delete": False,
        "no_ack": False,
        "alias": None,
        "bindings": [],
    }
    exchange = {"name": told["name"], "type": "direct", "durable": True, **_EXCHANGE}
    return {**usual, **_NO_LIMITS, **told, "exchange": exchange}


def _answers(app: LocalQ, name: str | None) -> dict[str, dict[str, Any]]:
    """Return what workers answer, by name and question; who does not answer in time is left out."""
    found: dict[str, dict[str, Any]] = {}
    destination = None if name is None else [name]
    for question in (*_ASKED, *(_ASKED_OF_ONE if name is not None else ())):
        arguments = {"taskinfoitems": ["rate_limit"]} if question == "registered" else {}
        answers = app.control.broadcast(question, arguments, destination, reply=True, timeout=_ANSWER_S)
        if not answers:
            break
        for worker, answer in ((worker, answer) for one in answers for worker, answer in one.items()):
            found.setdefault(worker, {})[question] = answer
    return found


def _shaped(answers: Mapping[str, Any], entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return a worker's answers as Flower shows them."""
    shaped = dict(answers)
    if "stats" in shaped:
        shaped["stats"] = {**entry["stats"], **shaped["stats"]}
    if "active_queues" in shaped:
        shaped["active_queues"] = [_queue(one) for one in shaped["active_queues"]]
    for one in shaped.get("scheduled", ()):
        one["eta"] = None if one["eta"] is None else datetime.fromtimestamp(one["eta"], UTC).isoformat()
    for one in shaped.get("active", ()):
        # Text, as Flower asks for it.
        given = one["args"], one["kwargs"]
        one["args"] = repr(tuple(given[0])) if isinstance(given[0], list) else str(given[0])
        one["kwargs"] = repr(given[1]) if isinstance(given[1], dict) else str(given[1])
    return shaped
