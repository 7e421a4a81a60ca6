"""Errors that are the same but for what they are about: told apart by class and message without its values. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

__all__ = ["ErrorGroup", "fingerprint", "grouped"]

#: Characters of an error that are looked at.
_MOST = 500
_MASKS = (
    # What is quoted; a single quote within a word is none.
    (re.compile(r"(?<!\w)(['\"`])(?:\\.|(?!\1).)*\1(?!\w)|[“«\u2018][^”»\u2019]*[”»\u2019]"), "'…'"),
    (re.compile(r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b"), "…"),
    (re.compile(r"\b0x[0-9a-fA-F]+\b"), "…"),
    # Long hexadecimal words with a digit in them, such as hashes.
    (re.compile(r"\b(?=[0-9a-fA-F]*\d)[0-9a-fA-F]{8,}\b"), "…"),
    # Numbers, with what groups and parts them: 1,024, 3.5, 2026-11-30 12:00, 10.0.0.1.
    (re.compile(r"(?<![\w])[-+]?\d+(?:[.,:_/-]?\d+)*(?:[eE][-+]?\d+)?"), "…"),
    # Numbers at the end of words, such as user17.
    (re.compile(r"\d+"), "…"),
)
_AGAIN = re.compile(r"…(?:[\s,;]+…)+")


class ErrorGroup(NamedTuple):
    """Errors that are the same: how many, of which job the newest is and when it ended, and what that said."""

    said: str
    count: int  # type: ignore[assignment] # the tuple method of this name counts nothing here
    newest: str
    at: int
    example: str


def fingerprint(error: str) -> str:
    """Return an error's class and message without numbers, ids and quoted text."""
    said = error[:_MOST].strip()
    for mask, instead in _MASKS:
        said = mask.sub(instead, said)
    return _AGAIN.sub("…", said)[:_MOST]


def grouped(errors: Iterable[tuple[str, int, str]]) -> list[ErrorGroup]:
    """Return errors in groups, the largest first; of groups of one size the newest first.

    Args:
        errors: Of each the job's id, when it ended, and the error in a line.
    """
    found: dict[str, ErrorGroup] = {}
    for job_id, at, error in errors:
        said = fingerprint(error)
        known = found.get(said)
        if known is None:
            found[said] = ErrorGroup(said, 1, job_id, at, error)
        elif at > known.at:
            found[said] = ErrorGroup(said, known.count + 1, job_id, at, error)
        else:
            found[said] = known._replace(count=known.count + 1)
    return sorted(found.values(), key=lambda one: (-one.count, -one.at))
