"""The page of one job."""

from __future__ import annotations

import json
from functools import partial
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from localq.model.job import JobState
from localq.store.protocol import Store
from localq.web import words
from localq.web.ask.job import JobSeen, job_seen
from localq.web.draw.attempts import attempts
from localq.web.draw.workflow import first_failures, workflow
from localq.web.gate.access import Refused
from localq.web.language import Language
from localq.web.pages.reasons import reason_text
from localq.web.pages.refused import refused_page
from localq.web.rendering import language_of
from localq.web.site import Site

__all__ = ["job"]


async def job(site: Site, request: Request) -> Response:
    """Show a job."""
    name = request.path_params["id"]
    seen, began, output = await site.desk.ask(lambda store: _asked(site, store, name))
    if seen is None:
        return refused_page(site, request, Refused(404, "There is no job {name}.", values={"name": repr(name[:100])}))
    return site.render.page(request, "job.html", {**_drawn(site, request, seen, began), "output": output})


def _asked(site: Site, store: Store, name: str) -> tuple[JobSeen | None, int | None, str | None]:
    """Return a job, and since when it runs and what it has said in that run, where these are known."""
    seen = job_seen(site.desk.app, store, name)
    if seen is None or seen.job.state != JobState.RUNNING:
        return seen, None, None
    return seen, site.starts.of([seen.job]).get(seen.job.id), site.outputs.of(store, seen.job)


def _drawn(site: Site, request: Request, seen: JobSeen, began: int | None) -> dict[str, Any]:
    say, root, now = language_of(request), request.scope.get("root_path", ""), site.desk.now()
    pictured = len(seen.family) > 1
    return {
        "seen": seen,
        "why": reason_text(seen.reason, say),
        "is_over": JobState(seen.job.state).final,
        "timeline": attempts(seen.job, seen.attempts, now, partial(_tried, say), began),
        "graph": workflow(
            seen.family,
            seen.ties,
            seen.job.id,
            lambda one: f"{root}/jobs/{quote(one, safe='')}",
            say("Its workflow"),
            say,
        )
        if pictured
        else None,
        "first_failed": sorted(first_failures(seen.family, seen.ties)) if pictured else [],
        "pretty": lambda value: json.dumps(value, ensure_ascii=False, indent=2, default=str),
    }


def _tried(say: Language, waited: float, ran: float | None) -> str:
    if ran is None:
        return say("has waited {span}", span=words.span_text(waited, say))
    return say("waited {waited}, ran {ran}", waited=words.span_text(waited, say), ran=words.span_text(ran, say))
