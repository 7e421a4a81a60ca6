"""Work for a processor, the same for every contender and for a bare process."""

from __future__ import annotations


def turn(turns: int) -> int:
    found = 0
    for step in range(turns):
        found = (found * 31 + step) % 1_000_003
    return found
