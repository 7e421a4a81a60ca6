from __future__ import annotations

import logging
from typing import Any

import pytest

from localq.signals import OnceSignal, Signal


def kept(into: list[Any]) -> Any:
    """Return a receiver that keeps what it is sent."""

    def receive(sender: Any, **fields: Any) -> int:
        into.append((sender, fields))
        return len(into)

    return receive


def test_receivers_are_called_in_order_with_sender_and_fields() -> None:
    signal, got = Signal("done"), []
    receive = signal.connect(kept(got))

    assert signal.send(sender="s", x=1) == [(receive, 1)]
    assert got == [("s", {"signal": signal, "x": 1})]


def test_a_receiver_is_connected_as_a_decorator_with_or_without_arguments() -> None:
    signal, got = Signal("done"), []

    @signal.connect
    def one(sender: Any, **fields: Any) -> None:
        got.append("one")

    @signal.connect(sender="s", weak=False)
    def two(sender: Any, **fields: Any) -> None:
        got.append("two")

    signal.send(sender="s")
    signal.send(sender="other")

    assert got == ["one", "two", "one"]


def test_connecting_twice_calls_once() -> None:
    signal, got = Signal("done"), []
    receive = kept(got)
    for _ in range(2):
        signal.connect(receive)
        signal.connect(kept(got), dispatch_uid="mine")

    signal.send()

    assert len(got) == 2


def test_a_receiver_that_is_disconnected_is_called_no_more() -> None:
    signal, got = Signal("done"), []
    receive = signal.connect(kept(got))

    assert signal.has_listeners()
    assert signal.disconnect(receive)
    assert not signal.disconnect(receive)
    signal.send()

    assert got == []
    assert not signal.has_listeners()


def test_a_receiver_that_fails_is_logged_and_keeps_nobody_from_the_news(caplog: pytest.LogCaptureFixture) -> None:
    signal, got = Signal("done"), []
    signal.connect(lambda **fields: 1 / 0)
    signal.connect(kept(got))

    with caplog.at_level(logging.ERROR):
        results = signal.send()

    assert [type(result) for _, result in results] == [ZeroDivisionError, int]
    assert "of the signal done failed" in caplog.text


def test_what_cannot_be_called_is_refused() -> None:
    with pytest.raises(TypeError, match="A receiver of the signal done is a function, not 5"):
        Signal("done").connect(5)  # type: ignore[call-overload]


def test_what_happens_once_reaches_those_who_come_later() -> None:
    signal, early, late = OnceSignal("ready"), [], []
    signal.connect(kept(early))
    signal.send(sender="s", x=1)
    assert signal.send(sender="s", x=2) == []

    signal.connect(kept(late))

    assert early == late == [("s", {"signal": signal, "x": 1})]


def test_what_happens_once_lets_errors_through() -> None:
    signal = OnceSignal("ready")
    signal.connect(lambda **fields: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        signal.send()
