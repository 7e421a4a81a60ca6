"""What the tasks of every contender do; each run notes itself in the journal."""

from __future__ import annotations

import journal
from turns import turn


def noop(number: int) -> int:
    journal.note(number)
    return number


def spin(number: int, turns: int) -> int:
    """Keep a processor busy, and note the end of it."""
    found = turn(turns)
    journal.note(number)
    return found


def echo(number: int, text: str) -> str:
    journal.note(number)
    return text


def increase(number: int) -> int:
    return number + 1


def count(results: list) -> int:
    return len(results)


BODIES = {"noop": noop, "spin": spin, "echo": echo, "increase": increase, "count": count}
