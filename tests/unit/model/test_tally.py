"""Counts of jobs over time, and spans by their size."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localq.model.tally import Ended, added_up, percentile, size_of, span_of, tallied


@given(st.integers(1, 10**13))
def test_a_size_stands_for_its_span_within_a_tenth(span_us: int) -> None:
    assert span_of(size_of(span_us)) == pytest.approx(span_us, rel=0.1)


@given(st.integers(-(10**6), 0))
def test_no_span_is_smaller_than_none(span_us: int) -> None:
    assert size_of(span_us) == 0


def test_a_percentile_is_of_the_spans_in_order() -> None:
    sizes = Counter(size_of(second * 1_000_000) for second in range(1, 101))

    assert percentile(sizes, 0.5) == pytest.approx(50, rel=0.1)
    assert percentile(sizes, 0.99) == pytest.approx(99, rel=0.1)
    assert percentile({}, 0.5) is None


JOBS = st.lists(
    st.builds(
        Ended,
        task=st.sampled_from(["a", "b"]),
        queue=st.sampled_from(["x", "y"]),
        state=st.sampled_from([3, 4, 5]),
        finished_at=st.integers(0, 5000),
        run_at=st.integers(0, 100),
        started_at=st.none() | st.integers(100, 200),
        ended_at=st.integers(200, 300),
    ),
    max_size=30,
)


@given(JOBS, st.integers(0, 30))
def test_adding_up_parts_gives_the_whole(jobs: list[Ended], cut: int) -> None:
    parts = [*tallied(jobs[:cut], 100), *tallied(jobs[cut:], 100)]

    assert added_up(parts, 1000) == tallied(jobs, 1000)
    assert sum(one.count for one in added_up(parts, 1000)) == len(jobs)
