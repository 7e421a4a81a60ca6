"""How many slots a worker should have."""

from __future__ import annotations

import pytest

from localq.worker.autoscale import KEEPALIVE_S, Autoscaler, Bounds, wanted_size

BOUNDS = Bounds(10, 2)


@pytest.mark.parametrize(("demand", "wanted"), [(3, 4), (5, 5), (9, 9), (10, 10), (500, 10)])
def test_a_pool_grows_at_once_to_the_demand_and_no_further_than_its_bound(demand: int, wanted: int) -> None:
    assert wanted_size(4, BOUNDS, demand, 0) == wanted


@pytest.mark.parametrize(("quiet", "wanted"), [(0, 8), (KEEPALIVE_S - 0.1, 8), (KEEPALIVE_S, 3)])
def test_a_pool_shrinks_only_when_it_was_quiet_for_long(quiet: float, wanted: int) -> None:
    assert wanted_size(8, BOUNDS, 3, quiet) == wanted


def test_a_pool_keeps_its_fewest_slots() -> None:
    assert wanted_size(8, BOUNDS, 0, KEEPALIVE_S) == 2
    assert wanted_size(1, BOUNDS, 0, 0) == 2


def test_a_pool_above_a_new_bound_shrinks_at_once() -> None:
    assert wanted_size(20, BOUNDS, 15, 0) == 10


def test_each_time_of_need_begins_the_quiet_anew() -> None:
    scaler = Autoscaler(BOUNDS, 0)

    sizes = [scaler.size(8, demand, steady) for demand, steady in ((8, 0), (1, 29), (8, 29.5), (1, 59), (1, 59.6))]

    assert sizes == [8, 8, 8, 8, 2]
