"""Bells between processes of one computer: a socket for each process that waits, and a file that leads to it.

The files lie in the store's folder; whoever has something to tell sends to each. A ring is only a hint: a full buffer
means the bell is rung already, a refused one that its owner died, and its file is removed.

A file's name begins with the bell's kind, one letter; behind it, where the bell is to be rung with one word alone, with
the word's checksum. Names are never used twice: one that a ringer still has in mind must not become another's.
"""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import select
import socket
import threading
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from localq.host.letters import LETTERS, Letters

__all__ = ["HostBell", "Ringer"]

#: Most that is said with one ring, in bytes; longer lists of ids are cut into several rings.
_LONGEST_SAYING = 8192
#: Folder times are coarse: a listing made this soon (ns) after a change may have missed another change.
_SETTLED_NS = 30_000_000
#: Seconds a list of bells serves without a look at the folder, where that is said to be enough.
_FRESH_S = 0.01
#: Letters before the first dash in the name of a bell that listens for one word.
_CHOOSY = 9
_numbers = itertools.count()


def _waiter(hears: socket.socket) -> Callable[[float], bool]:
    """Return what sleeps until something can be heard, or for so many seconds, and tells which."""
    if hasattr(select, "poll"):
        poll = select.poll()
        poll.register(hears, select.POLLIN)
        return lambda seconds: bool(poll.poll(seconds * 1000))
    return lambda seconds: bool(select.select([hears], [], [], seconds)[0])


def _kind_for(kind: str, word: str) -> str:
    """Return what the name of a bell begins with that listens for one word alone."""
    return f"{kind}{zlib.crc32(word.encode('utf-8', 'replace')):08x}"


class HostBell:
    """A bell this process owns, in a store's folder; see `localq.store.protocol.bells.Bell`."""

    def __init__(self, folder: Path, kind: str, letters: Letters = LETTERS) -> None:
        self._folder, self._kind, self._pid = folder, kind, os.getpid()
        self._letters = letters
        name = self._new_name(kind)
        self.path = str(folder / name)
        self._socket = letters.hang(folder, name)
        self._waits = _waiter(self._socket)

    def _new_name(self, kind: str) -> str:
        return f"{kind}-{self._pid}-{next(_numbers)}-{os.urandom(3).hex()}"

    def listen_for(self, word: str | None) -> None:
        """Be rung with this word alone from now on; see `localq.store.protocol.bells.Bell`."""
        path = str(self._folder / self._new_name(self._kind if word is None else _kind_for(self._kind, word)))
        with contextlib.suppress(OSError):
            os.rename(self.path, path)
            self.path = path

    def fileno(self) -> int:
        """Return the socket's descriptor."""
        return self._socket.fileno()

    def wait(self, timeout: float) -> bool:
        """Sleep until rung or until the timeout; the bell stays rung until `drain`."""
        return self._waits(max(0, timeout))

    def drain(self) -> list[str]:
        """Return the words that were said, without waiting."""
        said: list[str] = []
        while True:
            try:
                said += self._letters.heard(self._socket, _LONGEST_SAYING).decode("utf-8", "replace").split()
            except OSError:
                return said

    def receive(self) -> list[bytes]:
        """Return what was sent, each sending by itself, without waiting."""
        got: list[bytes] = []
        while True:
            try:
                got.append(self._letters.heard(self._socket, self._letters.most))
            except OSError:
                return got

    def mine(self) -> bool:
        """Whether this process made the bell."""
        return self._pid == os.getpid()

    def close(self) -> None:
        """Remove the bell; a copy inherited over a fork only lets go of its descriptor."""
        self._socket.close()
        if self.mine():
            with contextlib.suppress(OSError):
                os.unlink(self.path)

    def __del__(self) -> None:
        try:  # noqa: SIM105 - at the interpreter's end contextlib may be gone already
            self.close()
        except Exception:
            pass


