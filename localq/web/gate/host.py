"""Under which names the page answers: a foreign `Host` means that somebody's name service points here (rebinding)."""

from __future__ import annotations

from collections.abc import Collection

__all__ = ["LOOPBACK", "host_name", "is_allowed"]

#: The names of this computer for itself.
LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})


def host_name(header: str) -> str:
    """Return the name in a `Host` header, without its port, in lower case."""
    text = header.strip().lower()
    if text.startswith("["):
        return text.partition("]")[0] + "]"
    return text.partition(":")[0].rstrip(".")


def is_allowed(header: str, names: Collection[str]) -> bool:
    """Whether a request's `Host` is one of the names, each whole and literal; a missing one is none."""
    return host_name(header) in names
