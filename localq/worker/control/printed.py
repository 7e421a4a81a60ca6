"""The command that tells what a job that runs has printed and logged so far."""

from __future__ import annotations

from typing import Any

from localq.worker.control import Later, State, inspect_command
from localq.worker.pool.contract import InHand
from localq.worker.pool.output import Part

__all__ = ["output"]

#: Seconds an answer may be waited for: each who waits has a thread of the worker.
_LONGEST_S = 20.0


@inspect_command(
    quick=True,
    args=[("id", str), ("place", int), ("wait", float)],
    signature="ID [place=0 [wait=0]]",
    help="What a job that runs has printed and logged so far.",
)
def output(state: State, id: str, place: int = 0, wait: float = 0.0, **_: Any) -> Any:
    """Return what a run has said after so many characters; wait so many seconds for that; None if it is not here."""
    pool = state.worker.pool
    found = next((one for one in pool.jobs() if one.job.id == id), None)
    if found is None:
        return None
    part = pool.output.after(id, place)
    if part.text or wait <= 0:
        return _told(found, part)
    awaited = pool.output.watch(id)
    return Later(lambda: _told(found, awaited(place, min(wait, _LONGEST_S))))


def _told(found: InHand, part: Part) -> dict[str, Any]:
    return {"run": found.job.run_token, "attempt": found.job.attempts, **part._asdict()}
