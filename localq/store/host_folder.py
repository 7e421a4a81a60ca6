"""The folder of a server's store on this computer: what its workers here keep of each other."""

from __future__ import annotations

import tempfile
from pathlib import Path

from localq.exceptions import StoreError
from localq.host.kinds import user_id

__all__ = ["host_folder"]


def host_folder(identity: str) -> Path:
    """Make the folder of a store's workers on this computer, of this user; return it.

    Raises:
        StoreError: the folder is somebody else's.
    """
    user = user_id()
    home = Path(tempfile.gettempdir()) / ("localq" if user is None else f"localq-{user}")
    folder = home / identity
    try:
        home.mkdir(mode=0o700, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise StoreError(f"{folder}, where workers keep their locks, cannot be made: {error}. Set TMPDIR.") from error
    if home.is_symlink() or (user is not None and home.stat().st_uid != user):
        raise StoreError(f"{home}, where workers keep their locks, belongs to another user. Set TMPDIR.")
    return folder
