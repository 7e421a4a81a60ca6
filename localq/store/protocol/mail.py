"""How programs speak to workers through a store: letters that are answered, orders that hold until withdrawn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from localq.model.orders import Mail, Order

__all__ = ["Mailbox"]


class Mailbox(Protocol):
    """Letters to workers, and orders that hold for all of them."""

    def order(self, orders: Sequence[Order], now: int) -> list[Order]:
        """Give orders, in the place of earlier ones of their kind and name, or withdraw them (value None).

        Rings the workers with the word ORDERS.

        Again: nothing changes any more, so that none is returned; a rate's order lets its task begin afresh.

        Returns:
            Those that changed what holds.
        """
        ...

    def orders(self) -> list[Order]:
        """Return the orders that hold, by kind and name.

        Again: looks once more.
        """
        ...

    def ordered_at(self, kind: str) -> dict[str, int]:
        """Return since when each order of a kind holds as it does, by the name it is for.

        Again: looks once more.
        """
        ...

    def post(
        self,
        command: str,
        arguments: str,
        destination: Sequence[str] | None,
        *,
        wants_reply: bool,
        expires_at: int,
        now: int,
        token: str,
    ) -> int:
        """Put a letter to the workers of these names (None: all) into the mailbox; return its key.

        Rings the workers with the word MAIL. Letters that have expired go, with the answers to them.

        Again: the same letter, by its token.

        Args:
            token: The sender's own for this letter: posted again under it, it is the letter that is there.
        """
        ...

    def take(self, worker: str, place: int | None, now: int) -> Mail:
        """Return the letters to a worker (by name) that came after a place in the mailbox and have not expired.

        Letters stay for others: what a worker has read it knows by the place returned. With None there are no
        letters, and the place is that of the last: who comes later is not meant.

        Again: returns the same letters, and later ones, until the caller goes on from the place.
        """
        ...

    def answer(self, key: int, worker: str, answer: str, token: str) -> None:
        """Answer a letter in a worker's name; rings who waits for it (`answer_word`).

        Again: what stands is the first, by the token.

        Args:
            token: The worker's own: what it answered first stays. Names do not tell workers apart: two may share one.
        """
        ...

    def answers(self, key: int) -> list[tuple[str, str]]:
        """Return who has answered a letter, and what, in the order of answering.

        Again: looks once more.
        """
        ...
