"""A graph of results: who comes after whom."""

from __future__ import annotations

from collections.abc import Iterator
from graphlib import TopologicalSorter
from typing import Any, TextIO

from localq.result.dot import Dot

__all__ = ["DependencyGraph"]


class DependencyGraph:
    """Nodes, and for each those that come after it."""

    def __init__(self) -> None:
        self.adjacent: dict[Any, list[Any]] = {}

    def add_arc(self, obj: Any) -> None:
        """Add a node."""
        self.adjacent.setdefault(obj, [])

    def add_edge(self, one: Any, other: Any) -> None:
        """Say that `other` comes after `one`."""
        self.add_arc(other)
        self.adjacent.setdefault(one, []).append(other)

    def edges(self) -> list[Any]:
        """Return the nodes that others come after."""
        return [one for one, others in self.adjacent.items() if others]

    def topsort(self) -> list[Any]:
        """Return the nodes, each before those that come after it."""
        befores: dict[Any, list[Any]] = {one: [] for one in self.adjacent}
        for one, others in self.adjacent.items():
            for other in others:
                befores[other].append(one)
        return list(TopologicalSorter(befores).static_order())

    def to_dot(self, to: TextIO) -> None:
        """Write the graph in Graphviz's language."""
        graph = Dot("dependencies")
        for one in self.adjacent:
            graph.node(one)
        for one, others in self.adjacent.items():
            for other in others:
                graph.arrow(one, other)
        to.write(f"{graph}\n")

    def items(self) -> Iterator[tuple[Any, list[Any]]]:
        """Return each node with those that come after it."""
        return iter(self.adjacent.items())

    def __iter__(self) -> Iterator[Any]:
        return iter(self.adjacent)

    def __getitem__(self, node: Any) -> list[Any]:
        return self.adjacent[node]

    def __contains__(self, node: object) -> bool:
        return node in self.adjacent

    def __len__(self) -> int:
        return len(self.adjacent)

    def __repr__(self) -> str:
        return "\n".join(f"{one}: {', '.join(map(str, others))}" for one, others in self.adjacent.items())
