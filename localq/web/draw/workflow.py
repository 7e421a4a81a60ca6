"""A workflow as a picture: its jobs in layers, what waits for what, and the failure that all others come from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from urllib.parse import quote

from markupsafe import Markup

from localq import states
from localq.model.edges import Tie
from localq.model.job import Job, JobState
from localq.model.job_options import JobOptions
from localq.web.draw.layers import layers
from localq.web.draw.svg import element, figure
from localq.web.words import SHAPES

__all__ = ["arrows_of", "first_failures", "workflow"]

_WIDE, _HIGH, _GAP_X, _GAP_Y, _EDGE = 168, 40, 20, 46, 8


def workflow(
    jobs: Sequence[Job],
    ties: Sequence[Tie],
    here: str,
    link: Callable[[str], str],
    title: str,
    say: Callable[[str], str] = str,
) -> Markup:
    """Return the picture of a workflow.

    Args:
        here: The id of the job whose page it is.
        link: Returns the address of a job's page.
        say: Says a state in words.
    """
    arrows = arrows_of(jobs, ties)
    places = layers([job.id for job in jobs], arrows)
    widest = 1 + max((place.at for place in places.values()), default=0)
    counts: dict[int, int] = {}
    for place in places.values():
        counts[place.layer] = counts.get(place.layer, 0) + 1
    width = 2 * _EDGE + widest * _WIDE + (widest - 1) * _GAP_X
    height = 2 * _EDGE + len(counts) * _HIGH + (len(counts) - 1) * _GAP_Y
    corner: dict[str, tuple[float, float]] = {}
    for name, place in places.items():
        indent = (widest - counts[place.layer]) * (_WIDE + _GAP_X) / 2
        corner[name] = _EDGE + indent + place.at * (_WIDE + _GAP_X), _EDGE + place.layer * (_HIGH + _GAP_Y)
    roots = first_failures(jobs, ties)
    lines = [_arrow(corner[first], corner[then]) for first, then in arrows if first in corner and then in corner]
    boxes = [_box(job, corner[job.id], job.id == here, job.id in roots, link(job.id), say) for job in jobs]
    return figure(width, height, title, [*lines, *boxes], "workflow")


def arrows_of(jobs: Sequence[Job], ties: Sequence[Tie]) -> list[tuple[str, str]]:
    """Return which job comes before which: edges, and what a job sent or called back."""
    known = {job.id for job in jobs}
    arrows = [(tie.awaited, tie.waiter) for tie in ties if tie.awaited in known and tie.waiter in known]
    tied = {waiter for _, waiter in arrows}
    for job in jobs:
        parent = JobOptions.read(job.options).parent_id
        if job.id not in tied and parent in known and parent != job.id:
            arrows.append((parent, job.id))
    return [(str(first), then) for first, then in arrows]


def first_failures(jobs: Sequence[Job], ties: Sequence[Tie]) -> set[str]:
    """Return the jobs that failed of themselves, and not because one that they waited for did."""
    bad = {job.id for job in jobs if job.state in (JobState.FAILED, JobState.CANCELLED)}
    behind = {tie.waiter for tie in ties if tie.awaited in bad}
    return {job.id for job in jobs if job.state == JobState.FAILED and job.id not in behind}


def _arrow(start: tuple[float, float], end: tuple[float, float]) -> Markup:
    x1, y1, x2, y2 = start[0] + _WIDE / 2, start[1] + _HIGH, end[0] + _WIDE / 2, end[1]
    half = (y2 - y1) / 2
    path = f"M{x1:g} {y1:g} C{x1:g} {y1 + half:g} {x2:g} {y2 - half:g} {x2:g} {y2:g}"
    return element("path", d=path, class_="edge")


def _box(job: Job, at: tuple[float, float], here: bool, root: bool, address: str, say: Callable[[str], str]) -> Markup:
    state = states.public_state(job)
    shape = SHAPES.get(state, SHAPES["PROGRESS"])
    name = job.task if len(job.task) <= 22 else f"…{job.task[-21:]}"
    classes = " ".join(["node", shape.tone, *(["here"] if here else []), *(["root"] if root else [])])
    inside = [
        element("title", f"{job.task} {job.id}: {say(state)}"),
        element("rect", x=at[0], y=at[1], width=_WIDE, height=_HIGH, rx=7),
        element("text", name, x=at[0] + 10, y=at[1] + 17, class_="name"),
        element("text", f"{shape.sign} {say(state)}", x=at[0] + 10, y=at[1] + 32, class_="said"),
    ]
    return element("a", *inside, href=address, class_=classes, data_key=quote(job.id))
