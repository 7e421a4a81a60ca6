"""Where the nodes of a graph without circles stand: layer by layer, with few lines that cross."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import NamedTuple, TypeVar

__all__ = ["Place", "layers"]

N = TypeVar("N", bound=Hashable)
#: Times the layers are put in order, down and up again.
_ROUNDS = 4


class Place(NamedTuple):
    """The layer of a node, from the top, and its place in that, from the left."""

    layer: int
    at: int


def layers(nodes: Sequence[N], arrows: Sequence[tuple[N, N]]) -> dict[N, Place]:
    """Return the place of each node, such that every arrow goes down.

    Args:
        arrows: From, to. Those of nodes that are not there, and those that would close a circle, are left out.
    """
    known = set(nodes)
    before: dict[N, list[N]] = {node: [] for node in nodes}
    after: dict[N, list[N]] = {node: [] for node in nodes}
    for first, then in arrows:
        if first in known and then in known and first != then:
            before[then].append(first)
            after[first].append(then)
    rows = _rows(nodes, before)
    for _ in range(_ROUNDS):
        for row in rows[1:]:
            _order(row, before, rows)
        for row in reversed(rows[:-1]):
            _order(row, after, rows)
    return {node: Place(depth, at) for depth, row in enumerate(rows) for at, node in enumerate(row)}


def _rows(nodes: Sequence[N], before: dict[N, list[N]]) -> list[list[N]]:
    """Return the nodes of each layer: one below the lowest of those before it."""
    try:
        order = list(TopologicalSorter(before).static_order())
    except CycleError:
        return [list(nodes)]
    depth: dict[N, int] = {}
    for node in order:
        depth[node] = 1 + max((depth[other] for other in before[node]), default=-1)
    rows: dict[int, list[N]] = defaultdict(list)
    for node in nodes:
        rows[depth[node]].append(node)
    return [rows[number] for number in sorted(rows)]


def _order(row: list[N], neighbours: dict[N, list[N]], rows: list[list[N]]) -> None:
    """Put the nodes of a layer in the order of the middle of their neighbours."""
    at = {node: place / max(1, len(other)) for other in rows if other is not row for place, node in enumerate(other)}
    own = {node: place / max(1, len(row)) for place, node in enumerate(row)}

    def middle(node: N) -> float:
        near = [at[other] for other in neighbours[node] if other in at]
        return sum(near) / len(near) if near else own[node]

    row.sort(key=middle)
