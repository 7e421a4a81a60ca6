"""Workers' cards as text, as every store keeps them."""

from __future__ import annotations

import json

from localq.exceptions import StoreError
from localq.model.worker import WorkerCard

__all__ = ["GONE_KEPT_US", "boot_of", "card_of", "card_text"]

#: Microseconds a gone worker's card is kept, for whoever asks what happened.
GONE_KEPT_US = 3600 * 1_000_000


def card_text(card: WorkerCard, boot: str) -> str:
    """Return a card as text, with the start of the machine that its worker runs on."""
    return json.dumps({**card._asdict(), "boot_id": boot})


def boot_of(text: str) -> str:
    """Return the start of the machine that a card's worker runs on; empty: it does not say."""
    return str(json.loads(text).get("boot_id", ""))


def card_of(text: str) -> WorkerCard:
    """Return a card of its text.

    Raises:
        StoreError: it is none.
    """
    try:
        said = json.loads(text)
        said.pop("boot_id", None)
        said["queues"] = None if said["queues"] is None else tuple(said["queues"])
        said["excluded"], said["tasks"] = tuple(said["excluded"]), tuple(said["tasks"])
        return WorkerCard(**said)
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError(f"A worker's entry cannot be read: {error}. Run 'localq doctor'.") from error
