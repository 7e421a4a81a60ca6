"""The dashboard as one ASGI application: its routes behind the gate, and how it starts and ends."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager
from functools import partial

from jinja2 import BytecodeCache
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Match, Route

from localq.app import LocalQ
from localq.exceptions import QueryError, StoreError
from localq.web.act.bulks import Bulks
from localq.web.act.change import Denied
from localq.web.api.problems import problem
from localq.web.ask.names import Names
from localq.web.ask.outputs import Outputs
from localq.web.ask.overview import Past
from localq.web.ask.starts import Starts
from localq.web.desk import Desk
from localq.web.forms import BadRequest
from localq.web.gate.access import Access, Refused
from localq.web.gate.actor import EVERYTHING, Actor, Right
from localq.web.gate.door import Door, Keeper, Who, guarded
from localq.web.gate.passwords import Passwords
from localq.web.gate.proxy import Proxy
from localq.web.gate.same_user import uid_of_peer
from localq.web.gate.sessions import Sessions
from localq.web.gate.token_file import token_at, token_path
from localq.web.live.drawn import Drawn
from localq.web.live.filling import Filling
from localq.web.live.follower import Follower
from localq.web.live.tabs import Tabs
from localq.web.metrics.counted import Counted
from localq.web.pages.refused import refusal, refused_page
from localq.web.rendering import Renderer
from localq.web.site import Handler, Site, Way
from localq.web.ways import WAYS

__all__ = ["build", "dashboard"]


def dashboard(
    q: LocalQ,
    *,
    token: str | None = None,
    who: Callable[[Request], Actor | str | None] | None = None,
    hosts: Collection[str] = (),
    read_only: bool = False,
    streams: bool = True,
    metrics_token: str | None = None,
) -> Starlette:
    """Return the dashboard of a queue: an ASGI application that can be mounted below any path.

    Nothing is opened before its first request.

    Args:
        token: What opens it; default: one that is made and kept for this user and queue.
        who: Says who asks, instead of a token: the name of somebody who may do everything, an `Actor` with rights of
            their own, or None for a stranger. It is called for each request, and may look at what the application
            around this one knows of it (`request.scope`, headers, cookies). That one looks after names of hosts too.
        hosts: Names, beside localhost, under which it answers.
        read_only: Nobody changes anything here, whoever they are.
        streams: Pages are told by a stream when something changes; False: they ask every five seconds, which suits
            a server that has a thread for each request.
        metrics_token: What lets a scraper read `/metrics`, and nothing else.
    """
    if who is not None:
        own = Sessions(secrets.token_urlsafe(32))
        return build(q, own, who=partial(_actor, who), read_only=read_only, streams=streams)
    kept = Sessions(token or token_at(token_path(q.location, os.environ)))
    return build(q, kept, hosts=hosts, read_only=read_only, streams=streams, metrics_token=metrics_token)


def _actor(who: Callable[[Request], Actor | str | None], request: Request) -> Actor | None:
    """Return who asks; their name stands for their session, so that nobody else's form is theirs."""
    found = who(request)
    if not found:
        return None
    actor = Actor(found, EVERYTHING) if isinstance(found, str) else found
    return actor._replace(session=f"of {actor.name}")


def build(
    q: LocalQ,
    sessions: Sessions,
    *,
    who: Who | None = None,
    hosts: Collection[str] = (),
    read_only: bool = False,
    streams: bool = True,
    passwords: Passwords | None = None,
    proxy: Proxy | None = None,
    metrics_token: str | None = None,
    compiled: BytecodeCache | None = None,
    now: Callable[[], float] = time.time,
) -> Starlette:
    """Return the application over what its sessions open; see `dashboard`."""
    desk = Desk(q)
    access = Access(
        sessions,
        hosts=hosts,
        read_only=read_only,
        peer=uid_of_peer,
        any_host=who is not None,
        passwords=passwords,
        proxy=proxy,
        metrics_token=metrics_token,
    )
    render = Renderer(
        desk, sessions, {way.path for way in WAYS if "GET" in way.methods}, streams=streams, compiled=compiled
    )
    past = Past()
    follower, filling = Follower(desk), Filling(desk, past)
    own = (Starts(q), Outputs(q), Names(), Bulks(desk), filling, Counted(), Tabs())
    site = Site(desk, render, sessions, access, follower, past, *own)
    keeper = Keeper(access, partial(refused_page, site), who)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        yield
        await site.follower.stop()
        await site.bulks.close()
        await site.filling.stop()
        desk.close()

    app = Starlette(routes=_routes(site, keeper, now), middleware=[Middleware(Door)], lifespan=lifespan)
    app.add_exception_handler(HTTPException, partial(_not_found, site))
    return app


def _routes(site: Site, keeper: Keeper, now: Callable[[], float]) -> list[Route]:
    drawn = Drawn(site.sessions, lambda: site.follower.version)

    def answering(way: Way) -> Callable[[Request], Awaitable[Response]]:
        answer = _answering(site, way.handler)
        return partial(drawn.answer, draw=answer) if way.right == Right.READ else _changing(site, answer)

    return [Route(way.path, guarded(answering(way), way.right, keeper, now), methods=list(way.methods)) for way in WAYS]


def _changing(site: Site, answer: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    async def changed(request: Request) -> Response:
        response = await answer(request)
        # Whoever has just paused a queue is to see that it is.
        site.past.forget()
        site.desk.forget()
        return response

    return changed


def _answering(site: Site, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        try:
            response = await handler(site, request)
            site.filling.begin()
            return response
        except BadRequest as error:
            return refused_page(site, request, refusal(error.status, error))
        except Denied as error:
            return refused_page(site, request, refusal(403, error))
        except QueryError as error:
            return refused_page(site, request, refusal(400, error))
        except StoreError as error:
            return refused_page(site, request, refusal(503, error))

    return answer


def _not_found(site: Site, request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 404:
        return refused_page(site, request, Refused(404, "There is nothing here."))
    answer: Response = PlainTextResponse(f"{error.detail}\n", error.status_code, error.headers)
    if "/api/v1/" in request.url.path:
        answer = problem(error.status_code, error.detail)
    if error.status_code == 405:
        # One path may have a route for each of its methods.
        found = next(one for one in request.app.routes if one.matches(request.scope)[0] != Match.NONE)
        methods = {method for one in request.app.routes if one.path == found.path for method in one.methods}
        answer.headers["Allow"] = ", ".join(sorted(methods))
    return answer
