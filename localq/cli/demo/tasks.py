"""The tasks of `localq demo`: list the files below a folder, and digest one file.

The list of a run is the result of a job, so that it is settled once and survives a kill; the job of a file is
named by the run and the file's number in the list. Any worker may help: `localq worker -A localq.cli.demo.tasks`.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import sysconfig
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from localq.app import LocalQ

__all__ = ["BINARY", "digest", "language_of", "list_files", "q"]

#: Nothing is pruned: the file may hold jobs of other programs, whose age is not ours to judge.
q = LocalQ("localq.cli.demo.tasks", result_expires=None)

#: The language of files that hold zero bytes and have no suffix we know.
BINARY = "Binary"
_OTHER = "Other text"
#: Deaths of its process that a job survives: reading a file kills nothing, so they are the doing of who tries it out.
_MANY = 1_000
_READ_BYTES = 1 << 18
#: Below the standard library lies what was installed beside it, which is not of it.
_STANDARD = os.path.realpath(sysconfig.get_path("stdlib"))
_INSTALLED = frozenset({"site-packages", "dist-packages"})
#: How the names of a queue's files end; the last is a folder.
_OWN_ENDS = ("", "-wal", "-shm", "-journal", ".lock", ".d")
_TOLD_EVERY = 5_000
_LANGUAGES = {
    suffix: language
    for language, suffixes in {
        "Assembly": ".s .asm",
        "C": ".c .h",
        "C++": ".cc .cpp .cxx .hh .hpp .hxx",
        "C#": ".cs",
        "Config": ".cfg .conf .ini .toml .properties",
        "CSS": ".css .scss .sass .less",
        "Data": ".csv .tsv .jsonl .parquet .sqlite .db .npy .pickle .pkl",
        "Fortran": ".f .f90 .f95",
        "Go": ".go",
        "HTML": ".html .htm .xhtml .jinja .j2",
        "Image": ".png .jpg .jpeg .gif .ico .webp .bmp .xbm .tiff",
        "Java": ".java .kt .scala",
        "JavaScript": ".js .mjs .cjs .jsx",
        "JSON": ".json",
        "Machine code": ".so .o .a .dylib .dll .exe .lib .wasm .class",
        "Markdown": ".md .markdown",
        "Notebook": ".ipynb",
        "Perl": ".pl .pm",
        "PHP": ".php",
        "Python": ".py .pyi .pyx .pxd .pyw",
        "Python bytecode": ".pyc .pyo",
        "R": ".r",
        "reStructuredText": ".rst",
        "Ruby": ".rb",
        "Rust": ".rs",
        "Shell": ".sh .bash .zsh .fish .bat .ps1",
        "SQL": ".sql",
        "Tcl": ".tcl",
        "TeX": ".tex .sty .bib",
        "Text": ".txt .log",
        "TypeScript": ".ts .tsx",
        "Archive": ".zip .gz .bz2 .xz .tar .tgz .whl .jar .zst",
        "Audio and video": ".wav .mp3 .ogg .au .aiff .mp4 .webm .mkv",
        "XML": ".xml .svg .xsd .plist",
        "YAML": ".yaml .yml",
    }.items()
    for suffix in suffixes.split()
}
_LANGUAGES[".in"] = _LANGUAGES[".cmake"] = _LANGUAGES[".mk"] = "Build"


@q.task(bind=True, throws=(OSError,), max_crashes=_MANY)
def list_files(self: Any, folder: str, jobs_file: str | None = None) -> dict[str, Any]:
    """Return the regular files below a folder: `[[directory, [name, ...]], ...]`, relative to it, in order.

    What cannot be listed comes with the reason; links, special files and the queue's own are only counted.

    Args:
        jobs_file: The queue's file, which changes while it is read.
    """
    found: list[list[Any]] = []
    unlisted: list[list[str]] = []
    left_out: Counter[str] = Counter()
    count = 0

    def failed(error: OSError) -> None:
        if error.filename == folder:
            raise error
        unlisted.append([os.path.relpath(error.filename, folder), error.strerror or str(error)])

    own = {f"{jobs_file}{end}" for end in _OWN_ENDS} if jobs_file is not None else set()
    for directory, names in _directories(folder, failed, left_out, own):
        if names:
            found.append(["" if directory == folder else os.path.relpath(directory, folder), names])
            if (count + len(names)) // _TOLD_EVERY > count // _TOLD_EVERY:
                self.progress(count + len(names))
            count += len(names)
    return {"files": found, "unlisted": unlisted, "left_out": dict(left_out)}


def _directories(
    folder: str, failed: Callable[[OSError], None], left_out: Counter[str], own: set[str]
) -> Iterator[tuple[str, list[str]]]:
    """Yield each directory with the names of its regular files, sorted, and count what is something else."""
    todo = [folder]
    while todo:
        directory = todo.pop()
        below: list[str] = []
        names: list[str] = []
        try:
            with os.scandir(directory) as entries:
                for entry in entries:
                    if entry.path in own:
                        left_out["files of this queue"] += 1
                    elif entry.is_symlink():
                        left_out["symbolic links"] += 1
                    elif entry.is_dir(follow_symlinks=False):
                        if entry.name in _INSTALLED and directory == _STANDARD:
                            left_out["folders of installed packages"] += 1
                        else:
                            below.append(entry.path)
                    elif entry.is_file(follow_symlinks=False):
                        names.append(entry.name)
                    else:
                        left_out["special files"] += 1
        except OSError as error:
            error.filename = error.filename or directory
            failed(error)
        todo.extend(sorted(below, reverse=True))
        yield directory, sorted(names)


@q.task(throws=(OSError,), max_crashes=_MANY)
def digest(path: str) -> dict[str, Any]:
    """Return a file's sha256, size in bytes, lines (0 if it is binary) and language.

    Raises:
        OSError: it cannot be read, or is no regular file any more.
    """
    if not stat.S_ISREG(os.lstat(path).st_mode):
        raise OSError(errno.EINVAL, "Not a regular file any more", path)
    hashed = hashlib.sha256()
    size = lines = 0
    binary = False
    last = b"\n"
    with open(path, "rb", buffering=0) as file:
        while block := file.read(_READ_BYTES):
            hashed.update(block)
            if size == 0:
                binary = b"\0" in block[:8192]
            size += len(block)
            lines += block.count(b"\n")
            last = block[-1:]
    lines = 0 if binary else lines + (last != b"\n")
    return {"sha256": hashed.hexdigest(), "size": size, "lines": lines, "language": language_of(path, binary)}


def language_of(path: str, binary: bool = False) -> str:
    """Guess a file's language by its suffix."""
    known = _LANGUAGES.get(os.path.splitext(path)[1].lower())
    return known or (BINARY if binary else _OTHER)
