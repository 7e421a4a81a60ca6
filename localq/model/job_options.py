"""What a job carries beside its arguments, as text in the store and as a value in the code."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from localq.model.job import Job
from localq.model.tagged_headers import as_plain, may_be_tagged, revived

__all__ = ["JobOptions"]


class JobOptions(NamedTuple):
    """The options a call gave, or its task's where those belong to the call; None: the task's own apply.

    Limits and delays are seconds. `link` and `link_error` are signatures as plain dicts. `errback` is there
    on a job that reports another's failure: `{"failure": text, "request": {...}}`. `eta` is the time the call was
    told to wait for, in microseconds; negative: so long after what it waits for, or None. `retries` were made before
    this job was. `as_body` is there on a chord's body, or each of its tasks: `{"after": ids of the jobs the chord waits
    for, "wrapped": whether it fails with a ChordError, "told": numbers of the error callbacks that hear of the header's
    failure; None: all}`. `unasked`: it was made where no code of users' runs; a slot asks that before its first run.
    `redact` are the names and places of arguments that nobody is shown.
    """

    serializer: str = "json"
    time_limit: float | None = None
    soft_time_limit: float | None = None
    ignore_result: bool | None = None
    store_errors_even_if_ignored: bool | None = None
    acks_late: bool | None = None
    max_retries: int | None = None
    retries: int | None = None
    default_retry_delay: float | None = None
    headers: dict[str, Any] | None = None
    shadow: str | None = None
    root_id: str | None = None
    parent_id: str | None = None
    group_id: str | None = None
    link: list[dict[str, Any]] | None = None
    link_error: list[dict[str, Any]] | None = None
    argsrepr: str | None = None
    kwargsrepr: str | None = None
    stamps: dict[str, Any] | None = None
    errback: dict[str, Any] | None = None
    compression: str | None = None
    eta: int | None = None
    as_body: dict[str, Any] | None = None
    unasked: bool | None = None
    redact: list[str] | None = None

    @classmethod
    def read(cls, text: str | None) -> JobOptions:
        """Return the options a store kept; keys of a newer version are left out, and what cannot be."""
        if text is None:
            return _NONE
        try:
            said = json.loads(text)
            if may_be_tagged(text):
                said |= {name: revived(said[name]) for name in _CARRIED if name in said}
            # A row that somebody wrote by hand must not stop a worker: what is not of its option's kind is left out.
            kept: dict[str, Any] = {name: one for name, one in said.items() if isinstance(one, _KINDS.get(name, ()))}
            return cls(**kept)
        except (ValueError, TypeError, AttributeError):
            return _NONE

    @classmethod
    def serializer_of(cls, text: str | None) -> str:
        """Return the serializer among the options a store kept; of most jobs they say none, and are not read for it."""
        return _NONE.serializer if text is None or '"serializer"' not in text else cls.read(text).serializer

    def write(self) -> str | None:
        """Return what `read` reads, or None where all is default."""
        said = {name: value for name, value, usual in zip(self._fields, self, _NONE, strict=True) if value != usual}
        return json.dumps(said, separators=(",", ":"), default=as_plain) if said else None

    def eta_of(self, job: Job) -> int | None:
        """Return the time that a job, or its last retry, was told to wait for; None where nobody told it any.

        When the job could run first is not that time: it moves when a worker dies, or a rate limit holds it back.
        """
        if job.retries or (self.eta is not None and self.eta < 0):
            return job.run_at if job.run_at > job.created_at else None
        # Run again by hand it may be earlier than it was told to.
        return self.eta if self.eta is not None and self.eta <= job.run_at else None


_NONE = JobOptions()
_NUMBERS = ("time_limit", "soft_time_limit", "max_retries", "retries", "default_retry_delay")
_WHOLE = ("eta",)
#: What carries values of a program: headers, stamps, and those of the request that an error callback gets.
_CARRIED = ("headers", "stamps", "errback")
_FLAGS = ("ignore_result", "store_errors_even_if_ignored", "acks_late", "unasked")
_KINDS: dict[str, type | tuple[type, ...]] = {
    **dict.fromkeys(JobOptions._fields, str),
    **dict.fromkeys(_NUMBERS, (int, float)),
    **dict.fromkeys(_WHOLE, int),
    **dict.fromkeys(_FLAGS, (bool, int)),
    **dict.fromkeys(("headers", "errback", "stamps", "as_body"), dict),
    **dict.fromkeys(("link", "link_error", "redact"), list),
}
