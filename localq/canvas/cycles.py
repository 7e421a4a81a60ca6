"""Signatures that contain themselves, by whatever way: refused, for their workflow would never end."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from localq.canvas.stamping import listed
from localq.exceptions import InvalidTaskError

__all__ = ["refuse_cycles"]


def _parts(sig: Mapping[str, Any]) -> Iterable[Any]:
    """Return the signatures directly within one."""
    kwargs, options = sig.get("kwargs") or {}, sig.get("options") or {}
    for within in (kwargs.get("tasks"), kwargs.get("header")):
        yield from listed(within)
    yield from (one for one in (kwargs.get("body"),) if one is not None)
    for name in ("link", "link_error"):
        yield from listed(options.get(name))


def refuse_cycles(sig: Mapping[str, Any]) -> None:
    """Check that no signature contains itself.

    Raises:
        InvalidTaskError: names the one that does.
    """
    entered: set[int] = set()
    stack: list[tuple[Any, bool]] = [(sig, False)]
    while stack:
        one, done = stack.pop()
        if done:
            entered.discard(id(one))
        elif isinstance(one, Mapping):
            if id(one) in entered:
                raise InvalidTaskError(
                    f"A {one.get('subtask_type') or 'signature'} of {one.get('task')!r} contains itself, so that its "
                    "workflow would never end. Use a copy: signature.clone()."
                )
            entered.add(id(one))
            stack.append((one, True))
            stack.extend((part, False) for part in _parts(one))
