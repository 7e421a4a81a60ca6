"""Where a database file may lie: SQLite needs working locks and shared memory.

Network and bridge filesystems fail without an error (virtiofs corrupted WAL files within a minute of concurrent
writing), so they are told by the mount table before SQLite touches the file.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from localq.exceptions import UnsafeFilesystem

__all__ = ["OVERRIDE", "check_filesystem", "filesystem_of", "verdict"]

_REFUSED = re.compile(
    r"nfs|nfs4|cifs|smb.*|9p|virtiofs|afs|ceph|glusterfs|lustre|vboxsf|drvfs|fuse(\..*)?|prl_fs|vmhgfs.*"
)
_LOCAL_FUSE = {"fuse.ext2", "fuse.ext4", "fuse.fuse-overlayfs", "fuseblk"}
_DOUBTFUL = {"overlay", "tmpfs", "ramfs"}
#: Set to 1 in the environment, it allows a filesystem that would be refused.
OVERRIDE = "LOCALQ_ALLOW_UNSAFE_FS"


def filesystem_of(path: str, mountinfo: str | None = None) -> str | None:
    """Return the filesystem type a path lies on, or None where the system does not say.

    Args:
        path: A real path (no links).
        mountinfo: The text of a mount table, for tests; default: the system's own.
    """
    if mountinfo is None:
        try:
            mountinfo = Path("/proc/self/mountinfo").read_text()
        except OSError:
            return None
    best, kind = "", None
    for line in mountinfo.splitlines():
        left, _, right = line.partition(" - ")
        fields = left.split()
        if len(fields) < 5 or not right:
            continue
        point = re.sub(r"\\(\d{3})", lambda m: chr(int(m.group(1), 8)), fields[4])
        inside = path == point or path.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= len(best):
            best, kind = point, right.split()[0]
    return kind


def verdict(kind: str | None) -> str:
    """Return `"ok"`, `"doubtful"` or `"refused"` for a filesystem type."""
    if kind is None:
        return "ok"
    if _REFUSED.fullmatch(kind) and kind not in _LOCAL_FUSE:
        return "refused"
    return "doubtful" if kind in _DOUBTFUL else "ok"


def check_filesystem(path: str, mountinfo: str | None = None) -> None:
    """Refuse a path on a filesystem where SQLite's locks do not work.

    Raises:
        UnsafeFilesystem: unless the environment says LOCALQ_ALLOW_UNSAFE_FS=1.
    """
    kind = filesystem_of(path, mountinfo)
    if verdict(kind) == "refused" and os.environ.get(OVERRIDE) != "1":
        raise UnsafeFilesystem(
            f"{path} lies on a {kind} filesystem, where SQLite's locks do not work and jobs could be lost. "
            f"Put the file on a local disk, or set {OVERRIDE}=1 at your own risk."
        )
