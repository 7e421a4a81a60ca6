"""What the windows beside this file have done in the background: folders are packed, one after another."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path
from typing import Any

from localq import AsyncResult, LocalQ

q = LocalQ("archiver", path="archiver.db")
KNOWN = Path("archives.txt")


@q.task(bind=True, throws=(OSError,))
def pack(self: Any, folder: str, target: str) -> str:
    """Run again after a kill, it begins anew: the archive gets its name when it is whole."""
    paths = sorted(path for path in Path(folder).rglob("*") if path.is_file())
    with zipfile.ZipFile(f"{target}.part", "w", zipfile.ZIP_DEFLATED) as archive:
        for done, path in enumerate(paths):
            self.progress(done, len(paths), path.name)
            archive.write(path, path.relative_to(folder))
    os.replace(f"{target}.part", target)
    return f"{len(paths)} files, {os.path.getsize(target):,} bytes"


def add(folder: str) -> tuple[str, AsyncResult[str]]:
    """Have a folder packed into the working folder; return the archive's name, and the job."""
    name = f"{Path(folder).resolve().name}.zip"
    job = pack.delay(str(Path(folder).resolve()), str(Path(name).resolve()))
    with KNOWN.open("a") as file:
        file.write(f"{job.id} {name}\n")
    return name, job


def earlier() -> list[tuple[str, AsyncResult[str]]]:
    """Return what was added by earlier runs of the program: it may be done, or goes on now."""
    lines = KNOWN.read_text().splitlines() if KNOWN.exists() else []
    return [(name, q.AsyncResult(job_id)) for job_id, name in (line.split(" ", 1) for line in lines)]
