"""How a change is made: by who has the right to, through the app's own verb, and written down."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from typing import Any, NamedTuple

from localq.app import LocalQ
from localq.model.audit import Change
from localq.web.gate.actor import Actor, Right
from localq.web.sentence import english

__all__ = ["Denied", "Hand", "all_written_down", "written_down"]


class Denied(Exception):
    """Somebody may not do this: a sentence, with its values."""

    def __init__(self, text: str, /, **values: Any) -> None:
        super().__init__(english(text, values))
        self.text, self.values = text, values


class Hand(NamedTuple):
    """Who changes something, and from where."""

    actor: Actor
    came_from: str

    def check(self) -> None:
        """Refuse whoever may only look, whatever page or call brought them here.

        Raises:
            Denied: they may not change anything.
        """
        if not self.actor.may(Right.ACT):
            raise Denied("{name} may not change anything here.", name=self.actor.name)


def written_down(app: LocalQ, hand: Hand, verb: str, target: str, count: int = 1, note: str = "") -> None:
    """Write down a change that was made."""
    change = Change(hand.actor.name, hand.came_from, verb, target, count, note)
    app.store.history.record([change], app.clock.now(), secrets.token_hex(8))


def all_written_down(app: LocalQ, hand: Hand, verb: str, targets: Iterable[str]) -> None:
    """Write down the same change to each of several."""
    changes = [Change(hand.actor.name, hand.came_from, verb, target) for target in targets]
    if changes:
        app.store.history.record(changes, app.clock.now(), secrets.token_hex(8))
