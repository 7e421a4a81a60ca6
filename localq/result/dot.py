"""A graph in DOT, the language of Graphviz."""

from __future__ import annotations

__all__ = ["Dot"]


class Dot:
    """A directed graph, written node by node and arrow by arrow; `str` is its text."""

    def __init__(self, name: str) -> None:
        self._lines = [f"digraph {name} {{"]

    def default(self, what: str, **attributes: str) -> None:
        """Give all that follows attributes: "node", "edge" or, for the whole, "graph"."""
        self._lines.append(f"    {what}{_written(attributes)}")

    def node(self, node: object, **attributes: str) -> None:
        """Write a node."""
        self._lines.append(f"    {_quoted(node)}{_written(attributes)}")

    def arrow(self, before: object, after: object, **attributes: str) -> None:
        """Write an arrow from one node to another."""
        self._lines.append(f"    {_quoted(before)} -> {_quoted(after)}{_written(attributes)}")

    def __str__(self) -> str:
        return "\n".join([*self._lines, "}"])


def _written(attributes: dict[str, str]) -> str:
    inner = ", ".join(f"{name}={_quoted(value)}" for name, value in attributes.items())
    return f" [{inner}]" if inner else ""


def _quoted(value: object) -> str:
    escaped = str(value).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
