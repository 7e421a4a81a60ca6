"""The workers as a drawing: which of them serves which queue."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from localq.model.worker import WorkerCard
from localq.result.dot import Dot

__all__ = ["dot"]

_STORE = "store"


def dot(place: str, queues: Sequence[str], workers: Iterable[tuple[WorkerCard, str]]) -> str:
    """Return the store, its queues and the workers that serve them, in Graphviz's language.

    Args:
        place: What the store is called.
        workers: Each with what is said of its life, such as "alive".
    """
    graph = Dot("localq")
    graph.default("graph", rankdir="LR")
    graph.node(_STORE, shape="cylinder", label=place)
    for name in queues:
        graph.node(_queue(name), shape="box", label=name)
        graph.arrow(_STORE, _queue(name))
    for card, state in workers:
        label = f"{card.name}\n{card.concurrency} x {card.pool}, pid {card.pid}, {state}"
        graph.node(card.name, shape="ellipse", label=label)
        for name in queues if card.queues is None else card.queues:
            if name not in card.excluded:
                graph.arrow(_queue(name), card.name)
    return str(graph)


def _queue(name: str) -> str:
    return f"queue {name}"
