"""Templates as an earlier dashboard compiled them, which takes longer than to draw ten pages."""

from __future__ import annotations

import contextlib
from pathlib import Path

from jinja2 import BytecodeCache, FileSystemBytecodeCache
from jinja2.bccache import Bucket

__all__ = ["compiled_in"]


class _Kept(FileSystemBytecodeCache):
    """Files in a folder of the user's own; what cannot be written is compiled again."""

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Write one down."""
        with contextlib.suppress(OSError):
            super().dump_bytecode(bucket)


def compiled_in(folder: Path) -> BytecodeCache | None:
    """Return what keeps compiled templates in a folder of the user's own; None where there can be none."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if folder.stat().st_mode & 0o077:
            # Others could put code there.
            return None
    except OSError:
        return None
    return _Kept(str(folder))
