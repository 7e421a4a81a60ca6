"""What a program wants of a store on a server beyond what every store does."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["NO_WISHES", "Wishes"]


class Wishes(NamedTuple):
    """See the settings of these names.

    `strict` refuses a server that may lose what it has acknowledged; `confirm` "aof" waits until jobs are on the
    server's disk; `outbox` is the path of a file for jobs that cannot be added because the server is away.
    """

    strict: bool = False
    confirm: str | None = None
    outbox: str | None = None


NO_WISHES = Wishes()
