"""The jobs of a site. `SHOP_JOBS` says where they are: an absolute path, for a relative one counts from each folder."""

from __future__ import annotations

import os

from localq import LocalQ

q = LocalQ("shop", path=os.environ.get("SHOP_JOBS", "jobs.db"))


@q.task
def price(amount: int) -> int:
    return 3 * amount
