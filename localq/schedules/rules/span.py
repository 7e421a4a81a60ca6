"""Stretches of time: the last due instant up to now, all those between two instants, and where in a jitter one lies."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from localq.schedules.rules.rule import Rule
from localq.schedules.rules.wall import SECOND

__all__ = ["between", "jitter_of", "latest_up_to"]


def latest_up_to(rule: Rule, first: int, now: int, *, anchor: int, zone: ZoneInfo) -> int:
    """Return the last due instant that is not after `now`.

    It asks the rule some dozens of times at most, however many instants were missed.

    Args:
        rule: The rule.
        first: A due instant that is not after `now`: what the search cannot fall behind.
        now: The present.
        anchor: The schedule's first instant.
        zone: The schedule's zone.
    """
    last, clear, reach = first, now, SECOND
    # Nothing is due after `clear` up to now. Look ever further back until something is due, then halve what is left.
    while now - reach > last:
        due = rule.next_after(now - reach, anchor=anchor, zone=zone)
        if due is not None and due <= now:
            last = due
            break
        clear, reach = now - reach, reach * 4
    while True:
        due = rule.next_after(last, anchor=anchor, zone=zone)
        if due is None or due > now:
            return last
        last, middle = due, (due + clear) // 2
        if middle > last:
            due = rule.next_after(middle, anchor=anchor, zone=zone)
            if due is None or due > now:
                clear = middle
            else:
                last = due


def between(rule: Rule, start: int, end: int, *, anchor: int, zone: ZoneInfo, most: int) -> list[int]:
    """Return the due instants after `start` up to and with `end`, the first `most` of them."""
    found: list[int] = []
    due = rule.next_after(start, anchor=anchor, zone=zone)
    while due is not None and due <= end and len(found) < most:
        found.append(due)
        due = rule.next_after(due, anchor=anchor, zone=zone)
    return found


def jitter_of(name: str, nominal: int, jitter_us: int) -> int:
    """Return by how many microseconds a firing is put off: from 0 to `jitter_us`, always the same for the same one.

    It is drawn from the schedule's name and the nominal instant, so that it never adds up, and a second scheduler,
    or a restarted one, puts it off alike.
    """
    if jitter_us <= 0:
        return 0
    from hashlib import blake2b  # loads OpenSSL, and most schedules have no jitter

    digest = blake2b(f"{name}\0{nominal}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") % (jitter_us + 1)
