"""What a store remembers of jobs that are gone, and of who changed what."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from localq.model.audit import Change, ChangeRow
from localq.model.tally import Tally

__all__ = ["CHANGES_KEPT", "TALLIES_KEPT_US", "History"]

#: Changes that are kept, the last; and how long tallies are (90 days).
CHANGES_KEPT = 10_000
TALLIES_KEPT_US = 90 * 86_400 * 1_000_000


class History(Protocol):
    """Counts over time, and the book of changes. Again: what looks, looks again."""

    def finished(self, since: int, until: int, step_us: int) -> list[Tally]:
        """Return how many jobs finished in each step from `since` to before `until`, in the order of time.

        Those that were pruned or forgotten are among them: whatever removes a finished job counts it in the same step.
        What is gone was counted by `FINE_US`, and after two days by `COARSE_US`; it stands at the beginning of those.
        A store must find jobs by the time they finished.
        """
        ...

    def record(self, changes: Sequence[Change], now: int, token: str) -> None:
        """Write down what somebody changed; the oldest go where there are more than `CHANGES_KEPT`.

        Again: nothing more is written, by the token.

        Args:
            token: The caller's own for these changes.
        """
        ...

    def changes(self, limit: int, before: int | None = None, target: str | None = None) -> list[ChangeRow]:
        """Return changes, the latest first.

        Args:
            before: Only those before the one of this key.
            target: Only those to this.
        """
        ...
