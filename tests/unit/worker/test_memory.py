"""Samples of what memory a worker holds."""

from __future__ import annotations

import os

from localq.worker.memory import MemorySamples


def test_samples_are_told_oldest_first_and_no_more_than_asked_for() -> None:
    samples = MemorySamples()
    taken = [samples.take([]) for _ in range(3)]

    assert taken[0] > 1_000
    assert (samples.last(2), samples.last(10)) == (taken[1:], taken)
    assert (samples.last(0), samples.last(-1)) == ([], [])


def test_a_process_that_is_named_twice_counts_once() -> None:
    samples = MemorySamples()

    assert abs(samples.take([os.getpid(), os.getpid()]) - samples.take([])) < 1_000


def test_the_oldest_of_many_samples_are_forgotten() -> None:
    samples = MemorySamples()
    for _ in range(510):
        samples.take([])

    assert len(samples.last(1_000)) == 500
