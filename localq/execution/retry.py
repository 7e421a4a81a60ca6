"""How long to wait before a retry: pure arithmetic (celery/utils/time.py of 5.7, AWS "full jitter")."""

from __future__ import annotations

import random

__all__ = ["backoff"]


def backoff(factor: int, retries: int, *, maximum: int, jitter: bool, rng: random.Random | None = None) -> int:
    """Return the seconds before the next try.

    Args:
        factor: Seconds before the first retry; doubled with each further one. At least 1.
        retries: Retries made already.
        maximum: Never more than this.
        jitter: Take a random whole number of seconds from 0 to the computed wait instead ("full jitter").
        rng: Where chance comes from.
    """
    wait: int = min(maximum, max(1, factor) * 2 ** min(retries, 64))
    if jitter:
        wait = rng.randrange(wait + 1) if rng is not None else random.randrange(wait + 1)
    return max(0, wait)
