"""What Windows is asked by its own calls: of the drives that paths lie on."""

from __future__ import annotations

import ctypes
import re
from typing import Any

__all__ = ["filesystem_of", "kind_of"]

#: What `GetDriveTypeW` calls kinds of drives; 0 and 1 are those it does not know.
_KNOWN = range(2, 7)
_REMOTE, _MEMORY = 4, 6
_LONGEST_PATH = 32_768
_LONGEST_NAME = 261
#: A path of another computer, `\\server\share`, as users spell it and as Windows does.
_SHARE = re.compile(r"\\\\(?![?.]\\)|\\\\[?.]\\UNC\\", re.IGNORECASE)


def filesystem_of(path: str, kernel: Any = None) -> str | None:
    """Return the type of the filesystem that a path lies on, or None.

    Args:
        kernel: The system's library, for tests.
    """
    if _SHARE.match(path):
        # Asked of, it would be waited for where the other computer is off.
        return "remote share"
    kernel = kernel or ctypes.windll.kernel32  # type: ignore[attr-defined, unused-ignore]
    root = ctypes.create_unicode_buffer(_LONGEST_PATH)
    if not kernel.GetVolumePathNameW(path, root, _LONGEST_PATH):
        return None
    drive = int(kernel.GetDriveTypeW(root))
    name = ctypes.create_unicode_buffer(_LONGEST_NAME)
    if drive != _REMOTE:
        kernel.GetVolumeInformationW(root, None, 0, None, None, None, name, _LONGEST_NAME)
    return kind_of(drive, name.value)


def kind_of(drive: int, name: str) -> str | None:
    """Return the type of a filesystem.

    Args:
        drive: The number of its drive's kind.
        name: What it is called; empty: Windows does not say.
    """
    if drive not in _KNOWN:
        return None
    if drive == _REMOTE:
        return "remote drive"
    return "ramfs" if drive == _MEMORY else name or None
