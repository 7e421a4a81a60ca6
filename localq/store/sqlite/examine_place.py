"""Where a store's file lies, and with which rights: told by `stat`, so that no check opens the file."""

from __future__ import annotations

import os
import shlex
import shutil
import stat
from collections.abc import Iterator

from localq.host.filesystem import filesystem_of
from localq.model.finding import Finding, fine, note, warning, wrong
from localq.model.sizes import size_text
from localq.store.short import Short
from localq.store.sqlite.file_place import log_bytes
from localq.store.sqlite.filesystem import verdict

__all__ = ["filesystem", "free_space", "log_size", "place", "rights", "short"]

#: Free bytes on the disk below which the store will soon, or already, be stuck.
LITTLE_SPACE = 256 << 20
NO_SPACE = 16 << 20
#: A write-ahead log larger than this (bytes) is not being checkpointed: workers do that at 4 MiB.
LARGE_LOG = 64 << 20


def place(path: str) -> Finding | None:
    """Return why there is no file to look into, or None."""
    if os.path.isdir(path):
        return wrong("file", f"{path} is a folder.", "Give the path of a file in it, such as jobs.db.")
    try:
        there = os.stat(path)
    except FileNotFoundError:
        if os.path.exists(f"{path}.d/id"):
            return wrong(
                "file",
                f"{path} is gone, but jobs were kept in it: {path}.d is still there.",
                f"Put the file back, or restore a backup. To start afresh, remove the folder {path}.d.",
            )
        return wrong(
            "file",
            f"There is no file {path}.",
            "Check -A, --path and the working folder. The first job enqueued makes it.",
        )
    except OSError as error:
        return wrong("file", f"{path} cannot be reached: {error.strerror}.", "Check its folders' owners and modes.")
    if not stat.S_ISREG(there.st_mode):
        return wrong("file", f"{path} is not a regular file.", "Choose another path.")
    if there.st_nlink > 1:
        return wrong(
            "file",
            f"{path} has {there.st_nlink} names (hard links): with two, SQLite uses two logs.",
            "Stop everything that uses it, then remove the other names.",
        )
    if there.st_size == 0 and os.path.exists(f"{path}.d/id") and log_bytes(path) == 0:
        return wrong(
            "file",
            f"{path} is empty, but jobs were kept in it: something cut it to nothing.",
            f"Restore a backup. To start afresh, remove the file and the folder {path}.d.",
        )
    return None


def filesystem(kind: str | None) -> Finding:
    """Judge the filesystem a file lies on.

    Args:
        kind: Its type, of `filesystem_of`.
    """
    judged = verdict(kind)
    if kind is None:
        return note(
            "filesystem",
            "This system does not name the file's filesystem.",
            "It must be a local disk.",
        )
    if judged == "refused":
        return wrong(
            "filesystem",
            f"The file lies on {kind}, where SQLite's locks do not work and jobs can be lost.",
            "Move it to a local disk.",
        )
    if judged == "doubtful":
        return warning(
            "filesystem",
            f"The file lies on {kind}, which may not outlive the machine or the container.",
            "Put it on a disk, or on a volume.",
        )
    return fine("filesystem", f"The file lies on {kind}, a local filesystem.")


def filesystem_kind(path: str) -> str | None:
    """Return the type of the filesystem a file lies on, or None where the system does not say."""
    return filesystem_of(os.path.dirname(path))


def rights(path: str, user: int) -> Iterator[Finding]:
    """Judge owners and modes of the file, its companions and its folder, as seen by a user (a uid)."""
    folder = os.path.dirname(path)
    there = os.stat(path)
    mode = stat.S_IMODE(there.st_mode)
    before = list(_access(path, folder))
    yield from before
    if there.st_uid != user:
        shared = mode & 0o060 == 0o060 and not before
        yield (note if user == 0 or shared else warning)(
            "rights",
            f"{path} belongs to user {there.st_uid}; you are user {user}.",
            "Every program needs a umask for its group, 007."
            if shared
            else "Run everything that uses the file as one user.",
        )
    if mode & 0o007:
        yield warning(
            "rights",
            f"{path} has mode {mode:04o}: any user here can {'change' if mode & 2 else 'read'} the jobs.",
            f"chmod 600 {shlex.quote(path)}",
        )
    elif mode & 0o070:
        yield note("rights", f"{path} has mode {mode:04o}: its group can use it.")
    elif there.st_uid == user and not before:
        yield fine("rights", f"The file has mode {mode:04o} and belongs to you.")
    around = os.stat(folder)
    if around.st_mode & stat.S_IWOTH and not around.st_mode & stat.S_ISVTX:
        yield warning("rights", f"Any user can replace files in {folder}.", f"chmod o-w {shlex.quote(folder)}")


def _access(path: str, folder: str) -> Iterator[Finding]:
    """Tell what this process may not write."""
    for one in (path, f"{path}-wal", f"{path}-shm", f"{path}.lock"):
        if os.path.exists(one) and not os.access(one, os.R_OK | os.W_OK):
            yield wrong("rights", f"{one} cannot be read and written by you.", "Check its owner and mode.")
    for one in (folder, f"{path}.d"):
        if os.path.exists(one) and not os.access(one, os.W_OK | os.X_OK):
            yield wrong("rights", f"No right to write in {one}, as LocalQ must.", "Check its owner and mode.")


def log_size(path: str) -> Finding:
    """Judge the size of the write-ahead log."""
    size = log_bytes(path)
    if size > LARGE_LOG:
        return warning(
            "log",
            f"The write-ahead log has grown to {size_text(size)}: nothing writes it back into the file.",
            "Look for a program that keeps a transaction open; a running worker then shrinks the log.",
        )
    return fine("log", f"The write-ahead log takes {size_text(size)}.")


def short(path: str) -> Short:
    """Return what a running program should hear of the disk, without opening the file."""
    free, log = shutil.disk_usage(os.path.dirname(path) or ".").free, log_bytes(path)
    return Short(free if free < LITTLE_SPACE else None, log if log > LARGE_LOG else None)


def free_space(path: str) -> Finding:
    """Judge the space left on the disk."""
    free = shutil.disk_usage(os.path.dirname(path)).free
    what = f"{size_text(free)} are free on the disk."
    if free < NO_SPACE:
        return wrong("space", f"Only {what}", "Make room; nothing stored is lost, and workers go on by themselves.")
    if free < LITTLE_SPACE:
        return warning("space", f"Only {what}", "Make room before writes begin to fail.")
    return fine("space", what)
