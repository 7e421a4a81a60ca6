"""Signatures within signatures: copies that share none, and those that contain themselves, which are refused."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import Any

from localq.canvas.stamping import listed
from localq.exceptions import InvalidTaskError

__all__ = ["copied", "refuse_cycles"]

_WITHIN = ("tasks", "header", "body")
_LINKS = ("link", "link_error")


def copied(sig: Any, made: dict[int, Any] | None = None) -> Any:
    """Return a copy of a callback that shares no signature with it; arguments are shared.

    What is done to a copy afterwards (`stamp`, `set`, `link`) changes that copy alone.
    """
    made = {} if made is None else made
    if not isinstance(sig, Mapping):
        return [copied(one, made) for one in sig] if isinstance(sig, list | tuple) else sig
    if id(sig) not in made:
        new: Any = copy.copy(sig)
        made[id(sig)] = new
        if hasattr(sig, "_app"):
            new._app = sig._app
        for part, names in (("kwargs", _WITHIN), ("options", _LINKS)):
            inner = dict(sig.get(part) or {})
            # Only what is a canvas type has signatures among its keyword arguments.
            if part == "options" or sig.get("subtask_type") is not None:
                inner |= {name: copied(inner[name], made) for name in names if inner.get(name) is not None}
            new[part] = inner
    return made[id(sig)]


def _parts(sig: Mapping[str, Any]) -> Iterable[Any]:
    """Return the signatures directly within one."""
    kwargs, options = sig.get("kwargs") or {}, sig.get("options") or {}
    for within in (kwargs.get("tasks"), kwargs.get("header")):
        yield from listed(within)
    yield from (one for one in (kwargs.get("body"),) if one is not None)
    for name in ("link", "link_error"):
        yield from listed(options.get(name))


def _is_leaf(sig: Any) -> bool:
    """Whether a signature is of one task and has no callbacks, as have most of a large group."""
    if not isinstance(sig, dict) or sig.get("subtask_type") is not None:
        return False
    options = sig.get("options")
    return not options or ("link" not in options and "link_error" not in options)


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
            stack.extend((part, False) for part in _parts(one) if not _is_leaf(part))
