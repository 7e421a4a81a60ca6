"""Letters of Unix datagram sockets: 30 to 60 microseconds from ring to wake-up."""

from __future__ import annotations

import contextlib
import os
import socket
from pathlib import Path

__all__ = ["LETTERS", "UnixLetters", "bell_folder"]

#: A socket path longer than this (bytes) does not fit into `sun_path` on every system.
_LONGEST_PATH = 103
#: What a bell's own name takes of that, with the stroke before it.
_LONGEST_NAME = 36


def bell_folder(folder: Path) -> Path:
    """Return a path to `folder` that is short enough for sockets, through a link if need be.

    Where no link can be made, the folder itself: a bell that cannot be rung costs half a second, no more.
    """
    if _fits(folder):
        return folder
    # Loading these would be a third of what a program's first call takes.
    import hashlib
    import tempfile

    roots = (Path(tempfile.gettempdir()), Path("/tmp"))
    home = next((root for root in roots if _fits(root / "localq-4294967295" / "0123456789abcdef")), roots[1])
    home /= f"localq-{os.getuid()}"
    link = home / hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
    try:
        home.mkdir(mode=0o700, exist_ok=True)
        if home.is_symlink() or home.stat().st_uid != os.getuid():
            return folder
        with contextlib.suppress(FileExistsError):
            link.symlink_to(folder)
    except OSError:
        return folder
    return link


def _fits(folder: Path) -> bool:
    return len(os.fsencode(folder)) <= _LONGEST_PATH - _LONGEST_NAME


class UnixLetters:
    """See `localq.host.letters.Letters`; a bell's file is its socket."""

    most = 65_536

    def hang(self, folder: Path, name: str) -> socket.socket:
        """Make a socket that hears."""
        made = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        made.setblocking(False)
        with contextlib.suppress(OSError):
            # Between the making of the file and the bell's first hearing, a ringer would take it for a dead one.
            made.bind(str(bell_folder(folder) / f"new{name}"))
            os.rename(folder / f"new{name}", folder / name)
        return made

    def sender(self) -> socket.socket:
        """Make a socket that sends."""
        made = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        made.setblocking(False)
        return made

    def reach(self, folder: Path) -> str:
        """Return a path that is short enough."""
        # Asked for each time: somebody may have cleaned up the link.
        return str(bell_folder(folder))

    def send(self, sender: socket.socket, path: str, word: bytes) -> None:
        """Send to a socket's file."""
        sender.sendto(word, path)

    def heard(self, bell: socket.socket, most: int) -> bytes:
        """Return the next letter."""
        return bell.recv(most)


LETTERS = UnixLetters()
