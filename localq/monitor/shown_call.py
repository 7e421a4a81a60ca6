"""What a job was called with, and what it returned, as it may be shown: nothing is unpickled, secrets are stars."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any, NamedTuple

from localq.exceptions import DecodeError, ImproperlyConfigured, SecurityError
from localq.model.job import Job
from localq.model.job_options import JobOptions
from localq.model.secrets import masked
from localq.serialization.sealing import SealSettings, open_call, open_result

__all__ = ["LARGEST", "NOTES", "STARS", "ShownCall", "ShownValue", "hides", "read_call", "shown_call", "shown_result"]

#: Bytes of arguments or of a result that are read in order to be shown.
LARGEST = 256 << 10
#: What stands in the place of what nobody is shown.
STARS = "********"
_NOT_KEPT, _UNREADABLE = "not kept", "unreadable"
#: Notes that are the same for every job.
NOTES = (_NOT_KEPT, _UNREADABLE)


class ShownValue(NamedTuple):
    """A value, or in its place a `note` that says why there is none to show."""

    value: Any
    note: str | None = None


class ShownCall(NamedTuple):
    """Arguments as plain values of JSON, or as the texts that the call gave in their place.

    `note` says why there are none; `exact` that they could be sent again as they are here.
    """

    args: Any
    kwargs: Any
    note: str | None = None
    exact: bool = False

    def line(self, most: int = 200) -> str:
        """Return them in one line, as they stand in a call."""
        if self.note is not None:
            return self.note
        if isinstance(self.args, str):
            text = f"{self.args.strip('()')}, {self.kwargs}".strip(", ").removesuffix(", {}")
        else:
            given = [_written(one) for one in self.args]
            given += [f"{name}={_written(one)}" for name, one in self.kwargs.items()]
            text = ", ".join(given)
        return text if len(text) <= most else f"{text[: most - 1]}…"


def read_call(job: Job, conf: SealSettings, most: int = LARGEST) -> ShownCall:
    """Return a job's arguments, with what may be secret in them, but for what its task redacts.

    Args:
        job: Read with its arguments.
        most: Bytes of arguments that are read.
    """
    options = JobOptions.read(job.options)
    if options.argsrepr is not None or options.kwargsrepr is not None:
        return ShownCall(options.argsrepr or "()", options.kwargsrepr or "{}")
    if job.args is None:
        return ShownCall((), {}, _NOT_KEPT)
    if options.serializer != "json" or len(job.args) > most:
        return ShownCall((), {}, f"{len(job.args):,} bytes of {options.serializer}")
    try:
        # Not by the codec, which calls what programs registered to read their own types.
        args, kwargs = json.loads(open_call(job, conf))
        return _redacted(ShownCall(list(args), dict(kwargs), None, exact=True), options.redact or ())
    except (SecurityError, ImproperlyConfigured) as error:
        return ShownCall((), {}, f"refused: {error}")
    except (ValueError, TypeError, DecodeError):
        return ShownCall((), {}, _UNREADABLE)


def _redacted(call: ShownCall, redact: Collection[str]) -> ShownCall:
    args = [STARS if str(place) in redact else one for place, one in enumerate(call.args)]
    kwargs = {name: STARS if name in redact else one for name, one in call.kwargs.items()}
    return ShownCall(args, kwargs, None, exact=(args, kwargs) == (call.args, call.kwargs))


def shown_call(job: Job, conf: SealSettings) -> ShownCall:
    """Return a job's arguments as they may be shown: without those whose names say that they are secrets.

    Args:
        job: Read with its arguments.
    """
    call = read_call(job, conf)
    if call.note is not None or isinstance(call.args, str):
        return call
    args = [masked("", one) for one in call.args]
    kwargs = {name: masked(name, one) for name, one in call.kwargs.items()}
    return ShownCall(args, kwargs, None, exact=call.exact and (args, kwargs) == (call.args, call.kwargs))


def hides(job: Job, conf: SealSettings, text: str) -> bool:
    """Whether a call keeps something from being shown, and a text is not in the rest of it.

    Args:
        text: As it lies in the store.
    """
    call = shown_call(job, conf)
    if call.note is not None:
        return bool(JobOptions.read(job.options).redact)
    return not call.exact and text not in json.dumps([call.args, call.kwargs], separators=(",", ":"))


def shown_result(job: Job, result: bytes, conf: SealSettings) -> ShownValue:
    """Return a job's result as it may be shown."""
    serializer = JobOptions.serializer_of(job.options)
    if serializer != "json" or len(result) > LARGEST:
        return ShownValue(None, f"{len(result):,} bytes of {serializer}")
    try:
        return ShownValue(masked("", json.loads(open_result(job.id, serializer, result, conf))))
    except (SecurityError, ImproperlyConfigured) as error:
        return ShownValue(None, f"refused: {error}")
    except (ValueError, TypeError, DecodeError):
        return ShownValue(None, _UNREADABLE)


def _written(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)
