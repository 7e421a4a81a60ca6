from __future__ import annotations

from typing import Any

from localq import shared_task
from localq.log import get_task_logger
from stock.locks import Locked

logger = get_task_logger(__name__)
#: What was recounted; the database of a real shop.
counted: list[str] = []


@shared_task(bind=True, base=Locked, max_retries=2)
def recount(self: Any, shop: str) -> str:
    if self.request.retries == 0:
        # The shelf is being filled; the lock holds until the count is made.
        raise self.retry(countdown=0.1)
    logger.info("recounted %s", shop)
    counted.append(shop)
    return f"{shop}: {len(counted)}"
