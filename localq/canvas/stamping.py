"""Stamps: marks of one's own on every job of a workflow (`request.stamps`), and who says what is stamped how."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from typing import Any

from localq.model.stamps import values_of

__all__ = ["StampingVisitor", "listed", "merged_stamps", "stamp_each", "stamps_of"]


def listed(value: Any) -> list[Any]:
    """Return the signatures of an option: one or several."""
    if value is None:
        return []
    return list(value) if isinstance(value, Iterable) and not isinstance(value, Mapping) else [value]


class StampingVisitor(ABC):
    """Says what the parts of a workflow are stamped with: each method returns stamps by name.

    What a method for the start of a chain, group or chord returns is for all that is within. With the key
    `stamped_headers` (a list of names) only those names are stamps.
    """

    def on_group_start(self, group: Any, **headers: Any) -> dict[str, Any]:
        """Return stamps for all members of a group."""
        return {}

    def on_group_end(self, group: Any, **headers: Any) -> None:
        """Hear that a group was stamped."""
        return None

    def on_chain_start(self, chain: Any, **headers: Any) -> dict[str, Any]:
        """Return stamps for all steps of a chain."""
        return {}

    def on_chain_end(self, chain: Any, **headers: Any) -> None:
        """Hear that a chain was stamped."""
        return None

    @abstractmethod
    def on_signature(self, sig: Any, **headers: Any) -> dict[str, Any]:
        """Return stamps for a task."""

    def on_chord_header_start(self, chord: Any, **headers: Any) -> dict[str, Any]:
        """Return stamps for the header of a chord."""
        return self.on_group_start(chord.header, **headers)

    def on_chord_header_end(self, chord: Any, **headers: Any) -> None:
        """Hear that a chord's header was stamped."""
        self.on_group_end(chord.header, **headers)

    def on_chord_body(self, chord: Any, **headers: Any) -> dict[str, Any]:
        """Return stamps for the body of a chord."""
        return {}

    def on_callback(self, callback: Any, **headers: Any) -> dict[str, Any]:
        """Return stamps for a callback."""
        return {}

    def on_errback(self, errback: Any, **headers: Any) -> dict[str, Any]:
        """Return stamps for an error callback."""
        return {}


def stamps_of(headers: Mapping[str, Any]) -> dict[str, Any]:
    """Return the stamps among headers: those that `stamped_headers` names, or all."""
    names = headers.get("stamped_headers")
    if names is None:
        return dict(headers)
    return {name: headers[name] for name in names if name in headers}


def stamp_each(
    parts: Iterable[Any],
    visitor: StampingVisitor | None,
    append: bool,
    headers: Mapping[str, Any],
    within: Mapping[str, Any],
) -> None:
    """Stamp the parts of a workflow with what it is stamped with, and with what holds within it alone."""
    for one in parts:
        one.stamp(visitor, append, **{**stamps_of(headers), **stamps_of(within)})


def merged_stamps(options: Mapping[str, Any], new: Mapping[str, Any], append: bool) -> dict[str, Any]:
    """Return the options that stamp a signature: those it had, and new ones.

    Args:
        append: Values of a stamp that is there stay beside the new.
    """
    old = [name for name in options.get("stamped_headers") or () if name in options]
    made = dict(new)
    for name in made if append else ():
        if name in old:
            kept = values_of(options[name])
            made[name] = kept + [one for one in values_of(new[name]) if one not in kept]
    return {**made, "stamped_headers": sorted({*old, *new})} if new or old else {}
