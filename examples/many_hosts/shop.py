"""Tasks that run on whichever host has time: QUEUE_URL says where the jobs are."""

from __future__ import annotations

import os
import socket
from collections import Counter

from localq import LocalQ, group

q = LocalQ("shop", url=os.environ.get("QUEUE_URL", "redis://127.0.0.1:6379/0"))


@q.task
def where(number: int) -> str:
    """Say which host this runs on."""
    return socket.gethostname()


def main() -> None:
    """Send a hundred jobs, and tell how many ran where."""
    hosts = group(where.s(number) for number in range(100))().get(timeout=60)
    for host, count in Counter(hosts).items():
        print(f"{count} ran on {host}")


if __name__ == "__main__":
    main()
