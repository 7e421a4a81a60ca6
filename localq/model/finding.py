"""What a check found."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from localq.exceptions import StoreError

__all__ = ["LEVELS", "Check", "Finding", "checked", "fine", "note", "warning", "worst", "wrong"]

#: From harmless to grave. A note is worth knowing and needs nothing done.
LEVELS = ("ok", "note", "warning", "error")


class Finding(NamedTuple):
    """One thing a check found.

    `check` names the check and never changes; `what` is a sentence for people; `advice` says what to do, and
    is empty where there is nothing to do.
    """

    level: str
    check: str
    what: str
    advice: str = ""


Check = Callable[[], Finding | Iterable[Finding]]


def checked(name: str, check: Check) -> Iterator[Finding]:
    """Make one check; an error is a finding too, for what a damaged store holds cannot be foreseen."""
    try:
        found = check()
        yield from [found] if isinstance(found, Finding) else list(found)
    except StoreError as error:
        yield wrong(name, str(error), "")
    except Exception as error:
        yield wrong(name, f"The check failed: {type(error).__name__}: {error}", "The file may be damaged.")


def fine(check: str, what: str) -> Finding:
    """Return that all is well."""
    return Finding("ok", check, what)


def note(check: str, what: str, advice: str = "") -> Finding:
    """Return what is worth knowing."""
    return Finding("note", check, what, advice)


def warning(check: str, what: str, advice: str) -> Finding:
    """Return what will or may do harm."""
    return Finding("warning", check, what, advice)


def wrong(check: str, what: str, advice: str) -> Finding:
    """Return what keeps the store from working."""
    return Finding("error", check, what, advice)


def worst(findings: Iterable[Finding]) -> str:
    """Return the gravest level among findings."""
    return max((one.level for one in findings), key=LEVELS.index, default="ok")
