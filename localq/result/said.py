"""What a task says of its job while that runs: a state and data, and errors among them in Celery's words."""

from __future__ import annotations

import json
from typing import Any

from localq.model.ids import text_id
from localq.model.outcome import Note
from localq.serialization import codec
from localq.serialization.exception_rebuild import rebuild
from localq.serialization.failure import Failure, describe
from localq.states import EXCEPTION_STATES

__all__ = ["note_of", "read_said"]


def note_of(job_id: Any, state: Any, meta: Any) -> Note:
    """Return a note of what is said.

    Raises:
        TypeError: the state is no text that can be shown.
        EncodeError: the data cannot be written.
    """
    if state is not None and (not isinstance(state, str) or not state.isprintable()):
        raise TypeError(f"A state is a printable text, such as 'PROGRESS', not {state!r}")
    if state in EXCEPTION_STATES and isinstance(meta, BaseException):
        meta = _told(meta)
    return Note(text_id(job_id), state, None if meta is None else codec.encode(meta, "json", "meta"))


def _told(error: BaseException) -> dict[str, Any]:
    """Return an error as Celery's tasks tell of one, with its arguments as far as they can be written."""
    told = describe(error)
    args = told.message if told.args is None else codec.decode(json.dumps(told.args).encode())
    return {"exc_type": told.type, "exc_message": args, "exc_module": told.module}


def read_said(state: str | None, said: bytes | None) -> Any:
    """Return what was said with a state: data, or with FAILURE, RETRY and REVOKED the error that the data tell of.

    Celery's tasks tell of one by a mapping of `exc_type`, `exc_message` and, if they like, `exc_module`.
    """
    meta = None if said is None else codec.decode(said)
    if state not in EXCEPTION_STATES or not isinstance(meta, dict) or not isinstance(meta.get("exc_type"), str):
        return meta
    told = meta.get("exc_message", "")
    args = list(told) if isinstance(told, list | tuple) else [told]
    module = meta.get("exc_module")
    return rebuild(
        Failure(
            type=meta["exc_type"],
            module=module if isinstance(module, str) else "builtins",
            message=", ".join(map(str, args)),
            args=json.loads(codec.encode(args)),
        )
    )
