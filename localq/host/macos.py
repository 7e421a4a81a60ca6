"""What macOS is asked by its own calls: of filesystems, and which start of the machine this is.

Other systems without a mount table in `/proc` have no such calls, or not by these names: asked there, they say nothing.
"""

from __future__ import annotations

import ctypes
import os
from typing import Any

__all__ = ["StatFs", "boot_id", "filesystem_of", "kind_of"]

#: Of a filesystem's flags: it lies on this computer.
_MNT_LOCAL = 0x1000
_BOOT_SESSION = b"kern.bootsessionuuid"


class StatFs(ctypes.Structure):
    """What `statfs` fills in, on Intel's processors and on Apple's, since inodes have 64 bits."""

    _fields_ = (
        ("f_bsize", ctypes.c_uint32),
        ("f_iosize", ctypes.c_int32),
        ("f_blocks", ctypes.c_uint64),
        ("f_bfree", ctypes.c_uint64),
        ("f_bavail", ctypes.c_uint64),
        ("f_files", ctypes.c_uint64),
        ("f_ffree", ctypes.c_uint64),
        ("f_fsid", ctypes.c_int32 * 2),
        ("f_owner", ctypes.c_uint32),
        ("f_type", ctypes.c_uint32),
        ("f_flags", ctypes.c_uint32),
        ("f_fssubtype", ctypes.c_uint32),
        ("f_fstypename", ctypes.c_char * 16),
        ("f_mntonname", ctypes.c_char * 1024),
        ("f_mntfromname", ctypes.c_char * 1024),
        ("f_flags_ext", ctypes.c_uint32),
        ("f_reserved", ctypes.c_uint32 * 7),
    )


def filesystem_of(path: str, library: Any = None) -> str | None:
    """Return the type of the filesystem that a path lies on, or None.

    Args:
        library: The system's, for tests.
    """
    library = library or ctypes.CDLL(None)
    # On Intel's processors the bare name fills in what there was before, which is laid out otherwise.
    statfs = getattr(library, "statfs$INODE64", None) or library.statfs
    said = StatFs()
    return None if statfs(os.fsencode(path), ctypes.byref(said)) else kind_of(said)


def kind_of(said: StatFs) -> str | None:
    """Return the type of a filesystem by what `statfs` says of it."""
    kind = os.fsdecode(said.f_fstypename)
    if not kind:
        return None
    return kind if said.f_flags & _MNT_LOCAL else f"remote {kind}"


def boot_id(library: Any = None) -> str | None:
    """Return what names this start of the machine, whatever is done to its clock, or None.

    Args:
        library: The system's, for tests.
    """
    library = library or ctypes.CDLL(None)
    text = ctypes.create_string_buffer(64)
    size = ctypes.c_size_t(len(text))
    if library.sysctlbyname(_BOOT_SESSION, text, ctypes.byref(size), None, ctypes.c_size_t(0)):
        return None
    return text.value.decode("ascii") or None
