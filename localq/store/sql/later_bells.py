"""Rings that are kept back until what they are about is committed."""

from __future__ import annotations

from collections.abc import Iterable

from localq.store.protocol.bells import Bell, Bells, Topic

__all__ = ["LaterBells"]


class LaterBells:
    """The bells of a store, rung by `ring_now` and not before."""

    def __init__(self, bells: Bells) -> None:
        self._bells = bells
        self._rings: list[tuple[Topic, list[str] | None]] = []

    def hang(self, topic: Topic) -> Bell:
        """Return a bell that rings for a topic."""
        return self._bells.hang(topic)

    def ring(self, topic: Topic, words: Iterable[str] | None = None) -> None:
        """Remember to ring."""
        ring = (topic, None if words is None else list(words))
        if ring not in self._rings[-1:]:
            self._rings.append(ring)

    def heard(self, topic: Topic) -> bool:
        """Whether any bell of a topic hangs."""
        return self._bells.heard(topic)

    def changed(self) -> bool:
        """Whether another connection wrote."""
        return self._bells.changed()

    def ring_now(self) -> None:
        """Ring for all that was to be rung."""
        for topic, words in self._rings:
            self._bells.ring(topic, words)
