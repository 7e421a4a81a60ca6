"""What travels between a worker and a slot.

To a slot: datagrams, several jobs in one, and beside them a pipe with a token for each job. A slot takes a token
before it starts a job; the worker takes jobs back by taking their tokens. The kernel gives each byte to one reader
only, so a job is either started or taken back, never both. What is larger than a datagram travels as a descriptor
of memory that holds it.

From a slot: frames in a pipe. Nothing that user code made is unpickled on the worker's side: a frame is a fixed
head and bytes, or JSON.
"""

from __future__ import annotations

import array
import json
import marshal
import os
import socket
import struct
from collections.abc import Sequence
from typing import Any

from localq.execution.policy import PLAIN, Limits, Terms
from localq.model.edges import Edge, OnError, Passing
from localq.model.job import Job, NewJob
from localq.model.job_options import JobOptions
from localq.model.outcome import Ending, Note, Outcome
from localq.serialization import failure
from localq.worker.pool.contract import Handed

__all__ = [
    "BrokenFrames",
    "Frames",
    "Kind",
    "outcome_frame",
    "pack",
    "pack_note",
    "pack_outcome",
    "receive",
    "send",
    "unpack_note",
    "unpack_outcome",
]

#: Messages to a slot longer than this (bytes) travel by descriptor: as many as a slot may hold must fit into the
#: socket's buffer, or the worker could not send without waiting for a slot that may be waiting for the worker.
_LARGEST = 1_500
_HEAD = struct.Struct("=HBI")
_HEAD_SIZE = _HEAD.size
#: Bytes read from a slot at once; and at the very most, where a frame is known to be longer.
_AT_ONCE = 262_144
_MOST_AT_ONCE = 1 << 20
#: What every frame begins with: where something else stands, the stream is not a slot's words any more.
_MARK = 0x4C51
#: run token, started at, ended at, peak memory (KiB), result there, bytes of the id
_DONE = struct.Struct("=iqqi?I")
#: Every job asks; to look it up among the endings takes longer than the comparison.
_SUCCESS = Ending.SUCCESS


class BrokenFrames(Exception):
    """What a slot wrote cannot be read: something else wrote into its pipe, or a frame was cut."""


class Kind:
    """The kinds of frames."""

    #: A success without anything rare: fixed head and the result.
    DONE = 1
    #: Any outcome, as JSON.
    ENDED = 2
    NOTE = 3
    LOG = 4
    PRINTED = 5
    READY = 6
    #: The slot found tokens gone and has dropped what it had been given.
    DROPPED = 7


def pack(kind: int, body: bytes) -> bytes:
    """Return a frame."""
    return _frame(kind, (body,))


def _frame(kind: int, parts: Sequence[bytes]) -> bytes:
    """Return a frame of what is in parts, which may be large: it is copied once."""
    return b"".join((_HEAD.pack(_MARK, kind, sum(map(len, parts))), *parts))


def pack_handed(handed: Handed) -> tuple[Any, ...]:
    """Return a job with its time limits as plain values, for a slot; the rest of its terms stands in its options."""
    job, rules = handed
    limits = rules.terms.limits
    return (tuple(job), None if limits == PLAIN.limits else tuple(limits))


def unpack_handed(said: tuple[Any, ...]) -> tuple[Job, Terms]:
    """Return a job, and what applies to its run, of what `pack_handed` made of it."""
    fields, limits = said
    # Of a worker of the same version: there is no count to be checked.
    job = tuple.__new__(Job, fields)
    if limits is None and job.options is None:
        return job, PLAIN
    return job, Terms(JobOptions.read(job.options), PLAIN.limits if limits is None else Limits(*limits))


def pack_outcome(job: Job, outcome: Outcome) -> bytes:
    """Return an outcome's frame; one that cannot be written is a failure of the job, not of the slot."""
    return _frame(*_outcome_parts(job, outcome))


def outcome_frame(job: Job, outcome: Outcome) -> tuple[int, bytes]:
    """Return the kind and the body of an outcome's frame, as `pack_outcome` has them."""
    kind, parts = _outcome_parts(job, outcome)
    return kind, b"".join(parts)


def _outcome_parts(job: Job, outcome: Outcome) -> tuple[int, tuple[bytes, ...]]:
    try:
        return _parts(job, outcome)
    except (TypeError, ValueError) as error:
        told = failure.dump(failure.describe(error))
        return _parts(job, Outcome(Ending.FAILURE, outcome.started_at, outcome.ended_at, failure=told))


def _parts(job: Job, outcome: Outcome) -> tuple[int, tuple[bytes, ...]]:
    started_at = outcome.started_at
    if outcome.ending == _SUCCESS and not outcome.follow_ups and started_at is not None:
        result, job_id = outcome.result, job.id.encode()
        there = result is not None
        head = _DONE.pack(job.run_token, started_at, outcome.ended_at, outcome.peak_kb or 0, there, len(job_id))
        return Kind.DONE, (head, job_id, result or b"")
    said = outcome._asdict()
    said["follow_ups"] = [_textual(new._asdict()) for new in outcome.follow_ups]
    said["replaced"] = None if outcome.replaced is None else _textual(outcome.replaced._asdict())
    return Kind.ENDED, (json.dumps([job.id, job.run_token, _textual(said)]).encode(),)


