"""What a server's number of writes says of what it has lost."""

from __future__ import annotations

import pytest

from localq.store.redis.writes import Writes


@pytest.mark.parametrize(
    ("seen", "undone"),
    [((), 0), ((7,), 0), ((7, 7, 9), 0), ((7, 4), 3), ((7, 4, 20, 15), 8), ((7, 0), 7), ((7, 8, 7, 30), 1)],
)
def test_what_is_lost_is_told_once_and_in_all(seen: tuple[int, ...], undone: int) -> None:
    writes = Writes()
    for count in seen:
        writes.see(count)

    assert (writes.known, writes.undone(), writes.undone()) == (bool(seen), undone, 0)
