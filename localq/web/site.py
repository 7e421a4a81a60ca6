"""One dashboard: what its pages, its API and its actions are given."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from localq.web.act.bulks import Bulks
from localq.web.ask.names import Names
from localq.web.ask.outputs import Outputs
from localq.web.ask.overview import Past
from localq.web.ask.starts import Starts
from localq.web.desk import Desk
from localq.web.gate.access import Access
from localq.web.gate.actor import Right
from localq.web.gate.sessions import Sessions
from localq.web.live.filling import Filling
from localq.web.live.follower import Follower
from localq.web.live.tabs import Tabs
from localq.web.metrics.counted import Counted
from localq.web.rendering import Renderer

__all__ = ["Handler", "Site", "Way", "go_to", "root_of"]


class Site(NamedTuple):
    """The parts of one dashboard. Nothing of it is global: several may run in one process."""

    desk: Desk
    render: Renderer
    sessions: Sessions
    access: Access
    follower: Follower
    past: Past
    starts: Starts
    outputs: Outputs
    names: Names
    bulks: Bulks
    filling: Filling
    counted: Counted
    tabs: Tabs


Handler = Callable[[Site, Request], Awaitable[Response]]


class Way(NamedTuple):
    """A path, and who may go it."""

    path: str
    right: Right
    handler: Handler
    methods: tuple[str, ...] = ("GET",)


def root_of(request: Request) -> str:
    """Return the path below which this dashboard is mounted; empty where it is alone."""
    return str(request.scope.get("root_path", ""))


def go_to(request: Request, path: str) -> RedirectResponse:
    """Send a browser on to a page of this dashboard, by GET."""
    return RedirectResponse(f"{root_of(request)}/{path.lstrip('/')}", 303)
