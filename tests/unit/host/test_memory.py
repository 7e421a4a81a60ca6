"""What a program holds of memory."""

from __future__ import annotations

import os

from localq.host.memory import memory_of


def test_the_memory_of_a_process_is_told_and_that_of_none_is_not() -> None:
    assert (memory_of(os.getpid()) or 0) > 1_000_000
    assert memory_of(2**22 + 1) is None
