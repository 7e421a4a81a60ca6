"""What every changing form goes through: it was made for whoever sends it, and they are told what came of it."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from localq.web.act.change import Hand
from localq.web.act.jobs import Came
from localq.web.forms import BadRequest, Form, read_form
from localq.web.said import with_said
from localq.web.site import Site, go_to

__all__ = ["back_to", "changing", "hand_of"]


async def changing(site: Site, request: Request) -> tuple[Hand, Form]:
    """Return who changes something, and the fields of their form.

    Raises:
        BadRequest: the form was not made for this session.
    """
    form = await read_form(request)
    session = request.state.actor.session
    if session and (not site.sessions.is_form_token(form.get("form_token"), session)):
        raise BadRequest("This form is too old. Load the page again.", 403)
    return hand_of(request), form


def hand_of(request: Request) -> Hand:
    """Return who asks, and from where."""
    client = request.client
    return Hand(request.state.actor, "" if client is None else client.host)


def back_to(request: Request, path: str, came: Came) -> Response:
    """Send a browser back to a page, which says what came of it."""
    return go_to(request, with_said(path, came.text, came.count))
