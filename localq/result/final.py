"""Reading many jobs at once, and keeping what is final with their results."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from localq.exceptions import UnknownJob
from localq.result.job_view import JobView

__all__ = ["keep_final", "unknown_job"]


def keep_final(results: Sequence[Any]) -> set[str]:
    """Read jobs at once and keep what is final; return the ids of those that the store does not have.

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
    return by_id.keys() - found.keys()


def unknown_job(job_id: str) -> UnknownJob:
    """Return the error of who waits for a job that the store does not have."""
    return UnknownJob(
        f"There is no job {job_id}: it was never added to this queue (a relative path names another file in every "
        "folder), or was removed since, as finished jobs are after result_expires. To wait for one that somebody is "
        "still to add, give a timeout."
    )
