"""Letters of UDP on the loopback, which every system has; each begins with the bell's secret, or is not heard.

A bell's file holds its port and its secret, for those who may read the folder. A letter for which a bell has no room is
lost without a word; a bell that died is found out by its process's number.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import socket
from pathlib import Path

from localq.host.liveness import is_alive

__all__ = ["LETTERS", "UdpLetters"]

_HERE = "127.0.0.1"
_SECRET = 16
#: Bells of other processes whose addresses are kept in mind.
_MOST_KNOWN = 1_000


class UdpLetters:
    """See `localq.host.letters.Letters`."""

    #: What fits into a datagram on every system, less the secret.
    most = 65_000

    def __init__(self) -> None:
        self._known: dict[str, tuple[int, bytes]] = {}
        self._secrets: dict[int, bytes] = {}

    def hang(self, folder: Path, name: str) -> socket.socket:
        """Make a socket that hears; files of bells whose processes have died are removed."""
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        made.setblocking(False)
        made.bind((_HERE, 0))
        secret = secrets.token_bytes(_SECRET)
        port = int(made.getsockname()[1])
        self._secrets[port] = secret
        with contextlib.suppress(OSError):
            self._clear(folder)
            unnamed = folder / f"new{name}"
            descriptor = os.open(unnamed, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
            try:
                os.write(descriptor, f"{port} {secret.hex()}".encode())
            finally:
                os.close(descriptor)
            os.rename(unnamed, folder / name)
        return made

    def _clear(self, folder: Path) -> None:
        for name in os.listdir(folder):
            kind, _, rest = name.partition("-")
            pid = rest.partition("-")[0]
            if kind and rest.count("-") == 2 and pid.isdigit() and not is_alive(int(pid)):
                with contextlib.suppress(OSError):
                    os.unlink(folder / name)

    def sender(self) -> socket.socket:
        """Make a socket that sends."""
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        made.setblocking(False)
        return made

    def reach(self, folder: Path) -> str:
        """Return the folder itself, without the bells of processes that have died: no letter comes back from them."""
        with contextlib.suppress(OSError):
            self._clear(folder)
        return str(folder)

    def send(self, sender: socket.socket, path: str, word: bytes) -> None:
        """Send to the port that a file names."""
        known = self._known.get(path)
        if known is None:
            known = self._read(path)
        elif not os.path.exists(path):
            del self._known[path]
            raise FileNotFoundError(errno.ENOENT, "the bell is gone", path)
        port, secret = known
        sender.sendto(secret + word, (_HERE, port))

    def _read(self, path: str) -> tuple[int, bytes]:
        with open(path, encoding="ascii") as file:
            said = file.read()
        try:
            port, secret = said.split()
            known = int(port), bytes.fromhex(secret)
        except ValueError:
            raise OSError(errno.ECONNREFUSED, "the file of a bell says no port", path) from None
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        self._known[path] = known
        return known

    def heard(self, bell: socket.socket, most: int) -> bytes:
        """Return the next letter of those that begin with the bell's secret."""
        secret = self._secrets[int(bell.getsockname()[1])]
        while True:
            letter = bell.recv(most + _SECRET)
            if secrets.compare_digest(letter[:_SECRET], secret):
                return letter[_SECRET:]


LETTERS = UdpLetters()
