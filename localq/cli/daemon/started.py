"""What `localq multi start` of this user has started: pid files by the names of workers, wherever they lie."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from urllib.parse import quote

from localq.cli.daemon.pidfile import make_folder_of, pid_in

__all__ = ["living", "remember"]


def remember(name: str, pidfile: str) -> None:
    """Note the pid file of a worker of that name; where the user has no place of his own, nothing is noted."""
    path = _place(name)
    lines = [one for one in living(name) if one != pidfile] + [os.path.abspath(pidfile)]
    with contextlib.suppress(OSError):
        make_folder_of(str(path))
        fresh = path.with_name(f"{path.name}.{os.getpid()}")
        fresh.write_text("".join(f"{line}\n" for line in dict.fromkeys(lines)), "utf-8")
        fresh.replace(path)


def living(name: str) -> list[str]:
    """Return the pid files that were noted for workers of that name and belong to one that runs."""
    try:
        lines = _place(name).read_text("utf-8").splitlines()
    except (OSError, ValueError):
        return []
    return [line for line in lines if line and pid_in(line) is not None]


def _place(name: str) -> Path:
    home = os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")
    return Path(home) / "localq" / "multi" / quote(name, safe="@")
