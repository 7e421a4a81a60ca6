"""A program for the desktop that packs folders in the background while its owner goes on: python archiver.py.

Quitting is safe at any moment: what is unfinished goes back to the queue, and the next start goes on with it.
"""

from __future__ import annotations

import cmd
import os
import zipfile
from pathlib import Path
from typing import Any

from localq import LocalQ

q = LocalQ(path="archiver.db")
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


class Archiver(cmd.Cmd):
    intro = "pack FOLDER, jobs, quit"
    prompt = "> "

    def do_pack(self, folder: str) -> None:
        source = Path(folder).resolve()
        result = pack.delay(str(source), str(Path(f"{source.name}.zip").resolve()))
        with KNOWN.open("a") as file:
            file.write(f"{result.id} {source.name}.zip\n")

    def do_jobs(self, _: str) -> None:
        for line in KNOWN.read_text().splitlines() if KNOWN.exists() else []:
            job_id, name = line.split(" ", 1)
            job = q.AsyncResult(job_id)
            if job.ready():
                print(f"{job.state:8} {name}  {job.result}")
            elif isinstance(at := job.info, dict) and "done" in at:
                print(f"PROGRESS {name}  [{'#' * (20 * at['done'] // at['total']):20}] {at['message']}")
            else:
                print(f"waiting  {name}")

    def do_quit(self, _: str) -> bool:
        return True


q.start(concurrency=1)
Archiver().cmdloop()
q.stop(timeout=1)
