from __future__ import annotations

import gc
from typing import Any

import pytest

from localq import LocalQ
from localq.signals import OnceSignal, Signal


class Heard:
    """A receiver that keeps what it is called with."""

    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []

    def __call__(self, **fields: Any) -> str:
        self.calls.append(fields)
        return "heard"


def test_a_receiver_gets_signal_sender_and_fields() -> None:
    signal, heard = Signal("it"), Heard()
    signal.connect(heard)

    answers = signal.send("me", number=3)

    assert heard.calls == [{"signal": signal, "sender": "me", "number": 3}]
    assert answers == [(heard, "heard")]


def test_connect_is_a_decorator_with_and_without_arguments() -> None:
    signal, calls = Signal(), []

    @signal.connect
    def every(sender: Any, **kwargs: Any) -> None:
        calls.append(("every", sender))

    @signal.connect(sender="a")
    def only_a(sender: Any, **kwargs: Any) -> None:
        calls.append(("only_a", sender))

    signal.send("a")
    signal.send("b")

    assert calls == [("every", "a"), ("only_a", "a"), ("every", "b")]


def test_a_task_is_the_same_sender_as_its_name() -> None:
    app, signal, heard = LocalQ(path=":memory:"), Signal(), Heard()

    @app.task
    def add() -> None: ...

    signal.connect(heard, sender=add)

    signal.send(add)
    signal.send(add.name)
    signal.send("other")

    assert [call["sender"] for call in heard.calls] == [add, add.name]


def test_a_receiver_nobody_holds_is_forgotten_only_if_asked_for() -> None:
    signal, calls = Signal(), []

    def connect(weak: bool) -> None:
        def receiver(**kwargs: Any) -> None:
            calls.append(weak)

        signal.connect(receiver, weak=weak)

    connect(True)
    connect(False)
    gc.collect()
    signal.send(None)

    assert calls == [False]
    assert len(signal.receivers) == 1


def test_a_method_connected_weakly_lives_as_long_as_its_object() -> None:
    class Owner:
        calls = 0

        def hear(self, **kwargs: Any) -> None:
            self.calls += 1

    signal, owner = Signal(), Owner()
    signal.connect(owner.hear, weak=True)
    signal.connect(owner.hear, weak=True)
    signal.send(None)
    assert owner.calls == 1

    del owner
    gc.collect()

    assert not signal.receivers


def test_the_same_dispatch_uid_connects_once() -> None:
    signal, one, other = Signal(), Heard(), Heard()

    signal.connect(one, dispatch_uid="mine")
    signal.connect(other, dispatch_uid="mine")
    signal.send(None)

    assert len(one.calls) == 1
    assert other.calls == []
    assert signal.disconnect(dispatch_uid="mine")
    assert not signal.has_listeners()


def test_disconnect_says_whether_there_was_a_connection() -> None:
    signal, heard = Signal(), Heard()
    signal.connect(heard, sender="a")

    assert not signal.disconnect(heard)
    assert signal.disconnect(heard, sender="a")
    assert not signal.disconnect(heard, sender="a")


@pytest.mark.parametrize(("wanted", "sent"), [("celery@w1", "localq@w1"), ("localq@w1", "celery@w1")])
def test_a_worker_is_the_same_sender_under_both_of_its_names(wanted: str, sent: str) -> None:
    signal, heard = Signal("it"), Heard()
    signal.connect(heard, sender=wanted)

    signal.send(sent)
    signal.send("celery@w2")

    assert [call["sender"] for call in heard.calls] == [sent]


def test_an_error_of_a_receiver_is_logged_and_returned_and_stops_no_other(caplog: pytest.LogCaptureFixture) -> None:
    signal, heard = Signal("it"), Heard()
    error = RuntimeError("no")

    def broken(**kwargs: Any) -> None:
        raise error

    signal.connect(broken)
    signal.connect(heard)

    assert signal.send(None) == [(broken, error), (heard, "heard")]
    assert "of the signal it failed" in caplog.text


def test_a_receiver_without_kwargs_is_refused() -> None:
    def narrow(sender: Any) -> None: ...

    with pytest.raises(ValueError, match=r"takes \*\*kwargs.*narrow"):
        Signal().connect(narrow)
    with pytest.raises(TypeError, match="not 3"):
        Signal().connect(3)  # type: ignore[arg-type]


def test_what_happens_once_reaches_those_who_come_later_and_lets_their_errors_through() -> None:
    signal, early, late = OnceSignal("ready"), Heard(), Heard()
    signal.connect(early)

    signal.send("app", number=1)
    signal.send("app", number=2)
    signal.connect(late)

    def broken(**kwargs: Any) -> None:
        raise RuntimeError("no")

    assert [call["number"] for call in early.calls + late.calls] == [1, 1]
    with pytest.raises(RuntimeError, match="no"):
        signal.connect(broken)
