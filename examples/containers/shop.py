"""The jobs of a shop, and a program that asks for some: `python shop.py`. All containers share the file on a volume."""

from __future__ import annotations

import os
import socket

from localq import LocalQ

q = LocalQ("shop", path=os.environ.get("SHOP_JOBS", "jobs.db"))


@q.task
def price(amount: int) -> str:
    return f"{3 * amount} from {socket.gethostname()}"


if __name__ == "__main__":
    for result in [price.delay(amount) for amount in range(1, 4)]:
        print(result.get(timeout=60))
