"""Whether the server that this page is part of was told to stop."""

from __future__ import annotations

import signal

__all__ = ["server_stops"]


def server_stops() -> bool:
    """Return whether uvicorn, which waits for all it answers before it ends the lifespan, was told to stop.

    It tells no application: it is known by who handles the signal. Other servers cancel streams by themselves.
    """
    return getattr(getattr(signal.getsignal(signal.SIGTERM), "__self__", None), "should_exit", False) is True