def unpack_outcome(kind: int, body: bytes) -> tuple[str, int, Outcome]:
    """Return the job's id, run token and outcome of a frame."""
    if kind == Kind.DONE:
        token, start, end, peak, there, length = _DONE.unpack_from(body)
        at = _DONE.size + length
        result = body[at:] if there else None
        # As tuples are made: to name the fields, and to count them, takes three times as long.
        row = (
            _SUCCESS, start, end, result, None, None, None, None, None, None, (), False, None, peak, None, None, False
        )  # fmt: skip
        return body[_DONE.size : at].decode(), token, tuple.__new__(Outcome, row)
    job_id, token, said = json.loads(body)
    said = _binary(said)
    said["ending"] = Ending(said["ending"])
    said["follow_ups"] = tuple(_new_job(new) for new in said["follow_ups"])
    said["replaced"] = None if said["replaced"] is None else _new_job(said["replaced"])
    return job_id, token, Outcome(**said)


def pack_note(said: Note) -> bytes:
    """Return what goes into the frame of a note."""
    meta = None if said.meta is None else said.meta.decode("latin-1")
    return json.dumps([said.id, said.shown, meta]).encode()


def unpack_note(body: bytes) -> Note:
    """Return the note of a frame."""
    job_id, shown, meta = json.loads(body)
    return Note(job_id, shown, None if meta is None else meta.encode("latin-1"))


def _new_job(said: dict[str, Any]) -> NewJob:
    after = tuple(Edge(one, Passing(passing), OnError(policy)) for one, passing, policy in said["after"])
    return NewJob(**{**_binary(said), "after": after})


_BYTES = ("result", "failure", "args")


def _textual(said: dict[str, Any]) -> dict[str, Any]:
    for name in _BYTES:
        if said.get(name) is not None:
            said[name] = said[name].decode("latin-1")
    return said


def _binary(said: dict[str, Any]) -> dict[str, Any]:
    for name in _BYTES:
        if said.get(name) is not None:
            said[name] = said[name].encode("latin-1")
    return said


class Frames:
    """Cuts a stream of bytes into frames; an unfinished last one waits for its rest."""

    def __init__(self) -> None:
        #: The beginning of the unfinished frame; of a long one its body alone, in pieces that are joined once.
        self._pieces: list[bytes] = []
        self._kind: int | None = None
        #: Bytes that its body lacks.
        self._missing = 0

    @property
    def unfinished(self) -> bool:
        """Whether the beginning of a frame came, and not yet its end."""
        return bool(self._pieces)

    @property
    def most(self) -> int:
        """Bytes to read at once: no more than there usually are, or the whole rest of a long frame."""
        return min(max(_AT_ONCE, self._missing), _MOST_AT_ONCE)

    def feed(self, data: bytes) -> list[tuple[int, bytes]]:
        """Return the frames that are whole now.

        Raises:
            BrokenFrames: what came is no frame.
        """
        frames: list[tuple[int, bytes]] = []
        at = 0
        if self._kind is not None:
            at = min(self._missing, len(data))
            self._pieces.append(data[:at])
            self._missing -= at
            if self._missing:
                return frames
            frames.append((self._kind, b"".join(self._pieces)))
            self._kind = None
            self._pieces.clear()
        elif self._pieces:
            data = self._pieces.pop() + data
        self._cut(data, at, frames)
        return frames

    def _cut(self, data: bytes, at: int, frames: list[tuple[int, bytes]]) -> None:
        """Take in the frames that are whole from a place on, and keep what follows them."""
        end = len(data)
        while end - at >= _HEAD_SIZE:
            mark, kind, length = _HEAD.unpack_from(data, at)
            if mark != _MARK:
                raise BrokenFrames(f"a frame begins with {data[at : at + 16]!r}")
            at += _HEAD_SIZE
            if end - at < length:
                self._kind, self._missing = kind, length - (end - at)
                self._pieces.append(data[at:])
                return
            frames.append((kind, data[at : at + length]))
            at += length
        if at < end:
            self._pieces.append(data[at:])


def send(to: socket.socket, message: tuple[Any, ...]) -> None:
    """Send a message of plain values to a slot."""
    data = marshal.dumps(message)
    if len(data) <= _LARGEST:
        to.send(data)
        return
    descriptor = _in_memory(data)
    try:
        _send_descriptors(to, b"", [descriptor])
    finally:
        os.close(descriptor)


def receive(source: socket.socket, flags: int = 0) -> Any:
    """Wait for the next message and return it, or None at the end of the stream."""
    data, ancillary, _, _ = source.recvmsg(_LARGEST + 64, 64, flags)
    descriptors = array.array("i")
    for _, _, content in ancillary:
        descriptors.frombytes(content[: len(content) - len(content) % descriptors.itemsize])
    if descriptors:
        with open(descriptors[0], "rb", closefd=True) as file:
            file.seek(0)
            data = file.read()
    return marshal.loads(data) if data else None


def _in_memory(data: bytes) -> int:
    """Return a descriptor of memory (or of a nameless file) that holds the data."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("localq")
    else:
        import tempfile  # takes as long to load as half of what a slot needs

        descriptor, name = tempfile.mkstemp()
        os.unlink(name)
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
    return descriptor


def _send_descriptors(to: socket.socket, data: bytes, descriptors: list[int]) -> None:
    # One byte of data, because a datagram of none reads like the end of the stream.
    content = array.array("i", descriptors)
    to.sendmsg([data or b"+"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, content)])
