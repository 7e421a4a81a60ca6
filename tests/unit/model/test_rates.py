"""Rate limits as values: how they are written, and what they allow at a moment."""

from __future__ import annotations

import pytest

from localq.model.rates import Budget, Rate, read_rate

NOW = 1_750_000_000_000_000
SECOND = 1_000_000


def budget(rate: str, full_at: int | None = None, now: int = NOW) -> Budget:
    found = read_rate(rate)
    assert found is not None
    return Budget({"mail": found}, lambda task: full_at, now)


@pytest.mark.parametrize(
    ("text", "interval"),
    [("10/s", SECOND // 10), ("100/m", 600_000), ("5/h", 720 * SECOND), ("0.5/s", 2 * SECOND), (4, 250_000)],
)
def test_a_rate_is_written_as_in_celery(text: str | int, interval: int) -> None:
    assert read_rate(text) == Rate(interval, 1)


@pytest.mark.parametrize("text", [None, 0, "0/s", "", "0/m", 0.0])
def test_nothing_and_nought_are_no_limit(text: str | float | None) -> None:
    assert read_rate(text) is None


@pytest.mark.parametrize("text", ["x", "10/d", "-1/s", "nan", "inf/s", "10/s/s", True, [10]])
def test_what_is_no_rate_is_refused_with_the_value(text: object) -> None:
    with pytest.raises(ValueError, match=r"rate limit .* '10/s'"):
        read_rate(text)  # type: ignore[arg-type]


def test_tasks_without_a_limit_may_always_run() -> None:
    found = budget("1/h")

    assert [found.spend("other") for _ in range(5)] == [True] * 5
    assert found.spent == {}


def test_a_slow_rate_allows_one_at_once() -> None:
    found = budget("10/s")

    assert [found.spend("mail") for _ in range(3)] == [True, False, False]
    assert found.next_at("mail") == NOW + SECOND // 10


def test_a_fast_rate_lets_runs_bunch_for_a_twentieth_of_a_second() -> None:
    found = budget("1000/s")

    assert (found.left("mail"), sum(found.spend("mail") for _ in range(200))) == (50, 50)


def test_what_was_spent_is_known_to_the_next_budget() -> None:
    first = budget("10/s")
    first.spend("mail")
    full_at = first.spent["mail"]

    assert budget("10/s", full_at, NOW + SECOND // 10 - 1).left("mail") == 0
    assert budget("10/s", full_at, NOW + SECOND // 10).left("mail") == 1


def test_a_long_pause_saves_up_no_more_than_one_bunch() -> None:
    assert budget("10/s", NOW - 3600 * SECOND).left("mail") == 1


@pytest.mark.parametrize("rate", ["30/s", "1000/s"])
def test_over_a_minute_as_many_run_as_the_rate_says(rate: str) -> None:
    full_at, runs, now = None, 0, NOW
    while now < NOW + 60 * SECOND:
        found = budget(rate, full_at, now)
        while found.spend("mail"):
            runs += 1
        full_at, now = found.spent["mail"], found.next_at("mail")

    assert runs == pytest.approx(60 * float(rate.partition("/")[0]), rel=0.001)


def test_a_clock_set_back_costs_one_bunch_of_waiting_at_most() -> None:
    found = budget("10/s", NOW + 3600 * SECOND)

    assert found.next_at("mail") <= NOW + SECOND // 10
