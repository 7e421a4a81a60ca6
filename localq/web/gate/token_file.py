"""Where the dashboard's token lies: in a file of the user's own, made once for each queue."""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from localq.exceptions import ImproperlyConfigured

__all__ = ["token_at", "token_path"]


def token_path(location: str, environment: Mapping[str, str]) -> Path:
    """Return the file of a queue's token, in the folder for what programs keep for a user (XDG_STATE_HOME)."""
    home = environment.get("XDG_STATE_HOME") or os.path.join(os.path.expanduser("~"), ".local", "state")
    return Path(home) / "localq" / f"token-{hashlib.sha256(location.encode()).hexdigest()[:16]}"


def token_at(path: Path) -> str:
    """Return the token in a file that only its owner can read; made by the first to ask.

    Raises:
        ImproperlyConfigured: the file cannot be made or read, or others can read it.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            _make(path)
        if path.stat().st_mode & 0o077:
            raise ImproperlyConfigured(
                f"{path} holds the dashboard's token and can be read by others. Remove it (a new one is made), or "
                f"chmod 600 {path}."
            )
        return path.read_text("ascii").strip()
    except OSError as error:
        raise ImproperlyConfigured(
            f"The dashboard's token cannot be kept in {path}: {error.strerror}. Set XDG_STATE_HOME to a folder of "
            "yours, or give token=."
        ) from error


def _make(path: Path) -> None:
    """Write a new token whole, or leave what is there."""
    scratch = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(scratch, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        with open(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(32))
        os.link(scratch, path)
    finally:
        os.unlink(scratch)
