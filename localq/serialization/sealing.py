"""How calls, results and errors lie in the store: packed, then signed, as the settings say.

Everything is plain bytes inside the house. `seal_...` is done at the last door before the store, `open_...` at the
first one behind it, before anything else is done with the bytes: what does not verify is neither unpacked nor read.
A call is signed with its job's id, task and options, so that neither fits another job; a result and an error with
the id of the job; what defines a schedule with its name. Where a job is (queue, time, priority, state, what it waits
for) is not signed: workers change it.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Protocol

from localq.exceptions import DecodeError, ImproperlyConfigured, ScheduleError
from localq.model.job import Job, NewJob
from localq.model.job_options import JobOptions
from localq.model.outcome import Completion, Outcome
from localq.serialization.compression import PACKED, pack, unpack
from localq.serialization.keys import MessageKey
from localq.serialization.signing import SIGNED, Signer, body_of

__all__ = [
    "SealSettings",
    "open_call",
    "open_failure",
    "open_result",
    "open_spec",
    "seal_call",
    "seal_calls",
    "seal_completion",
    "seal_completions",
    "seal_outcome",
    "seal_spec",
    "sign_call",
    "signer_of",
    "verified_call",
]

_SEALS = (PACKED, SIGNED)
#: What a signed definition of a schedule begins with; those without a signature are JSON objects.
_SIGNED_TEXT = "signed "


class SealSettings(Protocol):
    """The settings that say how messages lie in the store."""

    message_signing: Any
    message_keys: Any
    task_compression: Any
    result_compression: Any
    compression_min_bytes: Any
    task_args_max_bytes: Any
    result_max_bytes: Any


def signer_of(conf: SealSettings) -> Signer | None:
    """Return what signs and verifies, or None where nothing is signed.

    Raises:
        ImproperlyConfigured: there are no keys, one cannot be had, or two have one id.
    """
    if conf.message_signing == "off":
        return None
    return _signer(conf.message_keys, conf.message_signing)


@lru_cache(maxsize=64)
def _signer(keys: tuple[MessageKey, ...], mode: str) -> Signer:
    if not keys:
        raise ImproperlyConfigured(
            f"message_signing={mode!r} needs a key in message_keys, such as message_keys=['env:LOCALQ_KEY']."
        )
    secrets: dict[str, bytes] = {}
    for key in keys:
        if secrets.setdefault(key.id, key.secret) != key.secret:
            raise ImproperlyConfigured(f"Two keys of message_keys have the id {key.id!r}. Give each its own.")
    return Signer(secrets, mode == "require")


# Calls


def seal_calls(jobs: Sequence[NewJob], conf: SealSettings) -> Sequence[NewJob]:
    """Return jobs as they are stored."""
    if conf.message_signing == "off" and conf.task_compression is None:
        for new in jobs:
            # A call may ask for compression by itself.
            if new.options is not None and '"compression"' in new.options:
                break
        else:
            return jobs
    return [
        new._replace(args=seal_call(new.id, new.task, new.options, new.args, conf))
        if not new.args.startswith(SIGNED)
        else new
        for new in jobs
    ]


def seal_call(job_id: str, task: str, options: str | None, args: bytes, conf: SealSettings) -> bytes:
    """Return the encoded arguments of a job as they are stored."""
    compression = JobOptions.read(options).compression or conf.task_compression
    if compression is not None and not args.startswith(PACKED):
        args = pack(args, compression, conf.compression_min_bytes)
    return sign_call(job_id, task, options, args, conf)


def sign_call(job_id: str, task: str, options: str | None, args: bytes, conf: SealSettings) -> bytes:
    """Return arguments signed, and packed no further: of a call that is handed on and never stored."""
    signer = signer_of(conf)
    return args if signer is None else signer.sign("call", (job_id, task, options or ""), args)


def verified_call(job: Job, conf: SealSettings) -> bytes:
    """Return the arguments of a job as far as they can be trusted: verified, still packed.

    Raises:
        SecurityError: they are not signed, or not as the call of this job.
    """
    args = _bytes(job.args or b"")
    signer = signer_of(conf)
    if signer is None:
        return body_of(args)  # type: ignore[no-any-return]
    return signer.verify("call", (job.id, job.task, job.options or ""), args, f"The arguments of job {job.id}")


def open_call(job: Job, conf: SealSettings) -> bytes:
    """Return the encoded arguments of a job.

    Raises:
        SecurityError: they are not signed, or not as the call of this job.
        DecodeError: they cannot be unpacked, or not within task_args_max_bytes.
    """
    args = job.args
    if type(args) is bytes and conf.message_signing == "off" and not args.startswith(_SEALS):
        return args
    return unpack(verified_call(job, conf), conf.task_args_max_bytes, "task_args_max_bytes")


def _bytes(data: bytes) -> bytes:
    """Return what should be bytes; SQLite keeps whatever somebody writes into a column by hand."""
    kind: object = data
    if not isinstance(kind, bytes):
        raise DecodeError(f"the stored bytes are {type(kind)} where bytes are due")
    return data


# What comes of them


def seal_outcome(job: Job, serializer: str, outcome: Outcome, conf: SealSettings) -> Outcome:
    """Return the outcome of a job's attempt with result, new arguments and follow-ups as they are stored.

    The error stays plain: the worker reads it; `seal_completion` signs it.
    """
    result, args, follow_ups, replaced = outcome.result, outcome.args, outcome.follow_ups, outcome.replaced
    plain = conf.message_signing == "off" and conf.result_compression is None
    if plain and args is None and not follow_ups and replaced is None:
        return outcome
    if result is not None:
        result = _seal_result(job.id, serializer, result, conf)
    if args is not None:
        args = seal_call(job.id, job.task, outcome.options, args, conf)
    if replaced is not None:
        (replaced,) = seal_calls((replaced,), conf)
    return outcome._replace(result=result, args=args, follow_ups=tuple(seal_calls(follow_ups, conf)), replaced=replaced)


def _seal_result(job_id: str, serializer: str, result: bytes, conf: SealSettings) -> bytes:
    if conf.result_compression is not None:
        result = pack(result, conf.result_compression, conf.compression_min_bytes)
    signer = signer_of(conf)
    if signer is None:
        return result
    return signer.sign("result", (job_id, serializer), result)


def seal_completion(done: Completion, conf: SealSettings) -> Completion:
    """Return what is to be written for a job, with what the worker itself added to it as it is stored."""
    if done.follow_ups:
        done = done._replace(follow_ups=tuple(seal_calls(done.follow_ups, conf)))
    attempt = done.attempt
    if attempt is not None and attempt.failure is not None and conf.message_signing != "off":
        signer = signer_of(conf)
        if signer is not None and not attempt.failure.startswith(SIGNED):
            failure = signer.sign("failure", (done.id,), attempt.failure)
            done = done._replace(attempt=attempt._replace(failure=failure))
    return done


def seal_completions(completions: Sequence[Completion], conf: SealSettings) -> list[Completion]:
    """Return what is to be written for jobs; to most of them the worker itself has added nothing."""
    return [
        seal_completion(done, conf) if done.follow_ups or (done.attempt and done.attempt.failure) else done
        for done in completions
    ]


def open_result(job_id: str, serializer: str, result: bytes, conf: SealSettings) -> bytes:
    """Return the encoded result of a job.

    Raises:
        SecurityError: it is not signed, or not as the result of this job.
        DecodeError: it cannot be unpacked, or not within result_max_bytes.
    """
    if type(result) is bytes and conf.message_signing == "off" and not result.startswith(_SEALS):
        return result
    signer, result = signer_of(conf), _bytes(result)
    if signer is not None:
        result = signer.verify("result", (job_id, serializer), result, f"The bytes of the result of job {job_id}")
    return unpack(body_of(result), conf.result_max_bytes, "result_max_bytes")


def open_failure(job_id: str, failure: bytes, conf: SealSettings) -> bytes:
    """Return the written error of a job.

    Raises:
        SecurityError: it is not signed, or not as the error of this job.
    """
    signer, failure = signer_of(conf), _bytes(failure)
    if signer is None:
        return body_of(failure)  # type: ignore[no-any-return]
    return signer.verify("failure", (job_id,), failure, f"The bytes of the error of job {job_id}")


# Schedules


def seal_spec(name: str, spec: str, conf: SealSettings) -> str:
    """Return what defines a schedule as it is stored: readable as before, with its signature in front of it."""
    signer = signer_of(conf)
    if signer is None:
        return spec
    body = spec.encode()
    seal = signer.sign("schedule", (name,), body)[: -len(body)]
    return f"{_SIGNED_TEXT}{base64.b64encode(seal).decode()} {spec}"


def open_spec(name: str, spec: str, conf: SealSettings) -> str:
    """Return what defines a schedule.

    Raises:
        SecurityError: it is not signed, or not as the definition of the schedule of this name.
        ScheduleError: it is not even a text.
    """
    kind: object = spec
    if not isinstance(kind, str):
        raise ScheduleError(f"The definition of the schedule {name!r} is {type(kind).__name__} where a text is due.")
    seal, text = b"", spec
    if spec.startswith(_SIGNED_TEXT):
        _, written, text = [*spec.split(" ", 2), ""][:3]
        try:
            seal = base64.b64decode(written, validate=True)
        except (ValueError, binascii.Error):
            # The mark, and a key without a name: there is none.
            seal = SIGNED + b"\0"
    signer = signer_of(conf)
    if signer is not None:
        body = seal + text.encode("utf-8", "surrogatepass")
        signer.verify("schedule", (name,), body, f"The terms of the schedule {name!r}")
    return text
