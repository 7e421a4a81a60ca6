"""Messages between a worker and a process of its own, over the loopback, which every system has.

Who connects says a secret first that only the process that was started knows. To the process travel plain values; from
it a kind and bytes, of which nothing is unpickled.
"""

from __future__ import annotations

import marshal
import secrets
import socket
import struct
import threading
from typing import Any

from multiprocess.connection import Connection

from localq.execution.strike import hold, let_go
from localq.host.this_process import pid

__all__ = ["Channel", "Door"]

_HERE = "127.0.0.1"
_SECRET = 32


class Channel:
    """One end of the way between the two; several threads may send."""

    def __init__(self, connected: socket.socket) -> None:
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._connection = Connection(connected.detach())
        self._lock, self._pid = threading.Lock(), pid()

    @classmethod
    def to(cls, port: int, secret: bytes) -> Channel:
        """Connect to a worker's door."""
        connected = socket.create_connection((_HERE, port))
        connected.sendall(secret)
        return cls(connected)

    def tell(self, *message: Any) -> None:
        """Send a message of plain values.

        Raises:
            OSError: the other end is gone.
        """
        with self._lock:
            self._connection.send_bytes(marshal.dumps(message))

    def told(self) -> Any:
        """Wait for a message of plain values.

        Raises:
            OSError, EOFError: the other end is gone.
        """
        return marshal.loads(self._connection.recv_bytes())

    def mine(self) -> bool:
        """Whether this process made the channel; what it forked must not write in between."""
        return self._pid == pid()

    def report(self, kind: int, body: bytes) -> None:
        """Send a kind and bytes, whole: what interrupts a run waits until it is out."""
        thread = threading.get_ident()
        hold(thread)
        try:
            with self._lock:
                self._connection.send_bytes(bytes((kind,)) + body)
        finally:
            let_go(thread)

    def report_half(self, kind: int, body: bytes) -> None:
        """Send the first half of a report and nothing behind it; for tests of what dies there."""
        data = bytes((kind,)) + body
        self._connection._send(struct.pack("!i", len(data)) + data[: len(data) // 2])

    def waits(self, seconds: float) -> bool:
        """Wait so long for something to be reported; return whether it was, or the other end is gone.

        Raises:
            OSError: this end is closed.
        """
        return bool(self._connection.poll(seconds))

    def reported(self) -> tuple[int, bytes]:
        """Wait for a kind and bytes.

        Raises:
            OSError, EOFError: the other end is gone.
        """
        data = self._connection.recv_bytes()
        if not data:
            raise EOFError("an empty report")
        return data[0], data[1:]

    def close(self) -> None:
        """Close this end; the other hears that it is gone."""
        self._connection.close()


class Door:
    """Where a process that is being started connects."""

    def __init__(self) -> None:
        self.secret = secrets.token_bytes(_SECRET)
        self._listens = socket.create_server((_HERE, 0), backlog=4)
        self._listens.settimeout(0.1)

    @property
    def port(self) -> int:
        """Its number."""
        return int(self._listens.getsockname()[1])

    def answer(self) -> Channel | None:
        """Wait a tenth of a second for who knows the secret; None: nobody came."""
        try:
            connected, _ = self._listens.accept()
        except OSError:
            return None
        connected.settimeout(1.0)
        said = b""
        try:
            while len(said) < _SECRET and (more := connected.recv(_SECRET - len(said))):
                said += more
        except OSError:
            pass
        if secrets.compare_digest(said, self.secret):
            connected.settimeout(None)
            return Channel(connected)
        connected.close()
        return None

    def close(self) -> None:
        """Let nobody in any more."""
        self._listens.close()
