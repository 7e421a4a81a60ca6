"""Reading many jobs at once, and keeping what is final with their results."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from localq.result.job_view import JobView

__all__ = ["keep_final"]


def keep_final(results: Sequence[Any]) -> bool:
    """Read jobs at once and keep what is final; whether all are.

    Args:
        results: Of jobs of one store; those made by hand are there.
    """
    by_id = {one.id: one for one in results if not one.is_there()}
    found = next(iter(by_id.values()))._app.store.read.seen(list(by_id)) if by_id else {}
    views = {job_id: JobView(*row) for job_id, row in found.items()}
    final = {job_id: view for job_id, view in views.items() if view.final}
    for one in results:
        if one.id in final and not one.is_there():
            one._kept = final[one.id]
    return all(one.is_there() for one in results)
