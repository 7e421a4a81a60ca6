"""Print the sha256 of every file below a folder, as sha256sum does, on all processors: python digest.py FOLDER.

A plain script: no main guard, no server, nothing to start beside it. The pool is forked from the script itself.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

from localq import LocalQ

q = LocalQ(path="digests.db")


@q.task(throws=(OSError,))
def digest(path: str) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


folder = Path(sys.argv[1])
paths = sorted(str(path) for path in folder.rglob("*") if path.is_file())
unread = 0

with q.running():
    results = q.enqueue_many([digest.s(path) for path in paths])
    for path, result in zip(paths, results, strict=True):
        try:
            print(f"{result.get()}  {path}")
        except OSError as error:
            unread += 1
            print(f"{path}: {error.strerror}", file=sys.stderr)

sys.exit(1 if unread else 0)
