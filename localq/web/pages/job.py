"""The page of one job."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from localq.model.job import JobState
from localq.web import words
from localq.web.ask.job import JobSeen, job_seen
from localq.web.draw.attempts import attempts
from localq.web.draw.workflow import first_failures, workflow
from localq.web.gate.access import Refused
from localq.web.pages.reasons import reason_text
from localq.web.pages.refused import refused_page
from localq.web.rendering import language_of
from localq.web.site import Site

__all__ = ["job"]


async def job(site: Site, request: Request) -> Response:
    """Show a job."""
    name = request.path_params["id"]
    seen = await site.desk.ask(lambda store: job_seen(site.desk.app, store, name))
    if seen is None:
        return refused_page(site, request, Refused(404, f"There is no job {name[:100]!r}."))
    return site.render.page(request, "job.html", _drawn(site, request, seen))


def _drawn(site: Site, request: Request, seen: JobSeen) -> dict[str, Any]:
    say, root, now = language_of(request), request.scope.get("root_path", ""), site.desk.now()
    pictured = len(seen.family) > 1
    return {
        "seen": seen,
        "why": reason_text(seen.reason, say),
        "is_over": JobState(seen.job.state).final,
        "timeline": attempts(seen.job, seen.attempts, now, lambda s: words.span_text(s, say), say("Tries over time")),
        "graph": workflow(
            seen.family, seen.ties, seen.job.id, lambda one: f"{root}/jobs/{quote(one, safe='')}", say("Its workflow")
        )
        if pictured
        else None,
        "first_failed": sorted(first_failures(seen.family, seen.ties)) if pictured else [],
        "pretty": lambda value: json.dumps(value, ensure_ascii=False, indent=2, default=str),
    }
