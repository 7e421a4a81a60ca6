"""The thread that sends events, against listeners that keep up and some that do not."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest

from localq.worker import celery_event_sender
from localq.worker.celery_event_sender import CeleryEventSender
from tests.worker.waiting import until


class Listeners:
    """Two listeners in place of a store's: one always has room, the other only when told so."""

    def __init__(self) -> None:
        self.got: dict[str, list[dict[str, Any]]] = {"quick": [], "slow": []}
        self.sizes: list[int] = []
        self.has_room = False

    def listen(self) -> Any: ...

    def listened(self) -> bool:
        return True

    def send(self, data: bytes, only: Iterable[str] | None = None) -> list[str]:
        self.sizes.append(len(data))
        full = []
        for name in ("quick", "slow") if only is None else only:
            if name == "slow" and not self.has_room:
                full.append(name)
            else:
                self.got[name] += map(json.loads, data.split(b"\n"))
        return full


def test_a_listener_without_room_gets_its_events_later_and_delays_no_other() -> None:
    listeners = Listeners()
    sending = CeleryEventSender(listeners)

    for number in range(3):
        sending.put({"number": number})
    until(lambda: len(listeners.got["quick"]) == 3)
    assert listeners.got["slow"] == []

    listeners.has_room = True
    until(lambda: len(listeners.got["slow"]) == 3)
    sending.close()

    assert [event["number"] for event in listeners.got["slow"]] == [0, 1, 2]


def test_a_listener_that_never_has_room_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(celery_event_sender, "_MOST_TURNS", 3)
    listeners = Listeners()
    sending = CeleryEventSender(listeners)

    sending.put({"number": 0})

    until(lambda: listeners.got["quick"] and not sending._kept)
    sending.close()


def test_many_events_travel_together_in_pieces_that_fit() -> None:
    listeners = Listeners()
    listeners.has_room = True
    sending = CeleryEventSender(listeners)

    for number in range(2_000):
        sending.put({"number": number, "text": "x" * 100})
    sending.put({"text": "x" * 100_000})
    sending.put({"number": 2_000})
    sending.close()

    assert [event["number"] for event in listeners.got["quick"]] == list(range(2_001))
    assert max(listeners.sizes) <= 60_000
    assert len(listeners.sizes) < 100
