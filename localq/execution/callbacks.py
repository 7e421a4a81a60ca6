"""The jobs that follow from a job's end: its callbacks, for success and for failure. Pure.

Their ids depend only on the attempt they follow from, so that computing them twice adds them once.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Collection, Mapping
from typing import Any

from localq.exceptions import DecodeError, ImproperlyConfigured, SecurityError
from localq.execution.inputs import is_container, with_first
from localq.model.events import emit
from localq.model.ids import follow_up_id
from localq.model.job import Job, NewJob
from localq.model.job_options import JobOptions
from localq.serialization import codec, failure
from localq.serialization.compression import unpack
from localq.serialization.exception_rebuild import rebuild
from localq.serialization.sealing import verified_call
from localq.settings import Settings
from localq.tasks.call_times import When, zone_of
from localq.tasks.calls.new_job import new_job
from localq.tasks.option_names import ROUTING
from localq.tasks.parameters import takes_failure
from localq.tasks.request import Context
from localq.tasks.routing.router import router_of

__all__ = ["FIRST_ERRBACK", "GROUP", "callbacks", "errback_call", "errbacks", "unasked"]

#: Arguments longer than this (bytes) are not repeated in an error callback's request.
_LONGEST_REQUEST = 65_536
#: Error callbacks are numbered from here, callbacks from 0.
FIRST_ERRBACK = 1000
#: The number of the group that several callbacks are.
GROUP = FIRST_ERRBACK - 1


def callbacks(
    job: Job,
    options: JobOptions,
    value: Any,
    result: bytes,
    settings: Settings,
    now: int,
    left_out: Collection[int] = (),
    group_id: str | None = None,
) -> tuple[NewJob, ...]:
    """Return the jobs of the callbacks for success: the result comes in front of their own arguments.

    Args:
        value, result: What the task returned, as it is and encoded by the job's serializer.
        left_out: Numbers of callbacks that `localq.execution.followers` makes.
        group_id: The group they are of, where they are several.
    """
    jobs = []
    for number, link in enumerate(options.link or ()):
        if number in left_out:
            continue
        call, serializer = _call(link, options, value, result)
        jobs.append(_job(job, options, link, call, number, serializer, settings, now, group_id))
    return tuple(jobs)


def _call(link: Mapping[str, Any], options: JobOptions, value: Any, result: bytes) -> tuple[bytes, str]:
    """Return a callback's encoded call, and by what it is encoded: its own serializer, else that of the result."""
    call = str(link["call"]).encode()
    immutable = bool(link["immutable"])
    wanted = str(link["options"].get("serializer") or ("json" if immutable else options.serializer))
    if wanted == options.serializer == "json":
        return (call if immutable else with_first(call, result)), wanted
    args, kwargs = codec.decode_call(call)
    return codec.encode_call(args if immutable else (value, *args), kwargs, wanted), wanted


def errbacks(
    job: Job,
    options: JobOptions,
    told: bytes | None,
    settings: Settings,
    now: int,
    left_out: Collection[int] = (),
) -> tuple[NewJob, ...]:
    """Return the jobs of the callbacks for failure.

    Each gets the failed job's id in front of its own arguments, and what it needs to be called with
    `(request, exc, traceback)` if it takes those.
    """
    jobs: list[NewJob] = []
    if not options.link_error:
        return ()
    try:
        # A worker signs what follows from a job: it must not lend its hand to a job that nobody signed.
        job = job._replace(args=verified_call(job, settings))
    except (SecurityError, DecodeError, ImproperlyConfigured) as error:
        _discard(job, f"its error callbacks are not to be trusted: {error}")
        return ()
    for number, link in enumerate(options.link_error, FIRST_ERRBACK):
        if number in left_out:
            continue
        try:
            jobs.append(_errback(job, options, link, number, told, settings, now))
        except (KeyError, TypeError, ValueError, AttributeError, ImproperlyConfigured) as error:
            # Checked when it was sent; what was written by hand must not stop the worker.
            _discard(job, f"bad error callback: {error!r}")
    return tuple(jobs)


def unasked(new: NewJob) -> NewJob:
    """Return a job that is made here, and is to be asked for in the slot that runs it."""
    return new._replace(options=JobOptions.read(new.options)._replace(unasked=True).write())


def _discard(job: Job, reason: str) -> None:
    emit("job.discarded", worker="", task=job.task, job_id=job.id, reason=reason)


def _errback(
    job: Job,
    options: JobOptions,
    link: Mapping[str, Any],
    number: int,
    told: bytes | None,
    settings: Settings,
    now: int,
) -> NewJob:
    call = str(link["call"]).encode()
    if not link["immutable"]:
        call = with_first(call, codec.encode(job.id))
    serializer = str(link["options"].get("serializer") or "json")
    if serializer != "json":
        call = codec.encode_call(*codec.decode_call(call), serializer)
    new = _job(job, options, link, call, number, serializer, settings, now)
    if link["immutable"]:
        return new
    errback = {"failure": (told or b"").decode(), "request": _request(job, options)}
    return new._replace(options=JobOptions.read(new.options)._replace(errback=errback).write())


def errback_call(
    run: Callable[..., Any], errback: Mapping[str, Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> tuple[Any, ...]:
    """Return what an error callback is called with: `(request, exc, traceback)` if it takes those, else the id.

    Args:
        run: The callback's function.
        errback: What its job was given to make them of.
        args, kwargs: The job's arguments: the id of the job that failed, then the callback's own.
    """
    if not takes_failure(run, args[1:], kwargs):
        return args
    told = failure.load(str(errback.get("failure", "")).encode())
    request = Context(called_directly=False, **dict(errback.get("request", {})))
    return (request, rebuild(told), told.traceback, *args[1:])


def _job(
    job: Job,
    options: JobOptions,
    link: Mapping[str, Any],
    call: bytes,
    number: int,
    serializer: str,
    settings: Settings,
    now: int,
    group_id: str | None = None,
) -> NewJob:
    root_id = options.root_id or job.id
    given = {
        "parent_id": job.id,
        "root_id": root_id,
        "group_id": group_id,
        "task_id": follow_up_id(job.id, job.run_token, number),
        **dict(link["options"]),
        "serializer": None if serializer == "json" else serializer,
    }
    queue = settings.task_default_queue
    router = router_of(settings, always=any(name in given for name in ROUTING))
    if router is not None:
        # The first queue: what follows from a job is one job, wherever its exchange would copy it to.
        args, kwargs = codec.decode_call(call) if serializer == "json" else ((), {})
        (queue, *_), given = router.send(str(link["task"]), args, kwargs, given)
    return new_job(
        str(link["task"]),
        call,
        given,
        when=When(zone_of(settings), now),
        queue=queue,
        priority=settings.task_default_priority,
    )._replace(workflow=root_id)


def _request(job: Job, options: JobOptions) -> dict[str, Any]:
    """Return the fields of a failed job's request that are plain data."""
    request: dict[str, Any] = {
        "id": job.id,
        "task": job.task,
        "retries": job.retries,
        "attempt": job.attempts,
        "root_id": options.root_id or job.id,
        "parent_id": options.parent_id,
        "headers": options.headers,
        "delivery_info": {"queue": job.queue, "priority": job.priority},
    }
    plain = options.serializer == "json" and len(job.args or b"") <= _LONGEST_REQUEST
    if job.args and plain:
        with contextlib.suppress(DecodeError):
            args = unpack(job.args, _LONGEST_REQUEST, "of requests")
            if not is_container(args):
                request["args"], request["kwargs"] = json.loads(args)
    return request
