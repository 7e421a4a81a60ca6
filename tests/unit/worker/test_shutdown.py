"""How a worker goes from one step of stopping to the next."""

from __future__ import annotations

import pytest

from localq.worker.shutdown import Shutdown, Stopping


def test_nothing_is_done_before_it_is_asked_for() -> None:
    shutdown = Shutdown()

    assert not shutdown.advance(1e9, patience=1)
    assert not shutdown.asked
    assert not shutdown.begun
    assert shutdown.wait(7, 0) == 7


def test_what_was_asked_for_is_begun_at_the_next_turn_and_once() -> None:
    shutdown = Shutdown()
    shutdown.ask(Stopping.FINISH)

    assert (shutdown.asked, shutdown.begun) == (True, False)
    assert shutdown.advance(0, patience=None)
    assert not shutdown.advance(1e9, patience=None)
    assert (shutdown.step, shutdown.begun) == (Stopping.FINISH, True)


def test_a_step_back_is_none() -> None:
    shutdown = Shutdown()
    shutdown.ask(Stopping.INTERRUPT)
    shutdown.advance(0, patience=None)
    shutdown.ask(Stopping.FINISH)

    assert not shutdown.advance(1, patience=None)
    assert shutdown.step == Stopping.INTERRUPT


def test_jobs_are_interrupted_when_patience_ends_and_killed_five_seconds_later() -> None:
    shutdown = Shutdown()
    shutdown.ask(Stopping.FINISH)
    steps = [(at, shutdown.step) for at in range(20) if shutdown.advance(at, 10)]

    assert steps == [(0, Stopping.FINISH), (10, Stopping.INTERRUPT), (15, Stopping.KILL)]


def test_the_wait_ends_when_the_next_step_is_due() -> None:
    shutdown = Shutdown()
    shutdown.ask(Stopping.FINISH)
    shutdown.advance(100, patience=3)

    assert shutdown.wait(60, 101) == 2
    assert shutdown.wait(1, 101) == 1


@pytest.mark.parametrize("how", [Stopping.INTERRUPT, Stopping.KILL])
def test_whoever_is_asked_to_go_further_at_once_does_not_wait_for_patience(how: int) -> None:
    shutdown = Shutdown()
    shutdown.ask(how)

    assert shutdown.advance(0, patience=10)
    assert shutdown.step == how
