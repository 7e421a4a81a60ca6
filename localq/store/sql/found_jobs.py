"""Finding jobs by what they are: a page at a time, of which each look goes through an index, and not far."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

from localq.model.job import Job
from localq.store.protocol.reading import Filter, Page
from localq.store.sql.dialect import SqlDialect
from localq.store.sql.job_shape import Looker, Shape, shape_of

__all__ = ["page"]

#: Shapes of filters whose statements are kept: to make one takes longer than to run it.
_KEPT = 200


@lru_cache(maxsize=_KEPT)
def _lookers(dialect: SqlDialect, shape: Shape) -> tuple[Looker, ...]:
    return dialect.lookers(shape)


def _values(which: Filter) -> dict[str, Any]:
    """Return a filter's values by the names that they have in its statements."""
    found: dict[str, Any] = {f"task_{place}": name for place, name in enumerate(which.tasks or ())}
    found |= {f"state_{int(state)}": int(state) for state in which.states or ()}
    found |= {f"queue_{place}": name for place, name in enumerate(which.queues or ())}
    found |= {"as_shown": which.shown, "before": which.before, "since": which.added[0], "until": which.added[1]}
    if which.worker is not None:
        # The name stands in the card, which is JSON, with what parts it from other names.
        named = f'"name": {json.dumps(which.worker)}'
        for special in "/%_":
            named = named.replace(special, f"/{special}")
        found |= {"ran_on": which.worker, "named": named}
    if which.text is not None:
        found["sought"] = which.text.encode()
    return found


def page(cursor: Any, dialect: SqlDialect, which: Filter, limit: int, look: int) -> Page:
    """Return a page of jobs; see `localq.store.protocol.reading`."""
    rows: list[Any] = []
    end, values = 0, {**_values(which), "most": limit}
    for part in _lookers(dialect, shape_of(which)):
        found, its_end = _looked(cursor, part, values, look)
        rows += found
        end = max(end, its_end)
    # What one look found further back than another came is for the next page: others may stand before it.
    rows = sorted((row for row in rows if row[0] >= end), key=lambda row: -row[0])
    if len(rows) > limit:
        rows = rows[:limit]
        end = rows[-1][0]
    jobs = [Job._make(row) for row in rows]
    if not end:
        return Page(jobs, None, None)
    if jobs and jobs[-1].key == end:
        return Page(jobs, end, jobs[-1].created_at)
    return Page(jobs, end, dialect.texts.read.added_at.run(cursor, end=end).fetchone()[0])


def _looked(cursor: Any, part: Looker, values: dict[str, Any], look: int) -> tuple[list[Any], int]:
    """Return the rows that a look finds, and the lowest key it came to; 0: it saw all."""
    end = 0
    if part.newest is not None:
        # Keys count up: no more than so many jobs lie within a span of them.
        newest = part.newest.run(cursor, **values).fetchone()[0]
        if newest is None:
            return [], 0
        end = max(0, newest - look)
    rows = part.query.run(cursor, **{**values, "end": end}).fetchall()
    return rows, rows[-1][0] if len(rows) == values["most"] else end
