"""Many processes that open the same new file at the same moment: `python -m tests.crash.crowd COUNT`."""

from __future__ import annotations

import os
import sys

# Loaded before the fork: the crowd is to meet at the file, not at its imports.
import localq.store.sqlite.store  # noqa: F401
from tests.crash import journal
from tests.crash.tasks import FOLDER, work


def main(count: str) -> None:
    hold, let_go = os.pipe()
    pids = []
    for number in range(int(count)):
        pid = os.fork()
        if pid == 0:
            os.close(let_go)
            os.read(hold, 1)
            code = 1
            try:
                result = work.delay(number)
                journal.append(FOLDER / "acks", journal.Ack(result.id, "work", number), sync=True)
                code = 0
            except BaseException as error:
                print(f"{type(error).__name__}: {error}", flush=True)
            finally:
                os._exit(code)
        pids.append(pid)
    os.close(let_go)
    codes = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids]
    sys.exit(sum(code != 0 for code in codes))


if __name__ == "__main__":
    main(*sys.argv[1:])
