"""Jobs, calls, and changes of many."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from localq.web.api.shapes.common import Cursor

__all__ = [
    "Attempt",
    "Bulk",
    "BulkBegun",
    "BulkWanted",
    "Call",
    "Called",
    "Changed",
    "Edited",
    "JobDetail",
    "JobLine",
    "JobsAsked",
    "JobsPage",
    "Why",
]


class JobsAsked(Struct, forbid_unknown_fields=True):
    """Which jobs are asked for; empty: any. Of one field with several values one must fit, of all fields each."""

    state: list[str] = []
    task: list[str] = []
    queue: list[str] = []
    worker: str = ""
    text: Annotated[str, Meta(description="Stands in the arguments, or in an error.")] = ""
    within: Literal["", "1h", "24h", "7d"] = ""
    since: Annotated[str, Meta(description="ISO 8601; added then or later.")] = ""
    until: Annotated[str, Meta(description="ISO 8601; added before.")] = ""
    before: Cursor | None = None
    lines: Annotated[int, Meta(ge=1, le=200)] = 50


class JobLine(Struct):
    """A job in a list; `call` are its arguments in one line, `error` is the first line of its last error.

    `usual_s` is within what half of its task's jobs ran lately, `others_s` what others took at most, where it took far
    longer than they.
    """

    id: str
    task: str
    queue: str
    state: str
    priority: int
    call: str
    error: str | None
    attempts: int
    created_at: datetime
    finished_at: datetime | None
    ran_s: float | None
    usual_s: float | None
    others_s: float | None


class JobsPage(Struct):
    """Jobs, newest first. `cursor` is where to go on, null where there is no more.

    `looked_back_to`: the page is not full, for the search stopped at what was added then, and goes on at the cursor.
    """

    jobs: list[JobLine]
    cursor: int | None
    looked_back_to: datetime | None


class Why(Struct):
    """Why a job is where it is: a stable word, a sentence of English, and the ids of the jobs that it speaks of."""

    kind: str
    text: str
    jobs: list[str]


class Attempt(Struct):
    """One run of a job that has ended."""

    number: int
    worker: str
    started_at: datetime | None
    ended_at: datetime
    outcome: str
    error: str | None
    traceback: str | None
    peak_memory: int | None
    output: str | None


class JobDetail(Struct):
    """A job with all that is known of it. `args` and `kwargs` are shown without what is secret.

    `exact` says that they could be sent again as they are here; `note` why there are none. `workflow` are the ids of
    the jobs that belong together with it. `output` is the last of what it has printed and logged while it runs,
    where its worker has said so; that of runs which have ended is in `runs`.
    """

    id: str
    task: str
    queue: str
    state: str
    priority: int
    attempts: int
    created_at: datetime
    finished_at: datetime | None
    expires_at: datetime | None
    worker: str | None
    why: Why
    args: Any
    kwargs: Any
    exact: bool
    note: str | None
    result: Any
    result_note: str | None
    progress: Any
    runs: list[Attempt]
    output: str | None
    root_id: str | None
    parent_id: str | None
    workflow: list[str]


class Call(Struct, forbid_unknown_fields=True):
    """A call of a task. Times are ISO 8601; `countdown` is seconds from now, `expires` seconds or a time."""

    args: list[Any] = []
    kwargs: dict[str, Any] = {}
    queue: Annotated[str, Meta(min_length=1, max_length=200)] | None = None
    priority: int | None = None
    countdown: Annotated[float, Meta(ge=0, le=3e9)] | None = None
    eta: datetime | None = None
    expires: Annotated[float, Meta(ge=0, le=3e9)] | datetime | None = None
    task_id: Annotated[str, Meta(min_length=1, max_length=200)] | None = None


class Edited(Struct, forbid_unknown_fields=True):
    """The arguments of a new job that is like another; null: as they were."""

    args: list[Any] | None = None
    kwargs: dict[str, Any] | None = None


class Called(Struct):
    """The job of a call."""

    id: str


class Changed(Struct):
    """What came of a change: how many it changed, and a sentence."""

    changed: int
    message: str


class BulkWanted(Struct, forbid_unknown_fields=True):
    """A change that is wanted of many jobs: of those picked by `ids`, else of all that the other fields find."""

    verb: Literal["retry", "cancel", "delete"]
    ids: Annotated[list[str], Meta(max_length=5000)] = []
    state: list[str] = []
    task: list[str] = []
    queue: list[str] = []
    worker: str = ""
    text: str = ""
    within: Literal["", "1h", "24h", "7d"] = ""
    since: str = ""
    until: str = ""


class BulkBegun(Struct, forbid_unknown_fields=True):
    """How a change of many jobs is made: at once, or spread evenly over so many seconds."""

    spread_s: Annotated[float, Meta(ge=0, le=604_800)] = 0.0


class Bulk(Struct):
    """A change of many jobs: counted first, and made to those that were counted when it is begun.

    `counted` is how many are meant, `passed` how many were looked at again, `changed` how many of those it changed.
    `spread_s` are the seconds over which it is spread.
    """

    id: str
    verb: str
    which: str
    phase: Literal["counting", "counted", "running", "done", "stopped", "failed"]
    counted: int
    passed: int
    changed: int
    spread_s: float
    error: str
