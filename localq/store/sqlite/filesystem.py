"""Where a database file may lie: SQLite needs working locks and shared memory.

Network and bridge filesystems fail without an error (virtiofs corrupted WAL files within a minute of concurrent
writing), so they are told by what the system calls them before SQLite touches the file.
"""

from __future__ import annotations

import os
import re

from localq.exceptions import UnsafeFilesystem
from localq.host.filesystem import filesystem_of

__all__ = ["OVERRIDE", "check_filesystem", "verdict"]

_REFUSED = re.compile(
    r"remote .*|nfs|nfs4|cifs|smb.*|9p|(apple)?virtio-?fs|afs|afpfs|webdav|ceph|glusterfs|lustre|vboxsf|drvfs|"
    r"fuse(\..*)?|(mac|osx)fuse|prl_fs|vmhgfs.*",
    re.IGNORECASE,
)
_LOCAL_FUSE = {"fuse.ext2", "fuse.ext4", "fuse.fuse-overlayfs", "fuseblk"}
_DOUBTFUL = {"overlay", "tmpfs", "ramfs"}
#: Set to 1 in the environment, it allows a filesystem that would be refused.
OVERRIDE = "LOCALQ_ALLOW_UNSAFE_FS"


def verdict(kind: str | None) -> str:
    """Return `"ok"`, `"doubtful"` or `"refused"` for a filesystem type."""
    if kind is None:
        return "ok"
    if _REFUSED.fullmatch(kind) and kind not in _LOCAL_FUSE:
        return "refused"
    return "doubtful" if kind in _DOUBTFUL else "ok"


def check_filesystem(path: str) -> None:
    """Refuse a path on a filesystem where SQLite's locks do not work.

    Raises:
        UnsafeFilesystem: unless the environment says LOCALQ_ALLOW_UNSAFE_FS=1.
    """
    kind = filesystem_of(path)
    if verdict(kind) == "refused" and os.environ.get(OVERRIDE) != "1":
        raise UnsafeFilesystem(
            f"{path} lies on a {kind} filesystem, where SQLite's locks do not work and jobs could be lost. "
            f"Put the file on a local disk, or set {OVERRIDE}=1 at your own risk."
        )
