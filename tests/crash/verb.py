"""One verb of the store, as a program: `python -m tests.crash.verb prune`."""

from __future__ import annotations

import sys
import time

from tests.crash.tasks import q


def main(verb: str) -> None:
    now = time.time_ns() // 1000
    if verb == "prune":
        q.store.jobs.prune(now, 1000)
    else:
        raise ValueError(verb)


if __name__ == "__main__":
    main(*sys.argv[1:])
