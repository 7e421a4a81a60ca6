"""What a job gets of those it waited for: put in front of its arguments when it is handed over, never stored twice.

Where all is JSON the bytes are joined. What else may be among them is read in the slot alone: the results travel
beside the call in a container of their own.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from typing import Any

from localq.exceptions import DecodeError
from localq.model.edges import Input, OnError, Passing
from localq.model.job import Job, JobState
from localq.model.job_options import JobOptions
from localq.serialization import codec
from localq.serialization.sealing import open_call, open_result, sign_call
from localq.settings import Settings

__all__ = ["fed", "is_container", "read_call", "with_first"]

#: No serializer's bytes begin so.
_MARK = b"\0fed"
_NONE = b"null"


def with_first(call: bytes, first: bytes) -> bytes:
    """Put an encoded value in front of the arguments of an encoded call: `[[...],{...}]`."""
    return b"[[" + first + (b"" if call.startswith(b"[[]") else b",") + call[2:]


def fed(job: Job, serializer: str, inputs: Sequence[Input], conf: Settings) -> Job:
    """Return a job whose arguments are whole: results of those it waited for in front of its own.

    They are signed anew where its own were.

    Args:
        serializer: By which its own arguments are written.

    Raises:
        SecurityError: its arguments, or one of the results, are not signed as they must be.
        DecodeError: one of them cannot be unpacked, or not within its limit.
    """
    given = [one for one in inputs if one.passing in (Passing.FIRST, Passing.LISTED) and _counts(one)]
    listed = any(one.passing == Passing.LISTED for one in inputs)
    if not given and not listed:
        return job
    call = open_call(job, conf) or b"[[],{}]"
    results = [_opened(one, conf) for one in given]
    if serializer == "json" and all(name == "json" for name, _ in results):
        values = b",".join([data for _, data in results])
        return _with(job, with_first(call, b"[" + values + b"]" if listed else values), conf)
    beside = [[name, data.decode("latin-1")] for name, data in results]
    whole = json.dumps([listed, beside, call.decode("latin-1")], ensure_ascii=False)
    return _with(job, _MARK + whole.encode(), conf)


def _opened(one: Input, conf: Settings) -> tuple[str, bytes]:
    """Return the serializer and the encoded bytes of a result."""
    if not one.result:
        return "json", _NONE
    serializer = JobOptions.serializer_of(one.options)
    return serializer, open_result(one.id, serializer, one.result, conf)


def _with(job: Job, args: bytes, conf: Settings) -> Job:
    return job._replace(args=sign_call(job.id, job.task, job.options, args, conf))


def _counts(one: Input) -> bool:
    return one.state == JobState.SUCCEEDED or (one.on_error != OnError.SKIP and one.result is not None)


def is_container(args: bytes | None) -> bool:
    """Whether arguments are a container, not what a serializer wrote."""
    return args is not None and args.startswith(_MARK)


def read_call(
    args: bytes, serializer: str = "json", accept: Collection[str] = ("json",)
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Read a call's arguments, as they were stored or as `fed` made them whole.

    Raises:
        SecurityError, DecodeError, ImproperlyConfigured: as `codec.decode_call`.
    """
    if not args.startswith(_MARK):
        return codec.decode_call(args, serializer, accept)
    try:
        listed, beside, call = json.loads(args[len(_MARK) :])
        results = [(name, data.encode("latin-1")) for name, data in beside]
        own_call = call.encode("latin-1")
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise DecodeError(f"the results a job waited for cannot be read: {error}") from error
    values = [codec.decode(data, name, accept) for name, data in results]
    own, kwargs = codec.decode_call(own_call, serializer, accept)
    return (*([values] if listed else values), *own), kwargs