class Ringer:
    """Rings the bells in a store's folder; as long as none hangs there it holds no socket."""

    def __init__(self, folder: Path, letters: Letters = LETTERS) -> None:
        self._folder, self._letters = os.fspath(folder), letters
        self._socket: socket.socket | None = None
        self._lock = threading.Lock()
        self._closed = False
        self._names: dict[str, list[str]] = {}
        #: Whether any bell listens for one word alone.
        self._choosy = False
        self._stamp = -1
        self._looked = 0.0

    def ring(self, kind: str) -> None:
        """Ring every bell of a kind, saying nothing.

        A bell hung up within the last hundredth of a second may be missed: for bells whose owner looks for itself
        when it comes.
        """
        now = time.monotonic()
        if now - self._looked > _FRESH_S:
            self._looked = now
            self._bells(kind)
        for path in self._names.get(kind, ()):
            self._send(path, b"")

    def say(self, kind: str, words: Iterable[str]) -> None:
        """Ring every bell of a kind, saying words (without white space), in as few rings as will hold them.

        Those that listen for one word are rung if it is among them.
        """
        bells, choosy = self._bells(kind), self._choosy
        if not bells and not choosy:
            return
        words = list(words)
        for saying in _sayings(" ".join(words).encode("utf-8", "replace")):
            for path in bells:
                self._send(path, saying)
        for word in words if choosy else ():
            for path in self._names.get(_kind_for(kind, word), ()):
                self._send(path, word.encode("utf-8", "replace"))

    def close(self) -> None:
        """Let go of the socket."""
        with self._lock:
            self._closed = True
            if self._socket is not None:
                self._socket.close()
                self._socket = None

    def __del__(self) -> None:
        try:  # noqa: SIM105 - at the interpreter's end contextlib may be gone already
            self.close()
        except Exception:
            pass

    def _sender(self) -> socket.socket:
        with self._lock:
            if self._closed:
                raise OSError(errno.EBADF, "the ringer is closed")
            if self._socket is None:
                self._socket = self._letters.sender()
            return self._socket

    def tell(self, kind: str, data: bytes) -> list[str]:
        """Send bytes to every bell of a kind; return the paths of those that had no room for them."""
        return [path for path in self._bells(kind) if not self.tell_one(path, data)]

    def tell_one(self, path: str, data: bytes) -> bool:
        """Send bytes to one bell; False if it has no room for them now."""
        return self._send(path, data)

    def hung(self, kind: str, *, choosy: bool = False) -> bool:
        """Whether there is any bell of a kind; where `choosy`, those count that listen for one word alone."""
        return bool(self._bells(kind)) or (choosy and any(name[0] == kind for name in self._names))

    def _bells(self, kind: str) -> list[str]:
        try:
            stamp = os.stat(self._folder).st_mtime_ns
        except OSError:
            return []
        if stamp != self._stamp:
            self._list(stamp)
        return self._names.get(kind, [])

    def _list(self, stamp: int) -> None:
        listed = time.time_ns()
        names: dict[str, list[str]] = {}
        reach = self._letters.reach(Path(self._folder))
        with contextlib.suppress(OSError):
            for name in os.listdir(self._folder):
                kind, dash, _ = name.partition("-")
                if dash and len(kind) in (1, _CHOOSY):
                    names.setdefault(kind, []).append(f"{reach}/{name}")
        self._names, self._choosy = names, any(len(kind) == _CHOOSY for kind in names)
        self._stamp = stamp if listed - stamp > _SETTLED_NS else -1

    def _send(self, path: str, word: bytes) -> bool:
        """Send; False if the bell has no room. One that nobody holds any more is taken down."""
        try:
            self._letters.send(self._socket or self._sender(), path, word)
        except OSError as error:
            if error.errno in (errno.ECONNREFUSED, errno.ENOENT):
                self._stamp = -1
                with contextlib.suppress(OSError):
                    os.unlink(path)
            return error.errno not in (errno.EAGAIN, errno.ENOBUFS)
        return True


def _sayings(text: bytes) -> Iterator[bytes]:
    """Yield a text in pieces that fit into a ring, cut between words; a word too long by itself is left out."""
    while len(text) > _LONGEST_SAYING:
        cut = text.rfind(b" ", 0, _LONGEST_SAYING + 1)
        if cut >= 0:
            yield text[:cut]
        else:
            cut = text.find(b" ")
            if cut < 0:
                return
        text = text[cut + 1 :]
    if text:
        yield text
