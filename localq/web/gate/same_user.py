"""Whose process is at the other end of a loopback connection, by the kernel's own table (Linux)."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterable

__all__ = ["uid_in", "uid_of_peer"]


def uid_of_peer(client: tuple[str, int], server: tuple[str, int]) -> int | None:
    """Return the user whose process connected from one loopback address to another; None where that is not told."""
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            with open(table, encoding="ascii") as lines:
                next(lines)
                found = uid_in(lines, client, server)
        except (OSError, StopIteration):
            continue
        if found is not None:
            return found
    return None


def uid_in(lines: Iterable[str], client: tuple[str, int], server: tuple[str, int]) -> int | None:
    """Return the user of the socket from `client` to `server`, in the lines of /proc/net/tcp or tcp6."""
    wanted = (_plain(client), _plain(server))
    for line in lines:
        fields = line.split()
        if len(fields) > 7 and (_address(fields[1]), _address(fields[2])) == wanted:
            return int(fields[7])
    return None


def _plain(address: tuple[str, int]) -> tuple[str, int]:
    return address[0].removeprefix("::ffff:"), address[1]


def _address(text: str) -> tuple[str, int]:
    """Return an address of the kernel's table, whose words of four bytes are in the machine's own order."""
    host, port = text.split(":")
    words = [struct.pack("=I", int(host[at : at + 8], 16)) for at in range(0, len(host), 8)]
    family = socket.AF_INET if len(words) == 1 else socket.AF_INET6
    return _plain((socket.inet_ntop(family, b"".join(words)), int(port, 16)))
