"""Where scrapers and probes ask."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from localq.exceptions import StoreError
from localq.model.worker import WorkerState
from localq.store.protocol import Store
from localq.web.gate.actor import Right
from localq.web.metrics.exposition import text_of
from localq.web.metrics.families import families
from localq.web.site import Site, Way

__all__ = ["METRICS_WAYS"]


async def metrics(site: Site, request: Request) -> Response:
    """Tell Prometheus how things stand."""
    found = await site.desk.ask(lambda store: families(store, site.counted, site.desk.now()))
    return PlainTextResponse(text_of(found), media_type="text/plain; version=0.0.4; charset=utf-8")


async def health(site: Site, request: Request) -> Response:
    """Say that this process answers, and nothing else."""
    return PlainTextResponse("OK")


async def ready(site: Site, request: Request) -> Response:
    """Say whether the store can be read and a worker lives, and nothing else."""
    try:
        works = await site.desk.ask(_works)
    except StoreError:
        works = False
    return PlainTextResponse("OK") if works else PlainTextResponse("NOT READY", 503)


def _works(store: Store) -> bool:
    return any(row.state == WorkerState.ALIVE for row in store.workers.all())


METRICS_WAYS = (
    Way("/metrics", Right.METRICS, metrics),
    Way("/healthcheck", Right.OPEN, health),
    Way("/healthcheck/ready", Right.OPEN, ready),
)
