"""From values to HTML: the templates, and what each of them may use."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Collection, Mapping
from typing import Any

from jinja2 import BytecodeCache, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Match

from localq.model.sizes import size_text
from localq.web import words
from localq.web.desk import Desk
from localq.web.gate.actor import ANYBODY, Right
from localq.web.gate.origin import SAFE
from localq.web.gate.sessions import Sessions
from localq.web.language import LANGUAGES, Language, chosen
from localq.web.said import said_in

__all__ = ["Renderer", "language_of"]

#: The pages in the order in which they are listed: path, and name.
PAGES = (
    ("", "Overview"),
    ("jobs", "Jobs"),
    ("tasks", "Tasks"),
    ("queues", "Queues"),
    ("workers", "Workers"),
    ("schedules", "Schedules"),
    ("audit", "Audit"),
)


def language_of(request: Request) -> Language:
    """Return the language to answer in: the cookie's, else what the browser asks for."""
    return chosen(request.headers.get("accept-language", ""), request.cookies.get("localq_language", ""))


#: Control characters, and those that turn the direction of what follows: to be seen, not to be obeyed.
_HIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def _visible(value: object) -> object:
    """Return a text whose control characters are written out: what jobs say also reaches terminals, through `curl`."""
    if isinstance(value, str) and _HIDDEN.search(value):
        return type(value)(_HIDDEN.sub(lambda found: repr(found[0])[1:-1], value))
    return value


class Renderer:
    """Draws pages.

    Args:
        desk: For the time, and the name of the store.
        sessions: What ties forms to who got them.
        paths: What can be asked for by GET, to be listed on each page where it is one of the first.
        streams: Pages are told by a stream when something changes; else they ask now and then.
        compiled: Where compiled templates are kept for the next start.
    """

    def __init__(
        self,
        desk: Desk,
        sessions: Sessions,
        paths: Collection[str],
        *,
        streams: bool = True,
        compiled: BytecodeCache | None = None,
    ) -> None:
        self._desk, self._sessions, self._paths = desk, sessions, frozenset(paths)
        self._templates = Environment(
            loader=PackageLoader("localq.web"),
            bytecode_cache=compiled,
            auto_reload=False,
            autoescape=True,
            undefined=StrictUndefined,
            finalize=_visible,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters["tojson_text"] = _json_text
        pages = [(path, name) for path, name in PAGES if f"/{path}" in paths]
        self._templates.globals.update(shapes=words.SHAPES, pages=pages, languages=LANGUAGES, streams=streams)

    def page(self, request: Request, template: str, values: Mapping[str, Any], status: int = 200) -> HTMLResponse:
        """Return a page."""
        return HTMLResponse(self.text(request, template, values), status)

    def text(self, request: Request, template: str, values: Mapping[str, Any]) -> str:
        """Return the text of a page."""
        begun = time.thread_time()
        try:
            return self._drawn(request, template, values)
        finally:
            self._desk.worked_s += time.thread_time() - begun

    def _drawn(self, request: Request, template: str, values: Mapping[str, Any]) -> str:
        say, now = language_of(request), self._desk.now()
        actor = getattr(request.state, "actor", ANYBODY)
        root = request.scope.get("root_path", "")
        return self._templates.get_template(template).render(
            _=say,
            say=say,
            now=now,
            root=root,
            path=request.url.path.removeprefix(root).strip("/"),
            page_path=self._page_of(request),
            said=said_in(request.query_params),
            actor=actor,
            can_read=actor.may(Right.READ),
            can_act=actor.may(Right.ACT),
            form_token=self._form_token(actor.session),
            store=self._desk.app.store.name,
            ago=lambda at: words.ago(at, now, say),
            span=lambda seconds: words.span_text(seconds, say),
            size=lambda count: "-" if count is None else size_text(count),
            exact=words.exact,
            iso=words.iso,
            **values,
        )

    def _page_of(self, request: Request) -> str:
        """Return the page at which somebody is; of a change that was refused, the one that it was asked for from."""
        path = request.url.path.removeprefix(request.scope.get("root_path", "")).strip("/")
        if request.method in SAFE:
            return f"{path}?{request.url.query}" if request.url.query else path
        routes = (one for one in request.app.routes if one.matches(request.scope)[0] == Match.FULL)
        pattern = next((one.path for one in routes), "")
        if pattern in self._paths:
            return path
        page, _, change = pattern.rpartition("}")
        if f"{page}}}" in self._paths:
            return path.removesuffix(change)
        first = path.partition("/")[0]
        return first if f"/{first}" in self._paths else ""

    def _form_token(self, session: str) -> Markup:
        """Return the hidden field that each form carries."""
        if not session:
            return Markup("")
        return Markup('<input type="hidden" name="form_token" value="{}">').format(self._sessions.form_token(session))


def _json_text(value: Any) -> str:
    """Return a value as JSON for people to read: as text, which is escaped where it is put."""
    return json.dumps(value, ensure_ascii=False, default=str)
