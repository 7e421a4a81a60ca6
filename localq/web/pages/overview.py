"""The first page."""

from __future__ import annotations

from collections.abc import Callable

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from localq.model.clock import to_datetime
from localq.web.ask.overview import Overview, overview
from localq.web.ask.series import WINDOWS
from localq.web.draw.lines import chart, spark
from localq.web.language import Language
from localq.web.pages.reasons import told
from localq.web.rendering import language_of
from localq.web.site import Site

__all__ = ["first"]


async def first(site: Site, request: Request) -> Response:
    """Show whether all is well, and what goes on."""
    window = WINDOWS.get(request.query_params.get("window", "1h"), WINDOWS["1h"])
    now = site.desk.now()
    seen = await site.desk.ask(lambda store: overview(store, site.past, site.starts, window, now))
    say = language_of(request)
    return site.render.page(
        request,
        "overview.html",
        {
            "seen": seen,
            "windows": list(WINDOWS),
            "needs": [(told(one.text, one.values, say), one.link) for one in seen.needs],
            "chart": _chart(seen, say),
            "rate_spark": spark([one.finished for one in seen.minutes], say("Finished a minute, over the last hour")),
            "failed_spark": spark([one.failed for one in seen.minutes], say("Failed a minute, over the last hour")),
            "wait_spark": spark(
                [one.wait_p95 for one in seen.pulse], say("Waited, 95 % of a minute, over the last hour")
            ),
            "busy_spark": spark([one.busy for one in seen.pulse], say("Ran at a time, over the last hour")),
            "clock": _clock(seen),
        },
    )


def _chart(seen: Overview, say: Language) -> Markup:
    known = [seen.counted_from is None or one.at >= seen.counted_from for one in seen.chart]
    lines = (
        ("failed", [float(one.failed) if there else None for one, there in zip(seen.chart, known, strict=True)]),
        ("done", [float(one.finished) if there else None for one, there in zip(seen.chart, known, strict=True)]),
    )
    clock = _clock(seen)
    tips = [
        say(
            "{time}: {finished} finished, {failed} failed", time=clock(one.at), finished=one.finished, failed=one.failed
        )
        if one.finished
        else ""
        for one in seen.chart
    ]
    title = say("Jobs that finished, and those that failed")
    return chart([one.at for one in seen.chart], lines, clock, title, tips=tips)


def _clock(seen: Overview) -> Callable[[int], str]:
    form = "%H:%M" if seen.window.name != "7d" else "%m-%d %H:%M"
    return lambda at: to_datetime(at).astimezone().strftime(form)
