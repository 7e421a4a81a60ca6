"""How a word gets from process to process on one computer: letters of Unix sockets, or of UDP on the loopback."""

from __future__ import annotations

import importlib
import socket
from pathlib import Path
from typing import Protocol

from localq.host.kinds import PORTABLE

__all__ = ["LETTERS", "Letters"]


class Letters(Protocol):
    """Letters of one kind. Where a bell is to be reached, a file in its folder says."""

    #: Most that is sent at once, in bytes.
    most: int

    def hang(self, folder: Path, name: str) -> socket.socket:
        """Make a socket that hears, and its file of that name; where no file can be made, it hears nothing."""
        ...

    def sender(self) -> socket.socket:
        """Make a socket that sends."""
        ...

    def reach(self, folder: Path) -> str:
        """Return the path by which the files in a folder are reached."""
        ...

    def send(self, sender: socket.socket, path: str, word: bytes) -> None:
        """Send to the bell of a file.

        Raises:
            OSError: ECONNREFUSED, ENOENT: nobody hears it any more; EAGAIN, ENOBUFS: it has no room.
        """
        ...

    def heard(self, bell: socket.socket, most: int) -> bytes:
        """Return the next letter, without waiting.

        Raises:
            OSError: there is none.
        """
        ...


def _of_kind() -> Letters:
    name = "udp_letters" if PORTABLE else "unix_letters"
    made: Letters = importlib.import_module(f"localq.host.{name}").LETTERS
    return made


LETTERS = _of_kind()
